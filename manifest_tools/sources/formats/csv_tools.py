"""CSV of annotation tools that is more than a table of labels: boxes, and Open Images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats import label_studio
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations
from manifest_tools.sources.formats.csv_rows import read_csv
from manifest_tools.sources.formats.json_files import shown
from manifest_tools.sources.formats.qualifiers import IF_PEOPLE, refuse_scores
from manifest_tools.sources.formats.records import columns_of
from manifest_tools.sources.formats.tables import (
    IMAGE_NAMES,
    LABEL_NAMES,
    Record,
    find_column,
    listed,
)

BOXES, OPEN_IMAGES = "boxes-csv", "open-images"
_LEFT_EDGES = ("xmin", "x_min", "x1", "bbox_x", "left", "bbox")


def recognise(columns: Sequence[str]) -> str:
    """Return the name of the format that a table's columns belong to; "" for a table of labels."""
    lower = {column.strip().casefold() for column in columns}
    if {"imageid", "labelname"} <= lower or lower == {"labelname", "displayname"}:
        return OPEN_IMAGES
    if {"annotation_id", "annotator"} <= lower or {"annotator", "lead_time"} <= lower:
        return label_studio.NAME
    if find_column(list(columns), _LEFT_EDGES) and find_column(list(columns), LABEL_NAMES):
        return BOXES
    return ""


def read(path: Path) -> Annotations:
    """Read a CSV or TSV of one of these tools.

    Raises
    ------
    InputError
        The file is of none of them, or says nothing about images.
    """
    records = read_csv(path)
    columns = columns_of(records)
    name = recognise(columns)
    if name not in (BOXES, OPEN_IMAGES):
        msg = f"{path}: expected a CSV of boxes or of Open Images; found the columns {listed(columns)}"
        raise InputError(msg)
    notes = AnnotationBuilder(name, str(path))
    if name == OPEN_IMAGES:
        _read_open_images(records, columns, path, notes)
    else:
        _read_boxes(records, columns, path, notes)
    return notes.close()


def _read_boxes(
    records: Sequence[Record], columns: Sequence[str], path: Path, notes: AnnotationBuilder
) -> None:
    """Read one box a row, as VoTT and the TensorFlow tools write them: a box says that its label is there."""
    notes.open_world = True
    image, label = find_column(columns, IMAGE_NAMES), find_column(columns, LABEL_NAMES)
    if image is None or label is None:
        msg = f"{path}: boxes, but no column names the image; found {listed(columns)}"
        raise InputError(msg)
    refuse_scores(records, columns, path, f"take the column out {IF_PEOPLE}")
    for line, cells in records:
        reference, name = _cell(cells, image), _cell(cells, label)
        if name:
            notes.say(reference, name, line=line)  # also of no image: whose label it is cannot be known
        elif reference:
            notes.problem("a box has no label", line=line, image=reference)


def _read_open_images(
    records: Sequence[Record], columns: Sequence[str], path: Path, notes: AnnotationBuilder
) -> None:
    """Read image-level labels or boxes of Open Images; 1 says present, 0 looked for and absent."""
    by_name = {column.strip().casefold(): column for column in columns}
    if "imageid" not in by_name:
        msg = (
            f"{path}: the class names of Open Images: it names no images; give the file with the annotations"
        )
        raise InputError(msg)
    notes.open_world = True
    names = _class_names(path)
    boxes = "xmin" in by_name
    for line, cells in records:
        reference, code = _cell(cells, by_name["imageid"]), _cell(cells, by_name["labelname"])
        if not code:
            notes.problem("a row has no LabelName", line=line)
            continue
        confidence = _cell(cells, by_name.get("confidence", ""))
        truth = True if boxes else _verdict(confidence)
        if truth is None:
            notes.problem(
                f"the confidence {shown(confidence)} is a machine's, not a person's 0 or 1",
                line=line,
                image=reference,
            )
        notes.say(reference, names.get(code, code), truth, line=line)


def _class_names(path: Path) -> Mapping[str, str]:
    """Return the names of the codes, from the file of class descriptions that lies beside the annotations."""
    names: dict[str, str] = {}
    for file in sorted(path.parent.glob("*class-descriptions*.csv")):
        rows = read_csv(file, "code,name")  # the real files have no header
        names |= {_cell(row.cells, "code"): _cell(row.cells, "name") for row in rows}
    return {code: name for code, name in names.items() if name}


def _verdict(confidence: str) -> bool | None:
    try:
        number = float(confidence or "1")
    except ValueError:
        return None
    return None if math.isnan(number) or number not in (0.0, 1.0) else bool(number)


def _cell(cells: Mapping[str, Any], column: str) -> str:
    value = cells.get(column)
    return value.strip() if isinstance(value, str) else ""
