"""A Rekognition on the loopback interface, started and stopped within one ``with``."""

from __future__ import annotations

import re
import socket
import threading
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from manifest_tools.core.errors import InputError
from manifest_tools.testing.rekognition.answers import Answer, by_content
from manifest_tools.testing.rekognition.limiter import Limiter
from manifest_tools.testing.rekognition.protocol import (
    CONTENT_TYPE,
    ServiceError,
    check_signature,
    read_call,
    write_answer,
)
from manifest_tools.testing.rekognition.service import RekognitionService
from manifest_tools.testing.storage import REGION, Credentials, LocalS3, session_of

_STATUSES = (
    "TRAINING_IN_PROGRESS",
    "TRAINING_COMPLETED",
    "TRAINING_FAILED",
    "DEPRECATED",
    "EXPIRED",
    "DELETING",
)


@dataclass(frozen=True)
class LocalRekognition:
    """A running local Rekognition.

    Attributes
    ----------
    url : str
        The endpoint, ``http://127.0.0.1:<port>``.
    credentials : Credentials
        The only keys that it takes; those of the S3 server when one was given.
    calls : Counter
        How many calls of each operation were answered, and of ``"refused"`` ones over the rate.

    Examples
    --------
    >>> from manifest_tools.testing import local_rekognition
    >>> with local_rekognition() as server:
    ...     _ = server.client().describe_projects()
    ...     dict(server.calls)
    {'DescribeProjects': 1}
    """

    url: str
    credentials: Credentials
    service: RekognitionService = field(repr=False)
    limiter: Limiter = field(repr=False)
    calls: Counter[str] = field(default_factory=Counter)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point boto3, and this package's commands, at the server."""
        return {
            "AWS_ENDPOINT_URL_REKOGNITION": self.url,
            "AWS_ACCESS_KEY_ID": self.credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": self.credentials.secret_key,
            "AWS_DEFAULT_REGION": self.service.region,
        }

    @property
    def pictures(self) -> Counter[str]:
        """How often each picture was asked about: by ``s3://`` URI, else by the SHA-256 of its bytes."""
        return self.service.pictures

    def client(self, *, url: str | None = None, **options: Any) -> Any:
        """Return a boto3 client of the server.

        Parameters
        ----------
        url : str, optional
            Another endpoint, such as that of a :func:`~manifest_tools.testing.fault_proxy` before the server.
        **options
            For ``boto3.session.Session.client``.
        """
        session = session_of(self.credentials)
        return session.client("rekognition", endpoint_url=url or self.url, **options)

    def set_status(self, arn: str, status: str) -> None:
        """Put an adapter at another point of its life: ``"DEPRECATED"``, ``"EXPIRED"``, ..."""
        if status not in _STATUSES:
            raise InputError(f"an adapter is never {status!r}; expected one of {', '.join(_STATUSES)}")
        self.service.adapter(arn).status = status

    def set_base_model(self, version: str) -> None:
        """Release a new base model: adapters of the former one become deprecated."""
        self.service.release(version)

    def fail_training(self, message: str = "The S3 bucket permissions are incorrect.") -> None:
        """Let every training fail from now on, with this message; an empty one lets them succeed again."""
        self.service.training_failure = message


