"""A proxy that breaks things on purpose, between a client and a local server."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from manifest_tools.core.errors import InputError
from manifest_tools.testing.wire import BrokenError, Head, pass_answer, read_body, read_head

_HEAD_LIMIT = 1 << 18
_KINDS = ("errors", "resets", "lost_replies", "cuts", "delays")

_S3_ERROR = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
_JSON_ERROR = b'{"__type":"InternalServerError","Message":"injected"}'


@dataclass(frozen=True)
class Faults:
    """How often what goes wrong: shares of all requests, from 0 to 1, at most one fault a request.

    Attributes
    ----------
    errors : float
        Refused with `status` before the server sees the request.
    resets : float
        The connection is reset before the server sees the request.
    lost_replies : float
        The server does the work, but the connection is reset before its answer comes.
    cuts : float
        The answer breaks off in the middle of its body.
    delays : float
        The answer comes `delay_seconds` late.
    status : int
        HTTP status of the refused requests. 503 is S3's "SlowDown".
    delay_seconds : float

    Raises
    ------
    InputError
        The shares are not shares.

    Examples
    --------
    >>> from manifest_tools.testing import Faults
    >>> Faults(errors=0.1, cuts=0.03).choose(0.05)
    'errors'
    >>> Faults(errors=0.1, cuts=0.03).choose(0.5)
    ''
    """

    errors: float = 0.0
    resets: float = 0.0
    lost_replies: float = 0.0
    cuts: float = 0.0
    delays: float = 0.0
    status: int = 503
    delay_seconds: float = 2.0

    def __post_init__(self) -> None:
        shares = [getattr(self, kind) for kind in _KINDS]
        if min(shares) < 0 or sum(shares) > 1:
            raise InputError(f"shares of faults are from 0 to 1 and at most 1 together, got {shares}")

    def choose(self, dice: float) -> str:
        """Return the kind of fault for a number from 0 to 1, or ``""`` for none."""
        for kind in _KINDS:
            dice -= getattr(self, kind)
            if dice < 0:
                return kind
        return ""


@dataclass
class FaultProxy:
    """A running proxy.

    Attributes
    ----------
    url : str
        Where clients connect.
    faults : Faults
        What goes wrong; assign another value to change it on the way.
    counts : Counter
        Requests, and how many of them met which fault.

    Examples
    --------
    >>> from manifest_tools.testing import Faults, fault_proxy, local_rekognition
    >>> with local_rekognition() as rekognition, fault_proxy(rekognition.url, Faults()) as proxy:
    ...     _ = rekognition.client(url=proxy.url).describe_projects()
    ...     dict(proxy.counts)
    {'requests': 1}
    """

    url: str
    faults: Faults
    counts: Counter[str] = field(default_factory=Counter)


@contextmanager
def fault_proxy(
    url: str,
    faults: Faults,
    *,
    seed: int = 0,
    only: Callable[[str, str], bool] | None = None,
) -> Iterator[FaultProxy]:
    """Run a proxy before `url` that injects faults; signatures stay valid.

    Parameters
    ----------
    url : str
        An ``http://`` address, such as ``LocalS3.url``.
    faults : Faults
        What goes wrong, and how often.
    seed : int
        For the choice of the requests that meet a fault. Their order of arrival matters too.
    only : callable, optional
        ``only(method, path) -> bool``: which requests may meet a fault. All by default.

    Yields
    ------
    FaultProxy

    Raises
    ------
    InputError
        `url` is no ``http://`` address.

    Examples
    --------
    >>> from manifest_tools.testing import Faults, fault_proxy, local_rekognition
    >>> with local_rekognition() as rekognition, fault_proxy(rekognition.url, Faults(errors=1, status=500)) as proxy:
    ...     rekognition.client(url=proxy.url).describe_projects()  # boto3 tries again, and gives up
    Traceback (most recent call last):
        ...
    botocore.errorfactory.InternalServerError: An error occurred ...
    """
    target = urlsplit(url)
    if target.scheme != "http" or not target.hostname:
        raise InputError(f"a fault proxy stands before an http:// server, got {url!r}")
    proxy = FaultProxy("", faults)
    service = _Service(proxy, target.hostname, target.port or 80, random.Random(seed), only)  # noqa: S311 - dice
    with _running(service):
        yield proxy


@contextmanager
def _running(service: _Service) -> Iterator[None]:
    """Serve from an event loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fault-proxy", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(service.start(), loop).result()
        yield
    finally:
        asyncio.run_coroutine_threadsafe(service.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Service:
    def __init__(
        self,
        proxy: FaultProxy,
        host: str,
        port: int,
        dice: random.Random,
        only: Callable[[str, str], bool] | None,
    ) -> None:
        self._proxy = proxy
        self._target = (host, port)
        self._dice = dice
        self._only = only
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_HEAD_LIMIT)
        self._proxy.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        upstream: asyncio.StreamWriter | None = None
        try:
            server_reader, upstream = await asyncio.open_connection(*self._target, limit=_HEAD_LIMIT)
            while True:
                await self._exchange(reader, writer, server_reader, upstream)
        except (OSError, asyncio.IncompleteReadError, BrokenError):
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()  # the proxy stops
        finally:
            if upstream is not None:
                upstream.transport.abort()
            self._tasks.discard(task)

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        """Pass one request and its answer, or break one of them."""
        request = await read_head(reader)
        fault = self._choose(request)
        if fault == "resets":
            raise BrokenError
        if request.headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fault == "errors":
            async for _ in read_body(reader, request):
                pass
            writer.write(_refusal(request, self._proxy.faults.status))
            await writer.drain()
            return
        upstream.write(request.without("expect"))
        async for chunk in read_body(reader, request):
            upstream.write(chunk)
            await upstream.drain()
        answer = await read_head(server_reader)
        if fault == "lost_replies":
            raise BrokenError
        if fault == "delays":
            await asyncio.sleep(self._proxy.faults.delay_seconds)
        await pass_answer(request, answer, server_reader, writer, cut=fault == "cuts")

    def _choose(self, request: Head) -> str:
        counts = self._proxy.counts
        counts["requests"] += 1
        if self._only is not None and not self._only(request.first[0], request.first[1]):
            return ""
        fault = self._proxy.faults.choose(self._dice.random())
        if fault:
            counts[fault] += 1
        return fault


def _refusal(request: Head, status: int) -> bytes:
    is_json = "x-amz-target" in request.headers
    body = _JSON_ERROR if is_json else _S3_ERROR
    kind = "application/x-amz-json-1.1" if is_json else "application/xml"
    if request.first[0] == "HEAD":
        body = b""
    head = f"HTTP/1.1 {status} Injected\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
