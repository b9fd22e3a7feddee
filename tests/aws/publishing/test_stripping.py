"""Nothing but the picture leaves: what is in the bucket after publishing with --strip-metadata."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from manifest_tools.aws.publishing.apply import publish
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.images.facts import read_facts
from manifest_tools.images.stripping import same_pixels
from manifest_tools.storage.uris import split_uri
from tests.images import cameras
from tests.images.samples import encoded, photograph

FILES = {
    "camera.jpg": cameras.SAMPLES["camera little-endian"],
    "film.jpg": cameras.SAMPLES["film"],
    "text.png": cameras.SAMPLES["png"],
    "plain.jpg": encoded(photograph(100, 100)),
}
LEAKING = sorted(set(FILES) - {"plain.jpg"})


@pytest.fixture
def folder(tmp_path: Path, prefix: str, write_folder: Callable[[Dataset, Path], None]) -> Callable[..., Path]:
    """Return a function that writes a passed DIR of four pictures, three of which hold more than that."""

    def write(keys: str = "original", **changed: bytes) -> Path:
        (tmp_path / "images").mkdir()
        rows = []
        for name, data in FILES.items():
            (tmp_path / "images" / name).write_bytes(data)
            facts = read_facts(data)._asdict()
            rows.append(
                {"image": name, "uri": name, "split": "test" if name == "film.jpg" else "train", **facts}
            )
        dataset = Dataset.from_tables(
            pd.DataFrame(rows), root=str(tmp_path / "images"), destination=prefix, keys=keys
        )
        write_folder(dataset, tmp_path / "out")
        return tmp_path / "out"

    return write


def stored(client: Any, prefix: str) -> dict[str, bytes]:
    bucket, below = split_uri(prefix)
    found = client.list_objects_v2(Bucket=bucket, Prefix=below).get("Contents", ())
    return {
        item["Key"].removeprefix(f"{below}/"): client.get_object(Bucket=bucket, Key=item["Key"])[
            "Body"
        ].read()
        for item in found
    }


def test_without_the_option_files_go_as_they_are(
    client: Any, prefix: str, folder: Callable[..., Path]
) -> None:
    assert publish(folder(), client=client).passed
    assert {name: data for name, data in stored(client, prefix).items() if name in FILES} == FILES


def test_no_secret_is_in_the_bucket_and_pixels_are_the_same(
    client: Any, prefix: str, folder: Callable[..., Path]
) -> None:
    out = folder()
    manifests = [(out / name).read_bytes() for name in ("train.manifest", "test.manifest")]
    result = publish(out, client=client, strip_metadata=True)
    assert result.passed
    objects = stored(client, prefix)
    for name, data in FILES.items():
        assert same_pixels(data, objects[name])
        assert not cameras.position(objects[name])
        assert (objects[name] == data) is (name == "plain.jpg")
    assert not [secret for secret in cameras.SECRETS for data in objects.values() if secret in data]
    assert [(out / name).read_bytes() for name in ("train.manifest", "test.manifest")] == manifests
    images = Dataset.load(out).images.set_index("image")
    assert sorted(images.index[images["derived_why"] == "metadata"]) == LEAKING
    assert images["locked"].all()
    for name in LEAKING:
        assert images.loc[name, "derived_sha256"] == hashlib.sha256(objects[name]).hexdigest()
        assert images.loc[name, "sha256"] == hashlib.sha256(FILES[name]).hexdigest()
    again = publish(out, client=client, strip_metadata=True)
    assert (again.passed, again.sent) == (True, 0)
    assert publish(out, client=client).sent == 0  # the copies stay what is sent


def test_keys_by_content_are_those_of_the_copies(
    client: Any, prefix: str, folder: Callable[..., Path]
) -> None:
    out = folder(keys="sha256")
    assert publish(out, client=client, strip_metadata=True).passed
    objects = stored(client, prefix)
    for name, data in objects.items():
        if not name.endswith(".manifest"):
            assert name.startswith(hashlib.sha256(data).hexdigest())
    assert len(objects) == len(FILES) + 2


def test_what_was_sent_before_is_not_overwritten_unasked(
    client: Any, prefix: str, folder: Callable[..., Path]
) -> None:
    out = folder()
    assert publish(out, client=client).passed
    result = publish(out, client=client, strip_metadata=True)
    assert {finding.code for finding in result.findings} == {"object-changed"}
    assert publish(out, client=client, strip_metadata=True, replace=True).passed
    assert not [data for data in stored(client, prefix).values() if b"SN-4711" in data]


def test_a_file_that_changed_is_refused(client: Any, folder: Callable[..., Path], tmp_path: Path) -> None:
    out = folder()
    (tmp_path / "images" / "camera.jpg").write_bytes(FILES["film.jpg"])
    result = publish(out, client=client, strip_metadata=True)
    assert not result.passed
    found = {(finding.code, finding.location.image) for finding in result.findings}
    assert ("image-not-derived", "camera.jpg") in found
    assert not result.manifests


def test_images_in_s3_are_read_by_the_client_that_is_given(
    client: Any,
    prefix: str,
    folder: Callable[..., Path],
    write_folder: Callable[[Dataset, Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):  # of somebody who may read nothing
        monkeypatch.setenv(name, "nobody")
    out, (bucket, below) = folder(), split_uri(prefix)
    source = f"s3://{bucket}/{below} source/"
    dataset = Dataset.load(out)
    rows = dataset.images.assign(image=source + dataset.images["image"], uri=source + dataset.images["uri"])
    listed = Dataset.from_tables(rows, destination=prefix, sources={"images": {"folder": source}})
    for name, data in FILES.items():
        if name != "film.jpg":
            client.put_object(Bucket=bucket, Key=f"{below} source/{name}", Body=data)
    write_folder(listed, out)
    result = publish(out, client=client, strip_metadata=True)
    assert {finding.location.image for finding in result.findings} == {f"{source}film.jpg"}
    client.put_object(Bucket=bucket, Key=f"{below} source/film.jpg", Body=FILES["film.jpg"])
    assert publish(out, client=client, strip_metadata=True).passed
    objects = {name: data for name, data in stored(client, f"{prefix}/").items() if "manifest" not in name}
    assert len(objects) == len(FILES)
    assert not [secret for secret in cameras.SECRETS for data in objects.values() if secret in data]
    assert not [path for path in out.rglob("*") if path.name == "fetched"]
