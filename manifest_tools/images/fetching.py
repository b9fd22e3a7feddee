"""Files that are far away, on their way to a worker while it decodes others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Final

Reader = Callable[[str], bytes]
# Batches that a worker is sent beside the one that it is at: enough for its connections with files of a megabyte,
# and so few bytes (see `portions`) that memory is no matter.
AHEAD: Final = 6
ASSUMED_BYTES: Final = 2 << 20  # of a file whose size nobody has told
_CONNECTIONS: Final = 16  # files that a worker fetches at a time
_COMING: dict[str, Future[bytes]] = {}  # by address


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_CONNECTIONS)


def expect(reader: Reader, uris: Iterable[str]) -> None:
    """Begin to fetch files, in the order in which they will be taken."""
    for uri in uris:
        _COMING[uri] = _threads().submit(reader, uri)


def coming(uri: str) -> Future[bytes] | None:
    """Return the bytes to be of a file that is expected."""
    return _COMING.get(uri)


def take(reader: Reader, uri: str) -> bytes:
    """Return the bytes of a file, and keep them no longer; raises what the reader raised."""
    future = _COMING.pop(uri, None)
    return future.result() if future is not None else reader(uri)
