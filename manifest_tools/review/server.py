"""The server of the review page: a few addresses over a :class:`ReviewSession`, on this machine only."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from manifest_tools.core import bounded_json
from manifest_tools.core.errors import InputError, ManifestToolsError, MissingExtraError, OutputError
from manifest_tools.images.fetching import Reader
from manifest_tools.review.entries import GOLD_RATE, LONGEST_LOOK, Remark, Said
from manifest_tools.review.exposure import Exposure
from manifest_tools.review.handout import Handout, Wish
from manifest_tools.review.journal import merge_journal
from manifest_tools.review.pictures import Pictures, Shown
from manifest_tools.review.queue import Filter
from manifest_tools.review.session import ReviewSession

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    from manifest_tools.review.connections import UNFINISHED, BoundedConnection, FewMessages, tell_once
    from manifest_tools.review.guard import RequestGuard
except ImportError as error:
    msg = "the review page needs an extra: pip install 'manifest-tools[review]'"
    raise MissingExtraError(msg) from error

_ASSETS = {"/": ("index.html", "text/html"), "/review.css": ("review.css", "text/css"),
           "/review.js": ("review.js", "text/javascript")}  # fmt: skip
_MOST_OFFERED = 100  # images of which one is handed out
_MOST_BODY = 64 * 1024  # bytes
_ANSWER_FIRST = 2  # seconds before a connection is ended in which a body that does not arrive is answered
_AT_A_TIME = 1  # connections that are accepted before one of them is looked at, so that a flood is bounded
_WAITING = 128  # connections that the system holds meanwhile
_GRACE = 2  # seconds for requests under way when the server ends


class Session(NamedTuple):
    """How a session is paced: a reminder to pause after so many pictures, an end after so many."""

    pause_after: int = 50
    most: int = 300


def serve(
    folder: str | Path,
    *,
    reviewer: str,
    reader: Reader,
    session: Session | None = None,
    second_look: Sequence[str] = (),
    adjudicating: bool = False,
    gold_rate: float = GOLD_RATE,
    daily_looks: int = 0,
    opt_out: Sequence[str] = (),
    port: int = 0,
    ready: Callable[[str], None],
) -> int:
    """Serve the review page of an output folder until it is interrupted or the page ends the session.

    Parameters
    ----------
    folder : path
        An output folder.
    reviewer : str
        Whose answers these are.
    reader : callable
        Returns the bytes behind an ``s3://`` address.
    session : Session, optional
        Pauses and end of a session.
    second_look, adjudicating, gold_rate
        As in :class:`ReviewSession`.
    daily_looks, opt_out
        As `daily` and `opt_out` in :class:`manifest_tools.review.exposure.Exposure`.
    port : int
        Where the server listens on this machine; 0 takes a free one.
    ready : callable
        Called with the page's address, which holds the token, once the server listens.

    Returns
    -------
    int
        How many answers the journal holds.

    Raises
    ------
    InputError
        The folder holds no data set.
    OutputError
        The port is taken, or the answers cannot be merged into the data set; they stay in the journal.
    """
    review = ReviewSession(
        folder, reviewer, second_look=second_look, adjudicating=adjudicating, gold_rate=gold_rate
    )
    exposure = Exposure(review, daily=daily_looks, opt_out=opt_out)
    with socket.socket() as listener, ThreadPoolExecutor(3, "pictures") as workers:
        _bind(listener, port)
        port = listener.getsockname()[1]
        handout = Handout(review, folder)
        app = application(
            review,
            handout,
            Pictures(review.state.dataset, reader),
            workers,
            session or Session(),
            exposure=exposure,
        )
        guard = RequestGuard(app, port)
        config = uvicorn.Config(
            guard, log_level="error", access_log=False, lifespan="off", server_header=False,
            timeout_graceful_shutdown=_GRACE, http=BoundedConnection, ws="none", loop="asyncio", backlog=_AT_A_TIME,
        )  # fmt: skip
        log, few = logging.getLogger("uvicorn.error"), FewMessages()
        log.addFilter(few)
        server = _Server(config)
        app.state.end = lambda: setattr(server, "should_exit", True)
        server.ready = lambda: ready(f"http://127.0.0.1:{port}/?token={guard.token}")
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:  # the ordinary way to end
            pass
        finally:
            log.removeFilter(few)
            handout.close()
            merge_journal(folder, save=True)
    return len(review.state.standing())


def _bind(listener: socket.socket, port: int) -> None:
    if port and sys.platform != "win32":  # there it would let two servers share a port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        msg = f"port {port} of this machine cannot be used: {error.strerror or error}; choose another --port"
        raise OutputError(msg) from error


class _Server(uvicorn.Server):
    ready: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        tell_once(asyncio.get_running_loop())
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(_WAITING)
        if self.started:
            self.ready()


def application(
    review: ReviewSession,
    handout: Handout,
    pictures: Pictures,
    workers: ThreadPoolExecutor,
    session: Session,
    *,
    exposure: Exposure,
) -> Starlette:
    """Return the server's addresses, unguarded."""
    page = _Page(review, handout, pictures, workers, session, exposure)
    routes = [Route(path, _asset) for path in _ASSETS]
    routes += [
        Route("/favicon.ico", _no_icon),
        Route("/veil/{row:int}", page.veil),
        Route("/picture/{row:int}", page.picture),
        Route("/people/{row:int}", page.people),
        Route("/api/start", page.start),
        Route("/api/queue", page.queue),
        Route("/api/open", page.open, methods=["POST"]),
        Route("/api/progress", page.progress),
        Route("/api/answer", page.answer, methods=["POST"]),
        Route("/api/undo", page.undo, methods=["POST"]),
        Route("/api/end", _end, methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={ManifestToolsError: _failed, OSError: _starved})


@dataclass(frozen=True)
class _Page:
    """What answers each address. Functions without `async` run in threads of the framework."""

    desk: ReviewSession
    handout: Handout
    pictures: Pictures
    workers: ThreadPoolExecutor
    session: Session
    exposure: Exposure

    async def _shown(self, request: Request) -> Shown:
        row = request.path_params["row"]
        if row >= len(self.desk.state.keys):
            return Shown(error="there is no such image")
        return await asyncio.get_running_loop().run_in_executor(self.workers, self.pictures.__getitem__, row)

    async def veil(self, request: Request) -> Response:
        made = await self._shown(request)
        return _refused(made.error, 404) if made.error else Response(made.veil, media_type="image/jpeg")

    async def picture(self, request: Request) -> Response:
        made = await self._shown(request)
        if made.error:
            return _refused(made.error, 404)
        await run_in_threadpool(self.exposure.see, request.path_params["row"])
        differ = {"Seen-By-People": "otherwise" if made.people else "alike"}
        return Response(made.picture, media_type="image/jpeg", headers=differ)

    async def people(self, request: Request) -> Response:
        made = await self._shown(request)
        if made.error or not made.people:
            return _refused(made.error or "people see what the model sees", 404)
        await run_in_threadpool(self.exposure.see, request.path_params["row"])
        return Response(made.people, media_type="image/jpeg")

    def start(self, request: Request) -> Response:  # noqa: ARG002 - one signature for all
        return JSONResponse(self.desk.catalogue() | self.session._asdict())

    def queue(self, request: Request) -> Response:
        chosen = request.query_params
        label, outcome, split, finding, content_type = (
            chosen.get(name, "") for name in ("label", "outcome", "split", "finding", "content_type")
        )
        flags = "everything" in chosen, "more" in chosen
        wanted = Filter(label, outcome, split, finding, content_type, *flags)
        return JSONResponse(self.handout.queue(wanted))

    async def open(self, request: Request) -> Response:
        wish = _wish(await _body(request))
        return JSONResponse(await run_in_threadpool(self.handout.open, wish))

    def progress(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse(self.desk.progress() | {"exposure": str(self.exposure.told())})

    async def answer(self, request: Request) -> Response:
        document = await _body(request)
        row, answers, together = _answer(document)
        number = await run_in_threadpool(
            self.desk.answer, row, answers, together=together, id=_id(document), remark=_remark(document)
        )
        return JSONResponse({"number": number})

    async def undo(self, request: Request) -> Response:
        document = await _body(request)
        number = document.get("number", 0)
        if type(number) is not int:
            raise InputError("number: expected a whole number")
        return JSONResponse(await run_in_threadpool(self.desk.undo, number, id=_id(document)))


def _asset(request: Request) -> Response:
    name, kind = _ASSETS[request.url.path]
    content = files("manifest_tools.review").joinpath("page", name).read_bytes()
    return Response(content, media_type=kind)


def _no_icon(request: Request) -> Response:  # noqa: ARG001
    return Response(status_code=204)


async def _end(request: Request) -> Response:
    request.app.state.end()
    return JSONResponse({})


def _failed(request: Request, error: Exception) -> Response:  # noqa: ARG001 - starlette's signature
    return _refused(str(error), 500 if isinstance(error, OutputError) else 400)


def _starved(request: Request, error: Exception) -> Response:  # noqa: ARG001
    why = getattr(error, "strerror", None) or error
    return _refused(f"this machine cannot do it now: {why}; try again", 503)


def _refused(message: str, status: int) -> Response:
    return JSONResponse({"error": message}, status)


async def _body(request: Request) -> Mapping[str, Any]:
    """Return the JSON object that was sent."""
    if request.headers.get("content-type") != "application/json":
        raise InputError("expected JSON")
    body = b""
    try:
        async with asyncio.timeout(UNFINISHED - _ANSWER_FIRST):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MOST_BODY:
                    raise InputError(f"the request is larger than {_MOST_BODY:,} bytes")
    except TimeoutError as error:
        raise InputError(f"the request was not complete after {UNFINISHED:.0f} seconds") from error
    try:
        document = bounded_json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise InputError("expected a JSON object")
    return document


def _wish(document: Mapping[str, Any]) -> Wish:
    match document:
        case {"images": list(images), "tab": str(tab)} if len(images) <= _MOST_OFFERED and all(
            type(row) is int for row in images
        ):
            since, label = document.get("since", 0), document.get("label", "")
            if type(since) is int and isinstance(label, str):
                again, needed = (document.get(name) is True for name in ("again", "needed"))
                return Wish(tab[:64], images, since, again=again, needed=needed, label=label)
    raise InputError(
        f"expected a page, at most {_MOST_OFFERED} numbers of images, and since when they are right"
    )


def _answer(document: Mapping[str, Any]) -> tuple[int, list[Said], bool]:
    row, answers = document.get("image"), document.get("answers")
    if type(row) is not int or not isinstance(answers, list):
        raise InputError("expected an image's number and a list of answers")
    said = []
    for item in answers:
        match item:
            case {"label": str(label), "truth": bool() | None as truth}:
                said.append(Said(label, truth))
            case _:
                raise InputError("an answer is a label, and true, false or null")
    return row, said, document.get("together") is True


def _remark(document: Mapping[str, Any]) -> Remark:
    match document.get("reason", ""), document.get("note", ""), document.get("seconds"):
        case str(reason), str(note), None | int() | float() as seconds if (
            seconds is None or 0 <= seconds <= LONGEST_LOOK
        ):
            return Remark(reason, note, seconds)
    raise InputError("expected a reason and a note as texts, and seconds as a number")


def _id(document: Mapping[str, Any]) -> str:
    return str(document.get("id", ""))[:64]
