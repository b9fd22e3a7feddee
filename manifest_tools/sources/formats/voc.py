"""Pascal VOC XML: one file for each image, with the objects that were drawn in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations, read_one_or_all
from manifest_tools.sources.formats.json_files import file_name
from manifest_tools.sources.formats.xml_files import read_children

NAME = "voc"
ROOT = "annotation"


def read(path: Path) -> Annotations:
    """Read one VOC file, or every ``.xml`` below a folder.

    An object says that its name is in the image; parts, actions and attributes of objects are not read.

    Raises
    ------
    InputError
        The single file is broken or is no VOC file, or the folder holds none.
    """
    notes = AnnotationBuilder(NAME, str(path), open_world=True)
    read_one_or_all(path, notes, _read_file, suffix=".xml", expected="Pascal VOC")
    return notes.close()


def _read_file(path: Path, notes: AnnotationBuilder, folder: Path) -> None:
    names: list[str] = []
    texts: dict[str, str] = {}
    for root, child in read_children(path):
        if root != ROOT:
            msg = f"{path}: expected Pascal VOC with the root <annotation>, found <{root}>"
            raise InputError(msg)
        if child.tag == "object":
            names.append((child.findtext("name") or "").strip())
        else:
            texts[child.tag] = (child.text or "").strip()
    name, written = _names(texts)
    if not name:
        msg = f"{path}: no <filename>: which image this is about cannot be told"
        raise InputError(msg)
    reference = notes.image_beside(path, name, folder=folder, also=written)
    _say(reference, names, str(path), notes)


def _names(texts: dict[str, str]) -> tuple[str, str]:
    """Return the file name, and the path of the image where it tells of one and does not contradict the name."""
    name, path = texts.get("filename", ""), texts.get("path", "")
    if not name or file_name(path) == file_name(name):
        return name or path, path
    return name, name


def _say(reference: str, names: Iterable[str], file: str, notes: AnnotationBuilder) -> None:
    for name in names:
        if name:
            notes.say(reference, name)
        else:
            notes.problem("an object has no name", file=file, image=reference)
