"""JSON of bounded depth: what is nested deeper is refused before anything recurses into it."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

MAX_DEPTH: Final = 250  # lists and objects within each other; what writes JSON follows 254
_PART: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[][{}]')


def loads(text: bytes) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    orjson.JSONDecodeError
        It is not JSON, or nested more than `MAX_DEPTH` deep.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "depth" not in error.msg:
            raise
        _refuse_depth(text)
        raise
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH:
        _refuse_depth(text)
    return value


def _refuse_depth(text: bytes) -> None:
    depth = 0
    for part in _PART.finditer(text):
        if part[0] in (b"[", b"{"):
            depth += 1
            if depth > MAX_DEPTH:
                msg = f"lists and objects are nested more than {MAX_DEPTH} deep"
                raise orjson.JSONDecodeError(msg, text.decode(), len(text[: part.start()].decode()))
        elif part[0] in (b"]", b"}"):
            depth -= 1
