"""CSV and TSV, read row by row and held by column: a million rows take some tens of megabytes."""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any, overload

import pyarrow as pa

from manifest_tools.core.csv_cells import unguarded
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.judged import freed_at_once
from manifest_tools.sources.formats import tables
from manifest_tools.sources.formats.arrow_rows import TEXT, objects
from manifest_tools.sources.formats.cells import visible
from manifest_tools.sources.formats.tables import Record, listed
from manifest_tools.sources.formats.text_files import open_text

_SEPARATOR_LINE = re.compile(r"sep=([,;|\t])[ \t]*\r?\n", re.IGNORECASE)  # which Excel writes and reads
_PIECE_ROWS, _PIECE_CELLS = 1 << 12, 1 << 20  # that are objects at a time


class CsvRows(Sequence[Record]):
    """The rows of a CSV: a sequence of records that is held in Arrow's memory, and made into objects when it is read."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(name for name in names if name)
        self._places = [place for place, name in enumerate(names) if name]
        self._pieces: list[tuple[array[int], list[Any]]] = []
        self._count = 0

    def add(self, lines: array[int], rows: Sequence[Sequence[str]]) -> None:
        """Take over rows, each with a cell for each name, and the lines that they begin on."""
        columns = list(zip(*rows, strict=True))
        kept = [[unguarded(cell) if "'" in cell else cell for cell in columns[at]] for at in self._places]
        with freed_at_once():
            self._pieces.append((lines, [pa.array(cells, TEXT) for cells in kept]))
        self._count += len(rows)

    def cells(self, *names: str) -> Iterator[tuple[Any, ...]]:
        """Give the line of each row and its cells in some columns; None where there is no such column."""
        for lines, columns in self._pieces:
            found = [
                objects(columns[self.names.index(name)]) if name in self.names else [None] * len(lines)
                for name in names
            ]
            yield from zip(lines, *found, strict=True)

    def chosen(self, keep: Sequence[bool]) -> CsvRows:
        """Return the rows that are to be kept."""
        chosen, start = CsvRows(self.names), 0
        for lines, columns in self._pieces:
            mask = pa.array(keep[start : start + len(lines)], pa.bool_())
            start += len(lines)
            kept = array("q", (line for line, wanted in zip(lines, mask.to_pylist(), strict=True) if wanted))
            chosen._pieces.append((kept, [column.filter(mask) for column in columns]))
            chosen._count += len(kept)
        return chosen

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record]:
        for line, *cells in self.cells(*self.names):
            yield Record(line, dict(zip(self.names, cells, strict=True)))

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...

    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        if isinstance(index, slice):
            return list(self)[index]
        place = range(self._count)[index]
        for lines, columns in self._pieces:
            if place < len(lines):
                cells = [column[place].as_py() for column in columns]
                return Record(lines[place], dict(zip(self.names, cells, strict=True)))
            place -= len(lines)
        raise IndexError(index)


def cells_of(records: Iterable[Record], *names: str) -> Iterator[tuple[Any, ...]]:
    """Give the line of each row and its cells in some columns; None where a row has no such cell."""
    if isinstance(records, CsvRows):
        return records.cells(*names)
    return ((line, *(cells.get(name) for name in names)) for line, cells in records)


def chosen(records: Sequence[Record], keep: Sequence[bool]) -> Sequence[Record]:
    """Return the rows that are to be kept, in order."""
    if isinstance(records, CsvRows):
        return records.chosen(keep)
    return [record for record, wanted in zip(records, keep, strict=True) if wanted]


def read_csv(path: str | Path, header: str = "") -> CsvRows:
    """Return the rows of a CSV or TSV by column name; blank lines are passed over.

    Parameters
    ----------
    path : path
        The file; gzip is unpacked.
    header : str
        The names of the columns, where the file has none.

    Raises
    ------
    InputError
        The file is not text or not CSV, or two columns have the same name.
    """
    with open_text(path) as (stream, characters):
        head = next(_lines(stream), "")
        stream.seek(0)
        first = next(stream, "")
        stream.seek(0)
        told = None if header else _SEPARATOR_LINE.match(first)
        lines = chain([header + "\n"], stream) if header else stream
        delimiter = told[1] if told else _delimiter(header or head)
        return _rows(lines, delimiter, path, characters + len(header), skip=bool(told))


def csv_header(path: str | Path) -> list[str]:
    """Return the names of a table's columns; none where the first line is no header by itself."""
    with open_text(path) as (stream, _):
        lines = _lines(stream)
        head = next(lines, "")
        told = _SEPARATOR_LINE.match(head)
        header = next(lines, "") if told else head
    text = (header.removesuffix("\n") + "\n") * 2
    try:
        records = _rows(
            io.StringIO(text, newline=""), told[1] if told else _delimiter(header), path, len(text)
        )
    except InputError:
        return []  # the reader of tables says what is wrong
    return list(records[0].cells) if records else []


def _rows(
    lines: Iterable[str], delimiter: str, path: str | Path, characters: int, *, skip: bool = False
) -> CsvRows:
    """Read rows; `characters` are those of the whole text, and `skip` passes over the first line."""
    csv.field_size_limit(max(csv.field_size_limit(), characters + 1))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        if skip:
            next(reader)
        header = [visible(unguarded(name)) for name in next(reader, [])]
        repeated = sorted(name for name, count in Counter(header).items() if name and count > 1)
        if repeated:
            msg = f"{path}:1: two columns are called {listed(repeated)}"
            raise InputError(msg)
        records, width = CsvRows(header), len(header)
        most = tables.most_rows(width, characters)
        piece_rows = max(1, min(_PIECE_ROWS, _PIECE_CELLS // max(width, 1)))
        rows: list[list[str]] = []
        starts = array("q")
        line = reader.line_num + 1
        for found in reader:
            if any(found):
                if len(records) + len(rows) >= most:
                    tables.refuse_sparse(path, len(records) + len(rows) + 1, width, characters)
                cells = found
                if len(found) != width:
                    _refuse_more(found, width, delimiter, f"{path}:{line}")
                    cells = found[:width] + [""] * (width - len(found))
                rows.append(cells)
                starts.append(line)
                if len(rows) == piece_rows:
                    records.add(starts, rows)
                    rows, starts = [], array("q")
            line = reader.line_num + 1
        if rows:
            records.add(starts, rows)
    except (csv.Error, UnicodeDecodeError) as error:
        msg = f"{path}:{reader.line_num}: not a CSV table: {error}"
        raise InputError(msg) from error
    return records


def _refuse_more(cells: Sequence[str], width: int, delimiter: str, place: str) -> None:
    if any(cell.strip() for cell in cells[width:]):
        msg = (
            f"{place}: {len(cells)} cells, but the first line names {width} columns; put a "
            f"cell that holds {delimiter!r} into double quotes, and split labels at ';' or '|'"
        )
        raise InputError(msg)


def _lines(stream: IO[str]) -> Iterator[str]:
    """Give the lines that end with a line feed, from the first that holds anything."""
    parts: list[str] = []
    begun = False
    for part in stream:
        begun = begun or bool(part.strip("\r\n"))
        if begun:
            parts.append(part)
            if part.endswith("\n"):
                yield "".join(parts)
                parts = []
    if parts:
        yield "".join(parts)


def _delimiter(head: str) -> str:
    """Return what separates the cells of a header."""
    plain = re.sub(r'"[^"]*"', "", head)
    return max(",\t;", key=plain.count)
