"""JSON as RFC 8259 has it: where a line breaks it, and keys that stand twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from manifest_tools.manifests.validation.problems import Problem, pointer

_AWS_CODE = "ERROR_INVALID_JSON_LINE"
_ESCAPE = re.compile(rb"\\.")
_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]')
# What often stands where JSON wants a value, and what to say of it.
_HINTS = (
    (re.compile(r"-?(NaN|Infinity)"), "{0} is not a JSON number"),
    (re.compile(r"None|True|False|nan|inf"), "{0} is Python, not JSON; JSON has null, true and false"),
    (re.compile("'"), "JSON strings stand in double quotes"),
    (re.compile("[\u201c\u201d]"), "a typographic quotation mark; JSON has straight ones"),
    (re.compile("\ufeff"), "a byte-order mark; is the file joined from several?"),
    (re.compile(r"//|/\*|#"), "JSON has no comments"),
)
_PLAIN_PATH = re.compile(r"[^\s{}\[\]\",:]+\.[A-Za-z0-9]{2,5}")


def syntax_problem(data: bytes, error: orjson.JSONDecodeError) -> Problem:
    """Return the problem of a line that is not JSON.

    Parameters
    ----------
    data : bytes
        The line.
    error : orjson.JSONDecodeError
        What the parser said of the line without the white space around it.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as bad:
        return Problem("encoding", {"byte": bad.start + 1, "aws_code": _AWS_CODE})
    indent = len(text) - len(text.lstrip(" \t\r"))
    position = indent + error.pos
    data_of = {"column": position + 1, "reason": _reason(text, position, error.msg), "aws_code": _AWS_CODE}
    return Problem("json-syntax", data_of)


def _reason(text: str, position: int, message: str) -> str:
    if position == len(text) - len(text.lstrip()) and _PLAIN_PATH.fullmatch(text.strip()):
        return "a bare file name; a manifest has a JSON object on each line"
    for pattern, hint in _HINTS:
        match = pattern.match(text, position)
        if match:
            return hint.format(match.group())
    if text[position:].strip() == "" and message.startswith("unexpected"):
        return "the line ends too early; each line must hold one complete JSON object"
    return message


def has_duplicate_keys(text: bytes, value: Any) -> bool:
    """Whether an object in a valid JSON text has a key twice.

    A parser keeps one of the two, so the text then has more strings than the value: exact, and cheap.
    """
    try:
        return _quotes(text) != _quotes(orjson.dumps(value))
    except orjson.JSONEncodeError:  # nested deeper than it can write
        return _quotes(text) != 2 * _strings(value)


def _quotes(text: bytes) -> int:
    """Count the quotation marks around the strings of a JSON text."""
    return (_ESCAPE.sub(b"", text) if b"\\" in text else text).count(b'"')


def _strings(value: Any) -> int:
    """Count the strings of a parsed value, keys and texts, however deep it is."""
    count = 0
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            count += 1
        elif isinstance(item, dict):
            count += len(item)
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return count


def duplicate_keys(data: bytes) -> Iterator[Problem]:
    """Yield each key that stands twice in one object of a valid JSON text, with its column and pointer."""
    text = data.decode()
    path: list[str | int] = []  # where we are; the last part is the key or index in the innermost container
    seen: list[set[str] | None] = []  # keys of each open object; None for a list
    expects_key = False
    for match in _PART.finditer(text):
        part = match.group()
        if part in "{[":
            seen.append(set() if part == "{" else None)
            path.append("" if part == "{" else 0)
            expects_key = part == "{"
        elif part in "}]":
            seen.pop()
            path.pop()
            expects_key = False
        elif part == ",":
            expects_key = seen[-1] is not None
            if isinstance(path[-1], int):
                path[-1] += 1
        elif part != ":" and expects_key:
            key = json.loads(part)
            path[-1] = key
            keys = seen[-1]
            assert keys is not None
            if key in keys:
                yield Problem(
                    "json-duplicate-key", {"key": key, "column": match.start() + 1}, None, pointer(path)
                )
            keys.add(key)
            expects_key = False
