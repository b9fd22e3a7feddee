"""CSV of ours in a spreadsheet, and back."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.core.csv_cells import guarded, unguarded, write_csv

CELLS = st.text(alphabet="=+-@'\t\r\n;,|ab 1\"é", max_size=8)


@given(CELLS)
def test_what_is_written_is_read_back_and_begins_no_formula(cell):
    assert unguarded(guarded(cell)) == cell
    for part in guarded(cell).replace("\t", ";").replace(",", ";").split(";")[1:]:
        assert not part.startswith(("=", "+", "@"))


@pytest.mark.parametrize("cell", ["=cmd()", "+1x", "-x", "@sum", "\tx", "\rx", "a;=1", "a,\t=1"])
def test_what_a_spreadsheet_would_run_is_guarded(cell):
    assert guarded(cell) != cell


@pytest.mark.parametrize("cell", ["a-b.jpg", "o'clock", "", "-4.5", "12", "beer; wine", "x=y"])
def test_what_is_innocent_stays(cell):
    assert guarded(cell) == unguarded(cell) == cell


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=4))
def test_rows_come_back(rows):
    out = io.StringIO()
    assert write_csv(out, rows) == len(rows)
    back = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert [[unguarded(cell) for cell in row] for row in back if row] == rows
