"""CSV that we write: a spreadsheet runs none of its cells, and it is read back as it was."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import IO, Any

_SEPARATORS = r";,|\t\r\n"  # where a spreadsheet of another language may begin a cell
_RUN = r"=+\-@\t\r"  # what begins a formula, or is swallowed
_BEGINS = rf"(?:(?<=[{_SEPARATORS}])|\A)"
_GUARD = re.compile(rf"{_BEGINS}(?=[{_RUN}'])")
_GUARDED = re.compile(rf"{_BEGINS}'(?=[{_RUN}'])")
_QUOTED = re.compile(r'[",\r\n]')
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?")


def guarded(cell: str) -> str:
    """Return a cell with an apostrophe before whatever a spreadsheet would run.

    >>> guarded("=1+1"), guarded("beer;@wine"), guarded("-4.5"), guarded("a-b")
    ("'=1+1", "beer;'@wine", '-4.5', 'a-b')
    """
    return cell if _NUMBER.fullmatch(cell) else _GUARD.sub("'", cell)


def unguarded(cell: str) -> str:
    """Return what a cell was before :func:`guarded`.

    >>> unguarded("'=1+1"), unguarded("'tis")
    ('=1+1', "'tis")
    """
    return _GUARDED.sub("", cell)


def write_csv(stream: IO[str], rows: Iterable[Iterable[Any]], *, line_end: str = "\n") -> int:
    """Write rows as CSV; return how many."""
    count = 0
    for row in rows:
        cells = [_quoted(guarded(str(cell))) for cell in row]
        stream.write((",".join(cells) or '""') + line_end)  # a line of one empty cell is no blank line
        count += 1
    return count


def _quoted(cell: str) -> str:
    """Quote as the csv module does, and also what holds a carriage return alone, which it would not read back."""
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell
