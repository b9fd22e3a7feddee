"""Confidences that people give: per cent, and nothing else."""

from __future__ import annotations

import math

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.core.percent import percent, read_percent


@pytest.mark.parametrize("value", [0, 0.0, 1, 1.5, 50, 99.9, 100])
def test_per_cent_is_taken(value):
    assert percent(value, "--threshold") == value


@pytest.mark.parametrize(
    ("value", "told"), [(0.5, "write 50 for 50 %"), (0.9, "write 90"), (0.001, "write 0.1 for")]
)
def test_a_fraction_is_refused_with_what_to_write(value, told):
    with pytest.raises(InputError, match=r"--threshold is .*per cent") as error:
        percent(value, "--threshold")
    assert told in str(error.value)


@pytest.mark.parametrize("value", [-1, 100.1, math.nan, math.inf, True, "50", None])
def test_what_is_no_confidence_is_refused(value):
    with pytest.raises(InputError, match="from 0 to 100"):
        percent(value, "--threshold")


@pytest.mark.parametrize(
    ("text", "value"),
    [("93", 93), (" 93.5 ", 93.5), ("93%", 93), ("93,5 %", 93.5), ("1e1", 10), ("0.5%", 0.5)],
)
def test_cells(text, value):
    assert read_percent(text) == value


@pytest.mark.parametrize("text", ["", "much", "1,000.5", "1,2,3", "101", "-1", "nan", "1_0", "%"])
def test_cells_that_hold_no_confidence(text):
    with pytest.raises(ValueError, match="no confidence"):
        read_percent(text)
