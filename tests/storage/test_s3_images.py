from __future__ import annotations

import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from manifest_tools import inspect_images, prepare
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.sources.s3_listing import list_images
from manifest_tools.storage import s3_images
from manifest_tools.storage.s3_images import ByteReader
from manifest_tools.testing import LocalS3
from tests.pictures import save


def test_images_of_a_prefix(client: Any, prefix: str) -> None:
    below = prefix.removeprefix("s3://pictures/")
    names = ["b 50%.JPG", "a/c.png", "hash-without-ending", "notes.txt", "train.manifest"]
    passed_over = ["._b.jpg", "a/.cache/d.jpg", "a/"]
    for name in [*names, *passed_over]:
        client.put_object(Bucket="pictures", Key=f"{below}/{name}", Body=b"12345")

    listed = list_images(prefix, client=client)
    images = listed.images

    assert listed.sources["images"]["skipped"] == {"(folder)": 1, "(hidden)": 2, ".manifest": 1, ".txt": 1}
    assert images["image"].tolist() == sorted(f"{prefix}/{name}" for name in names[:3])
    assert images["uri"].tolist() == images["image"].tolist()
    assert set(images["bytes"]) == {5}
    assert len(list_images(prefix, client=client, every_object=True)) == 7


def test_an_empty_prefix_is_misuse(client: Any, prefix: str) -> None:
    with pytest.raises(InputError, match="no image below"):
        list_images(prefix, client=client)


def test_the_reader_reads_both_kinds_and_travels(
    s3: LocalS3, client: Any, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    client.put_object(
        Bucket="pictures", Key=f"{prefix.removeprefix('s3://pictures/')}/a b.jpg", Body=b"remote"
    )
    (tmp_path / "a.jpg").write_bytes(b"local")

    read = pickle.loads(pickle.dumps(ByteReader(region="us-east-1")))

    assert read(f"{prefix}/a b.jpg") == b"remote"
    assert read(str(tmp_path / "a.jpg")) == b"local"
    with pytest.raises(RemoteError, match="no such object"):
        read(f"{prefix}/absent.jpg")
    with pytest.raises(InputError, match="cannot be read"):
        read(str(tmp_path / "absent.jpg"))


def test_threads_that_begin_together_share_one_client(
    s3: LocalS3, client: Any, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.put_object(Bucket="pictures", Key=f"{prefix.removeprefix('s3://pictures/')}/a.jpg", Body=b"remote")
    reader = ByteReader(endpoint_url=s3.url, region="eu-central-1")  # settings that no other test uses
    made: list[Any] = []

    def make(*_args: Any, **_options: Any) -> Any:
        made.append(client)
        time.sleep(0.2)  # the others arrive meanwhile
        return client

    monkeypatch.setattr(s3_images, "make_client", make)

    with ThreadPoolExecutor(8) as threads:
        read = list(threads.map(reader, [f"{prefix}/a.jpg"] * 8))

    assert read == [b"remote"] * 8
    assert len(made) == 1


def test_importing_the_package_loads_no_boto3() -> None:
    code = "import sys, manifest_tools.aws as a; assert 'publish' in dir(a); sys.exit('boto3' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_images_of_a_prefix_are_inspected_without_a_copy(
    s3: LocalS3, client: Any, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    below = prefix.removeprefix("s3://pictures/")
    for number in range(12):
        path = save(tmp_path / "made" / f"{number}.jpg", number)
        client.put_object(Bucket="pictures", Key=f"{below}/in 50%/{number}.jpg", Body=path.read_bytes())
    client.put_object(Bucket="pictures", Key=f"{below}/in 50%/cut.jpg", Body=path.read_bytes()[:700])
    labels = tmp_path / "labels.csv"
    labels.write_text("file,labels\n" + "".join(f"{number}.jpg,Safe\n" for number in range(12)))

    dataset, _ = prepare(f"{prefix}/in 50%", labels=labels, out=tmp_path / "out", workers=2)

    local = inspect_images(tmp_path / "made", workers=1).images.set_index("sha256")
    found = dataset.images.set_index("image")
    assert found.loc[f"{prefix}/in 50%/cut.jpg", "decode_error"].startswith("truncated")
    sound = found.drop(f"{prefix}/in 50%/cut.jpg")
    assert set(sound["sha256"]) == set(local.index)
    assert (sound.set_index("sha256")["phash"] == local["phash"].reindex(sound["sha256"])).all()
    written = (tmp_path / "out" / "train.manifest").read_text() + (
        tmp_path / "out" / "test.manifest"
    ).read_text()
    assert written.count(f"{prefix}/in 50%/") == 12


def test_an_object_that_is_gone_costs_one_image(
    s3: LocalS3, client: Any, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    path = save(tmp_path / "a.jpg", 1)
    below = prefix.removeprefix("s3://pictures/")
    for name in ("a.jpg", "b.jpg"):
        client.put_object(Bucket="pictures", Key=f"{below}/{name}", Body=path.read_bytes())
    dataset = list_images(prefix, client=client)
    client.delete_object(Bucket="pictures", Key=f"{below}/b.jpg")

    images = inspect_images(dataset, reader=ByteReader(), workers=1, cache=False).images

    assert images["decode_error"].iloc[0] == ""
    assert images["decode_error"].iloc[1].startswith("unreadable: ")


def test_the_folder_of_a_listed_prefix_is_told(client: Any, prefix: str) -> None:
    below = prefix.removeprefix("s3://pictures/")
    for name in ["img/1.jpg", "img/deep/2.jpg", "im/3.jpg"]:
        client.put_object(Bucket="pictures", Key=f"{below}/{name}", Body=b"1")

    found = {
        written: list_images(f"{prefix}/{written}", client=client).sources["images"]["below"]
        for written in ("img", "img/", "im", "img/d")
    }
    assert found == {
        "img": f"{prefix}/img/", "img/": f"{prefix}/img/", "im": f"{prefix}/", "img/d": f"{prefix}/img/",
    }  # fmt: skip
