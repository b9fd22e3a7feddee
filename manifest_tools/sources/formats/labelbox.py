"""Labelbox: the NDJSON export of today and the JSON export of before, with classifications and objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations
from manifest_tools.sources.formats.json_files import (
    decode,
    member,
    objects,
    parse_json,
    read_bytes,
    shown,
    text,
)
from manifest_tools.sources.formats.questions import Statements, statements

NAME = "labelbox"


def recognise(value: Any) -> bool:
    """Whether a JSON value is laid out like Labelbox: an export of either kind, or an import."""
    rows = objects(value if isinstance(value, list) else [value])
    if not rows:
        return False
    row = rows[0]
    return (
        (isinstance(row.get("data_row"), dict) and "projects" in row)
        or ("Labeled Data" in row and "Label" in row)
        or (isinstance(row.get("dataRow"), dict) and ("schemaId" in row or "name" in row))
    )


def read(path: Path) -> Annotations:
    """Read a Labelbox export.

    Raises
    ------
    InputError
        The file is no such export, or is an import, which names neither images nor categories.
    """
    rows, broken = _rows(path)
    if not recognise(rows):
        msg = f"{path}: expected a Labelbox export: objects with 'data_row' and 'projects', or with 'Labeled Data'"
        raise InputError(msg)
    if "dataRow" in rows[0]:
        msg = (
            f"{path}: a Labelbox import file: it names data rows and schemas by id only, so neither the images nor "
            "the categories can be told; export the project instead"
        )
        raise InputError(msg)
    notes = AnnotationBuilder(NAME, str(path))
    for number, reason in broken:
        notes.problem(reason, line=number)
    drawn = False
    meanings = statements(pair for row in rows for answer in _answered(row) for pair in _names(answer))
    for position, row in enumerate(rows):
        drawn |= _read_row(row, position, meanings, notes)
    notes.open_world = drawn
    return notes.close()


def _rows(path: Path) -> tuple[list[Mapping[str, Any]], list[tuple[int, str]]]:
    """Return the objects of a JSON list or of NDJSON lines, and the lines that are broken."""
    content = decode(read_bytes(path), path)
    if content.lstrip().startswith("["):
        return objects(parse_json(content, path)), []
    rows, broken = [], []
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        try:
            rows += objects([parse_json(line, path)])
        except InputError:
            broken.append((number, "the line is not valid JSON"))
    if broken and not rows:
        msg = f"{path}: no line is valid JSON; expected a Labelbox export (NDJSON)"
        raise InputError(msg)
    return rows, broken


def _answered(row: Mapping[str, Any]) -> list[Any]:
    """Return what people answered about one data row, each label by itself."""
    if isinstance(row.get("data_row"), dict):
        return [
            member(label, "annotations")
            for project in _values(row.get("projects"))
            for label in objects(member(project, "labels"))
        ]
    return [] if row.get("Skipped") or row.get("Label") in ({}, None, "Skip") else [row.get("Label")]


def _read_row(
    row: Mapping[str, Any],
    position: int,
    meanings: Mapping[tuple[str, str], Statements],
    notes: AnnotationBuilder,
) -> bool:
    """Note one data row; return whether something was drawn in it."""
    source = row.get("data_row")
    if isinstance(source, dict):
        reference = text(source.get("external_id")) or text(source.get("row_data"))
    else:
        reference = text(row.get("External ID")) or text(row.get("Labeled Data"))
    if not reference:
        identifier = member(source, "id") or row.get("ID")
        notes.problem(f"data row {shown(identifier)} has no image", field=f"/{position}")
        return False
    drawn = False
    for answer in _answered(row):
        notes.image(reference)
        drawn |= bool(objects(member(answer, "objects")))
        for question, name in _names(answer):
            if not name:
                notes.problem("an annotation has no name", image=reference)
                continue
            for category, truth in meanings[question, name]:
                notes.say(reference, category, truth)
    return drawn


def _values(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else []


def _names(answer: Any) -> Iterator[tuple[str, str]]:
    """Give the categories in one label: names of objects, and the answers of classifications with their questions."""
    for item in objects(member(answer, "objects")):
        yield "", _name(item)
        yield from _answers(item.get("classifications"))
    yield from _answers(member(answer, "classifications"))


def _answers(classifications: Any) -> Iterator[tuple[str, str]]:
    for item in objects(classifications):
        chosen = [item.get("radio_answer"), item.get("answer")]
        for several in ("checklist_answers", "answers", "answer"):
            chosen += objects(item.get(several))
        for answer in chosen:
            if isinstance(answer, dict):
                yield _name(item), _name(answer)
                yield from _answers(answer.get("classifications"))


def _name(item: Mapping[str, Any]) -> str:
    return text(item.get("name")) or text(item.get("title")) or text(item.get("value"))
