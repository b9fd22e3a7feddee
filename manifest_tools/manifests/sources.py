"""Where a manifest's bytes come from, and how they are cut into lines with bounded memory."""

from __future__ import annotations

import codecs
import gzip
import io
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from manifest_tools.errors import InputError

BLOCK = 1 << 20  # bytes read at a time
LONGEST_LINE = 100_000  # characters (schemas/limits.json has the source)
_HELD = 4 * LONGEST_LINE  # no line of more bytes is ever held in memory
_BOMS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines. `data` ends with a newline; `first` is the number of its first line, from 1."""

    data: bytes
    first: int


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
    """

    def __init__(self, origin: str | Path | bytes) -> None:
        self._bytes = origin if isinstance(origin, bytes) else None
        self._spool: BinaryIO | None = None
        self.path: Path | None = None
        if isinstance(origin, bytes):
            self.name = "<bytes>"
        elif origin == "-":
            self.name = "<stdin>"
            # Kept on disk: a second look at repeated images needs it again.
            self._spool = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - lives as long as the source
            shutil.copyfileobj(sys.stdin.buffer, self._spool)
        else:
            self.name = str(origin)
            self.path = Path(origin)

    def blocks(self, *, size: int = BLOCK) -> Iterator[Block | LongLine]:
        """Yield the content from its beginning; see :func:`blocks`.

        Raises
        ------
        InputError
            The file cannot be opened or read.
        """
        try:
            with self._open() as raw:
                packed = raw.read(len(_GZIP)) == _GZIP
                raw.seek(0)
                with gzip.open(raw) if packed else nullcontext(raw) as stream:
                    yield from blocks(cast("BinaryIO", stream), size=size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            msg = f"{self.name}: the gzip data is damaged or cut off ({error}); compress the manifest again"
            raise InputError(msg) from error
        except OSError as error:
            msg = f"{self.name}: {error.strerror or error}; give the path of a manifest that can be read"
            raise InputError(msg) from error

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        if self._bytes is not None:
            yield io.BytesIO(self._bytes)
        elif self._spool is not None:
            self._spool.seek(0)
            yield self._spool
        else:
            with cast("Path", self.path).open("rb", buffering=0) as raw:
                yield cast("BinaryIO", raw)


def byte_order_mark(head: bytes) -> str:
    """Return the encoding that a file's first bytes announce: "utf-8-sig", "utf-16", or "" for none."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return next((name for bom, name in _BOMS.items() if head.startswith(bom)), "")


def blocks(stream: BinaryIO, *, size: int = BLOCK) -> Iterator[Block | LongLine]:
    """Cut a stream into blocks of whole lines.

    A byte-order mark is dropped and UTF-16 is turned into UTF-8. A line that cannot be within the limit is
    passed over and reported by its size: memory stays bounded whatever the file holds.

    Parameters
    ----------
    stream : binary file
        The manifest, from its beginning.
    size : int
        Bytes to read at a time.
    """
    number = 1
    rest = b""
    passed = 0  # bytes of the long line that is being passed over
    for data in _utf8(stream, size):
        if passed:
            end = data.find(b"\n")
            passed += len(data) if end < 0 else end
            if end < 0:
                continue
            yield LongLine(number, passed)
            number, passed, data = number + 1, 0, data[end + 1 :]  # noqa: PLW2901 - the rest of this piece
        end = data.rfind(b"\n") + 1
        if end:
            block = rest + data[:end]
            rest = data[end:]
            for piece in _without_long_lines(block, number):
                yield piece
                number += 1 if isinstance(piece, LongLine) else piece.data.count(b"\n")
        else:
            rest += data
        if len(rest) > _HELD:
            passed, rest = len(rest), b""
    if passed:
        yield LongLine(number, passed)
    elif rest:
        yield Block(rest + b"\n", number)


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
            yield Block(block[start:begin], number)
            number += block.count(b"\n", start, begin)
        yield LongLine(number, end - begin)
        number += 1
        start = end + 1
    if start < len(block):
        yield Block(block[start:] if start else block, number)


def _utf8(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the stream's bytes as UTF-8 without a byte-order mark; other bytes pass as they are."""
    head = stream.read(size)
    mark = byte_order_mark(head)
    if mark == "utf-16":
        decoder = codecs.getincrementaldecoder(mark)("replace")
        while head:
            yield decoder.decode(head).encode("utf-8", "replace")
            head = stream.read(size)
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")
        return
    head = head.removeprefix(codecs.BOM_UTF8)
    while head:
        yield head
        head = stream.read(size)


def lines(source: Source) -> Iterator[tuple[int, bytes]]:
    """Yield every line with its number, from 1, without its line break; a line too long comes as ``b""``."""
    for piece in source.blocks():
        if isinstance(piece, LongLine):
            yield piece.number, b""
        else:
            for number, line in enumerate(piece.data[:-1].split(b"\n"), piece.first):
                yield number, line.removesuffix(b"\r")
