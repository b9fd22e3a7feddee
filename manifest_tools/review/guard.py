"""Who may talk to the page's server: the browser that was given the token, on this machine, and no other page in it."""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Nothing is loaded from elsewhere, nothing runs or styles from inside the page, nobody frames it. Pictures are blobs
# that the page itself fetched.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_WRONG = (
    "This address works once. Use the browser that opened it first, or start 'manifest-tools review' again."
)


class RequestGuard:
    """ASGI middleware: checks Host, Origin and session of every request, and adds the headers of every response.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    port : int
        The port of the server, of which Host and Origin must speak.

    Attributes
    ----------
    token : str
        Opens one session when it comes as ``/?token=``; then it is worth nothing.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._cookie = f"manifest_tools_review_{port}"  # cookies do not tell ports apart
        self._session = secrets.token_urlsafe(32)
        self.token = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        answer = self._refusal(scope) if scope["type"] == "http" else PlainTextResponse("", 403)
        await (answer or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self._hosts:
            return PlainTextResponse("This server answers on its own address only.", 400)
        changes = scope["method"] not in ("GET", "HEAD")
        if (origin is not None or changes) and origin != f"http://{host}":
            return PlainTextResponse("Only the page itself may ask.", 403)
        navigation = headers.get("sec-fetch-mode") == "navigate" and scope["path"] == "/"
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none") and not navigation:
            return PlainTextResponse("Only the page itself may ask.", 403)
        known = self._is_known(headers.get("cookie", ""))
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and scope["method"] == "GET" and given:
            if known:
                return RedirectResponse("/", 303)
            if self.token and secrets.compare_digest(given.encode(), self.token.encode()):
                self.token = ""
                return self._open_session()
        return None if known else PlainTextResponse(_WRONG, 403)

    def _open_session(self) -> Response:
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._cookie, self._session, httponly=True, samesite="strict")
        return answer

    def _is_known(self, text: str) -> bool:
        try:
            cookie = SimpleCookie(text).get(self._cookie)
        except CookieError:
            return False
        return cookie is not None and secrets.compare_digest(cookie.value.encode(), self._session.encode())
