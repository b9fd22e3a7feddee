"""Label Studio: exports as JSON, JSON-MIN, CSV and TSV; the last three have one row for each annotation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations
from manifest_tools.sources.formats.csv_rows import read_csv
from manifest_tools.sources.formats.json_files import (
    first_character,
    member,
    objects,
    read_bytes,
    read_json,
    shown,
    text,
    texts,
)
from manifest_tools.sources.formats.questions import Statements, is_bare, statements

NAME = "label-studio"
# Kinds of results that name categories, by whether annotators choose from a list for the whole image.
_CHOSEN = frozenset({"choices", "taxonomy"})
_DRAWN = frozenset(
    {
        "rectanglelabels", "polygonlabels", "brushlabels", "ellipselabels", "keypointlabels",
        "bitmasklabels", "vectorlabels", "labels",
    }
)  # fmt: skip
_IMAGE_KEYS = ("image", "img", "picture", "photo", "image_url", "imageurl", "url")
_ANSWER_KEYS = frozenset(
    {"choice", "choices", "label", "labels", "category", "categories", "class", "taxonomy"}
)
_IMAGE_VALUE = re.compile(
    r"\.(jpe?g|png|gif|webp|bmp|tiff?|avif|heic)([?#].*)?$|/data/upload/|^data:image/", re.IGNORECASE
)
# Columns of JSON-MIN and CSV that Label Studio adds to the task's data and the answers.
_BOOKKEEPING = frozenset(
    {
        "id", "annotation_id", "annotator", "created_at", "updated_at", "lead_time", "agreement",
        "inner_id", "comment_count", "project", "file_upload", "predictions", "meta",
    }
)  # fmt: skip


def recognise(value: Any) -> bool:
    """Whether a JSON value is laid out like an export of tasks, full or JSON-MIN, or like predictions."""
    tasks = objects(value if isinstance(value, list) else [value])
    if not tasks:
        return False
    task = tasks[0]
    return (
        isinstance(task.get("data"), dict)
        or isinstance(task.get("result"), list)
        or "annotation_id" in task
        or ("lead_time" in task and "annotator" in task)
    )


def read(path: Path) -> Annotations:
    """Read one Label Studio export.

    Of several annotations of one task, one marked as ground truth counts, else the newest; where others say
    something else, that is a finding. Cancelled (skipped) annotations, drafts and predictions say nothing. What
    a reviewer rejected is not known to be true.

    Raises
    ------
    InputError
        The file is not such an export, or its tasks have no image.
    """
    tasks = _tasks(path)
    if not recognise(tasks):
        msg = (
            f"{path}: expected a Label Studio export: a list of tasks, or a table with a column annotation_id"
        )
        raise InputError(msg)
    if all(isinstance(task.get("result"), list) and "data" not in task for task in tasks):
        msg = f"{path}: Label Studio predictions without their tasks: no images are named; export the project as JSON"
        raise InputError(msg)
    notes = AnnotationBuilder(NAME, str(path))
    if isinstance(tasks[0].get("data"), dict):
        _read_tasks(tasks, path, notes)
    else:
        _read_rows(tasks, path, notes)
    return notes.close()


def _tasks(path: Path) -> list[Mapping[str, Any]]:
    """Return the tasks of a JSON file, or the rows of a CSV or TSV file."""
    if first_character(read_bytes(path)) in ("[", "{"):
        document = read_json(path)
        return objects(document if isinstance(document, list) else [document])
    return [record.cells for record in read_csv(path)]


def fields(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the data of each task beside its image, by the reference that :func:`read` gives it."""
    tasks = _tasks(path)
    if tasks and not isinstance(tasks[0].get("data"), dict):
        images = [_image(row, ()) for row in tasks]
        read_already = {*_BOOKKEEPING, *map(str.casefold, _answer_columns(tasks, set(images), path))}
    else:
        images = [
            _image(task.get("data"), objects(task.get("annotations")) or objects(task.get("completions")))
            for task in tasks
        ]
        read_already = set()
    for task, image in zip(tasks, images, strict=True):
        data: Mapping[str, Any] = task["data"] if isinstance(task.get("data"), dict) else task
        yield (
            image,
            {
                name: value
                for name, value in data.items()
                if name.casefold() not in read_already and value != image
            },
        )


