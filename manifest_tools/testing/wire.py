"""HTTP/1.1 on asyncio streams, as much as the fault proxy has to understand of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

_CHUNK = 1 << 16
_BODILESS = (204, 304)


@dataclass
class Head:
    """First line and headers of a request or an answer."""

    raw: bytes
    first: list[str]
    headers: dict[str, str]

    @property
    def status(self) -> int:
        """HTTP status of an answer."""
        return int(self.first[1])

    def without(self, name: str) -> bytes:
        """Return the head as it came, less one header."""
        wanted = name.lower().encode() + b":"
        lines = self.raw.split(b"\r\n")
        return b"\r\n".join(line for line in lines if not line.lower().startswith(wanted))


class BrokenError(Exception):
    """The client's connection is to be dropped."""


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Read up to the empty line."""
    raw = await reader.readuntil(b"\r\n\r\n")
    first, *lines = raw[:-4].decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Head(raw, first.split(" ", 2), {name.lower(): value.strip() for name, _, value in pairs})


async def read_body(reader: asyncio.StreamReader, head: Head) -> AsyncIterator[bytes]:
    """Yield the bytes of a body as they are on the wire."""
    if "chunked" in head.headers.get("transfer-encoding", "").lower():
        size = -1
        while size != 0:
            line = await reader.readuntil(b"\r\n")
            yield line
            size = int(line.split(b";")[0], 16)
            if size:
                yield await reader.readexactly(size + 2)
        while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
            yield line  # trailers
        yield line
        return
    left = int(head.headers.get("content-length", 0))
    while left:
        chunk = await reader.read(min(left, _CHUNK))
        if not chunk:
            raise BrokenError
        left -= len(chunk)
        yield chunk


async def pass_answer(
    request: Head, answer: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, cut: bool
) -> None:
    """Send an answer on; with `cut`, break off half way through its body."""
    writer.write(answer.raw)
    if request.first[0] == "HEAD" or answer.status in _BODILESS:
        if cut:
            raise BrokenError
        await writer.drain()
        return
    limit = int(answer.headers.get("content-length", _CHUNK)) // 2
    sent = 0
    async for chunk in read_body(reader, answer):
        if cut and sent + len(chunk) > limit:
            writer.write(chunk[: limit - sent])
            with suppress(OSError):
                await writer.drain()
            raise BrokenError
        writer.write(chunk)
        sent += len(chunk)
        await writer.drain()
    if cut:
        raise BrokenError
    if answer.headers.get("connection", "").lower() == "close":
        writer.close()
        raise BrokenError
