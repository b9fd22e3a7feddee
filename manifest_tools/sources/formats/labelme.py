"""LabelMe JSON: one file for each image, with shapes that were drawn and flags that were ticked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations, read_one_or_all
from manifest_tools.sources.formats.json_files import member, objects, read_json, text

NAME = "labelme"
_RESERVED = "__"  # begins flags of LabelMe itself, such as __ignore__


def recognise(value: Any) -> bool:
    """Whether a JSON value is laid out like LabelMe."""
    return isinstance(member(value, "shapes"), list) and "imagePath" in value


def read(path: Path) -> Annotations:
    """Read one LabelMe file, or every ``.json`` below a folder.

    A shape says that its label is in the image. A flag is asked of every image: ticked says that it is there,
    not ticked that it is not. An image with the flag ``__ignore__`` is passed over.

    Raises
    ------
    InputError
        The single file is broken or is no LabelMe file, or the folder holds none.
    """
    notes = AnnotationBuilder(NAME, str(path))
    read_one_or_all(path, notes, _read_file, suffix=".json", expected="LabelMe")
    return notes.close()


def _read_file(path: Path, notes: AnnotationBuilder, folder: Path) -> None:
    document = read_json(path)
    if not recognise(document):
        msg = f"{path}: expected LabelMe, an object with 'shapes' and 'imagePath'"
        raise InputError(msg)
    name = text(document["imagePath"])
    if not name:
        msg = f"{path}: no imagePath: which image this is about cannot be told"
        raise InputError(msg)
    flags = document.get("flags") if isinstance(document.get("flags"), dict) else {}
    if flags.get("__ignore__") is True:
        notes.problem("flagged __ignore__", variant="skipped", file=str(path), image=name)
        return
    reference = notes.image_beside(path, name, folder=folder)
    for shape in objects(document["shapes"]):
        notes.open_world = True
        label = text(shape.get("label"))
        if label:
            notes.say(reference, label)
        else:
            notes.problem("a shape has no label", file=str(path), image=reference)
    for flag, ticked in flags.items():
        if isinstance(ticked, bool) and not flag.startswith(_RESERVED):
            notes.say(reference, text(flag), ticked)
