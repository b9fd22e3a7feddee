"""Hugging Face `imagefolder`: metadata.csv or metadata.jsonl beside the images, in one folder or in several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations
from manifest_tools.sources.formats.json_files import member, shown, text, texts
from manifest_tools.sources.formats.tables import (
    LABEL_NAMES,
    Record,
    csv_records,
    find_column,
    json_records,
    looks_like_json_lines,
    read_label_table,
    read_text,
)

NAME = "imagefolder"
_ABSENT = "absent"  # the column in which `write_imagefolder` keeps what was looked for and not there
FILES = ("metadata.csv", "metadata.jsonl")


def recognise(columns: Sequence[str]) -> bool:
    """Whether a table's columns are more than a plain table of labels has: boxes, or what is absent."""
    return "file_name" in columns and ("objects" in columns or _ABSENT in columns)


def recognise_folder(path: Path) -> bool:
    """Whether a folder holds metadata files, at any depth."""
    return any(any(path.rglob(name)) for name in FILES)


def read(path: Path) -> Annotations:
    """Read one metadata file, or every one below a folder (train/, test/, ...).

    The column ``file_name`` is relative to the metadata file. Labels come from a column of labels, of any number
    of names a cell, or from ``objects`` (boxes, which say nothing of what was not drawn). Class numbers without
    names cannot be read.

    Raises
    ------
    InputError
        No file names images and labels.
    """
    folder = path if path.is_dir() else path.parent
    files = [path] if path.is_file() else sorted(file for name in FILES for file in path.rglob(name))
    if not files:
        msg = f"{path}: neither metadata.csv nor metadata.jsonl is in this folder"
        raise InputError(msg)
    notes = AnnotationBuilder(NAME, str(path))
    for file in files:
        _read_file(file, file.parent.relative_to(folder).as_posix(), notes)
    return notes.close()


def _read_file(file: Path, prefix: str, notes: AnnotationBuilder) -> None:
    content = read_text(file)
    records = json_records(content, file) if looks_like_json_lines(content) else csv_records(content, file)
    columns = list(dict.fromkeys(name for record in records for name in record.cells))
    if records and "file_name" not in columns:
        msg = f"{file}: no column 'file_name', which Hugging Face demands; found {', '.join(columns)}"
        raise InputError(msg)
    label = find_column(columns, LABEL_NAMES)
    notes.open_world |= _ABSENT in columns  # what is absent is said there, and the rest is not known
    if "objects" in columns:
        _read_objects(records, file, prefix, notes)
    elif label is None:
        for row in read_label_table(file).rows:  # one column of 0 and 1 for each label
            notes.say(_joined(prefix, row.reference), row.label, row.truth, line=row.line)
    else:
        _read_labels(records, label, file, prefix, notes)


def _read_labels(
    records: list[Record], label: str, file: Path, prefix: str, notes: AnnotationBuilder
) -> None:
    for line, cells in records:
        reference = text(cells.get("file_name"))
        if not reference:
            notes.problem("a row has no file_name", file=str(file), line=line)
            continue
        value = cells.get(label)
        _refuse_numbers(value, label, f"{file}:{line}")
        for name in texts(value) if isinstance(value, list) else _split(value):
            notes.say(_joined(prefix, reference), name, line=line)
        for name in texts(cells.get(_ABSENT)):
            notes.say(_joined(prefix, reference), name, False, line=line)


def _split(value: Any) -> list[str]:
    return [part for part in map(str.strip, text(value).replace("|", ";").split(";")) if part]


def _read_objects(records: list[Record], file: Path, prefix: str, notes: AnnotationBuilder) -> None:
    notes.open_world = True
    for line, cells in records:
        reference = text(cells.get("file_name"))
        if not reference:
            notes.problem("a row has no file_name", file=str(file), line=line)
            continue
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
