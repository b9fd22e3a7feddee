"""Where a manifest's bytes come from, and how they are cut into lines with bounded memory."""

from __future__ import annotations

import atexit
import codecs
import errno
import gzip
import io
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import orjson

from manifest_tools.core.bounded_json import loads
from manifest_tools.core.commit import recover
from manifest_tools.core.errors import InputError
from manifest_tools.manifests.validation.problems import MAX_LINE_CHARACTERS

BLOCK = 3 << 18  # bytes read at a time
_STEP = 1 << 16  # bytes read at a time in search of the end of a line
_HELD = 4 * MAX_LINE_CHARACTERS  # no line of more bytes is ever held in memory
_BOMS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
MAX_EXPANSION = 100  # bytes that one byte of gzip may stand for; manifests have about 40
_ALWAYS_TAKEN = 4 << 20  # bytes of gzip's content to which that does not apply
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines. `data` ends with a newline; `first` is the number of its first line, from 1."""

    data: bytes
    first: int
    lines: int


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line too long to be held, and passed over."""

    number: int
    bytes: int


class Source:
    """A manifest that can be read more than once.

    Parameters
    ----------
    origin : str, Path or bytes
        A path, "-" for standard input, or the manifest itself. Gzip is recognised by its content.

    Attributes
    ----------
    name : str
        What findings call the file.
    size : int or None
        Bytes, where they are known beforehand.
    mark : str
        The encoding that a byte-order mark announces: "utf-8-sig", "utf-16", or "" without one.

    Raises
    ------
    InputError
        The file cannot be opened or read.
    """

    def __init__(self, origin: str | Path | bytes) -> None:
        self._bytes = origin if isinstance(origin, bytes) else None
        self._path: Path | None = None
        if isinstance(origin, bytes):
            self.name = "<bytes>"
        elif origin == "-":
            self.name = "<stdin>"
            self._path = _spooled_input()
        else:
            self.name = str(origin)
            self._path = Path(origin)
        with self._reading(), self._open() as raw:
            head = raw.read(len(_GZIP))
            self._packed = head == _GZIP
            self.size = None if self._packed else raw.seek(0, io.SEEK_END)
            raw.seek(0)
            with self._unpacked(raw) as stream:
                self.mark = byte_order_mark(stream.read(len(codecs.BOM_UTF8)))

    def blocks(
        self, start: int = 0, end: int | None = None, *, size: int = BLOCK
    ) -> Iterator[Block | LongLine]:
        """Yield the content, or a span of :meth:`spans`, as blocks of whole lines; see :func:`cut`.

        Raises
        ------
        InputError
            The file cannot be opened or read.
        """
        with self._reading(), self._open() as raw, self._unpacked(raw) as stream:
            if start:
                stream.seek(start)
            pieces = _read(stream, size, None if end is None or self._packed else end - start)
            yield from cut(_utf8(pieces, self.mark if not start else ""))

    def spans(self, size: Callable[[int], int]) -> list[tuple[int, int | None]]:
        """Cut the content into spans of whole lines; what can only be read from its beginning is one span.

        Parameters
        ----------
        size : callable
            Given how many bytes are left, returns how many the next span has, before the rest of its last line.
        """
        if self.size is None or self._path is None or self.mark == "utf-16":
            return [(0, None)]
        edges = [0]
        with self._reading(), self._open() as raw:
            while (edge := edges[-1] + size(self.size - edges[-1])) < self.size:
                edges.append(_end_of_line(raw, edge))
        return [(start, end) for start, end in pairwise([*edges, self.size]) if start < end]

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Say in words which file cannot be read."""
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            msg = f"{self.name}: the gzip data is damaged or cut off ({error}); compress the manifest again"
            raise InputError(msg) from error
        except OSError as error:
            what = "give the path of a manifest that can be read"
            if error.errno == errno.ESPIPE:
                what = "a pipe can be read once only; give a file, or '-' and the pipe as standard input"
            msg = f"{self.name}: {error.strerror or error}; {what}"
            raise InputError(msg) from error

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        if self._bytes is not None:
            yield io.BytesIO(self._bytes)
        else:
            assert self._path is not None
            recover(self._path.parent)  # else the other side's manifest may be of another run
            with self._path.open("rb", buffering=0) as raw:
                yield cast("BinaryIO", raw)

    @contextmanager
    def _unpacked(self, raw: BinaryIO) -> Iterator[BinaryIO]:
        if self._packed:
            with gzip.open(raw) as stream:
                yield cast("BinaryIO", _Inflated(self.name, stream, raw))
        else:
            yield raw


class _Inflated:
    """The content of gzip data, as long as it is in proportion to them."""

    def __init__(self, name: str, stream: gzip.GzipFile, raw: BinaryIO) -> None:
        self._name, self._stream, self._raw = name, stream, raw
        self._bytes = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._bytes += len(data)
        if self._bytes > max(_ALWAYS_TAKEN, MAX_EXPANSION * self._raw.tell()):
            msg = (
                f"{self._name}: the gzip data expand to more than {MAX_EXPANSION} times their size, which no "
                "manifest does; unpack the file, look at it, and give what is in it"
            )
            raise InputError(msg)
        return data


def _end_of_line(raw: BinaryIO, place: int) -> int:
    """Return where the line that holds the byte at `place` ends: behind its line break, or at the end of the file."""
    edge = raw.seek(place)
    for data in iter(lambda: raw.read(_STEP), b""):
        end = data.find(b"\n")
        if end >= 0:
            return edge + end + 1
        edge += len(data)
    return edge


def _spooled_input() -> Path:
    """Keep standard input on disk: repeated images need a second look, and workers their own reader."""
    handle, name = tempfile.mkstemp(prefix="manifest-tools-", suffix=".manifest")
    atexit.register(Path(name).unlink, missing_ok=True)
    with os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file, BLOCK)
    return Path(name)


def _read(stream: BinaryIO, size: int, count: int | None) -> Iterator[bytes]:
    """Yield the next `count` bytes of a stream in pieces of one size, `size` at most; or all of them."""
    left = sys.maxsize if count is None else count
    pieces = max(1, -(-left // size))
    size = -(-left // pieces)  # a short one at the end would take about as long
    while left > 0 and (data := stream.read(min(size, left))):
        left -= len(data)
        yield data


def byte_order_mark(head: bytes) -> str:
    """Return the encoding that a file's first bytes announce: "utf-8-sig", "utf-16", or "" for none."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return next((name for bom, name in _BOMS.items() if head.startswith(bom)), "")


