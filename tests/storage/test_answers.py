"""Servers that are not what they seem: one sentence and exit code 3, no endless loop."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from manifest_tools.aws.training.adapters import list_adapters
from manifest_tools.core.errors import RemoteError
from manifest_tools.storage.aws_clients import make_client
from manifest_tools.storage.storage import S3Storage
from tests.cli.running import run

LOGIN = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>Please sign in<br></body></html>"
ITEM = "<Contents><Key>{0}</Key><Size>1</Size><ETag>x</ETag></Contents>"


def listing(inside: str) -> bytes:
    return f"<ListBucketResult><Name>pictures</Name>{inside}</ListBucketResult>".encode()


@contextmanager
def server(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Iterator[str]:
    """A server that gives every request the same answer; `{count}` in its body is the number of the request."""
    count = 0

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            nonlocal count
            count += 1
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            content = body.replace(b"{count}", str(count).encode())
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_HEAD = do_PUT = answer  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None: ...

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    for name, value in {
        "ACCESS_KEY_ID": "a",
        "SECRET_ACCESS_KEY": "b",
        "DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)


def storage(url: str) -> S3Storage:
    return S3Storage(make_client("s3", endpoint_url=url, attempts=1), "pictures", backoff=0.001)


ENDLESS = {
    "the same token": listing(ITEM.format("a{count}.jpg") + "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"),
    "the same page": listing(ITEM.format("a.jpg") + "<IsTruncated>true</IsTruncated><NextContinuationToken>t{count}</NextContinuationToken>"),
    "no token": listing(ITEM.format("a.jpg") + "<IsTruncated>true</IsTruncated>"),
    "nothing": listing("<IsTruncated>true</IsTruncated><NextContinuationToken>t{count}</NextContinuationToken>"),
}  # fmt: skip


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_a_listing_that_never_ends_is_ended(body):
    with server(body) as url, pytest.raises(RemoteError, match="would not end"):
        list(storage(url).list())


STRANGE = {
    "a login page": (LOGIN, 200, {"Content-Type": "text/html"}),
    "sound XML of somebody else": (b"<html><body/></html>", 200, {}),
    "no members": (listing(""), 200, {}),
    "an object without a key": (
        listing("<Contents><Size>1</Size></Contents><IsTruncated>false</IsTruncated>"),
        200,
        {},
    ),
    "a redirect to itself": (b"", 302, {"Location": "/pictures"}),
    "another redirect": (b"", 307, {"Location": "/pictures"}),
    "a moved bucket": (b"", 301, {"Location": "/pictures", "x-amz-bucket-region": "eu-west-1"}),
    "no content": (b"", 200, {}),
    "json": (b"{}", 200, {"Content-Type": "application/json"}),
}


@pytest.mark.parametrize(("body", "status", "headers"), STRANGE.values(), ids=STRANGE)
def test_strange_answers_are_one_sentence(body, status, headers):
    with server(body, status, headers) as url:
        for call in (
            lambda: list(storage(url).list()),
            lambda: storage(url).get("a.jpg"),
            lambda: storage(url).head("a.jpg"),
            lambda: list(list_adapters(make_client("rekognition", endpoint_url=url, attempts=1))),
        ):
            with pytest.raises(RemoteError) as error:
                call()
            assert "\n" not in str(error.value)
            assert "failed" in str(error.value)


def test_the_command_line_says_it_in_a_sentence(capsys, monkeypatch):
    with server(LOGIN, 200, {"Content-Type": "text/html"}) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        for arguments in (["inspect", "s3://pictures/"], ["adapters", "list"]):
            done = run(capsys, monkeypatch, *arguments)
            assert done.code == 3, done.err
            assert "failed" in done.err
            assert done.err.count("\n") == 1
