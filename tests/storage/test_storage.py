from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.response import StreamingBody

from manifest_tools.core.errors import InputError, ManifestToolsError, RemoteError
from manifest_tools.storage import storage as storage_module
from manifest_tools.storage.storage import (
    ConditionFailedError,
    LocalStorage,
    S3Storage,
    Storage,
    open_storage,
)
from manifest_tools.testing import Faults, LocalS3, fault_proxy

ODD_KEYS = ["a b.jpg", "50%.jpg", "%2F.jpg", "x#y?z&w=+.jpg", "日本/語.jpg", "e\u0301.jpg", "new\nline.jpg"]


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Storage, str]:
    """Both kinds, with the prefix below which a test may write."""
    if request.param == "folder":
        return LocalStorage(tmp_path), ""
    client, prefix = request.getfixturevalue("client"), request.getfixturevalue("prefix")
    return S3Storage(client, "pictures"), prefix.removeprefix("s3://pictures/") + "/"


def test_what_is_put_is_there(storage: tuple[Storage, str]) -> None:
    store, below = storage
    for number, name in enumerate(ODD_KEYS):
        store.put(below + name, b"x" * number)

    listed = list(store.list(below))

    assert sorted(item.key for item in listed) == sorted(below + name for name in ODD_KEYS)
    assert [item.key for item in listed] == sorted((item.key for item in listed), key=str.encode)
    for number, name in enumerate(ODD_KEYS):
        found = store.head(below + name)
        assert found is not None
        assert (found.bytes, found.sha256) == (number, hashlib.sha256(b"x" * number).hexdigest())
        assert store.get(below + name) == b"x" * number


def test_a_prefix_is_no_folder(storage: tuple[Storage, str]) -> None:
    store, below = storage
    for name in ("img/1", "img2", "other"):
        store.put(below + name, b"")

    assert [item.key for item in store.list(below + "img")] == [below + "img/1", below + "img2"]


def test_what_is_not_there(storage: tuple[Storage, str]) -> None:
    store, below = storage

    assert store.head(below + "absent") is None
    assert list(store.list(below + "absent")) == []
    with pytest.raises(ManifestToolsError, match="absent"):
        store.get(below + "absent")


def test_conditional_writes(storage: tuple[Storage, str]) -> None:
    store, below = storage
    first = store.put(below + "k", b"first", if_absent=True)

    with pytest.raises(ConditionFailedError):
        store.put(below + "k", b"second", if_absent=True)
    with pytest.raises(ConditionFailedError):
        store.put(below + "k", b"second", if_match="0" * 32)
    with pytest.raises(ConditionFailedError):
        store.put(below + "absent", b"second", if_match=first.etag)
    assert store.get(below + "k") == b"first"

    store.put(below + "k", b"second", if_match=first.etag)
    assert store.get(below + "k") == b"second"


def test_an_address_opens_its_storage(client: Any, tmp_path: Path) -> None:
    store, key = open_storage("s3://pictures/a b/c%.jpg", client=client)
    assert (store.uri(key), key) == ("s3://pictures/a b/c%.jpg", "a b/c%.jpg")

    (tmp_path / "x.jpg").write_bytes(b"x")
    store, key = open_storage(tmp_path / "x.jpg")
    assert store.get(key) == b"x"


def test_a_local_write_leaves_nothing_behind(tmp_path: Path) -> None:
    store = LocalStorage(tmp_path)
    store.put("k", b"1", if_absent=True)
    with pytest.raises(ConditionFailedError):
        store.put("k", b"2", if_absent=True)

    assert [path.name for path in tmp_path.iterdir()] == ["k"]


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    store = LocalStorage(tmp_path)
    store.put("k", b"1", if_absent=True)
    with pytest.raises(ConditionFailedError):
        store.put("k", b"2", if_absent=True)
    assert store.get("k") == b"1"
    assert [path.name for path in tmp_path.iterdir()] == ["k"]


def test_listings_begin_after_a_key(storage: tuple[Storage, str]) -> None:
    store, below = storage
    for name in ("a/1", "a/2", "b"):
        store.put(below + name, b"")
    assert [item.key for item in store.list(below, after=f"{below}a/1")] == [f"{below}a/2", f"{below}b"]


