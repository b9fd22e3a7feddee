"""Tables: their rows, the names that columns have, and JSON Lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from manifest_tools.core.errors import InputError
from manifest_tools.core.json_text import parse_json
from manifest_tools.core.text import shortened

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
        refuse_sparse(path, len(records), len(columns), len(text))
    return records


def most_rows(columns: int, characters: int) -> int:
    """Return how many rows a table of so many columns may have: text without gaps has at most one cell a character."""
    return 0 if columns > MAX_COLUMNS else max(MAX_CELLS, MAX_PADDING * characters) // max(columns, 1)


def refuse_sparse(path: str | Path, rows: int, columns: int, characters: int) -> None:
    """Refuse a table that would grow out of all proportion when every row has a cell for every column."""
    if columns > MAX_COLUMNS:
        msg = (
            f"{path}: more than {MAX_COLUMNS:,} columns, which no table of labels has; is it a table at all?"
        )
        raise InputError(msg)
    if rows > most_rows(columns, characters):
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


def listed(names: Iterable[str]) -> str:
    """Return names in quotes, for a message; of very many the first."""
    every = list(names)
    more = f" and {len(every) - _LISTED:,} more" if len(every) > _LISTED else ""
    return (", ".join(repr(shortened(name, _LISTED_CHARACTERS)) for name in every[:_LISTED]) or "none") + more