@contextmanager
def local_rekognition(
    *,
    s3: LocalS3 | None = None,
    answer: Answer = by_content,
    tps: float | None = None,
    latency: float = 0.0,
    training_looks: int = 2,
    base_model: str = "7.0",
    summary_style: str = "_",
) -> Iterator[LocalRekognition]:
    """Run a local stand-in for Rekognition's Custom Moderation on a free loopback port.

    It speaks Amazon's protocol by botocore's own model of the service, checks signatures, and refuses what the
    service's model does not allow, where boto3 checks little. Adapters live through training, completion or
    failure, deprecation and expiry; an expired one is ignored in silence, as Amazon does. What it sees in a
    picture comes from `answer`: it is no model. Faults come from a :func:`~manifest_tools.testing.fault_proxy`.

    Parameters
    ----------
    s3 : LocalS3, optional
        Where it finds images and manifests in S3, and writes the results of trainings. Without it images come
        with the calls, and trainings end without files.
    answer : callable, optional
        ``answer(picture) -> {label: confidence}``; see :class:`Picture`. By default fixed by the picture's bytes.
    tps : float, optional
        Calls answered in any second; more are refused with ``ThrottlingException`` or
        ``ProvisionedThroughputExceededException``.
    latency : float
        Seconds that each answer takes.
    training_looks : int
        How often an adapter is described as in progress before its training ends.
    base_model : str
        Version that the base model calls itself.
    summary_style : {"_", "-"}
        Key style of ``manifest_summary.json``; both are documented, for neighbouring services.

    Yields
    ------
    LocalRekognition

    Raises
    ------
    InputError
        `summary_style` is another one.

    Examples
    --------
    >>> from pathlib import Path
    >>> from manifest_tools.testing import local_rekognition
    >>> jpeg = Path("sample_data/images/animals/beagle.jpg").read_bytes()
    >>> with local_rekognition(answer=lambda picture: {"Drinking": 91.0}) as server:
    ...     server.client().detect_moderation_labels(Image={"Bytes": jpeg})["ModerationLabels"][0]["Name"]
    'Alcohol'
    """
    if summary_style not in ("_", "-"):
        raise InputError(f"summary_style is {summary_style!r}; expected '_' or '-'")
    credentials = s3.admin if s3 else Credentials.make("rekognition")
    service = RekognitionService(
        answer,
        region=REGION,
        base_model=base_model,
        bucket=_buckets(s3) if s3 else None,
        training_looks=training_looks,
        summary_style=summary_style,
    )
    calls: Counter[str] = Counter()
    limiter = Limiter(tps)
    with _Server(service, credentials, limiter, calls, latency) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="rekognition", daemon=True)
        thread.start()
        try:
            yield LocalRekognition(server.url, credentials, service, limiter, calls)
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # connections are kept alive; they are closed below instead
    request_queue_size = 256

    def __init__(
        self,
        service: RekognitionService,
        credentials: Credentials,
        limiter: Limiter,
        calls: Counter[str],
        latency: float,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._service = service
        self._credentials = credentials
        self._limiter = limiter
        self._calls = calls
        self._latency = latency
        self._connections: set[socket.socket] = set()

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Return HTTP status and body of the answer to one request."""
        _, _, operation = headers.get("x-amz-target", "").partition(".")
        try:
            check_signature(headers, body, self._credentials, self._service.region)
            self._limiter.check()
            answer = write_answer(operation, self._service.call(operation, read_call(operation, body)))
        except ServiceError as error:
            self._calls["refused"] += error.code in (
                "ThrottlingException",
                "ProvisionedThroughputExceededException",
            )
            return error.status, error.body()
        except Exception:  # noqa: BLE001 - such as one of the answer that the caller gave: told, and answered
            traceback.print_exc()
            return 500, ServiceError("InternalServerError", "Internal server error").body()
        time.sleep(self._latency)
        self._calls[operation] += 1
        return 200, answer

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away; everything else is a mistake of ours and worth its trace."""
        import sys  # noqa: PLC0415

        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch("[0-9]{1,9}", length):
            self.close_connection = True  # nobody knows where the next request begins
            length = "0"
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer = self.server.answer(headers, body)
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Keep quiet."""


def _buckets(s3: LocalS3) -> Callable[[str], _Bucket]:
    client = s3.client()
    return lambda name: _Bucket(client, name)


@dataclass(frozen=True)
class _Bucket:
    client: Any
    name: str

    def read(self, key: str) -> bytes | None:
        try:
            content: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        except (BotoCoreError, ClientError):  # also of names that boto3 refuses to ask for
            return None
        return content

    def write(self, key: str, content: bytes) -> bool:
        try:
            self.client.head_bucket(Bucket=self.name)  # the local S3 would make a bucket that is not there
            self.client.put_object(Bucket=self.name, Key=key, Body=content)
        except (BotoCoreError, ClientError):
            return False
        return True
