"""JSON that comes from outside, read strictly."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from manifest_tools.core import bounded_json
from manifest_tools.core.errors import InputError

_WORDS = {
    "infinity": "a number too large to be one",
    "surrogate": "half of a surrogate pair, which is no character",
}
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"|\bNaN\b', re.DOTALL)


def parse_json(data: bytes | str, place: object, *, nan: bool = False) -> Any:
    """Return the value of a JSON text.

    Parameters
    ----------
    data : bytes or str
        The text; bytes are UTF-8.
    place : object
        The file, or the file and line, for the message.
    nan : bool
        Let NaN pass, which Python writes where nothing is known.

    Raises
    ------
    InputError
        It is not JSON, is nested too deep, or has an infinite number or half of a surrogate pair; the message says where.
    """
    try:
        if isinstance(data, bytes):
            data = data.decode("utf-8-sig")
        value: Any = bounded_json.loads(data.encode())
    except UnicodeError as error:
        msg = f"{place}: not UTF-8: {error}"
        raise InputError(msg) from error
    except orjson.JSONDecodeError as error:
        assert isinstance(data, str)
        if not (nan and data.startswith("NaN", error.pos)):
            raise _refusal(error, data, place) from error
        value = _with_nan(data, place)
    return value


def _with_nan(text: str, place: object) -> Any:
    """Return the value of a text with NaN in it, which has to be sound but for that."""
    sound = _TOKENS.sub(lambda token: token[0] if token[0][0] == '"' else "0.0", text)
    try:
        bounded_json.loads(sound.encode())
    except orjson.JSONDecodeError as error:
        raise _refusal(error, sound, place) from error
    return json.loads(text, parse_int=_number, parse_float=float)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) < 19 else float(digits)


def _refusal(error: orjson.JSONDecodeError, text: str, place: object) -> InputError:
    what = next((words for key, words in _WORDS.items() if key in error.msg), "")
    if not what and error.pos >= len(text.rstrip()):
        what = "the file ends too early: it was cut off"
    return InputError(
        f"{place}: not valid JSON at line {error.lineno}, column {error.colno}: {what or error.msg}"
    )
