"""JSON files of other tools: read whole, trusted in nothing."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from manifest_tools.core import json_text
from manifest_tools.core.errors import InputError

MAX_BYTES = 2_000_000_000  # of one export: parsed, it takes several times that in memory
MAX_EXPANSION = 100  # bytes that one byte of gzip may stand for; answers and tables have some 40
_ALWAYS_UNPACKED = 1 << 24
GZIP = b"\x1f\x8b"
JSON_EXPANSION = 16  # bytes of memory for each byte of JSON; exports have 4 to 10
MAX_MEMORY = 1_000_000_000  # bytes to which that does not apply
_HEAD = 1 << 16  # bytes that tell what a file begins with
_SHOWN = 60  # characters of a foreign value in a message


def read_bytes(path: Path) -> bytes:
    """Return the content of an export.

    Raises
    ------
    InputError
        The file cannot be read, or is too large to be read whole.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            msg = (
                f"{path}: {size:,} bytes; an export is read whole, up to {MAX_BYTES:,} bytes: export in parts"
            )
            raise InputError(msg)
        return unpacked(path.read_bytes(), path)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise InputError(msg) from error


def unpacked(data: bytes, path: str | os.PathLike[str]) -> bytes:
    """Return the content of gzip data, recognised by its first bytes; other data as they are.

    Raises
    ------
    InputError
        The data are damaged, or hold more than is read of one export.
    """
    if not data.startswith(GZIP):
        return data
    limit = min(MAX_BYTES, max(_ALWAYS_UNPACKED, MAX_EXPANSION * len(data)))
    parts, left = [], limit
    try:
        while data and left > 0:  # several members may follow each other
            reader = zlib.decompressobj(wbits=31)
            parts.append(reader.decompress(data, left + 1))
            if not reader.eof:
                break
            left -= len(parts[-1])
            data = reader.unused_data.lstrip(b"\0")
        whole = b"".join(parts)
        if len(whole) > limit or not reader.eof:
            what = f"more than {limit:,} bytes unpacked" if len(whole) > limit else "the data are cut off"
            raise InputError(f"{path}: gzip: {what}; unpack it, and export in parts what is too large")
    except zlib.error as error:
        msg = f"{path}: the gzip data are damaged ({error}); compress the file again"
        raise InputError(msg) from error
    return whole


def decode(data: bytes, path: Path) -> str:
    """Return text from UTF-8, or from UTF-16 with a byte-order mark, as Windows tools write it.

    Raises
    ------
    InputError
        It is neither.
    """
    utf_16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8"
        raise InputError(msg) from error


def refuse_swelling(data: bytes, path: Path) -> None:
    """Refuse JSON that takes far more memory than bytes: millions of empty lists, say.

    Raises
    ------
    InputError
    """
    lists, objects, items, strings = (data.count(sign) for sign in (b"[", b"{", b",", b'"'))
    memory = 64 * lists + 232 * objects + 40 * items + 28 * strings
    if memory > max(MAX_MEMORY, JSON_EXPANSION * len(data)):
        msg = (
            f"{path}: {len(data):,} bytes of JSON that would take about {memory / 1e9:.1f} GB in memory, more than "
            f"{JSON_EXPANSION} times as much; is it an export at all? Export in parts"
        )
        raise InputError(msg)


def first_character(data: bytes) -> str:
    """Return the first character that is no space, behind a byte-order mark; "" when there is none."""
    utf_16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return data[:_HEAD].decode("utf-16" if utf_16 else "utf-8-sig", "replace").lstrip()[:1]


def read_json(path: Path) -> Any:
    """Return the value in a JSON file; NaN and Infinity, which Python writes, are let pass.

    Raises
    ------
    InputError
        The file cannot be read or is not JSON; the message says where it breaks.
    """
    data = read_bytes(path)
    refuse_swelling(data, path)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return parse_json(decode(data, path), path)


def parse_json(text: str, path: Path) -> Any:
    """Return the value of a JSON text (see :func:`read_json`)."""
    return json_text.parse_json(text, path, nan=True)


def records(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Give position and value of each object in a list; nothing when `value` is no list."""
    for position, item in enumerate(value if isinstance(value, list) else []):
        if isinstance(item, dict):
            yield position, item


def objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a list; empty when `value` is no list."""
    return [item for _, item in records(value)]


def member(value: Any, *keys: str) -> Any:
    """Return ``value[key][key]...``, or None where something on the way is no object or is not there."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text(value: Any) -> str:
    """Return a name as text without surrounding space: strings and whole numbers have one, the rest is ""."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return ""
    # no half of a surrogate pair
    name = value if value.isascii() else value.encode("utf-8", "replace").decode()
    return str(name).strip()


def texts(value: Any) -> list[str]:
    """Return the names in a list, or the one name that stands instead of a list."""
    values = value if isinstance(value, list) else [value]
    return [name for name in map(text, values) if name]


def shown(value: Any) -> str:
    """Return a foreign value, shortened, for a message."""
    try:
        whole = repr(value)
    except RecursionError:
        whole = f"{type(value).__name__} nested very deep"
    return whole if len(whole) <= _SHOWN else whole[: _SHOWN - 3] + "..."


def file_name(path: str | os.PathLike[str]) -> str:
    """Return the last part of a path, also of one from Windows."""
    return os.fspath(path).replace("\\", "/").rsplit("/", 1)[-1]
