from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Timer
from typing import Any

import boto3
import pandas as pd
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from manifest_tools.aws.publishing.apply import apply_plan, publish
from manifest_tools.aws.publishing.diff import Action
from manifest_tools.aws.publishing.plan import plan_publish
from manifest_tools.aws.publishing.prepared_folder import digest
from manifest_tools.cli.publish import written_so_far
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.storage.storage import S3Storage
from manifest_tools.storage.uris import split_uri
from manifest_tools.testing import Faults, LocalS3, fault_proxy

ODD_NAMES = [
    "plain.jpg",
    "with space.jpg",
    "50%.jpg",
    "a#b?c&d=e+f.jpg",
    "%2F%20.jpg",
    "日本語/写真.jpg",
    "e\u0301clair.jpg",  # decomposed: must not be composed on the way
    "'quoted' \"twice\".jpg",
    "new\nline.jpg",
    "semi;colon,comma.jpg",
]
Prepare = Callable[..., Path]
WriteFolder = Callable[[Dataset, Path], None]


class Recorder:
    """An S3 client that writes down what is asked, and can do something else before it."""

    def __init__(self, client: Any, before: Callable[[str, dict[str, Any]], None] | None = None) -> None:
        self._client = client
        self._before = before
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        if not callable(value):
            return value

        def call(**arguments: Any) -> Any:
            self.calls.append((name, arguments))
            if self._before:
                self._before(name, arguments)
            return value(**arguments)

        return call

    def writes(self) -> list[str]:
        return [
            arguments["Key"]
            for name, arguments in self.calls
            if name in {"put_object", "copy_object"} and "write-test" not in arguments["Key"]
        ]


def stored(client: Any, prefix: str) -> dict[str, str]:
    """SHA-256 of each object below a prefix, by its address."""
    bucket, below = split_uri(prefix)
    storage = S3Storage(client, bucket)
    return {
        storage.uri(item.key): hashlib.sha256(storage.get(item.key)).hexdigest()
        for item in storage.list(below)
    }


def expected(out: Path) -> dict[str, str]:
    dataset = Dataset.load(out)
    objects = dict(zip(source_refs(dataset), dataset.images["sha256"], strict=True))
    for name in ("train", "test"):
        objects[f"{dataset.destination}/{named(out, name)}"] = digest((out / f"{name}.manifest").read_bytes())
    return objects


def named(out: Path, side: str) -> str:
    """Return the name that a manifest has in the bucket: after its content."""
    return f"{side}-{digest((out / f'{side}.manifest').read_bytes())[:16]}.manifest"


def test_everything_arrives_under_the_manifests_names(client: Any, prefix: str, prepare: Prepare) -> None:
    out = prepare(ODD_NAMES, prefix)

    result = publish(out, client=client)

    assert result.passed
    assert result.sent == len(ODD_NAMES) + 2
    assert stored(client, prefix) == expected(out)
    assert result.manifests == tuple(f"{prefix}/{named(out, side)}" for side in ("train", "test"))


def test_content_addressed_keys(client: Any, prefix: str, prepare: Prepare) -> None:
    out = prepare(ODD_NAMES, prefix, keys="sha256")

    assert publish(out, client=client).passed
    assert stored(client, prefix) == expected(out)


def test_keys_with_empty_parts_are_kept(moto_s3: Any) -> None:
    """SeaweedFS cannot hold such keys, Amazon can; moto can too."""
    S3Storage(moto_s3, "pictures").put("two//slashes/a.jpg", b"picture")

    keys = [item["Key"] for item in moto_s3.list_objects_v2(Bucket="pictures")["Contents"]]
    assert keys == ["two//slashes/a.jpg"]


@pytest.fixture
def moto_s3(monkeypatch: pytest.MonkeyPatch) -> Any:
    moto = pytest.importorskip("moto")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with moto.mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="pictures")
        yield client


