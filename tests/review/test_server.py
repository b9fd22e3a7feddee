"""Who may talk to the server, and what it says."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from manifest_tools.review.entries import Look, Remark, Said
from manifest_tools.review.journal import ReviewJournal
from manifest_tools.review.queue import OUTCOMES
from manifest_tools.review.session import ReviewSession
from tests.review.conftest import ALCOHOL


class Client:
    """Speaks to the server as a browser would, or as one should not."""

    def __init__(self, url):
        self.place, self.query = urlsplit(url), urlsplit(url).query
        self.cookie = ""

    def ask(self, path, body=None, *, method=None, **headers):
        connection = http.client.HTTPConnection(self.place.hostname, self.place.port, timeout=30)
        headers = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        headers.setdefault("Cookie", self.cookie)
        if body is not None:
            headers = {"Content-Type": "application/json", "Origin": f"http://{self.place.netloc}"} | headers
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def enter(self):
        status, headers, _ = self.ask(f"/?{self.query}")
        assert status == 303
        self.cookie = headers["Set-Cookie"].split(";")[0]
        return headers


@pytest.fixture
def client(folder, serving):
    with serving(folder, session=(5, 10)) as url:
        yield Client(url)


def test_only_the_token_opens_the_page_and_only_once(client):
    assert client.place.hostname == "127.0.0.1"
    for path in ("/", "/?token=wrong", "/?token=", "/?token=%F6", "/api/start", "/veil/0", "/review.js"):
        assert client.ask(path)[0] == 403
    headers = client.enter()
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "samesite=strict" in headers["Set-Cookie"].lower()
    assert client.ask("/")[0] == 200
    assert client.ask(f"/?{client.query}")[0] == 303  # the browser that has the session goes on
    assert client.ask(f"/?{client.query}", Cookie="")[0] == 403
    name = client.cookie.partition("=")[0]
    assert client.ask("/", Cookie=f"{name}=wrong")[0] == 403


def test_hosts_origins_and_other_sites_are_refused(client):
    client.enter()
    assert client.ask("/api/start", Host="evil.example")[0] == 400
    assert client.ask("/api/start", Host=f"127.0.0.1:{client.place.port + 1}")[0] == 400
    answer = {"image": 0, "answers": [{"label": "Alcohol", "truth": True}]}
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{client.place.port + 1}"):
        assert client.ask("/api/answer", answer, Origin=origin)[0] == 403
        assert client.ask("/api/start", Origin=origin)[0] == 403
    assert client.ask("/picture/0", Sec_Fetch_Site="cross-site")[0] == 403
    assert client.ask("/picture/0", Sec_Fetch_Site="same-site", Sec_Fetch_Mode="navigate")[0] == 403


def test_every_response_forbids_what_the_page_does_not_need(client):
    client.enter()
    for path in ("/", "/review.js", "/api/start", "/veil/0", "/nothing"):
        headers = client.ask(path)[1]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/veil/..%2f..%2fetc%2fpasswd", "/picture/-1", "/page/index.html", "/veil/5",
             "/picture/99999999999999999999"]
)  # fmt: skip
def test_there_is_no_way_to_other_files(client, path):
    client.enter()
    assert client.ask(path)[0] == 404


def test_a_veil_has_no_detail_and_a_picture_is_whole(client):
    client.enter()
    veil, picture = client.ask("/veil/0")[2], client.ask("/picture/0")[2]
    assert veil[:2] == picture[:2] == b"\xff\xd8"
    assert len(veil) < 2000 < len(picture)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff", {}, {"image": True, "answers": []}, {"image": 0, "answers": []},
     {"image": 0, "answers": [{"label": "Alcohol", "truth": 1}]}, {"image": 0, "answers": [{"label": "Nothing", "truth": True}]},
     {"image": 99, "answers": [{"label": "Alcohol", "truth": True}]}, b"x" * 100_000,
     b"[" * 60_000, b'{"a":' * 10_000, b"[" * 300 + b"]" * 300],
)  # fmt: skip
def test_bad_requests_say_so_and_write_nothing(client, folder, body):
    client.enter()
    status, _, text = client.ask("/api/answer", body)
    assert status == 400
    assert json.loads(text)["error"]
    assert ReviewJournal.of(folder).entries == []


def test_an_answer_is_on_disk_when_the_server_says_so(client, folder):
    client.enter()
    answer = {"image": 0, "answers": [{"label": "Alcohol", "truth": None}], "id": "once"}
    for _ in range(2):
        assert json.loads(client.ask("/api/answer", answer)[2]) == {"number": 1}
    assert [entry.number for entry in ReviewJournal.of(folder).entries] == [1]
    assert json.loads(client.ask("/api/undo", {"number": 1})[2]) == {"number": 1, "images": [0]}
    assert json.loads(client.ask("/api/undo", {})[2]) is None
    assert client.ask("/api/undo", {"number": "1"})[0] == 400


def test_the_first_answer_reaches_the_second_reviewer_in_no_byte(many, serving):
    """Everything that the server can be asked is the same before and after somebody else answered."""
    with serving(many, reviewer="ben", second_look=["1"]) as url:
        client = Client(url)
        client.enter()
        queries = ["", "everything=on", "label=Alcohol"]
        queries += [f"outcome={name}&everything=on" for name in OUTCOMES]
        queries += [
            f"finding={name}&everything=on"
            for name in ("image-unlabelled", "label-unsure", "label-unchecked")
        ]
        paths = [f"/api/queue?{query}" for query in queries] + [
            "/api/start",
            "/api/progress",
            "/",
            "/veil/0",
            "/picture/0",
        ]

        def told():
            got = [(path, *client.ask(path)[::2]) for path in paths]
            for row, label in itertools.product(range(12), ("", ALCOHOL, "Gambling")):
                wish = {"tab": "1", "images": [row], "label": label, "again": True}
                got.append((row, *client.ask("/api/open", wish)[::2]))
            return [(path, status, re.sub(rb'"since":\d+', b"", body)) for path, status, body in got]

        client.ask("/picture/0")  # ben's own look counts among his looks
        before = told()
        ana = ReviewSession(many, "ana-whom-nobody-names")
        for row in range(10):
            truth = (True, False, None)[row % 3]
            ana.answer(row, [Said(ALCOHOL, truth), Said("Gambling", True)], remark=Remark(note="ana-said-so"))
        after = told()
        assert after == before
        assert json.loads(client.ask("/api/undo", {})[2]) is None
        answer = {"image": 3, "answers": [{"label": ALCOHOL, "truth": False}]}
        replies = [
            client.ask("/api/answer", answer)[2],
            *(body for _, _, body in told()),
        ]  # nor afterwards: they differ
        everything = b"".join(replies)
        assert b"ana-" not in everything
    assert Look.SECOND in {entry.look for entry in ReviewJournal.of(many).standing}


def test_a_picture_that_cannot_be_read_is_an_answer_not_a_crash(client, folder):
    client.enter()
    (folder.parent / "pictures" / "000.png").write_bytes(b"no picture")
    (folder.parent / "pictures" / "001.png").unlink()
    for row in (0, 1):
        status, _, text = client.ask(f"/veil/{row}")
        assert status == 404
        assert json.loads(text)["error"]


def raw(client, text=b""):
    connection = socket.create_connection((client.place.hostname, client.place.port), timeout=30)
    connection.sendall(text)
    return connection


HEAD = b"POST /api/answer HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nCookie: %s\r\n"


def head(client):
    place = client.place.netloc.encode()
    return HEAD % (place, place, client.cookie.encode())


def test_half_open_connections_make_room_for_the_browser(client):
    client.enter()
    waiting = [raw(client, b"GET / HTTP/1.1\r\nHost:"[: number % 20]) for number in range(200)]
    assert client.ask("/")[0] == 200
    assert waiting[0].recv(1) == b"", "the oldest was ended"
    for connection in waiting:
        connection.close()


@pytest.mark.parametrize(
    "ending", [b"", b"Content-Le", b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"]
)
def test_a_request_that_does_not_arrive_is_ended(client, monkeypatch, ending):
    monkeypatch.setattr("manifest_tools.review.connections.UNFINISHED", 0.5)
    monkeypatch.setattr("manifest_tools.review.server.UNFINISHED", 2.2)
    client.enter()
    with raw(client, head(client) + ending) as connection:
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b" 200 " not in answer
    assert client.ask("/")[0] == 200


@pytest.mark.parametrize("before", [0, 1])
def test_a_slow_request_gets_no_more_time_by_its_parts(client, monkeypatch, before):
    monkeypatch.setattr("manifest_tools.review.connections.UNFINISHED", 0.5)
    client.enter()
    ended, began = False, time.monotonic()
    with raw(client) as connection:
        if before:  # an answered request on the same connection
            connection.sendall(head(client).replace(b"POST /api/answer", b"GET /favicon.ico") + b"\r\n")
            assert b" 204 " in connection.recv(4096)
        connection.sendall(head(client))
        connection.settimeout(0.05)
        while not ended and time.monotonic() - began < 20:
            try:
                connection.sendall(b"X")
                ended = connection.recv(1) == b""
            except TimeoutError:
                pass
            except OSError:
                ended = True
    assert ended


SERVE = """
import resource, sys
from manifest_tools.review.server import serve
soft = len(__import__("os").listdir("/proc/self/fd")) + 24
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
serve(sys.argv[1], reviewer="ana", reader=None, ready=lambda url: print(url, flush=True))
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_with_few_file_descriptors_it_recovers_and_its_log_stays_small(folder):
    command = [sys.executable, "-c", SERVE, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            client = Client(process.stdout.readline().strip())
            client.enter()
            answer = {"image": 0, "answers": [{"label": "Alcohol", "truth": True}]}
            assert client.ask("/api/answer", answer)[0] == 200
            waiting = [raw(client, b"GET / HTTP/1.1\r\n") for _ in range(300)]
            assert client.ask("/veil/0")[0] == 200
            for connection in waiting:
                connection.close()
            assert client.ask("/api/answer", answer | {"image": 1})[0] == 200
            client.ask("/api/end", {})
            said = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert process.returncode == 0
    assert len(said) < 2000, said
    assert len(ReviewJournal.of(folder).entries) == 2
