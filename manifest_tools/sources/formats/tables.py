"""Tables as text: CSV, TSV and JSON Lines, and the names that columns have."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from manifest_tools.core.csv_cells import unguarded
from manifest_tools.core.errors import InputError
from manifest_tools.core.json_text import parse_json
from manifest_tools.core.text import shortened
from manifest_tools.sources.formats.cells import visible
from manifest_tools.sources.formats.json_files import unpacked

IMAGE_NAMES = ("image", "file", "path", "filename", "file_name", "filepath", "file_path", "image_path",
               "image_name", "img", "key", "uri", "url", "source-ref", "image_url", "imageurl", "img_url",
               "image_uri", "s3_uri", "s3_url", "s3_path", "s3_key", "object_key", "object_url", "file_url", "img_path",
               "photo", "picture", "image_id", "imageid")  # fmt: skip
LABEL_NAMES = ("labels", "label", "category", "categories", "class", "classes", "tag", "tags",
               "moderation_label", "moderation_labels", "class_name")  # fmt: skip
MAX_COLUMNS = 10_000
MAX_CELLS = 10_000_000  # of rows times columns, as far as rows leave cells out
MAX_PADDING = 4  # cells for each character: a table without gaps has at most one
_LISTED, _LISTED_CHARACTERS = 30, 80  # names in a message, characters of each
_SEPARATOR_LINE = re.compile(r"sep=([,;|\t])[ \t]*\r?\n", re.IGNORECASE)  # which Excel writes and reads


class LabelRow(NamedTuple):
    """What one line says of one label. An empty `label` is an empty cell: nobody said anything."""

    reference: str
    label: str
    truth: bool | None
    line: int | None


class Record(NamedTuple):
    """One row of a table: its line, and its cells by column name."""

    line: int
    cells: Mapping[str, Any]


def read_text(path: str | Path) -> str:
    """Return a text file's content; gzip is unpacked, a byte-order mark is taken off.

    Raises
    ------
    InputError
        The file cannot be read, or is not UTF-8 text.
    """
    try:
        data = unpacked(Path(path).read_bytes(), path)
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise InputError(msg) from error
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        msg = f"{path} is a spreadsheet workbook; save it as CSV (UTF-8) and give that"
        raise InputError(msg)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # what some spreadsheets call "Unicode text"
        return data.decode("utf-16", "replace").removeprefix("\ufeff")
    if b"\0" in data:
        msg = f"{path} is not text; expected a CSV, TSV or JSON Lines table in UTF-8"
        raise InputError(msg)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        msg = f"{path}:{line}: not UTF-8 text; save the table as CSV in UTF-8"
        raise InputError(msg) from error


def looks_like_json_lines(text: str) -> bool:
    """Whether the first character that is no space opens a JSON object."""
    return text.lstrip()[:1] == "{"


def csv_records(text: str, path: str | Path) -> list[Record]:
    """Return the rows of a CSV or TSV text by column name; blank lines are passed over.

    Raises
    ------
    InputError
        The text is not CSV, or two columns have the same name.
    """
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        if _SEPARATOR_LINE.match(text):
            next(reader)
        header = [visible(unguarded(name)) for name in next(reader, [])]
        repeated = sorted(name for name, count in Counter(header).items() if name and count > 1)
        if repeated:
            msg = f"{path}:1: two columns are called {listed(repeated)}"
            raise InputError(msg)
        records: list[Record] = []
        line = reader.line_num + 1
        for cells in reader:
            if any(cells):
                _refuse_sparse(path, len(records) + 1, len(header), len(text))
                beyond = next((cell for cell in cells[len(header) :] if cell.strip()), "")
                if beyond:
                    msg = (
                        f"{path}:{line}: {len(cells)} cells, but the first line names {len(header)} columns; put a "
                        f"cell that holds {delimiter!r} into double quotes, and split labels at ';' or '|'"
                    )
                    raise InputError(msg)
                padded = cells + [""] * (len(header) - len(cells))
                records.append(
                    Record(
                        line,
                        {name: unguarded(cell) for name, cell in zip(header, padded, strict=False) if name},
                    )
                )
            line = reader.line_num + 1
    except csv.Error as error:
        msg = f"{path}:{reader.line_num}: not a CSV table: {error}"
        raise InputError(msg) from error
    return records


def json_records(text: str, path: str | Path) -> list[Record]:
    """Return the objects of a JSON Lines text; blank lines are passed over.

    Raises
    ------
    InputError
        A line is not a JSON object.
    """
    records: list[Record] = []
    columns: set[str] = set()
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        value = parse_json(content, f"{path}:{line}", nan=True)
        if not isinstance(value, dict):
            msg = f"{path}:{line}: expected a JSON object, found {type(value).__name__}"
            raise InputError(msg)
        records.append(Record(line, value))
        columns.update(value)
        _refuse_sparse(path, len(records), len(columns), len(text))
    return records


def _refuse_sparse(path: str | Path, rows: int, columns: int, characters: int) -> None:
    """Refuse a table that would grow out of all proportion when every row has a cell for every column."""
    if columns > MAX_COLUMNS:
        msg = (
            f"{path}: more than {MAX_COLUMNS:,} columns, which no table of labels has; is it a table at all?"
        )
        raise InputError(msg)
    if rows * columns > max(MAX_CELLS, MAX_PADDING * characters):
        msg = (
            f"{path}: {columns:,} columns, and in most rows hardly any cell; give a table with one row for each image and "
            "label instead"
        )
        raise InputError(msg)


def find_column(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """Return the column that bears one of the names, the earliest name first; case and spaces do not count."""
    by_name = {re.sub(r"[\s_-]+", "_", column.strip().casefold()): column for column in columns}
    for name in names:
        column = by_name.get(name.replace("-", "_"))
        if column is not None:
            return column
    return None


def csv_header(path: str | Path) -> list[str]:
    """Return the names of a table's columns; none where the first line is no header by itself."""
    text = read_text(path).lstrip("\r\n")
    told = _SEPARATOR_LINE.match(text)
    start = told.end() if told else 0
    end = text.find("\n", start)
    header = text[start:] if end < 0 else text[start:end]
    try:
        records = csv_records(f"{text[:start]}{header}\n{header}\n", path)
    except InputError:
        return []  # the reader of tables says what is wrong
    return list(records[0].cells) if records else []


def _delimiter(text: str) -> str:
    told = _SEPARATOR_LINE.match(text)
    if told:
        return told[1]
    header = re.sub(r'"[^"]*"', "", text.lstrip("\r\n").split("\n", 1)[0])
    return max(",\t;", key=header.count)


def listed(names: Iterable[str]) -> str:
    """Return names in quotes, for a message; of very many the first."""
    every = list(names)
    more = f" and {len(every) - _LISTED:,} more" if len(every) > _LISTED else ""
    return (", ".join(repr(shortened(name, _LISTED_CHARACTERS)) for name in every[:_LISTED]) or "none") + more