def cut(pieces: Iterable[bytes]) -> Iterator[Block | LongLine]:
    """Cut UTF-8 into blocks of whole lines.

    A line that cannot be within the limit is passed over and reported by its size: memory stays bounded whatever
    the file holds.

    Parameters
    ----------
    pieces : iterable of bytes
        The manifest from the beginning of a line, in pieces of any size.
    """
    number = 1
    rest = b""
    passed = 0  # bytes of the long line that is being passed over
    for data in pieces:
        if passed:
            end = data.find(b"\n")
            passed += len(data) if end < 0 else end
            if end < 0:
                continue
            yield LongLine(number, passed)
            number, passed, data = number + 1, 0, data[end + 1 :]  # noqa: PLW2901 - the rest of this piece
        end = data.rfind(b"\n") + 1
        if end:
            block = b"".join((rest, memoryview(data)[:end]))
            rest = data[end:]
            for piece in _without_long_lines(block, number):
                yield piece
                number += 1 if isinstance(piece, LongLine) else piece.lines
        else:
            rest += data
        if len(rest) > _HELD:
            passed, rest = len(rest), b""
    if passed:
        yield LongLine(number, passed)
    elif rest:
        yield Block(rest + b"\n", number, 1)


def _without_long_lines(block: bytes, number: int) -> Iterator[Block | LongLine]:
    """Split a block around lines that are too long; nearly always there are none."""
    start = 0
    # A line of more than _HELD bytes covers at least one of these points.
    for point in range(_HELD, len(block), _HELD):
        begin = block.rfind(b"\n", start, point) + 1 or start
        end = block.find(b"\n", max(point, start))
        if begin < start or end - begin <= _HELD:
            continue
        if begin > start:
            before = block[start:begin]
            yield Block(before, number, count := _line_breaks(before))
            number += count
        yield LongLine(number, end - begin)
        number += 1
        start = end + 1
    if start < len(block):
        rest = block[start:]
        yield Block(rest, number, _line_breaks(rest))


def _line_breaks(data: bytes) -> int:
    """Count them: ten times as fast as `bytes.count`, which looks at one byte at a time."""
    return int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n")))


def _utf8(pieces: Iterable[bytes], mark: str) -> Iterator[bytes]:
    """Yield UTF-8 without a byte-order mark: UTF-16 is recoded, other bytes pass as they are."""
    if mark == "utf-16":
        decoder = codecs.getincrementaldecoder(mark)("replace")
        for data in pieces:
            yield decoder.decode(data).encode("utf-8", "replace")
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")
        return
    beginning = b""
    for data in pieces:
        if mark and len(beginning) < len(codecs.BOM_UTF8):
            beginning += data
            if len(beginning) >= len(codecs.BOM_UTF8):
                yield beginning.removeprefix(codecs.BOM_UTF8)
        else:
            yield data


def lines(source: Source) -> Iterator[tuple[int, bytes | None]]:
    """Yield every line with its number, from 1, without its line break; None stands for a line too long to hold."""
    for piece in source.blocks():
        if isinstance(piece, LongLine):
            yield piece.number, None
        else:
            for number, line in enumerate(piece.data[:-1].split(b"\n"), piece.first):
                yield number, line.removesuffix(b"\r")


def parse(line: bytes | None) -> Any:
    """Return a line's JSON value; None when it is too long, blank or not JSON."""
    try:
        return loads(line) if line and line.strip() else None
    except orjson.JSONDecodeError:
        return None
