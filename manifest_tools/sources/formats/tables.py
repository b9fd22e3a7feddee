"""Label tables: CSV, TSV and JSON Lines, long or wide, as people have them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import VERSIONS, Taxonomy
from manifest_tools.sources.formats.json_files import unpacked

IMAGE_NAMES = ("image", "file", "path", "filename", "file_name", "filepath", "file_path", "image_path",
               "image_name", "img", "key", "uri", "url", "source-ref")  # fmt: skip
LABEL_NAMES = ("labels", "label", "category", "categories", "class", "classes", "tag", "tags",
               "moderation_label", "moderation_labels", "class_name")  # fmt: skip
_SEPARATOR = re.compile(r"[;|]")  # between labels in one cell; no label's name holds one
_TRUE = frozenset({"1", "1.0", "true", "yes", "y", "t"})
_FALSE = frozenset({"0", "0.0", "false", "no", "n", "f"})


class LabelRow(NamedTuple):
    """What one line says of one label. An empty `label` is an empty cell: nobody said anything."""

    reference: str
    label: str
    truth: bool | None
    line: int | None


@dataclass(frozen=True, slots=True)
class LabelTable:
    """A table's rows, and the labels that it knows of (wide tables name labels that no image has)."""

    rows: tuple[LabelRow, ...]
    columns: tuple[str, ...] = ()


class Record(NamedTuple):
    """One row of a table: its line, and its cells by column name."""

    line: int
    cells: Mapping[str, Any]


def read_label_table(path: str | Path) -> LabelTable:
    """Read a label table.

    Parameters
    ----------
    path : path
        CSV (comma, semicolon or tab, told by the header) or JSON Lines, UTF-8. One column names the image
        (`IMAGE_NAMES`); either another holds its labels (`LABEL_NAMES`; several in a cell are split at
        ";" or "|", and an image may have several rows), or every column of 0/1 values is a label.

    Raises
    ------
    InputError
        The file is not such a table; the message says where and what was expected.
    """
    text = read_text(path)
    records = json_records(text, path) if looks_like_json_lines(text) else csv_records(text, path)
    columns = list(dict.fromkeys(name for record in records for name in record.cells))
    if not records:
        msg = f"{path}: the table has no rows"
        raise InputError(msg)
    image = find_column(columns, IMAGE_NAMES)
    if image is None:
        msg = (
            f"{path}: no column names the image; found {_listed(columns)}, "
            f"expected one of {_listed(IMAGE_NAMES)}"
        )
        raise InputError(msg)
    label = find_column(columns, LABEL_NAMES)
    if label is not None:
        return LabelTable(tuple(_long_rows(records, image, label)))
    wide = [name for name in columns if name != image and _is_binary(records, name, path)]
    if not wide:
        msg = (
            f"{path}: no column holds labels; found {_listed(columns)}, expected one of "
            f"{_listed(LABEL_NAMES)}, or a column of 0 and 1 for each label"
        )
        raise InputError(msg)
    return LabelTable(tuple(_wide_rows(records, image, wide)), tuple(wide))


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
        header = [name.strip() for name in next(reader, [])]
        repeated = sorted({name for name in header if name and header.count(name) > 1})
        if repeated:
            msg = f"{path}:1: two columns are called {_listed(repeated)}"
            raise InputError(msg)
        records = []
        line = reader.line_num + 1
        for cells in reader:
            if any(cells):
                beyond = next((cell for cell in cells[len(header) :] if cell.strip()), "")
                if beyond:
                    msg = (
                        f"{path}:{line}: {len(cells)} cells, but the first line names {len(header)} columns; put a "
                        f"cell that holds {delimiter!r} into double quotes, and split labels at ';' or '|'"
                    )
                    raise InputError(msg)
                padded = cells + [""] * (len(header) - len(cells))
                records.append(
                    Record(line, {name: cell for name, cell in zip(header, padded, strict=False) if name})
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
    records = []
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            value = json.loads(content)
        except (ValueError, RecursionError) as error:
            msg = f"{path}:{line}: not a JSON object: {error}"
            raise InputError(msg) from error
        if not isinstance(value, dict):
            msg = f"{path}:{line}: expected a JSON object, found {type(value).__name__}"
            raise InputError(msg)
        records.append(Record(line, value))
    return records


def find_column(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """Return the column that bears one of the names, the earliest name first; case and spaces do not count."""
    by_name = {re.sub(r"[\s_-]+", "_", column.strip().casefold()): column for column in columns}
    for name in names:
        column = by_name.get(name.replace("-", "_"))
        if column is not None:
            return column
    return None


def split_labels(cell: Any) -> list[str]:
    """Return the labels in one cell: a list, or text split at ";" and "|". Empty ones are dropped."""
    parts = cell if isinstance(cell, list) else _SEPARATOR.split(_text(cell))
    return [label for label in (_text(part).strip() for part in parts) if label]


def truth_value(cell: Any) -> bool | None:
    """Return what a 0/1 cell says; None when it is empty. ValueError when it is neither."""
    text = _text(cell).strip().casefold()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text:
        raise ValueError(text)
    return None


def _long_rows(records: Iterable[Record], image: str, label: str) -> Iterator[LabelRow]:
    for line, cells in records:
        reference = _text(cells.get(image))
        for name in split_labels(cells.get(label)) or [""]:
            yield LabelRow(reference, name, bool(name) or None, line)


def _wide_rows(records: Iterable[Record], image: str, labels: Sequence[str]) -> Iterator[LabelRow]:
    for line, cells in records:
        reference = _text(cells.get(image))
        values = [(name, truth_value(cells.get(name))) for name in labels]
        if all(value is None for _, value in values):
            yield LabelRow(reference, "", None, line)
            continue
        for name, value in values:
            yield LabelRow(reference, name, value, line)


def _is_binary(records: Iterable[Record], column: str, path: str | Path) -> bool:
    """Whether a column holds nothing but 0/1 values, and at least one of them.

    Raises
    ------
    InputError
        It is meant as such a column, by its name or by most of its cells, but has another cell: to pass it over
        would lose its labels.
    """
    said, others = 0, []
    for line, cells in records:
        cell = cells.get(column)
        try:
            said += truth_value(cell) is not None
        except ValueError:
            others.append((line, _text(cell)))
    if not others:
        return said > 0
    if said > len(others) or any(Taxonomy.load(version).spellings(column) for version in VERSIONS):
        line, found = others[0]
        msg = (
            f"{path}:{line}: column {column!r} holds {found[:60]!r}; expected 1 or 0, or nothing where nobody "
            "looked, in a column for one label"
        )
        raise InputError(msg)
    return False


def _delimiter(text: str) -> str:
    header = re.sub(r'"[^"]*"', "", text.lstrip("\r\n").split("\n", 1)[0])
    return max(",\t;", key=header.count)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