def test_each_object_carries_its_sha256(client: Any, prefix: str, prepare: Prepare) -> None:
    out = prepare(["a.jpg", "b.jpg"], prefix)
    publish(out, client=client)
    bucket, below = split_uri(prefix)

    found = S3Storage(client, bucket).head(f"{below}/a.jpg")

    assert found is not None
    assert found.sha256 == hashlib.sha256((out.parent / "images/a.jpg").read_bytes()).hexdigest()


def test_manifests_come_last_train_first(client: Any, prefix: str, prepare: Prepare) -> None:
    recorder = Recorder(client)
    out = prepare([f"{i}.jpg" for i in range(20)], prefix)
    publish(out, client=recorder)

    assert [Path(key).name for key in recorder.writes()[-2:]] == [named(out, "train"), named(out, "test")]
    assert not any(key.endswith(".manifest") for key in recorder.writes()[:-2])


def test_a_second_run_sends_nothing_and_changes_nothing(client: Any, prefix: str, prepare: Prepare) -> None:
    out = prepare(ODD_NAMES, prefix)
    publish(out, client=client)
    before = (out / "dataset/dataset.json").read_bytes()
    recorder = Recorder(client)

    result = publish(out, client=recorder)

    assert result.passed
    assert (result.sent, result.kept) == (0, len(ODD_NAMES) + 2)
    assert recorder.writes() == []
    assert "head_object" not in [name for name, _ in recorder.calls]  # the listing tells enough
    assert (out / "dataset/dataset.json").read_bytes() == before


def test_dry_run_writes_nothing(client: Any, prefix: str, prepare: Prepare) -> None:
    out = prepare(["a.jpg", "b.jpg"], prefix)

    result = publish(out, client=client, dry_run=True)

    assert not result.passed
    assert [item.action for item in result.plan.images] == [Action.SEND, Action.SEND]
    assert result.plan.bytes_to_send == sum(
        p.stat().st_size for p in [*out.glob("*.manifest"), *out.parent.glob("images/*")]
    )
    assert stored(client, prefix) == {}
    assert not Dataset.load(out).images["locked"].any()


def test_a_refused_plan_writes_nothing(client: Any, prefix: str, prepare: Prepare) -> None:
    result = publish(prepare(["a.jpg", "b.jpg"], prefix), client=client, confirm=lambda _: False)

    assert not result.passed
    assert stored(client, prefix) == {}


def test_the_split_is_locked_and_the_manifests_are_written_down(
    client: Any, prefix: str, prepare: Prepare
) -> None:
    out = prepare(["a.jpg", "b.jpg"], prefix)

    publish(out, client=client)

    dataset = Dataset.load(out)
    assert dataset.images["locked"].all()
    manifests = dataset.history[-1]["options"]["manifests"]
    assert manifests["train.manifest"]["uri"] == f"{prefix}/{named(out, 'train')}"
    assert (
        manifests["train.manifest"]["sha256"]
        == hashlib.sha256((out / "train.manifest").read_bytes()).hexdigest()
    )


@pytest.mark.parametrize("report", ['{"passed": false, "counts": {"error": 3}}', "[]", "not json"])
def test_what_has_not_passed_is_refused(prefix: str, prepare: Prepare, report: str) -> None:
    out = prepare(["a.jpg", "b.jpg"], prefix)
    (out / "report.json").write_text(report)

    with pytest.raises(InputError, match=r"report\.json"):
        publish(out, client=object())


def test_a_manifest_of_another_data_set_is_refused(prefix: str, prepare: Prepare) -> None:
    out = prepare(["a.jpg", "b.jpg"], prefix)
    (out / "train.manifest").write_text('{"source-ref": "s3://pictures/elsewhere.jpg"}\n')

    with pytest.raises(
        InputError, match=r"train\.manifest, line 1: s3://pictures/elsewhere\.jpg is no image"
    ):
        publish(out, client=object())


def test_images_in_two_buckets_are_refused(tmp_path: Path, write_folder: WriteFolder) -> None:
    names = ["s3://one-bucket/a.jpg", "s3://two-bucket/b.jpg"]
    rows = {"image": names, "uri": names, "sha256": ["aa", "bb"], "split": ["train", "test"]}
    write_folder(Dataset.from_tables(pd.DataFrame(rows)), tmp_path)

    with pytest.raises(InputError, match="2 buckets"):
        publish(tmp_path, client=object())


