"""Where objects are: a local folder or a bucket, behind one small interface."""

from __future__ import annotations

import base64
import hashlib
import os
import posixpath
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from manifest_tools.core.errors import InputError, OutputError, RemoteError
from manifest_tools.core.files import replacing
from manifest_tools.storage.aws_errors import error_code, is_transient, remote_error
from manifest_tools.storage.uris import is_s3_uri, join_uri, split_uri

_T = TypeVar("_T")

_BARREN_PAGES = 100  # of a listing, without an object, in a row
_SILENCE = 120.0  # seconds; a call that times out after so many is not made again: nobody is there
MAX_HELD = 1 << 30  # bytes of an object that is read whole

_CONDITION_CODES = frozenset({"PreconditionFailed", "412"})
_MISSING_CODES = frozenset({"NoSuchKey", "404", "NotFound"})


class ConditionFailedError(RemoteError):
    """The object is not in the state that a conditional write asked for."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What is known of an object without reading it.

    `sha256` (hex) and `etag` (without quotes) are empty when the storage does not tell them; `encryption` is
    ``"AES256"``, ``"aws:kms"``, ... or empty.
    """

    key: str
    bytes: int
    etag: str = ""
    sha256: str = ""
    encryption: str = ""


class Storage(Protocol):
    """A folder or a bucket. Keys are raw: nothing in them is ever URL-encoded."""

    def uri(self, key: str) -> str:
        """Return the address of a key, for messages."""
        ...

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        """Yield the objects whose key starts with `prefix`, sorted by the UTF-8 bytes of the key.

        With `after` only those whose key is greater.
        """
        ...

    def head(self, key: str) -> StoredObject | None:
        """Return what is known of one object, or None when there is none."""
        ...

    def get(self, key: str) -> bytes:
        """Return an object's bytes."""
        ...

    def put(
        self, key: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> StoredObject:
        """Write an object whole or not at all.

        With `if_absent` only when there is none yet, with `if_match` only when its etag is still this one;
        otherwise :class:`ConditionFailedError`.
        """
        ...


def open_storage(uri: str | Path, *, client: Any = None, requester_pays: bool = False) -> tuple[Storage, str]:
    """Return the storage of an address, and the key or prefix in it.

    Parameters
    ----------
    uri : str or Path
        ``s3://bucket/key`` or a local path. A local path's storage is its parent folder.
    client : optional
        boto3 S3 client; needed for ``s3://``.
    requester_pays : bool
        As in :class:`S3Storage`.
    """
    if is_s3_uri(uri):
        bucket, key = split_uri(str(uri))
        return S3Storage(client, bucket, requester_pays=requester_pays), key
    path = Path(uri)
    return LocalStorage(path.parent), path.name


@dataclass(frozen=True)
class LocalStorage:
    """A local folder. Keys are POSIX paths below it."""

    root: Path

    def uri(self, key: str) -> str:  # noqa: D102  # the protocol says it
        return str(self.root / key)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:  # noqa: D102
        found = (
            (Path(folder, name).relative_to(self.root).as_posix(), Path(folder, name))
            for folder, _, names in os.walk(self.root / posixpath.dirname(prefix))
            for name in names
        )
        for key, path in sorted(found, key=lambda item: os.fsencode(item[0])):
            if key.startswith(prefix) and key > after:
                with suppress(FileNotFoundError):  # somebody's temporary file
                    yield StoredObject(key, path.stat().st_size)

    def head(self, key: str) -> StoredObject | None:  # noqa: D102
        path = self.root / key
        if not path.is_file():
            return None
        return _described(key, path.read_bytes())

    def get(self, key: str) -> bytes:  # noqa: D102
        try:
            return (self.root / key).read_bytes()
        except OSError as error:
            raise InputError(f"{self.uri(key)} cannot be read: {error.strerror}.") from error

    def put(  # noqa: D102
        self, key: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> StoredObject:
        path = self.root / key
        present = self.head(key) if if_match is not None else None
        if if_match is not None and (present is None or present.etag != if_match):
            raise ConditionFailedError(f"{path} changed in the meantime.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                with temporary.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())  # a name must not outlive a power cut that its bytes do not
                if if_absent:
                    _take_name(temporary, path)
        except FileExistsError as error:
            raise ConditionFailedError(f"{path} exists already.") from error
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}.") from error
        return _described(key, data)


def _take_name(made: Path, path: Path) -> None:
    """Give a file a name that must not be taken yet; raises FileExistsError."""
    try:
        os.link(made, path)  # unlike a rename, fails when the name is taken
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: looking and renaming are two steps there
        if path.exists():
            raise FileExistsError(path) from None


def _described(key: str, data: bytes) -> StoredObject:
    digest = hashlib.sha256(data).hexdigest()
    return StoredObject(key, len(data), digest, digest)


@dataclass(frozen=True)
class S3Storage:
    """A bucket, by a boto3 client. Thread-safe.

    Parameters
    ----------
    client : boto3 S3 client
    bucket : str
    requester_pays : bool
        Accept to be charged for reading somebody else's bucket.
    kms_key : str, optional
        Key id, ARN or alias with which to encrypt what is written. Default: the bucket's own encryption.
    """

    client: Any
    bucket: str
    requester_pays: bool = False
    kms_key: str | None = None
    backoff: float = field(default=0.1, repr=False)  # seconds before the second try, at most

    def uri(self, key: str) -> str:  # noqa: D102
        return join_uri(self.bucket, key)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:  # noqa: D102
        token = {"StartAfter": after} if after else {}
        seen: set[int] = set()
        barren = 0
        while True:
            arguments = {"Bucket": self.bucket, "Prefix": prefix, **self._payer, **token}
            page: dict[str, Any] = self._call(
                "Listing", prefix, partial(self.client.list_objects_v2, **arguments)
            )
            for item in page.get("Contents", ()):
                yield StoredObject(item["Key"], item["Size"], item["ETag"].strip('"'))
            if not page.get("IsTruncated"):
                return
            following, first = page.get("NextContinuationToken"), next(iter(page.get("Contents", ())), None)
            marks = {hash(("token", following)), *({hash(("key", first["Key"]))} if first else ())}
            barren = 0 if first else barren + 1
            if not following or marks & seen or barren > _BARREN_PAGES:
                raise RemoteError(
                    f"Listing {self.uri(prefix)} failed: the server gives the same page again, or never says which "
                    "is the next. It would not end; check --endpoint-url."
                )
            seen |= marks
            token = {"ContinuationToken": following}

    def first(self, prefix: str, *, after: str) -> str | None:
        """Return the first key that starts with `prefix` and is greater than `after`; None when there is none."""
        arguments = {
            "Bucket": self.bucket,
            "Prefix": prefix,
            "StartAfter": after,
            "MaxKeys": 1,
            **self._payer,
        }
        page: dict[str, Any] = self._call(
            "Listing", prefix, partial(self.client.list_objects_v2, **arguments)
        )
        return next((str(item["Key"]) for item in page.get("Contents", ())), None)

    def head(self, key: str) -> StoredObject | None:  # noqa: D102
        arguments = {"Bucket": self.bucket, "Key": key, "ChecksumMode": "ENABLED", **self._payer}
        try:
            answer = self._call("Looking at", key, partial(self.client.head_object, **arguments))
        except MissingError:
            return None
        return _from_answer(key, answer["ContentLength"], answer)

    def get(self, key: str) -> bytes:  # noqa: D102
        arguments = {"Bucket": self.bucket, "Key": key, **self._payer}

        def read() -> bytes:
            # Opening and reading are one try: the client library does not repeat a body that breaks.
            answer = self.client.get_object(**arguments)
            with closing(answer["Body"]) as body:
                if answer.get("ContentLength", 0) > MAX_HELD:
                    raise InputError(
                        f"{self.uri(key)} has more than {MAX_HELD:,} bytes: too many to be read whole."
                    )
                # all at once: only so does the client library notice that some is missing
                data: bytes = body.read()
            return data

        return self._call("Reading", key, read)

    def put(  # noqa: D102
        self, key: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> StoredObject:
        digest = hashlib.sha256(data)
        arguments = {
            "Bucket": self.bucket,
            "Key": key,
            "Body": data,
            # Amazon compares this with what arrives, refuses the object if they differ, and keeps it.
            "ChecksumSHA256": base64.b64encode(digest.digest()).decode("ascii"),
            **self._write_options(if_match=if_match, if_absent=if_absent),
        }
        answer = self._call("Writing", key, partial(self.client.put_object, **arguments))
        return _from_answer(key, len(data), answer)

    def copy(self, source: str, key: str, *, if_match: str | None = None, if_absent: bool = False) -> None:
        """Copy ``s3://`` object `source` to `key` inside S3, with a SHA-256 checksum stored beside it."""
        bucket, source_key = split_uri(source)
        arguments = {
            "Bucket": self.bucket,
            "Key": key,
            "CopySource": {"Bucket": bucket, "Key": source_key},
            "ChecksumAlgorithm": "SHA256",
            **self._write_options(if_match=if_match, if_absent=if_absent),
        }
        self._call("Copying to", key, partial(self.client.copy_object, **arguments))

    @property
    def _payer(self) -> dict[str, str]:
        return {"RequestPayer": "requester"} if self.requester_pays else {}

    def _write_options(self, *, if_match: str | None, if_absent: bool) -> dict[str, str]:
        options = dict(self._payer)
        if self.kms_key:
            options |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key}
        if if_match is not None:
            options["IfMatch"] = f'"{if_match}"'
        elif if_absent:
            options["IfNoneMatch"] = "*"
        return options

    def _call(self, verb: str, key: str, call: Callable[[], _T]) -> _T:
        try:
            return with_retries(call, backoff=self.backoff)
        except (ClientError, BotoCoreError) as error:
            raise _storage_error(error, f"{verb} {self.uri(key)}") from None


def with_retries(call: Callable[[], _T], *, tries: int = 5, backoff: float = 0.1) -> _T:
    """Return what `call` returns, calling it again after a transient failure, at most `tries` times.

    Around the client library's own retries: it does not repeat an answer whose body breaks, and a busy
    bucket can outlast it. `backoff` is the longest wait before the second try, in seconds; it doubles.
    """
    began = time.monotonic()
    for attempt in range(tries - 1):
        try:
            return call()
        except (ClientError, BotoCoreError) as error:
            silent = isinstance(error, ReadTimeoutError) and time.monotonic() - began > _SILENCE
            if silent or not is_transient(error):
                raise
        time.sleep(backoff * 2**attempt * random.random())  # noqa: S311 - jitter, not a secret
    return call()


class MissingError(RemoteError):
    """There is no such object."""


def _storage_error(error: ClientError | BotoCoreError, doing: str) -> RemoteError:
    code, told = error_code(error), remote_error(error, doing)
    if code in _CONDITION_CODES:
        return ConditionFailedError(str(told))
    if code in _MISSING_CODES:
        return MissingError(str(told))
    return told


def _from_answer(key: str, size: int, answer: dict[str, Any]) -> StoredObject:
    checksum = answer.get("ChecksumSHA256", "")
    # The checksum of a multipart object is one over the parts' checksums: "...-3".
    whole = checksum and "-" not in checksum and answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT"
    return StoredObject(
        key,
        size,
        answer.get("ETag", "").strip('"'),
        base64.b64decode(checksum).hex() if whole else "",
        answer.get("ServerSideEncryption", ""),
    )
