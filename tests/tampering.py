"""What somebody may have done to a file of ours: the same file with one thing changed, again and again."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from manifest_tools.core.errors import ManifestToolsError

VALUES = (None, True, -1, 10**30, 1e300, "", "x", "../../x", "\u202e\x1b[31m", [], [[None]], {}, {"x": 3})
_MARK = "the place of a text that json.dumps would not write"
_RAW = ("NaN", "1e999", '"\\ud800"', "[" * 300 + "]" * 300)


def tried(*steps: Callable[[], object]) -> str:
    """Do each step; return what was said against the last that failed, which is a sentence of one line."""
    said = ""
    for step in steps:
        try:
            step()
        except ManifestToolsError as error:
            said = str(error)
            assert "\n" not in said
            assert "\x1b" not in said
            assert len(said) < 1000
    return said


def of_json(content: bytes) -> Iterator[bytes]:
    """Yield a JSON document with each of its members in turn missing, or of another type and value."""
    yield from of_bytes(content)
    document = json.loads(content)
    for value in VALUES:
        yield json.dumps(value).encode()
    for at, path in enumerate([*_paths(document)]):
        yield json.dumps(_changed(document, path, ...)).encode()
        for value in VALUES[at % 3 :: 3]:  # every value somewhere, not everywhere: it takes time
            yield json.dumps(_changed(document, path, value)).encode()
        with_mark = json.dumps(_changed(document, path, _MARK))
        for text in _RAW[at % 2 :: 2]:
            yield with_mark.replace(f'"{_MARK}"', text).encode()


def of_lines(content: bytes) -> Iterator[bytes]:
    """Yield JSON lines with the first one changed as :func:`of_json` does, twice, or away."""
    first, *rest = content.splitlines(keepends=True)
    for line in of_json(first):
        yield b"".join([line, b"\n", *rest])
    yield b"".join(rest)
    yield first + content


def of_table(content: bytes) -> Iterator[bytes]:
    """Yield a Parquet file with each of its columns in turn missing, empty, or of another type."""
    yield from of_bytes(content)
    table = pq.read_table(io.BytesIO(content))
    yield _parquet(table.slice(0, 0))
    yield _parquet(table.slice(0, max(1, len(table) - 1)))
    yield _parquet(pa.concat_tables([table, table]))
    yield _parquet(table.take(list(range(len(table)))[::-1]))
    count = len(table)
    others = [
        pa.nulls(count),
        pa.array([2**62] * count),
        pa.array([-1] * count),
        pa.array([float("inf")] * count),
        pa.array(["x"] * count),
        pa.array(["z" * 1024] * count),
        pa.array([""] * count),
        pa.array([b"\xff"] * count),
        pa.array([[1]] * count),
        pa.array([None] * count, pa.string()),
    ]
    for at, name in enumerate(table.schema.names):
        yield _parquet(table.remove_column(at))
        for values in others[at % 4 :: 4]:
            yield _parquet(table.set_column(at, name, values))
    yield _parquet(table.append_column(table.schema.names[-1], table[table.schema.names[-1]]))


def of_bytes(content: bytes) -> Iterator[bytes]:
    """Yield a file cut short, empty, and with other content."""
    yield from (
        content[: len(content) // 2],
        content[:-1],
        b"",
        b"\0" * 100,
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        content * 2,
    )


def _parquet(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = (
        value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    )
    for key, inner in items:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


def _changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    if len(path) == 1 and new is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = _changed(value[path[0]], path[1:], new)
    return copy
