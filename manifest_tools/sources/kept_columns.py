"""Columns that somebody asked to keep beside the labels: who uploaded an image, from where, in which video."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.core.text import is_missing, to_json
from manifest_tools.dataset.split_groups import BETWEEN
from manifest_tools.dataset.tables import IMAGE_COLUMNS
from manifest_tools.sources.formats import coco, decisions, imagefolder, label_studio
from manifest_tools.sources.formats.annotations import Annotations
from manifest_tools.sources.formats.cells import cell_text, visible
from manifest_tools.sources.formats.column_choice import BY_NAME, ColumnChoice
from manifest_tools.sources.formats.detect import TABLE
from manifest_tools.sources.formats.records import columns_of, read_records
from manifest_tools.sources.formats.tables import IMAGE_NAMES, listed
from manifest_tools.sources.matching import Match

EVERYTHING = "all"  # the name that keeps every column that is not read as image or label
TAKEN = "table_"  # before the name of a column that bears the name of one of ours
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d+)?(?:[eE][+-]?\d{1,3})?")
_TRUTHS = MappingProxyType({"true": True, "false": False})

Fields: TypeAlias = Iterable[tuple[str, Mapping[str, Any]]]


class Kept(NamedTuple):
    """What was kept.

    Parameters
    ----------
    table : pandas.DataFrame
        One row an image, by its key; typed columns.
    several : mapping of str to int
        For each column how many images have several values in it.
    """

    table: pd.DataFrame
    several: Mapping[str, int]


def _table_fields(path: Path, choice: ColumnChoice) -> Fields:
    records = read_records(path)
    image = choice.find("image", columns_of(records), IMAGE_NAMES)
    return ((cell_text(cells.get(image or "")), cells) for _, cells in records)


_FIELDS: Mapping[str, Callable[[Path, ColumnChoice], Fields]] = MappingProxyType(
    {
        TABLE: _table_fields,
        decisions.NAME: _table_fields,
        imagefolder.NAME: lambda path, _: imagefolder.fields(path),
        coco.NAME: lambda path, _: coco.fields(path),
        label_studio.NAME: lambda path, _: label_studio.fields(path),
    }
)


def keep_columns(
    given: Iterable[tuple[Path, Annotations, Mapping[str, Match]]],
    keep: Sequence[str],
    choice: ColumnChoice = BY_NAME,
) -> Kept:
    """Read the columns that are to be kept of files of labels.

    Parameters
    ----------
    given : iterable of (Path, Annotations, mapping of str to Match)
        Each file, what it says, and what its references mean.
    keep : sequence of str
        Names of columns; "all" for every one that is not read.
    choice : ColumnChoice
        Columns that were named.

    Raises
    ------
    InputError
        No file has such a column.
    """
    found: dict[
        str, dict[str, dict[str, Any]]
    ] = {}  # column -> image -> its values, by what they are as text
    seen: dict[str, None] = {}
    for path, said, matches in given:
        if said.format not in _FIELDS:
            continue
        images = {name.strip(): match.image for name, match in matches.items() if match.image is not None}
        for reference, cells in _FIELDS[said.format](path, choice):
            seen |= dict.fromkeys(cells)
            image = images.get(reference.strip())
            if image is None:
                continue
            for column in _wanted(cells, keep, said):
                value = _plain(cells[column])
                if value not in (None, ""):
                    found.setdefault(column, {}).setdefault(image, {}).setdefault(str(value), value)
                else:
                    found.setdefault(column, {})
    _refuse_missing(keep, found, seen)
    for column in keep:
        if column in seen:
            found.setdefault(column, {})
    return _tabled(found)


def _wanted(cells: Mapping[str, Any], keep: Sequence[str], said: Annotations) -> list[str]:
    if EVERYTHING not in keep:
        return [name for name in keep if name in cells]
    unread = set(said.unread) if said.format in (TABLE, decisions.NAME, imagefolder.NAME) else set(cells)
    return [name for name in cells if name in unread or name in keep]


def _plain(cell: Any) -> Any:
    """Return a cell as text, a number or a truth value; what is nested as JSON."""
    if isinstance(cell, str):
        return visible(cell)
    if cell is None or isinstance(cell, bool | int):
        return cell
    if isinstance(cell, float):
        return None if cell != cell else cell  # noqa: PLR0124 - NaN
    try:
        return to_json(cell)
    except (TypeError, ValueError):  # a date of Parquet, say
        return str(cell)


def _refuse_missing(keep: Sequence[str], found: Mapping[str, Any], seen: Mapping[str, None]) -> None:
    missing = [name for name in keep if name not in found and name not in seen and name != EVERYTHING]
    if missing:
        has = (
            f"their columns: {listed(seen)}"
            if seen
            else "tables, Hugging Face metadata, Label Studio and COCO have some"
        )
        msg = f"no file of labels has a column {missing[0]!r} that could be kept; {has}"
        raise InputError(msg)


def kept_name(column: str) -> str:
    """Return what a kept column is called in the data set: a name that is ours gets ``table_`` before it."""
    return f"{TAKEN}{column}" if column in IMAGE_COLUMNS else column


def _tabled(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Kept:
    columns, several = {}, {}
    for column, by_image in sorted(found.items()):
        number = sum(len(values) > 1 for values in by_image.values())
        if number:
            several[kept_name(column)] = number
            said: dict[str, Any] = {image: BETWEEN.join(values) for image, values in by_image.items()}
        else:
            said = {image: next(iter(values.values())) for image, values in by_image.items()}
        columns[kept_name(column)] = _typed(said)
    table = pd.DataFrame(columns)
    return Kept(table.rename_axis("image"), several)


def _typed(said: Mapping[str, Any]) -> pd.Series[Any]:
    """Return values as whole numbers, numbers, or truths where every one that is no word for missing is one; else as text."""
    words = {
        image: value for image, value in said.items() if not (isinstance(value, str) and is_missing(value))
    }
    texts = {image: value for image, value in words.items() if isinstance(value, str)}
    if not texts and words:
        return _native(words)
    if len(texts) == len(words) and words:
        for dtype, fits, read in (
            ("Int64", _WHOLE.fullmatch, int),
            ("float64", _NUMBER.fullmatch, float),
            ("boolean", lambda text: text.casefold() in _TRUTHS, lambda text: _TRUTHS[text.casefold()]),
        ):
            if all(map(fits, texts.values())):
                read_as: Callable[[str], Any] = read
                values = [read_as(text) for text in texts.values()]
                return pd.Series(values, index=list(texts), dtype=dtype)
    return pd.Series({image: str(value) for image, value in said.items()}, dtype="str")


def _native(words: Mapping[str, Any]) -> pd.Series[Any]:
    """Return values of JSON or Parquet in the one type that fits all of them."""
    kinds = {type(value) for value in words.values()}
    dtype = (
        "boolean"
        if kinds == {bool}
        else "Int64"
        if kinds == {int}
        else "float64"
        if kinds <= {int, float}
        else "str"
    )
    if dtype == "Int64" and any(abs(value) >= 2**63 for value in words.values()):
        dtype = "str"
    values = [str(value) if dtype == "str" else value for value in words.values()]
    return pd.Series(values, index=list(words), dtype=dtype)


def with_kept(images: pd.DataFrame, kept: Kept) -> pd.DataFrame:
    """Return an images table with kept columns, in place of older ones of the same names."""
    rows = images["image"]
    added = {name: kept.table[name].reindex(rows).set_axis(images.index) for name in kept.table.columns}
    return images.assign(**added)
