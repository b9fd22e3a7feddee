"""COCO JSON: instances, key points, panoptic segments, and lists of labels without boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations
from manifest_tools.sources.formats.json_files import member, objects, read_json, records, shown, text

NAME = "coco"


def recognise(value: Any) -> bool:
    """Whether a JSON value is laid out like COCO."""
    return isinstance(member(value, "images"), list) and (
        isinstance(member(value, "annotations"), list) or isinstance(member(value, "categories"), list)
    )


def read(path: Path) -> Annotations:
    """Read one COCO file.

    A box, a mask or a bare label says that its category is in the image. Nothing says that a category is not.

    Raises
    ------
    InputError
        The file is not COCO, or is a kind of COCO that has no categories (captions).
    """
    document = read_json(path)
    if not recognise(document):
        msg = f"{path}: expected COCO, an object with lists 'images', 'annotations' and 'categories'"
        raise InputError(msg)
    annotations = objects(document.get("annotations"))
    if annotations and "caption" in annotations[0] and not member(document, "categories"):
        msg = f"{path}: COCO captions: sentences about images, no labels; nothing can be learnt from it here"
        raise InputError(msg)
    notes = AnnotationBuilder(NAME, str(path), open_world=True)
    names = _categories(document, notes)
    images = _images(document, notes)
    for position, annotation in records(document.get("annotations")):
        place = f"/annotations/{position}"
        image = images.get(_key(annotation.get("image_id")))
        if image is None:
            notes.problem(f"no image has the id {shown(annotation.get('image_id'))}", field=place)
            continue
        for category in _named_by(annotation):
            name = names.get(_key(category))
            if name is None:
                notes.problem(f"no category has the id {shown(category)}", field=place, image=image)
            notes.say(image, name or f"category {shown(category)}")
    return notes.close()


def fields(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what the file says of each image, by the reference that :func:`read` gives it."""
    document = read_json(path)
    references = _images(document, AnnotationBuilder(NAME, str(path)))
    for image in objects(document.get("images")):
        said = {name: value for name, value in image.items() if name not in ("id", "file_name")}
        yield references.get(_key(image.get("id")), ""), said


def _named_by(annotation: Mapping[str, Any]) -> list[Any]:
    """Return the category ids of an annotation; a panoptic one has a list of segments."""
    segments = annotation.get("segments_info")
    if isinstance(segments, list):
        return [segment.get("category_id") for segment in objects(segments)]
    return [annotation.get("category_id")]


def _categories(document: Mapping[str, Any], notes: AnnotationBuilder) -> dict[str, str]:
    names = {}
    for position, category in records(document.get("categories")):
        name = text(category.get("name"))
        if not name:
            notes.problem("a category has no name", field=f"/categories/{position}")
            continue
        names[_key(category.get("id"))] = name
        notes.category(name)
    return names


def _images(document: Mapping[str, Any], notes: AnnotationBuilder) -> dict[str, str]:
    """Return the reference of each image by its id; where several have one name, with what tells them apart."""
    names = Counter(text(image.get("file_name")) for image in objects(document.get("images")))
    images = {}
    for position, image in records(document.get("images")):
        name = text(image.get("file_name"))
        longer = text(image.get("path")) or text(image.get("coco_url"))
        reference = name or longer
        if not reference:
            notes.problem("an image has no file_name", field=f"/images/{position}")
            continue
        if name and names[name] > 1:
            reference = longer or f"id {shown(image.get('id'))}/{name}"
        images[_key(image.get("id"))] = reference
        notes.image(reference)
    return images


def _key(identifier: Any) -> str:
    """Return an id as text: some tools write 40 in one place and "40" in the other."""
    return text(int(identifier) if isinstance(identifier, float) and identifier.is_integer() else identifier)
