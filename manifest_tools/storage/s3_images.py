"""Images that are in S3: which objects may be some, and their bytes without temporary files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from manifest_tools.core.content_type import IMAGE_SUFFIXES
from manifest_tools.storage.aws_clients import make_client
from manifest_tools.storage.storage import open_storage
from manifest_tools.storage.uris import is_s3_uri

_MAKING: dict[int, threading.Lock] = {}  # by process: a forked one must not wait for a thread of its parent


def looks_like_image(key: str) -> bool:
    """Tell by its name whether an object may be an image: it ends like one, or has no ending."""
    suffix = Path(key).suffix.lower()
    return not suffix or suffix in IMAGE_SUFFIXES


def passed_over(key: str, prefix: str, *, every_object: bool = False) -> str:
    """Return why an object below a prefix is no candidate; "" where it is one.

    "(folder)" for an object that stands for a folder, as the console makes it; "(hidden)" for a name with a dot in
    front, such as macOS's ``._a.jpg``, as in a folder; else the ending. With `every_object` any name will do.
    """
    if key.endswith("/"):
        return "(folder)"
    if every_object:
        return ""
    if any(part.startswith(".") for part in key[len(prefix) :].split("/")):
        return "(hidden)"
    return "" if looks_like_image(key) else Path(key).suffix.lower()


@dataclass(frozen=True)
class ByteReader:
    """Reads the bytes behind a local path or an ``s3://`` address. Can be pickled: each process makes its client.

    Parameters
    ----------
    profile, region, endpoint_url : str, optional
        As in boto3.
    requester_pays : bool
        Accept to be charged for reading somebody else's bucket.
    """

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    requester_pays: bool = False

    def __call__(self, uri: str) -> bytes:
        """Return the bytes; InputError or RemoteError when they cannot be read."""
        client = None
        if is_s3_uri(uri):
            client = shared_client(self.profile, self.region, self.endpoint_url)
        return _read(uri, client=client, requester_pays=self.requester_pays)


def byte_reader(client: Any = None) -> Callable[[str], bytes]:
    """Return what reads the bytes behind an ``s3://`` address with a boto3 client, or by boto3's settings."""
    return partial(_read, client=client) if client is not None else ByteReader()


def _read(uri: str, *, client: Any, requester_pays: bool = False) -> bytes:
    storage, key = open_storage(uri, client=client, requester_pays=requester_pays)
    return storage.get(key)


def shared_client(profile: str | None, region: str | None, endpoint_url: str | None) -> Any:
    """Return the S3 client that all threads of this process share; settings as in :func:`make_client`."""
    process = os.getpid()
    # One thread makes it and the others wait: sixteen that begin together would each make one, for seconds.
    with _MAKING.setdefault(process, threading.Lock()):
        return _client_of(process, profile, region, endpoint_url)


@cache  # by process too: a forked one must not talk over its parent's connections
def _client_of(_process: int, profile: str | None, region: str | None, endpoint_url: str | None) -> Any:
    return make_client("s3", profile=profile, region=region, endpoint_url=endpoint_url)
