"""FiftyOne: image classifications, one or several an image, as its exporters write them to labels.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations
from manifest_tools.sources.formats.json_files import member, read_json, shown, text

NAME = "fiftyone"
FILE = "labels.json"


def recognise(value: Any) -> bool:
    """Whether a JSON value is an object of labels by image, with the names of the classes or without."""
    labels = member(value, "labels")
    return isinstance(labels, dict) and set(value) <= {"classes", "labels"} and not _by_class(value, labels)


def _by_class(value: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether the object is one image's labels with 0 and 1, and not labels by image."""
    return "classes" not in value and all(isinstance(said, bool | int | float) for said in labels.values())


def read(path: Path) -> Annotations:
    """Read ``labels.json``, or the folder that holds it. An empty list is no answer about any class; null is no answer.

    Raises
    ------
    InputError
        The file is no such export, a class has no name, or the labels are a model's.
    """
    path = path / FILE if path.is_dir() else path
    document = read_json(path)
    if not recognise(document):
        msg = f"{path}: expected a FiftyOne export of classifications: an object with 'classes' and 'labels'"
        raise InputError(msg)
    classes = document.get("classes")
    names = [text(name) for name in classes] if isinstance(classes, list) else []
    notes = AnnotationBuilder(NAME, str(path))
    for name in names:
        notes.category(name)
    for name, said in document["labels"].items():
        reference = text(name)
        if not reference:
            msg = f"{path}: 'labels' has {shown(said)} for an image without a name; export the data set again"
            raise InputError(msg)
        answers = said if isinstance(said, list) else [] if said is None else [said]
        if said is not None:
            notes.image(reference)
        for answer in answers:
            notes.say(reference, _name(answer, names, reference, path))
    return notes.close()


def _name(answer: Any, names: list[str], reference: str, path: Path) -> str:
    if isinstance(answer, dict):
        if answer.get("confidence") is not None:
            msg = (
                f"{path}: {reference!r} has a label with a confidence ({shown(answer)}): a model's answer, not a "
                "person's; export the field that people filled"
            )
            raise InputError(msg)
        answer = answer.get("label")
    if isinstance(answer, int) and not isinstance(answer, bool):
        if not 0 <= answer < len(names):
            msg = f"{path}: {reference!r} has class {answer}, but 'classes' names {len(names)}"
            raise InputError(msg)
        answer = names[answer]
    name = text(answer)
    if not name:
        msg = f"{path}: {reference!r} has {shown(answer)}; expected a name of a class, or its number"
        raise InputError(msg)
    return name
