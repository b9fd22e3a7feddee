"""The project file: what every command needs to know of a project, written once.

``manifest-tools.toml``, or the table ``[tool.manifest-tools]`` of ``pyproject.toml``, in the working folder or one above
it. Keys are the names of options; paths are seen from the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.core.text import shortened
from manifest_tools.core.toml_file import read_toml
from manifest_tools.pipeline.prepare_options import PrepareOptions, option_name, relative

PROJECT_FILE = "manifest-tools.toml"
PYPROJECT, _TABLE = "pyproject.toml", "[tool.manifest-tools]"
OPTIONS = {option_name(item.name): item.name for item in fields(PrepareOptions)}
OTHERS: dict[str, type | tuple[type, ...]] = {  # of other commands, or of several
    "out": str,
    "project": str,
    "profile": str,
    "region": str,
    "endpoint-url": str,
    "kms-key": str,
    "price": (int, float),
    "tps": (int, float, str),
    "reviewer": str,
}
LABELS = ("file", "format", "map", "checked-labels")  # keys of a table of labels


@dataclass(frozen=True)
class ProjectFile:
    """A project file, its paths as seen from the working folder.

    Parameters
    ----------
    path : Path
        The file.
    prepare : PrepareOptions
        What `prepare` is to do.
    out : Path or None
        The folder of results.
    others : mapping of str to Any
        Options of other commands that are set, by their members' names.
    """

    path: Path
    prepare: PrepareOptions
    out: Path | None
    others: Mapping[str, Any]


def find_project(start: str | Path = ".") -> ProjectFile | None:
    """Return the project file of a folder, or of the nearest folder above it; None where there is none.

    Raises
    ------
    InputError
        It cannot be read, or says what cannot be meant.
    """
    here = Path(start).absolute()
    for folder in (here, *here.parents):
        path = folder / PROJECT_FILE
        if path.is_file():
            return read_project(path)
        path = folder / PYPROJECT
        if _speaks_of_us(path):
            return read_project(path)
    return None


def _speaks_of_us(pyproject: Path) -> bool:
    try:
        return b"tool.manifest-tools" in pyproject.read_bytes()
    except OSError:  # none, or one that is nobody's business here
        return False


def read_project(path: Path) -> ProjectFile | None:
    """Read a project file; None for a ``pyproject.toml`` without a table of ours.

    Raises
    ------
    InputError
        As :func:`find_project`.
    """
    shown = relative(path, ".")
    try:
        document: Any = read_toml(path)
        if path.name == PYPROJECT:
            shown = f"{shown} {_TABLE}"
            document = document.get("tool", {}).get("manifest-tools")
            if document is None:
                return None
        return _project(document, path)
    except InputError as error:
        msg = f"{shown}: {error}"
        raise InputError(msg) from error


def _project(document: Mapping[str, Any], path: Path) -> ProjectFile:
    _see_keys(document, [*OPTIONS, *OTHERS])
    given = {OPTIONS[key]: value for key, value in document.items() if key in OPTIONS}
    given |= _labels(document.get("labels"), given)
    others: dict[str, Any] = {}
    for key, expected in OTHERS.items():
        value = document.get(key)
        if value is None:
            continue
        if not isinstance(value, expected) or isinstance(value, bool):
            msg = f"{key} is {shortened(repr(value))}; expected {'text' if expected is str else 'a number'}"
            raise InputError(msg)
        others[key.replace("-", "_")] = str(value) if key == "tps" else value
    out = others.pop("out", None)
    return ProjectFile(
        path,
        PrepareOptions.of(given).moved(path.parent, "."),
        None if out is None else Path(PrepareOptions(images=out).moved(path.parent, ".").images),
        others,
    )


def _labels(said: Any, given: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what tables of labels say, written as the options of one file."""
    tables = [said] if isinstance(said, dict) else said if isinstance(said, list) else []
    if not any(isinstance(item, dict) for item in tables):
        return {}
    found: dict[str, list[str]] = {"labels": []}
    for name in ("labels_format", "mapping", "checked_labels"):
        value = given.get(name, [])
        found[name] = [value] if isinstance(value, str) else list(value)
    for item in tables:
        table = item if isinstance(item, dict) else {"file": item}
        _see_keys(table, LABELS, "labels: ")
        file = table.get("file")
        checked = table.get("checked-labels", [])
        texts = [
            file,
            table.get("format", ""),
            table.get("map", ""),
            *(checked if isinstance(checked, list) else [0]),
        ]
        if not file or not all(isinstance(text, str) for text in texts):
            msg = f"labels: {shortened(repr(item))}; expected file, format and map as text, checked-labels as a list"
            raise InputError(msg)
        found["labels"].append(file)
        for name, value in (
            ("labels_format", texts[1]),
            ("mapping", texts[2]),
            ("checked_labels", ",".join(checked)),
        ):
            if value:
                found[name].append(f"{file}={value}")
    return found


def _see_keys(table: Any, known: Iterable[str], where: str = "") -> None:
    """Refuse keys that are not known, with the nearest right one."""
    if not isinstance(table, dict):
        msg = f"{where}{shortened(repr(table))} stands where a table is expected"
        raise InputError(msg)
    names = list(known)
    for key in table:
        if key not in names:
            near = get_close_matches(key.replace("_", "-"), names, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
            msg = f"{where}unknown key {shortened(key)!r}; {hint}"
            raise InputError(msg)