def test_a_different_object_is_not_overwritten_unasked(client: Any, prefix: str, prepare: Prepare) -> None:
    out = prepare(["a.jpg", "b.jpg"], prefix)
    bucket, below = split_uri(prefix)
    theirs = b"x" * (out.parent / "images/a.jpg").stat().st_size  # same size, other bytes
    client.put_object(Bucket=bucket, Key=f"{below}/a.jpg", Body=theirs)

    result = publish(out, client=client)

    assert [item.code for item in result.findings] == ["object-changed"]
    assert stored(client, prefix) == {f"{prefix}/a.jpg": hashlib.sha256(theirs).hexdigest()}

    plan = plan_publish(out, client=client, replace=True)
    assert written_so_far(plan, 0) == "0 of 4 objects are written, and the same command goes on"
    assert "2 of 4 objects are written, 1 of them in the place of other content" in written_so_far(plan, 2)
    assert publish(out, client=client, replace=True).passed
    assert stored(client, prefix) == expected(out)


def test_an_object_that_another_tool_sent_is_recognised(client: Any, prefix: str, prepare: Prepare) -> None:
    """Without a SHA-256 beside it, whole or in parts."""
    out = prepare(["a.jpg", "b.jpg"], prefix, size=6 << 20)
    bucket, below = split_uri(prefix)
    client.put_object(Bucket=bucket, Key=f"{below}/a.jpg", Body=(out.parent / "images/a.jpg").read_bytes())
    client.upload_file(
        str(out.parent / "images/b.jpg"),
        bucket,
        f"{below}/b.jpg",
        Config=TransferConfig(multipart_threshold=5 << 20),
    )

    result = publish(out, client=client)

    assert result.passed
    assert (result.sent, result.kept) == (2, 2)


