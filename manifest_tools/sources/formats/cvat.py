"""CVAT for images XML: shapes and tags on images."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations
from manifest_tools.sources.formats.xml_files import read_children

NAME = "cvat"
ROOT = "annotations"
TAG = "tag"
_SHAPES = frozenset({"box", "polygon", "polyline", "points", "ellipse", "cuboid", "mask", "skeleton"})


def read(path: Path) -> Annotations:
    """Read one file of the format "CVAT for images".

    A shape or tag says that its label is in the image. Where the file holds tags alone, somebody ticked what
    applies to the whole image, so the tags are a closed list, as in a table.

    Raises
    ------
    InputError
        The file is broken, is no CVAT file, or is one of a video, which names frames and not images.
    """
    notes = AnnotationBuilder(NAME, str(path), open_world=True)
    kinds: set[str] = set()
    images = 0
    repeated = _repeated_names(path)
    for root, child in read_children(path):
        if root != ROOT:
            msg = f"{path}: expected CVAT for images with the root <annotations>, found <{root}>"
            raise InputError(msg)
        if child.tag == "meta":
            for name in child.iterfind(".//labels/label/name"):
                notes.category((name.text or "").strip())
        elif child.tag == "track":
            msg = f"{path}: CVAT for video: its tracks name frames, not images; export as 'CVAT for images'"
            raise InputError(msg)
        elif child.tag == "image":
            images += 1
            kinds |= _read_image(child, images, repeated, notes)
    notes.open_world = kinds != {TAG}
    return notes.close()


def _repeated_names(path: Path) -> frozenset[str]:
    """Return the names that images of several tasks of a project have: those are several pictures."""
    places: dict[str, set[str]] = {}
    for _, child in read_children(path):
        if child.tag == "image":
            places.setdefault((child.get("name") or "").strip(), set()).add(_place(child))
    return frozenset(name for name, found in places.items() if len(found) > 1)


def _place(image: Element) -> str:
    """Return the part of the data set, or the task, that an image belongs to."""
    subset = (image.get("subset") or "").strip()
    return f"{subset}/task {image.get('task_id') or ''}".strip()


def _read_image(image: Element, number: int, repeated: frozenset[str], notes: AnnotationBuilder) -> set[str]:
    """Note one image; return which kinds of marks it has."""
    name = (image.get("name") or "").strip()
    if not name:
        notes.problem(f"image number {number} has no name")
        return set()
    reference = f"{_place(image)}/{name}" if name in repeated else name
    notes.image(reference)
    kinds = set()
    for mark in image:
        if mark.tag != TAG and mark.tag not in _SHAPES:
            continue
        kinds.add(mark.tag)
        label = (mark.get("label") or "").strip()
        if label:
            notes.say(reference, label)
        else:
            notes.problem(f"a {mark.tag} has no label", image=reference)
    return kinds