def test_long_listings_are_complete(client: Any) -> None:
    class Pages:
        def list_objects_v2(self, **arguments: Any) -> dict[str, Any]:
            page = int(arguments.get("ContinuationToken", 0))
            item = {"Key": f"{page}", "Size": page, "ETag": '"e"'}
            more = {"IsTruncated": True, "NextContinuationToken": f"{page + 1}"} if page < 4 else {}
            return {"Contents": [item], **more}

    assert [item.key for item in S3Storage(Pages(), "b").list()] == ["0", "1", "2", "3", "4"]


def test_bodies_that_break_are_read_again(client: Any, s3: LocalS3, prefix: str) -> None:
    """A third of the answers breaks off in the middle; the client library gives up on each of them."""
    below = prefix.removeprefix("s3://pictures/")
    content = {f"{below}/{number}": bytes([number]) * 50_000 for number in range(30)}
    for key, data in content.items():
        client.put_object(Bucket="pictures", Key=key, Body=data)
    with fault_proxy(s3.url, Faults(cuts=0.3), seed=3) as proxy:
        impatient = s3.client(
            url=proxy.url, config=Config(retries={"mode": "legacy", "total_max_attempts": 1})
        )
        store = S3Storage(impatient, "pictures", backoff=0.001)

        found = {key: store.get(key) for key in content}

        assert proxy.counts["cuts"] > 3
    assert found == content


class Flaky:
    """Fails with the given errors, one a call, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def get_object(self, **arguments: Any) -> dict[str, Any]:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return {"Body": StreamingBody(io.BytesIO(b"data"), 4)}


def refusal(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetObject")


@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("InternalError", 500), ("Strange", 502)])
def test_what_passes_is_tried_again(code: str, status: int) -> None:
    client = Flaky(refusal(code, status), refusal(code, status))

    assert S3Storage(client, "b", backoff=0.001).get("k") == b"data"
    assert client.calls == 3


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: refusal("AccessDenied", 403), "permission denied"),
        (lambda: refusal("NoSuchBucket", 404), "the bucket does not exist"),
        (lambda: refusal("NotImplemented", 501), "does not know this request"),
        (lambda: EndpointConnectionError(endpoint_url="https://u:pw@host/"), "cannot be reached"),
    ],
)
def test_what_does_not_pass_is_not_tried_again(make: Callable[[], Exception], words: str) -> None:
    client = Flaky(make())

    with pytest.raises(RemoteError, match=words) as caught:
        S3Storage(client, "b", backoff=0.001).get("k")

    assert client.calls == 1
    assert "pw" not in str(caught.value)


def test_a_failure_that_stays_is_told() -> None:
    with pytest.raises(RemoteError, match="Reading s3://b/k failed: too many requests"):
        S3Storage(Flaky(*[refusal("SlowDown", 503)] * 9), "b", backoff=0.001).get("k")


@pytest.mark.parametrize(("silence", "calls"), [(60.0, 3), (0.0, 1)])
def test_a_server_that_is_silent_for_long_is_not_asked_again(
    silence: float, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_module, "_SILENCE", silence)
    client = Flaky(*[ReadTimeoutError(endpoint_url="https://host/")] * 2)
    with suppress(RemoteError):
        assert S3Storage(client, "b", backoff=0.001).get("k") == b"data"
    assert client.calls == calls


def test_requester_pays_and_kms_are_passed_on() -> None:
    class Recorder:
        def __getattr__(self, name: str) -> Any:
            def call(**arguments: Any) -> dict[str, Any]:
                self.arguments = arguments
                return {"ETag": '"e"', "ContentLength": 0}

            return call

    client = Recorder()
    store = S3Storage(client, "b", requester_pays=True, kms_key="alias/ours")

    store.put("k", b"")
    assert client.arguments["RequestPayer"] == "requester"
    assert client.arguments["ServerSideEncryption"] == "aws:kms"
    assert client.arguments["SSEKMSKeyId"] == "alias/ours"
    store.head("k")
    assert client.arguments["RequestPayer"] == "requester"
    assert "SSEKMSKeyId" not in client.arguments


def test_unreadable_files_are_misuse(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        LocalStorage(tmp_path).get("absent")