def test_a_prefix_shared_with_many_others_is_not_listed_to_its_end(
    client: Any, prefix: str, prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = prepare(["y.jpg", "z.jpg"], prefix)
    publish(out, client=client)
    bucket, below = split_uri(prefix)
    for number in range(60):
        client.put_object(Bucket=bucket, Key=f"{below}/a{number}", Body=b"")
    monkeypatch.setattr("manifest_tools.aws.publishing.diff._PAGE", 1)  # 10 + 10 for each of four objects

    result = publish(out, client=client)

    assert (result.sent, result.kept) == (0, 4)


def test_a_file_that_changed_since_the_check_is_not_published(
    client: Any, prefix: str, prepare: Prepare
) -> None:
    out = prepare(["a.jpg", "b.jpg", "c.jpg"], prefix)
    changed = out.parent / "images/b.jpg"
    changed.write_bytes(b"x" * changed.stat().st_size)

    result = publish(out, client=client)

    assert not result.passed
    assert [(item.code, item.location.image) for item in result.findings] == [
        ("object-changed", str(changed))
    ]
    assert not [uri for uri in stored(client, prefix) if uri.endswith((".manifest", "b.jpg"))]


def test_a_file_that_is_gone_stops_the_plan(client: Any, prefix: str, prepare: Prepare) -> None:
    out = prepare(["a.jpg", "b.jpg"], prefix)
    (out.parent / "images/b.jpg").unlink()

    result = publish(out, client=client)

    assert [item.code for item in result.findings] == ["image-missing"]
    assert stored(client, prefix) == {}
    with pytest.raises(InputError, match="cannot be applied"):
        apply_plan(result.plan)


@pytest.fixture
def remote(client: Any, prefix: str, tmp_path: Path, write_folder: WriteFolder) -> Callable[[str], Path]:
    """Return a function that writes a DIR whose two images are in S3 already."""
    names = ["a.jpg", "b.jpg"]
    bucket, below = split_uri(prefix)
    for name in names:
        client.put_object(Bucket=bucket, Key=f"{below}/{name}", Body=name.encode())

    def write(destination: str) -> Path:
        uris = [f"{prefix}/{name}" for name in names]
        rows = pd.DataFrame({"image": uris, "uri": uris, "bytes": 5, "split": ["train", "test"]})
        rows["sha256"] = [hashlib.sha256(name.encode()).hexdigest() for name in names]
        write_folder(Dataset.from_tables(rows, destination=destination), tmp_path)
        return tmp_path

    return write


def test_images_in_s3_stay_where_they_are(client: Any, prefix: str, remote: Callable[[str], Path]) -> None:
    out = remote("")

    result = publish(out, to=f"{prefix}/manifests", client=client)

    assert result.passed
    assert (result.sent, result.kept) == (2, 2)


def test_an_image_that_is_gone_from_s3(client: Any, prefix: str, remote: Callable[[str], Path]) -> None:
    bucket, below = split_uri(prefix)
    client.delete_object(Bucket=bucket, Key=f"{below}/a.jpg")

    result = publish(remote(""), to=f"{prefix}/manifests", client=client)

    assert [item.code for item in result.findings] == ["object-missing"]


def test_images_in_s3_without_a_place_for_the_manifests(client: Any, remote: Callable[[str], Path]) -> None:
    with pytest.raises(InputError, match="--to"):
        publish(remote(""), client=client)


def test_images_in_s3_are_copied_to_a_destination(
    client: Any, prefix: str, remote: Callable[[str], Path]
) -> None:
    out = remote(f"{prefix}/copies")

    result = publish(out, client=client)

    assert result.passed
    assert result.plan.bytes_to_send == sum(path.stat().st_size for path in out.glob("*.manifest"))
    assert expected(out).items() <= stored(client, prefix).items()


def test_two_publishers_do_not_mix(client: Any, prefix: str, prepare: Prepare, tmp_path: Path) -> None:
    """Something else takes the manifest's name after the plan: neither manifest is written over it."""
    out = prepare(["a.jpg", "b.jpg"], prefix)
    bucket, below = split_uri(prefix)
    name_there = named(out, "train")

    def intrude(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object" and arguments["Key"].endswith(name_there):
            client.put_object(Bucket=bucket, Key=f"{below}/{name_there}", Body=b"theirs")

    result = publish(out, client=Recorder(client, intrude))

    assert not result.passed
    assert result.findings[0].location.file == f"{prefix}/{name_there}"
    found = stored(client, prefix)
    assert found[f"{prefix}/{name_there}"] == hashlib.sha256(b"theirs").hexdigest()
    assert f"{prefix}/{named(out, 'test')}" not in found


def test_two_publishers_at_once_never_leave_a_mixture(client: Any, prefix: str, prepare: Prepare) -> None:
    """Same names, other bytes: at most one of them gets its manifests in, and then all its images are there."""
    names = [f"{i}.jpg" for i in range(12)]
    folders = [prepare(names, prefix, name=name) for name in ("one", "two")]

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda out: publish(out, client=client, workers=2), folders))

    assert [result.passed for result in results].count(True) <= 1
    found = stored(client, prefix)
    for out, result in zip(folders, results, strict=True):
        if result.passed:
            assert found == expected(out)
    if not any(result.passed for result in results):
        assert not [uri for uri in found if uri.endswith(".manifest")]


def test_a_replacement_meets_another_one(client: Any, prefix: str, prepare: Prepare) -> None:
    out = prepare(["a.jpg", "b.jpg"], prefix)
    bucket, below = split_uri(prefix)
    name_there = named(out, "train")
    client.put_object(Bucket=bucket, Key=f"{below}/{name_there}", Body=b"first")
    plan = plan_publish(out, client=client, replace=True)
    client.put_object(Bucket=bucket, Key=f"{below}/{name_there}", Body=b"second")

    result = apply_plan(plan)

    assert [item.code for item in result.findings] == ["object-changed"]
    assert stored(client, prefix)[f"{prefix}/{name_there}"] == hashlib.sha256(b"second").hexdigest()


