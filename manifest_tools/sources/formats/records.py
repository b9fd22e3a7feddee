"""The rows of a table in whatever file they stand: CSV, JSON Lines, JSON, Parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.csv_rows import CsvRows, read_csv
from manifest_tools.sources.formats.json_files import parse_json
from manifest_tools.sources.formats.parquet_tables import is_parquet, parquet_records
from manifest_tools.sources.formats.tables import (
    Record,
    json_records,
)
from manifest_tools.sources.formats.text_files import open_text, read_text

_IMAGE_NAME = re.compile(r"\.(jpe?g|jpe|jfif|png|gif|webp|bmp|tiff?|avif|hei[cf])$", re.IGNORECASE)


def read_records(path: str | Path) -> Sequence[Record]:
    """Return the rows of a table by column name.

    Parameters
    ----------
    path : path
        CSV, TSV or JSON Lines; a JSON list of objects, or an object with the labels of each image by its name;
        Parquet.

    Raises
    ------
    InputError
        The file cannot be read, or is no table.
    """
    if is_parquet(path):
        return parquet_records(path)
    with open_text(path) as (stream, _):
        start = next((line.lstrip()[0] for line in stream if line.strip()), "")
    if start not in ("[", "{"):
        return read_csv(path)
    text = read_text(path)
    if start == "[":
        return _listed_objects(text, path)
    try:
        records = json_records(text, path)
    except InputError as broken:
        try:
            records = [Record(1, parse_json(text, Path(path)))]  # one object over several lines
        except InputError:
            raise broken from None
    return _by_image(records, path) if len(records) == 1 else records


def columns_of(records: Sequence[Record]) -> list[str]:
    """Return the names of the columns that any row has, in the order of the file."""
    if isinstance(records, CsvRows):
        return list(records.names) if records else []
    return list(dict.fromkeys(name for record in records for name in record.cells))


def names_images(value: Any) -> bool:
    """Whether a JSON object has images' names as its keys."""
    return isinstance(value, dict) and bool(value) and all(_IMAGE_NAME.search(str(key)) for key in value)


def _by_image(records: list[Record], path: str | Path) -> list[Record]:
    """Turn one object with images' names as its keys into a row for each; leave any other as it is."""
    cells = records[0].cells
    if names_images(cells):
        return [
            Record(number, {"image": name, "labels": said})
            for number, (name, said) in enumerate(cells.items(), 1)
        ]
    if cells and all(
        isinstance(value, dict) and set(value) == set(map(str, range(len(value)))) for value in cells.values()
    ):
        msg = f"{path}: a table column by column, as pandas writes it; write it with orient='records', lines=True"
        raise InputError(msg)
    return records


def _listed_objects(text: str, path: str | Path) -> list[Record]:
    """Return the objects of a JSON list with the lines on which they begin."""
    decoder = json.JSONDecoder()
    place = text.index("[") + 1
    records: list[Record] = []
    line, counted = 1, 0
    while True:
        while place < len(text) and text[place] in ", \t\r\n":
            place += 1
        if place >= len(text):
            msg = f"{path}: the JSON list ends too early: it was cut off"
            raise InputError(msg)
        if text[place] == "]":
            return records
        line, counted = line + text.count("\n", counted, place), place
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            msg = f"{path}:{line}: not a JSON object: {error}"
            raise InputError(msg) from error
        if not isinstance(value, dict):
            msg = f"{path}:{line}: expected a JSON object, found {type(value).__name__}"
            raise InputError(msg)
        records.append(Record(line, value))
