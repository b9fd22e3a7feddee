"""What is said once for all files of labels, or for one of them by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import TypeVar

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.tables import listed

_Value = TypeVar("_Value")


def parse_by_file(texts: Iterable[str], option: str) -> dict[str, str]:
    """Read ``VALUE`` and ``FILE=VALUE``; without a file it is for all files that are not named.

    A value that is a file of its own may hold "=".

    Raises
    ------
    InputError
        A file is named twice, or there is no value.
    """
    found: dict[str, str] = {}
    for text in texts:
        file, _, value = ("", "", text) if Path(text).exists() else text.rpartition("=")
        if file in found or not value.strip():
            what = "is given twice for one file" if file in found else "has no value"
            msg = f"{option} {text!r} {what}; expected VALUE or FILE=VALUE, once for each file of labels"
            raise InputError(msg)
        found[file] = value.strip()
    return found


def value_of(by_file: Mapping[str, _Value], file: str) -> _Value | None:
    """Return what was said for a file of labels, else what was said for all; None where nothing was."""
    named = next((key for key in by_file if key and _means(key, file)), "")
    return by_file.get(named)


def require_files(by_file: Iterable[str], files: Iterable[str], option: str) -> None:
    """Raise InputError where a file is named that is none of the files of labels."""
    given = list(files)
    for key in by_file:
        if key and not any(_means(key, file) for file in given):
            msg = f"{option} {key}=...: that is none of the files of labels, which are {listed(given)}"
            raise InputError(msg)


def _means(key: str, file: str) -> bool:
    return PurePath(file).is_relative_to(PurePath(key)) or Path(file).resolve() == Path(key).resolve()
