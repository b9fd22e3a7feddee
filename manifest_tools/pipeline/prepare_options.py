"""Everything that `prepare` may be told, as one value of plain text and numbers.

The command line, the project file and the record of a folder's last call are all read into it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import CURRENT
from manifest_tools.core.text import shortened
from manifest_tools.findings.findings import MAX_FINDINGS
from manifest_tools.storage.uris import is_s3_uri

_SPELLED = {"mapping": "map", "slices": "slice"}  # members whose option has another name
_COMMAS = ("keep", "safe_names")  # the command line has them in one text
FOLDERS = "folders"
_WORDS = (FOLDERS, "none")  # in the place of a path
_SWITCHES = ("freeze_test",)  # that may be left open
_NUMBERS = ("taxonomy", "label_level")  # that are names
_OF_POLICY = ("target", "derive", "label_level", "safe_names", "keep_unchecked", "policy", "fail_on")
_NO_ARGUMENTS = (*_OF_POLICY, "separate_copies")  # members that the function takes in another form


@dataclass(frozen=True, kw_only=True)
class PrepareOptions:
    """What `prepare` is told, written as on the command line; members are named after the options."""

    images: str = ""
    to: str = ""
    labels: tuple[str, ...] = ()
    labels_format: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    mapping: tuple[str, ...] = ()
    checked_labels: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()
    not_alike: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    predictions: str = ""
    min_confidence: float | None = None
    target: tuple[str, ...] = ()
    test_size: float = 0.2
    prove: tuple[str, ...] = ()
    keys: str = "original"
    keep_test: bool = False
    separate_copies: bool = False
    derive: bool = False
    thumbnails: str = "none"
    stop_list: tuple[str, ...] = ()
    label_level: str = ""
    safe_names: tuple[str, ...] = ()
    keep_unchecked: bool = False
    policy: str = ""
    taxonomy: str = CURRENT
    fail_on: str = ""
    max_findings: int = MAX_FINDINGS
    seed: int = 0
    freeze_test: bool | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Take those values that are options of ours, as a command line parses them, or as TOML and JSON hold them.

        Raises
        ------
        InputError
            A value is of another kind than its option.
        """
        names = {item.name: item.default for item in fields(cls)}
        return cls(
            **{name: _plain(name, default, given[name]) for name, default in names.items() if name in given}
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults, ready for JSON; :meth:`of` reads it back."""
        return {
            item.name: list(value) if isinstance(value := getattr(self, item.name), tuple) else value
            for item in fields(self)
            if getattr(self, item.name) != item.default
        }

    def defaults(self) -> dict[str, Any]:
        """Return what differs from the defaults, as a command line would parse it."""
        return {name: ",".join(value) if name in _COMMAS else value for name, value in self.to_dict().items()}

    def moved(self, start: str | Path, new: str | Path) -> Self:
        """Return the options with every path that is relative to one folder made relative to another."""

        def move(path: str) -> str:
            if not path or path in _WORDS or os.path.isabs(path) or is_s3_uri(path):  # noqa: PTH117
                return path
            return relative(Path(start) / path, new)

        def by_file(text: str) -> str:
            file, equals, value = text.rpartition("=")
            return f"{move(file)}{equals}{value}"

        def file_of(text: str) -> str:  # of FILE or FILE:COLUMN, beside columns and words
            file, colon, column = text.partition(":")
            return f"{move(file)}{colon}{column}" if (Path(start) / file).is_file() else text

        changes: dict[str, Callable[[str], str]] = {
            **dict.fromkeys(
                ("images", "labels", "not_alike", "add", "predictions", "policy", "stop_list"), move
            ),
            **dict.fromkeys(("labels_format", "checked_labels"), by_file),
            **dict.fromkeys(("group_by", "slices"), file_of),
            "mapping": lambda text: "=".join(
                map(move, text.rpartition("=")[::2] if "=" in text else (text,))
            ),
        }
        moved: dict[str, Any] = {
            name: change(value)
            if isinstance(value := getattr(self, name), str)
            else tuple(map(change, value))
            for name, change in changes.items()
        }
        return replace(self, **moved)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of :func:`manifest_tools.prepare`, but for the policy and where the results go.

        Raises
        ------
        InputError
            A value cannot be read; the message names the option.
        """
        from manifest_tools.sources.by_file import parse_by_file  # noqa: PLC0415 - pandas, for the main job alone
        from manifest_tools.sources.checked import parse_checked  # noqa: PLC0415
        from manifest_tools.sources.formats.column_choice import ColumnChoice  # noqa: PLC0415

        same = {
            item.name: getattr(self, item.name) for item in fields(self) if item.name not in _NO_ARGUMENTS
        }
        return same | {
            "labels": self.labels or None,
            "labels_format": parse_by_file(self.labels_format, "--labels-format"),
            "columns": ColumnChoice.parse(self.columns),
            "mapping": parse_by_file(self.mapping, "--map"),
            "checked_labels": parse_checked(self.checked_labels),
            "predictions": self.predictions or None,
            "share_copies": not self.separate_copies,
        }


def option_name(member: str) -> str:
    """Return how a member is spelled as an option, without dashes before it.

    >>> option_name("checked_labels"), option_name("mapping")
    ('checked-labels', 'map')
    """
    return _SPELLED.get(member, member).replace("_", "-")


def relative(path: str | Path, start: str | Path) -> str:
    """Return a path as it is written from a folder; absolute where no relative one leads there."""
    try:
        return Path(os.path.relpath(path, start)).as_posix()
    except ValueError:  # another drive
        return str(Path(path).absolute())


def _plain(name: str, default: Any, value: Any) -> Any:
    """Return a value in the type of its option."""
    if value is None:
        return default
    if isinstance(default, tuple):
        return _texts(name, value)
    if isinstance(value, os.PathLike):
        value = str(value)
    types, expected = _kind(name, default)
    if type(value) in types or (str in types and isinstance(value, str)):
        return str(value) if isinstance(default, str) else value
    raise _not_that(name, value, expected)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [part for part in map(str.strip, value.split(",")) if part] if name in _COMMAS else [value]
    if not isinstance(value, list | tuple) or not all(isinstance(item, str | os.PathLike) for item in value):
        raise _not_that(name, value, "a list of texts")
    return tuple(map(str, value))


def _kind(name: str, default: Any) -> tuple[tuple[type, ...], str]:
    """Return the types of an option's value, and what they are called."""
    if isinstance(default, str):
        return ((str, int, float) if name in _NUMBERS else (str,)), "text"
    if isinstance(default, bool) or name in _SWITCHES:
        return (bool,), "true or false"
    return ((int,), "a whole number") if isinstance(default, int) else ((int, float), "a number")


def _not_that(name: str, value: Any, expected: str) -> InputError:
    return InputError(f"{option_name(name)} is {shortened(repr(value))}; expected {expected}")
