"""Hugging Face `imagefolder`: metadata.csv, .jsonl or .parquet beside the images, in one folder or in several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.sources.folders import files_below
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations
from manifest_tools.sources.formats.class_names import card_class_names, named
from manifest_tools.sources.formats.column_choice import ColumnChoice
from manifest_tools.sources.formats.json_files import member, shown, text, texts
from manifest_tools.sources.formats.label_table import label_table, with_images
from manifest_tools.sources.formats.records import columns_of, read_records
from manifest_tools.sources.formats.tables import LABEL_NAMES, Record, find_column, listed

NAME = "imagefolder"
_ABSENT = "absent"  # the column in which `write_imagefolder` keeps what was looked for and not there
FILES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
_IMAGE = "file_name"
_CHOICE = ColumnChoice(by_role={"image": _IMAGE})


def recognise(columns: Sequence[str]) -> bool:
    """Whether a table's columns are more than a plain table of labels has: boxes, or what is absent."""
    return "file_name" in columns and ("objects" in columns or _ABSENT in columns)


def recognise_folder(path: Path) -> bool:
    """Whether a folder holds metadata files, at any depth."""
    return bool(_metadata_files(path))


def _metadata_files(folder: Path) -> list[Path]:
    return sorted(file for file in files_below(folder, *FILES) if file.name in FILES)


def read(path: Path) -> Annotations:
    """Read one metadata file, or every one below a folder (train/, test/, ...).

    The column ``file_name`` is relative to the metadata file. Labels come from a column of labels, of any number
    of names a cell, or from ``objects`` (boxes, which say nothing of what was not drawn). Class numbers have
    the names that README.md beside the data gives them; without names they are categories, for a mapping to say what they mean; lists of 0 and 1 have one for each place.

    Raises
    ------
    InputError
        No file names images and labels.
    """
    folder = path if path.is_dir() else path.parent
    files = [path] if path.is_file() else _metadata_files(path)
    if not files:
        msg = f"{path}: no {', '.join(FILES)} is in this folder"
        raise InputError(msg)
    notes = AnnotationBuilder(NAME, str(path))
    unread: dict[str, None] = {}
    for file in files:
        unread |= dict.fromkeys(_read_file(file, file.parent.relative_to(folder).as_posix(), notes))
    return replace(notes.close(), unread=tuple(unread))


def fields(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what every metadata file says beside each image, by the reference that :func:`read` gives it."""
    folder = path if path.is_dir() else path.parent
    for file in [path] if path.is_file() else _metadata_files(path):
        prefix = file.parent.relative_to(folder).as_posix()
        for _, cells in read_records(file):
            yield _joined(prefix, text(cells.get(_IMAGE))), cells


def _read_file(file: Path, prefix: str, notes: AnnotationBuilder) -> tuple[str, ...]:
    """Note what one file says; return the columns that are not read."""
    records = read_records(file)
    columns = columns_of(records)
    if not records:
        return ()
    if _IMAGE not in columns:
        msg = f"{file}: no column {_IMAGE!r}, which Hugging Face demands; found {listed(columns)}"
        raise InputError(msg)
    records = with_images(_with_class_names(records, file), _IMAGE, file)
    notes.open_world |= _ABSENT in columns  # what is absent is said there, and the rest is not known
    if "objects" in columns:
        _read_objects(records, file, prefix, notes)
        return tuple(column for column in columns if column not in (_IMAGE, "objects"))
    table = label_table(records, file, _CHOICE)
    for row in table.rows:
        if row.label:
            notes.say(_joined(prefix, row.reference), row.label, row.truth, line=row.line)
    for line, cells in records if find_column(columns, LABEL_NAMES) else ():
        for name in texts(cells.get(_ABSENT)):
            notes.say(_joined(prefix, text(cells.get(_IMAGE))), name, False, line=line)
    return tuple(column for column in table.unread if column != _ABSENT)


def _with_class_names(records: Sequence[Record], file: Path) -> Sequence[Record]:
    names = card_class_names(file.parent)
    return (
        [
            record._replace(
                cells={name: named(value, names.get(name)) for name, value in record.cells.items()}
            )
            for record in records
        ]
        if names
        else records
    )


def _read_objects(records: Sequence[Record], file: Path, prefix: str, notes: AnnotationBuilder) -> None:
    notes.open_world = True
    for line, cells in records:
        reference = text(cells.get(_IMAGE))
        notes.image(_joined(prefix, reference))
        found = (member(cells.get("objects"), key) for key in ("categories", "category", "labels", "label"))
        value: Any = next(filter(None, found), [])
        _refuse_numbers(value, "objects", f"{file}:{line}")
        for name in texts(value):
            notes.say(_joined(prefix, reference), name, line=line)


def _refuse_numbers(value: Any, column: str, place: str) -> None:
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, int | float) and not isinstance(first, bool):
        msg = f"{place}: {column} holds class numbers ({shown(value)}) without their names; write the names"
        raise InputError(msg)


def _joined(prefix: str, reference: str) -> str:
    return reference if prefix == "." else f"{prefix}/{reference}"
