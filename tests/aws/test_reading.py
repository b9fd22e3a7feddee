from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from manifest_tools.aws.reading import ByteReader, list_images
from manifest_tools.errors import InputError, RemoteError
from manifest_tools.testing import LocalS3


def test_images_of_a_prefix(client: Any, prefix: str) -> None:
    below = prefix.removeprefix("s3://pictures/")
    names = ["b 50%.JPG", "a/c.png", "hash-without-ending", "notes.txt", "train.manifest"]
    for name in names:
        client.put_object(Bucket="pictures", Key=f"{below}/{name}", Body=b"12345")

    images = list_images(prefix, client=client).images

    assert images["image"].tolist() == sorted(f"{prefix}/{name}" for name in names[:3])
    assert images["uri"].tolist() == images["image"].tolist()
    assert set(images["bytes"]) == {5}
    assert len(list_images(prefix, client=client, every_object=True)) == 5


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


def test_importing_the_package_loads_no_boto3() -> None:
    code = "import sys, manifest_tools.aws as a; assert 'publish' in dir(a); sys.exit('boto3' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
