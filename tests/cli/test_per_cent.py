"""Every option that takes a confidence takes per cent."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from manifest_tools.cli import app
from manifest_tools.core.errors import InputError


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["prepare", "photos", "--out", "out", "--min-confidence", "0.9"], "--min-confidence"),
        (["predict", "out", "--min-confidence", "0.05"], "--min-confidence"),
        (["train", "out", "--threshold", "0.8"], "--threshold"),
        (["evaluate", "results.json", "--threshold", "0.5"], "--threshold"),
    ],
)
def test_a_fraction_is_refused_before_anything_is_done(arguments, option):
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, InputError)
    assert f"{option} is {arguments[-1]}, less than 1 %" in str(error)