def test_nothing_is_lost_when_a_sixth_of_the_requests_fail(
    client: Any, s3: LocalS3, prefix: str, prepare: Prepare
) -> None:
    out = prepare([f"{i}.jpg" for i in range(40)], prefix)
    faults = Faults(errors=0.1, resets=0.03, cuts=0.03, lost_replies=0.02)

    with fault_proxy(s3.url, faults, seed=7) as proxy:
        impatient = s3.client(
            url=proxy.url, config=Config(retries={"mode": "legacy", "total_max_attempts": 2})
        )
        result = publish(out, client=impatient)

    assert proxy.counts["errors"] > 0
    assert result.passed
    assert stored(client, prefix) == expected(out)


def test_without_the_right_to_write_nothing_is_tried(
    client: Any, s3: LocalS3, prefix: str, prepare: Prepare
) -> None:
    out = prepare(["a.jpg", "b.jpg"], prefix)
    recorder = Recorder(s3.client(credentials=s3.reader))

    with pytest.raises(RemoteError, match="permission denied") as caught:
        publish(out, client=recorder)

    assert "--print-policy" in str(caught.value)
    assert s3.reader.access_key not in str(caught.value)
    assert s3.reader.secret_key not in str(caught.value)
    assert recorder.writes() == []


def test_progress_counts_to_the_end(client: Any, prefix: str, prepare: Prepare) -> None:
    seen: list[tuple[int, int | None]] = []

    publish(prepare(["a.jpg", "b.jpg"], prefix), client=client, progress=lambda *step: seen.append(step))

    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)] * 2


@pytest.mark.slow
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="children start by fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child uses no thread of its parent
def test_killed_at_fifty_moments_it_ends_in_the_same_state(
    client: Any, s3: LocalS3, prefix: str, prepare: Prepare
) -> None:
    context = multiprocessing.get_context("fork")
    dice = random.Random(0)
    out = prepare([f"{i}.jpg" for i in range(12)], prefix)
    whole, reached, kills = expected(out), set(), 0
    unused = s3.client()  # without a connection that parent and child would share
    while kills < 50:
        moment = (dice.randint(1, 20), dice.uniform(0, 0.01))
        child = context.Process(target=_publish_until, args=(str(out), unused, *moment))
        child.start()
        child.join()
        kills += child.exitcode == -signal.SIGKILL
        found = _listed(client, prefix)
        reached.add(len(found))
        for uri in found:
            if uri.endswith(".manifest"):
                side = Path(uri).name.partition("-")[0]
                lines = (out / f"{side}.manifest").read_text().splitlines()
                assert {json.loads(line)["source-ref"] for line in lines} <= found
        if found == whole.keys():
            assert stored(client, prefix) == whole
            for uri in found:
                bucket, key = split_uri(uri)
                client.delete_object(Bucket=bucket, Key=key)
    assert len(reached) > 5  # the kills did hit different moments

    assert publish(out, client=client).passed
    assert stored(client, prefix) == whole


def _publish_until(out: str, client: Any, calls: int, seconds: float) -> None:
    """Publish, and die by SIGKILL so many seconds after so many calls have begun."""
    numbers = count(1)

    def die_in_time(name: str, arguments: dict[str, Any]) -> None:
        if next(numbers) == calls:
            Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()

    publish(out, client=Recorder(client, die_in_time), workers=2)


def _listed(client: Any, prefix: str) -> set[str]:
    bucket, below = split_uri(prefix)
    storage = S3Storage(client, bucket)
    return {storage.uri(item.key) for item in storage.list(below)}


def test_unknown_errors_of_the_first_object_stop_the_rest(
    client: Any, prefix: str, prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object" and arguments["Key"].endswith(".jpg"):
            raise ClientError(
                {"Error": {"Code": "KMS.DisabledException", "Message": "key is disabled"}}, "PutObject"
            )

    recorder = Recorder(client, refuse)

    with pytest.raises(RemoteError, match="the KMS key cannot be used"):
        publish(prepare([f"{i}.jpg" for i in range(9)], prefix), client=recorder)

    assert len(recorder.writes()) == 1
