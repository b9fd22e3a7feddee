"""Bounds for who connects to the page's server: how many at once, and how long a request or its answer may take.

A browser needs a handful of connections. Whoever opens more, or begins a request and does not end it, must not take the
server from the browser, nor all file descriptors from the process that writes the answers.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

if sys.platform != "win32":
    import resource

UNFINISHED: Final = 20.0  # seconds in which a request has to arrive whole
ANSWERING: Final = 300.0  # seconds in which it has to be answered, and the answer to be taken
_UNREAD: Final = 30.0  # seconds for the rest of an answer that the client has not taken
MOST: Final = 64  # connections
_SHARE: Final = 4  # of the file descriptors a fourth is for connections
_TOLD: Final = 10  # messages of the server in its log


def most_connections() -> int:
    """Return how many connections are kept open: fewer where the process may open few files."""
    if sys.platform == "win32":
        return MOST
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if soft == resource.RLIM_INFINITY else max(2, min(MOST, soft // _SHARE))


class BoundedConnection(H11Protocol):
    """A connection that ends when it does not get on, and that makes room for a newer one while it waits."""

    since = 0.0  # when it began to wait for a request
    waits = True  # for a request, or for the rest of one
    _idle = False  # an answer was given, and nothing of the next request is here
    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection in; when there are too many, end the one that has waited longest for its request."""
        super().connection_made(transport)
        self.since = self.loop.time()
        self._within(UNFINISHED)
        others = [each for each in self.connections if isinstance(each, BoundedConnection)]
        alive = [each for each in others if not each.transport.is_closing()]
        if len(alive) > most_connections():
            min(alive, key=lambda each: (not each.waits, each.since)).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take in a part of a request; more parts do not give it more time."""
        if self._idle:
            self._idle = False
            self._within(UNFINISHED)
        super().data_received(data)
        arrived = self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete
        if self.waits and arrived:
            self.waits = False
            self._within(ANSWERING)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.waits, self._idle, self.since = True, True, self.loop.time()
        self._within(_UNREAD)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)

    def _within(self, seconds: float) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = self.loop.call_later(seconds, self.transport.abort)


class FewMessages(logging.Filter):
    """Lets the first messages of a server through, so that no client can fill a disk with its log."""

    _seen = 0

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - the signature of logging
        """Whether a message is written."""
        self._seen += 1
        return self._seen <= _TOLD


def tell_once(loop: asyncio.AbstractEventLoop) -> None:
    """Let the loop say once that no file can be opened, and only the first of other faults."""
    log, few, told = logging.getLogger("uvicorn.error"), FewMessages(), False

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal told
        if not isinstance(context.get("exception"), OSError):
            if few.filter(logging.makeLogRecord({})):
                loop.default_exception_handler(context)
        elif not told:
            told = True
            log.error(
                "The review page cannot take a connection: %s. It tries again every second; answers that were given "
                "are saved. Close programs or raise the limit of open files (ulimit -n) if it lasts.",
                context["exception"],
            )

    loop.set_exception_handler(handle)