def _read_tasks(tasks: list[Mapping[str, Any]], path: Path, notes: AnnotationBuilder) -> None:
    answered = [objects(task.get("annotations")) or objects(task.get("completions")) for task in tasks]
    images = [_image(task.get("data"), given) for task, given in zip(tasks, answered, strict=True)]
    _refuse_several_images(tasks, answered, images, path)
    if not any(images):
        keys = ", ".join(sorted(member(tasks[0], "data"))[:8]) or "none"
        msg = f"{path}: a Label Studio export of tasks without images (their data: {keys}); only images can be read"
        raise InputError(msg)
    kinds: set[str] = set()
    meanings = _meanings(annotation for given in answered for annotation in given)
    for position, (task, given, image) in enumerate(zip(tasks, answered, images, strict=True)):
        if not image:
            notes.problem(f"task {shown(task.get('id'))} has no image", field=f"/{position}/data")
            continue
        kept = [annotation for annotation in given if not annotation.get("was_cancelled")]
        if kept:  # else it was skipped, or it is nobody's turn yet: nobody looked
            kinds |= _say(image, kept, meanings, notes)
    notes.open_world = not kinds <= _CHOSEN


def _refuse_several_images(
    tasks: list[Mapping[str, Any]],
    answered: list[list[Mapping[str, Any]]],
    images: list[str],
    path: Path,
) -> None:
    """Raise InputError where tasks have several images and nothing tells which of them an answer is about."""
    for task, given, image in zip(tasks, answered, images, strict=True):
        data = task.get("data")
        pictures = _pictures(data)
        listed = [
            key
            for key, value in (data.items() if isinstance(data, dict) else ())
            if _is_list_of_images(value)
        ]
        attached = {
            text(result.get("to_name"))
            for annotation in given
            for result in objects(annotation.get("result"))
            if text(result.get("type")) in _CHOSEN | _DRAWN
        }
        unsure = (
            len(pictures) > 1
            and not attached & pictures.keys()
            and not pictures.keys() & set(_IMAGE_KEYS[:4])
        )
        if (listed and not image) or (len(pictures) > 1 and len(attached & pictures.keys()) > 1) or unsure:
            names = ", ".join(map(repr, listed or pictures))
            msg = (
                f"{path}: task {shown(task.get('id'))} has several images ({names}), and which of them a label is about "
                "cannot be told; give tasks of one image each, or a table with a row for each image"
            )
            raise InputError(msg)


def _pictures(data: Any) -> dict[str, str]:
    """Return the task's data that look like images, by name, each image once."""
    found = {name: text(value) for name, value in data.items()} if isinstance(data, dict) else {}
    by_value = {value: name for name, value in reversed(found.items()) if _IMAGE_VALUE.search(value)}
    return {name: value for value, name in reversed(by_value.items())}


def _is_list_of_images(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) > 1 and all(_IMAGE_VALUE.search(text(item)) for item in value)
    )


def _meanings(annotations: Iterable[Mapping[str, Any]]) -> Mapping[tuple[str, str], Statements]:
    """Return what each choice says, by the control that it was made in: "yes" says nothing without its question."""
    return statements(
        (text(result.get("from_name")), name)
        for annotation in annotations
        for result in objects(annotation.get("result"))
        if text(result.get("type")) == "choices"
        for name in texts(member(result, "value", "choices"))
    )


def _say(
    reference: str,
    annotations: list[Mapping[str, Any]],
    meanings: Mapping[tuple[str, str], Statements],
    notes: AnnotationBuilder,
) -> set[str]:
    """Note what the annotations of one task say; return the kinds of results met."""
    ranked = sorted(annotations, key=_rank)
    chosen = ranked[-1]
    winner = f"annotation {text(chosen.get('id'))}"
    labels, kinds = _labels(chosen, meanings)
    notes.image(reference)
    rejected = _rejected(chosen)
    for label, truth in labels.items():
        notes.say(reference, label, None if rejected else truth)
        if rejected and truth is not None:
            reviewer = "its reviewer, who rejected it,"
            notes.disagree(
                reference, label, source=winner, other=reviewer, present=truth, winner="the reviewer"
            )
    for other in ranked[:-1]:
        theirs, more = _labels(other, meanings)
        kinds |= more
        loser = f"annotation {text(other.get('id'))}"
        for label in sorted(_present(theirs) ^ _present(labels)):
            present = label in _present(labels)
            notes.disagree(reference, label, source=winner, other=loser, present=present, winner=winner)
    return kinds


def _rank(annotation: Mapping[str, Any]) -> tuple[bool, bool, str, int]:
    """Order annotations: ground truth last, rejected first, then by time, then by id."""
    number = annotation.get("id")
    when = text(annotation.get("updated_at")) or text(annotation.get("created_at"))
    return (
        annotation.get("ground_truth") is True,
        not _rejected(annotation),
        when,
        number if isinstance(number, int) else 0,
    )


def _rejected(annotation: Mapping[str, Any]) -> bool:
    """Whether the newest review of an annotation did not accept it."""
    reviews = [item for item in objects(annotation.get("reviews")) if isinstance(item.get("accepted"), bool)]
    if reviews:
        return max(reviews, key=lambda item: text(item.get("created_at"))).get("accepted") is False
    return annotation.get("last_action") == "rejected"


