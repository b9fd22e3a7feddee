"""A problem of a line, before it is worth the texts of a finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from manifest_tools.core.resources import load_json

_LIMITS = {name: limit["value"] for name, limit in load_json("manifest-limits.json")["limits"].items()}
MAX_LINE_CHARACTERS: int = _LIMITS["max_line_characters"]
MAX_LINES: int = _LIMITS["max_lines"]
MAX_BYTES: int = _LIMITS["max_bytes"]
MAX_BOXES: int = _LIMITS["max_boxes"]
MAX_KEY_BYTES: int = _LIMITS["max_key_bytes"]


class Problem(NamedTuple):
    """A code of the catalogue with its values; where it is in the line, and which label it is about."""

    code: str
    data: Mapping[str, Any]
    variant: str | None = None
    field: str | None = None
    label: str | None = None


def pointer(path: Iterable[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a path."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def describe(value: Any) -> str:
    """Return a JSON value in a few words, for messages."""
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 80 else f'"{value[:77]}..."'
    return (
        {None: "null", True: "true", False: "false"}.get(value) or str(value)
        if not _number(value)
        else str(value)
    )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
