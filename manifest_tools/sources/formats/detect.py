"""Which format a file of labels is in, told by its content, and the reader for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.sources.folders import files_below
from manifest_tools.sources.formats import (
    augmented_ai,
    coco,
    csv_tools,
    cvat,
    decisions,
    fiftyone,
    imagefolder,
    label_studio,
    labelbox,
    labelled_manifest,
    labelme,
    parquet_folder,
    roboflow,
    small_tools,
    voc,
)
from manifest_tools.sources.formats.annotations import Annotations, merged
from manifest_tools.sources.formats.column_choice import BY_NAME, ColumnChoice
from manifest_tools.sources.formats.csv_rows import csv_header
from manifest_tools.sources.formats.json_files import first_character, parse_json, read_json, shown
from manifest_tools.sources.formats.label_table import read_label_table
from manifest_tools.sources.formats.parquet_tables import is_parquet, parquet_columns, parquet_files
from manifest_tools.sources.formats.records import columns_of, names_images, read_records
from manifest_tools.sources.formats.tables import IMAGE_NAMES, find_column
from manifest_tools.sources.formats.text_files import read_text
from manifest_tools.sources.formats.via import REFUSAL as VIA
from manifest_tools.sources.formats.via import is_via, is_via_table
from manifest_tools.sources.formats.xml_files import root_of
from manifest_tools.sources.model_answers import is_model_answer, is_model_table

TABLE = "table"
_WHOLE_FOLDERS = frozenset(
    {
        imagefolder.NAME,
        roboflow.NAME,
        voc.NAME,
        labelme.NAME,
        augmented_ai.NAME,
        fiftyone.NAME,
        parquet_folder.NAME,
    }
)
# that may hold labels
_FILES = frozenset({".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".manifest", ".xml"})
_TRIED = 20  # files of a folder that are looked into
_HEAD = 1 << 16  # bytes that tell XML by its root element

_PREDICTIONS = "what a model said, with confidences, and nothing that people said: give it as --predictions"
READERS: Mapping[str, Callable[[Path], Annotations]] = MappingProxyType(
    {
        coco.NAME: coco.read,
        voc.NAME: voc.read,
        cvat.NAME: cvat.read,
        label_studio.NAME: label_studio.read,
        labelbox.NAME: labelbox.read,
        labelme.NAME: labelme.read,
        imagefolder.NAME: imagefolder.read,
        decisions.NAME: decisions.read,
        augmented_ai.NAME: augmented_ai.read,
        labelled_manifest.NAME: labelled_manifest.read,
        roboflow.NAME: roboflow.read,
        fiftyone.NAME: fiftyone.read,
        parquet_folder.NAME: parquet_folder.read,
        csv_tools.BOXES: csv_tools.read,
        csv_tools.OPEN_IMAGES: csv_tools.read,
        small_tools.VOTT: small_tools.read,
        small_tools.CREATEML: small_tools.read,
        small_tools.UNIVERSAL: small_tools.read,
        small_tools.DATUMARO: small_tools.read,
    }
)
FORMATS = (TABLE, *READERS)


def read_labels(
    path: str | Path, *, labels_format: str = "auto", columns: ColumnChoice = BY_NAME
) -> Annotations:
    """Read a file, or a folder of files, of labels.

    Parameters
    ----------
    path : path
        An export of an annotation tool, a moderators' table, or a table of labels.
    labels_format : str
        "auto" (by content), or one of ``FORMATS``.
    columns : ColumnChoice
        Columns of a table that were named.

    Raises
    ------
    InputError
        The format is unknown, or the file cannot be read; the message says what the file is and why.
    """
    path = Path(path)
    files = label_files(path, labels_format)
    if files != (path,):
        parts = [read_labels(file, labels_format=labels_format, columns=columns) for file in files]
        return merged(parts[0].format, parts)
    name = detect(path, columns) if labels_format == "auto" else labels_format
    if name == TABLE:
        return _read_table(path, columns, is_labels=labels_format == TABLE)
    if name == decisions.NAME:
        return decisions.read(path, columns)
    if columns:
        msg = f"{path} is read as {name}, whose columns are known; --columns is for tables of labels or decisions"
        raise InputError(msg)
    return READERS[name](path)


def label_files(path: str | Path, labels_format: str = "auto") -> tuple[Path, ...]:
    """Return the files to be read one by one: those of a folder, or what was given, where one reader takes it whole.

    Parameters
    ----------
    path, labels_format
        As in :func:`read_labels`.

    Raises
    ------
    InputError
        There is no such format or file, or the files of the folder are of several formats, or of none.
    """
    path = Path(path)
    if labels_format not in ("auto", *FORMATS):
        msg = f"unknown labels format {labels_format!r}; expected auto, {', '.join(FORMATS)}"
        raise InputError(msg)
    if not path.exists():
        msg = f"{path} does not exist; expected a table of labels or an annotation export"
        raise InputError(msg)
    whole = labels_format in _WHOLE_FOLDERS if labels_format != "auto" else bool(_folder_format(path))
    if not path.is_dir() or whole:
        return (path,)
    files = sorted(file for file in files_below(path) if file.suffix.casefold() in _FILES)
    formats = {file: labels_format if labels_format != "auto" else _format_or_none(file) for file in files}
    of_one = dict.fromkeys(filter(None, formats.values()))
    if len(of_one) > 1:
        examples = {name: next(file for file in files if formats[file] == name) for name in of_one}
        listed = ", ".join(f"{file.relative_to(path)} ({name})" for name, file in examples.items())
        msg = f"{path}: a folder of annotations in several formats: {listed}; give each file by its own --labels"
        raise InputError(msg)
    unread = [str(file.relative_to(path)) for file in files if formats[file] is None]
    if not of_one or unread:
        found = f"; cannot tell the format of {', '.join(unread[:3])}" if unread else ""
        msg = (
            f"{path} is a folder without annotations that can be told{found}; expected Hugging Face metadata, Pascal "
            "VOC .xml, LabelMe .json, an export of Roboflow, or files of one other format in it"
        )
        raise InputError(msg)
    return tuple(files)


def _format_or_none(file: Path) -> str | None:
    try:
        return detect(file)
    except InputError:
        return None


def detect(path: Path, columns: ColumnChoice = BY_NAME) -> str:
    """Return the name of the format that a file or folder is in; "table" for a plain table of labels.

    Parameters
    ----------
    path : Path
    columns : ColumnChoice
        Columns of a table that were named: with them, the file is a table.

    Raises
    ------
    InputError
        The content is known to be of no use here, or of no known format.
    """
    if path.is_dir():
        return _folder_format(path) or detect(label_files(path)[0])
    try:
        with path.open("rb") as handle:
            head = handle.read(_HEAD)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise InputError(msg) from error
    start = first_character(head)
    if not start:
        msg = f"{path} is empty; expected a table of labels or an annotation export"
        raise InputError(msg)
    if start == "<":
        return _detect_xml(path, head)
    if columns:
        return _by_columns(path, _columns(path, start), columns)
    if path.name in imagefolder.FILES:
        return imagefolder.NAME
    if start in ("{", "["):
        return _detect_json(path)
    names = _columns(path, start)
    if is_model_table(names):
        raise InputError(f"{path}: {_PREDICTIONS}")
    if is_via_table(names):
        raise InputError(f"{path}: {VIA}")
    return _by_columns(path, names)


def _columns(path: Path, start: str) -> list[str]:
    if is_parquet(path):
        return parquet_columns(path)
    return columns_of(read_records(path)) if start in ("{", "[") else csv_header(path)


def _folder_format(path: Path) -> str:
    """Return the format of a folder that one reader takes whole; "" for any other folder."""
    if not path.is_dir():
        return ""
    if imagefolder.recognise_folder(path):
        return imagefolder.NAME
    if roboflow.recognise_folder(path):
        return roboflow.NAME
    if parquet_files(path):
        return parquet_folder.NAME
    if (path / fiftyone.FILE).is_file() and fiftyone.recognise(read_json(path / fiftyone.FILE)):
        return fiftyone.NAME
    if any(map(_is_voc, islice(sorted(files_below(path, ".xml")), _TRIED))):
        return voc.NAME
    for file in islice(sorted(files_below(path, ".json")), _TRIED):
        name = _in_folder(file)
        if name:
            return name
    return ""


def _is_voc(path: Path) -> bool:
    return _format_or_none(path) == voc.NAME


def _in_folder(path: Path) -> str:
    """Return the format of a JSON file among others, where there is one file for each image; else ""."""
    try:
        value = read_json(path)
    except InputError:
        return ""
    if augmented_ai.recognise(value):
        return augmented_ai.NAME
    if is_model_answer(value):
        raise InputError(f"{path}: {_PREDICTIONS}")
    return labelme.NAME if labelme.recognise(value) else ""


def _detect_xml(path: Path, head: bytes) -> str:
    root = root_of(head)
    if root in (voc.ROOT, cvat.ROOT):
        return voc.NAME if root == voc.ROOT else cvat.NAME
    if root == "View":
        msg = f"{path}: the labelling interface of a Label Studio project, without any labels; export the tasks as JSON"
        raise InputError(msg)
    msg = f"{path}: XML with the root <{root}>; expected Pascal VOC <annotation> or CVAT <annotations>"
    raise InputError(msg)


def _detect_json(path: Path) -> str:
    try:
        value = read_json(path)
    except InputError as broken:
        value = _first_line(path, broken)
        if is_model_answer(value):
            raise InputError(f"{path}: {_PREDICTIONS}") from None
        return labelbox.NAME if labelbox.recognise(value) else _by_columns(path, list(value))
    for name, fits in _JSON_LAYOUTS:
        if fits(value):
            return name
    if is_model_answer(value):
        raise InputError(f"{path}: {_PREDICTIONS}")
    if is_via(value):
        raise InputError(f"{path}: {VIA}")
    small = small_tools.recognise(value)
    if small:
        return small
    if isinstance(value, dict):  # JSON Lines of a single line, or the labels of each image by its name
        return TABLE if names_images(value) else _by_columns(path, list(value))
    first = value[0] if isinstance(value, list) and value else None
    if isinstance(first, dict) and find_column(list(first), IMAGE_NAMES[:-2]):
        return _by_columns(path, list(first))
    return _refuse_list(path, value)


def _refuse_list(path: Path, value: Any) -> str:
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, dict) and {"image_id", "category_id"} <= first.keys():
        msg = f"{path}: COCO results: predictions that name images by number only; give the annotations"
    elif isinstance(first, dict):
        keys = ", ".join(list(first)[:8])
        msg = (
            f"{path}: a JSON list of unknown layout (keys: {keys}); expected an export of a known tool, or a table "
            "as JSON Lines: one object a line"
        )
    else:
        msg = f"{path}: JSON without labels ({shown(first)}); expected an annotation export"
    raise InputError(msg)


def _first_line(path: Path, broken: InputError) -> dict[str, Any]:
    """Return the first object of a JSON Lines file; raise `broken` where the file is not one."""
    line = next((line for line in read_text(path).split("\n") if line.strip()), "")
    try:
        value = parse_json(line, path)
    except InputError:
        raise broken from None
    if not isinstance(value, dict):
        raise broken
    return value


def _by_columns(path: Path, names: list[str], columns: ColumnChoice = BY_NAME) -> str:
    if not columns:
        if labelled_manifest.recognise(names):
            return labelled_manifest.NAME
        if imagefolder.recognise(names):
            return imagefolder.NAME
        tool = csv_tools.recognise(names)
        if tool:
            return tool
    meant = decisions.recognise(names, columns) and decisions.holds_decisions(path, columns)
    return decisions.NAME if meant else TABLE


def _read_table(path: Path, columns: ColumnChoice, *, is_labels: bool) -> Annotations:
    table = read_label_table(path, columns, is_labels=is_labels)
    return Annotations(
        TABLE,
        table.rows,
        categories=table.columns,
        open_world=bool(table.checked),
        unread=table.unread,
        checked=table.checked,
    )


_JSON_LAYOUTS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    (augmented_ai.NAME, augmented_ai.recognise),
    (coco.NAME, coco.recognise),
    (labelme.NAME, labelme.recognise),
    (labelbox.NAME, labelbox.recognise),
    (label_studio.NAME, label_studio.recognise),
    (fiftyone.NAME, fiftyone.recognise),
)