def _labels(
    annotation: Mapping[str, Any], meanings: Mapping[tuple[str, str], Statements]
) -> tuple[dict[str, bool | None], set[str]]:
    """Return the categories that an annotation speaks of, whether they are there, and the kinds of results met."""
    said: dict[str, bool | None] = {}
    kinds = set()
    for result in objects(annotation.get("result")):
        kind = text(result.get("type"))
        if kind not in _CHOSEN | _DRAWN:
            continue
        kinds.add(kind)
        question = text(result.get("from_name")) if kind == "choices" else ""
        for name in _names(kind, member(result, "value", kind)):
            for category, truth in meanings.get((question, name), ((name, True),)):
                said[category] = said.get(category) or truth
    return said, kinds


def _present(said: Mapping[str, bool | None]) -> set[str]:
    return {category for category, truth in said.items() if truth}


def _names(kind: str, value: Any) -> list[str]:
    """Return the categories in a result's value; of a path through a taxonomy, its last step."""
    if kind != "taxonomy":
        return texts(value)
    paths = value if isinstance(value, list) else []
    return [steps[-1] for steps in map(texts, paths) if steps]


def _image(data: Any, annotations: Iterable[Mapping[str, Any]]) -> str:
    """Return the image of a task: the data that the results are attached to, else what looks most like one."""
    if not isinstance(data, dict):
        return ""
    attached = [text(result.get("to_name")) for item in annotations for result in objects(item.get("result"))]
    candidates = {name.casefold(): text(value) for name, value in data.items()}
    for key in dict.fromkeys([*attached, *_IMAGE_KEYS]):
        value = candidates.get(key.casefold(), "")
        if value and (_IMAGE_VALUE.search(value) or key in _IMAGE_KEYS[:4]):
            return value
    return next((value for value in candidates.values() if _IMAGE_VALUE.search(value)), "")


def _read_rows(rows: list[Mapping[str, Any]], path: Path, notes: AnnotationBuilder) -> None:
    """Read the flat form, JSON-MIN or CSV: one row for each annotation, answers beside the task's data.

    Raises
    ------
    InputError
        No row has an image, or it cannot be told which column holds the answers.
    """
    images = [_image(row, ()) for row in rows]
    if not any(images):
        msg = f"{path}: a Label Studio export of rows without images; only images can be read"
        raise InputError(msg)
    columns = _answer_columns(rows, set(images), path)
    by_image: dict[str, list[Mapping[str, Any]]] = {}
    for position, (row, image) in enumerate(zip(rows, images, strict=True)):
        if not image:
            notes.problem("a row has no image", field=f"/{position}")
            continue
        results = [
            {**result, "from_name": column} for column in columns for result in _answers(row.get(column))
        ]
        by_image.setdefault(image, []).append({**row, "id": row.get("annotation_id"), "result": results})
    kinds: set[str] = set()
    meanings = _meanings(annotation for given in by_image.values() for annotation in given)
    for image, given in by_image.items():
        kinds |= _say(image, given, meanings, notes)
    notes.open_world = not kinds <= _CHOSEN


def _answer_columns(rows: list[Mapping[str, Any]], images: set[str], path: Path) -> list[str]:
    """Return the columns that hold answers: structured ones, or the one of plain text that can be meant."""
    columns = dict.fromkeys(name for row in rows for name in row if name.casefold() not in _BOOKKEEPING)
    structured, plain, questions = [], [], []
    for name in columns:
        values = [row[name] for row in rows if row.get(name) not in (None, "")]
        if any(not isinstance(value, str) or value.strip()[:1] in ("{", "[") for value in values):
            structured += [name] if any(map(_answers, values)) else []
        elif values and all(map(is_bare, values)):
            questions.append(name)
        elif values and not images.issuperset(values):
            plain.append(name)
    named = [name for name in plain if name.casefold() in _ANSWER_KEYS]
    chosen = structured + questions + (named or (plain if not structured + questions else []))
    if len(chosen) - len(structured + questions) > max(1, len(named)):
        listed = ", ".join(plain)
        msg = f"{path}: Label Studio without its structure: any of {listed} may hold the answers; export as JSON"
        raise InputError(msg)
    return chosen


def _answers(value: Any) -> list[dict[str, Any]]:
    """Return the results in one cell: a bare choice, or a JSON object or list of them."""
    if isinstance(value, str) and value.strip()[:1] in ("{", "["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    if isinstance(value, str):
        return [{"type": "choices", "value": {"choices": [value]}}]
    if isinstance(value, list) and value and all(isinstance(item, list) for item in value):
        return [{"type": "taxonomy", "value": {"taxonomy": value}}]
    parts = objects(value if isinstance(value, list) else [value])
    kinds = sorted(_CHOSEN | _DRAWN)
    return [{"type": kind, "value": part} for part in parts for kind in kinds if kind in part]
