"""Roboflow's folders: train/, valid/ and test/, each with its images and one file of annotations beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from manifest_tools.core.errors import InputError
from manifest_tools.sources.folders import files_below
from manifest_tools.sources.formats import coco, csv_tools
from manifest_tools.sources.formats.annotations import Annotations, merged
from manifest_tools.sources.formats.label_table import read_label_table

NAME = "roboflow"


def _read_classes(path: Path) -> Annotations:
    table = read_label_table(path)
    return Annotations(NAME, table.rows, categories=table.columns, unread=table.unread)


_FILES: Mapping[str, Callable[[Path], Annotations]] = MappingProxyType(
    {
        "_classes.csv": _read_classes,
        "_annotations.coco.json": coco.read,
        "_annotations.csv": csv_tools.read,
    }
)


def recognise_folder(path: Path) -> bool:
    """Whether a folder holds files of annotations by Roboflow's names, at any depth."""
    return any(_files(path))


def read(path: Path) -> Annotations:
    """Read every file of annotations below a folder; file names in them are relative to their own folder.

    Raises
    ------
    InputError
        There is none, or one of them cannot be read.
    """
    parts = [(file.parent.relative_to(path), _FILES[file.name](file)) for file in _files(path)]
    if not parts:
        names = ", ".join(_FILES)
        msg = f"{path}: expected a folder as Roboflow exports it, with one of {names} in it or in its folders"
        raise InputError(msg)
    return merged(NAME, [part.placed(_below(at, part)) for at, part in parts])


def _below(at: Path, said: Annotations) -> dict[str, str]:
    """Return each reference of a file with the file's folder before it."""
    names = [*(row.reference for row in said.rows), *said.references]
    return {name: (at / name).as_posix() for name in dict.fromkeys(names)}


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return sorted(file for file in files_below(path, *_FILES) if file.name in _FILES)
