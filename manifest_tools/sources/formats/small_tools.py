"""JSON of smaller tools, each a few lines: VoTT, CreateML, Universal Data Tool, Datumaro."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations
from manifest_tools.sources.formats.json_files import member, objects, read_json, records, shown, text, texts

VOTT, CREATEML, UNIVERSAL, DATUMARO = "vott", "createml", "universal-data-tool", "datumaro"


def recognise(value: Any) -> str:
    """Return the name of the format that a JSON value is laid out like, or ""."""
    return next((name for name, (fits, _) in _LAYOUTS.items() if fits(value)), "")


def read(path: Path) -> Annotations:
    """Read a JSON file of one of these tools.

    Raises
    ------
    InputError
        The file is of none of them.
    """
    document = read_json(path)
    name = recognise(document)
    if not name:
        msg = f"{path}: expected JSON of VoTT, CreateML, Universal Data Tool or Datumaro"
        raise InputError(msg)
    notes = AnnotationBuilder(name, str(path))
    _LAYOUTS[name][1](document, path, notes)
    return notes.close()


def _say(reference: str, names: Any, notes: AnnotationBuilder) -> None:
    """Note what a mark on an image is called: one name, or a list of them."""
    said = texts(names)
    for name in said:
        notes.say(reference, name)
    if not said:
        notes.problem("an annotation has no label", image=reference)


def _is_vott(value: Any) -> bool:
    assets = member(value, "assets")
    return isinstance(assets, dict) and all("asset" in item for item in objects([*assets.values()][:1]))


def _read_vott(document: Mapping[str, Any], path: Path, notes: AnnotationBuilder) -> None:  # noqa: ARG001 - one signature
    notes.open_world = True
    for declared in objects(document.get("tags")):
        notes.category(text(declared.get("name")))
    for key, entry in document["assets"].items():
        reference = text(member(entry, "asset", "path")) or text(member(entry, "asset", "name"))
        if not reference:
            notes.problem("an asset has no path", field=f"/assets/{key}")
            continue
        notes.image(reference.removeprefix("file:"))
        for region in objects(member(entry, "regions")):
            _say(reference.removeprefix("file:"), region.get("tags"), notes)


def _is_createml(value: Any) -> bool:
    return any(
        ("image" in item or "imagefilename" in item) and isinstance(_marks(item), list)
        for item in objects(value)[:1]
    )


def _marks(item: Mapping[str, Any]) -> Any:
    return item.get("annotations", item.get("annotation"))


def _read_createml(document: Any, path: Path, notes: AnnotationBuilder) -> None:  # noqa: ARG001 - one signature
    notes.open_world = True
    for position, item in records(document):
        reference = text(item.get("image")) or text(item.get("imagefilename"))
        if not reference:
            notes.problem("an entry has no image", field=f"/{position}")
            continue
        notes.image(reference)
        for mark in objects(_marks(item)):
            _say(reference, mark.get("label"), notes)


def _is_universal(value: Any) -> bool:
    return isinstance(member(value, "interface"), dict) and isinstance(member(value, "samples"), list)


def _read_universal(document: Mapping[str, Any], path: Path, notes: AnnotationBuilder) -> None:
    kind = text(member(document, "interface", "type"))
    if not kind.startswith("image_"):
        msg = f"{path}: Universal Data Tool of the type {shown(kind)}; only image types can be read"
        raise InputError(msg)
    notes.open_world = kind != "image_classification"
    for name in texts(member(document, "interface", "labels")):
        notes.category(name)
    for position, sample in records(document["samples"]):
        reference = text(sample.get("imageUrl"))
        if not reference:
            notes.problem("a sample has no imageUrl", field=f"/samples/{position}")
            continue
        answer = sample.get("annotation")
        if answer is None:
            continue  # nobody's turn yet
        notes.image(reference)
        marks = answer if isinstance(answer, list) else [answer]
        for mark in marks:
            names = mark.get("classification", mark.get("cls")) if isinstance(mark, dict) else mark
            _say(reference, names, notes)


def _is_datumaro(value: Any) -> bool:
    return isinstance(member(value, "items"), list) and isinstance(member(value, "categories"), dict)


def _datumaro_name(item: Mapping[str, Any]) -> str:
    return text(member(item, "image", "path")) or text(item.get("id"))


def _read_datumaro(document: Mapping[str, Any], path: Path, notes: AnnotationBuilder) -> None:  # noqa: ARG001 - one signature
    names = [text(label.get("name")) for label in objects(member(document, "categories", "label", "labels"))]
    for name in names:
        notes.category(name)
    kinds = set()
    times = Counter(map(_datumaro_name, objects(document["items"])))
    for position, item in records(document["items"]):
        reference = _datumaro_name(item)
        if not reference:
            notes.problem("an item has no id", field=f"/items/{position}")
            continue
        if times[reference] > 1:  # two pictures, whose folders the file does not tell
            reference = f"item {position}/{reference}"
        notes.image(reference)
        for mark in objects(item.get("annotations")):
            number = mark.get("label_id")
            kinds.add(text(mark.get("type")))
            name = names[number] if isinstance(number, int) and 0 <= number < len(names) else ""
            if not name:
                notes.problem(f"no label has the number {shown(number)}", image=reference)
            notes.say(reference, name or f"label {shown(number)}")
    notes.open_world = kinds != {"label"}


_LAYOUTS: Mapping[str, tuple[Callable[[Any], bool], Callable[[Any, Path, AnnotationBuilder], None]]] = {
    VOTT: (_is_vott, _read_vott),
    UNIVERSAL: (_is_universal, _read_universal),
    DATUMARO: (_is_datumaro, _read_datumaro),
    CREATEML: (_is_createml, _read_createml),
}
