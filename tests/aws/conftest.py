from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from itertools import count, cycle
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest

from manifest_tools.core.errors import MissingExtraError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.storage.object_keys import source_refs
from manifest_tools.testing import LocalS3, local_s3

_numbers = count(1)


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the credentials, or the account, of whoever runs it."""
    for name in (
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def s3() -> Iterator[LocalS3]:
    try:
        with local_s3(buckets=["pictures"]) as server:
            yield server
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def client(s3: LocalS3) -> Any:
    """The administrator's client of the local server."""
    return s3.client()


@pytest.fixture
def prefix() -> str:
    """An address that no other test uses."""
    return f"s3://pictures/test {next(_numbers)}"


@pytest.fixture
def prepare(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a passed DIR, as `prepare` would, with random bytes for pictures."""

    def write(
        names: Sequence[str],
        destination: str,
        *,
        keys: str = "original",
        size: int = 600,
        magic: bytes = b"",
        name: str = "",
    ) -> Path:
        root, out = tmp_path / name / "images", tmp_path / name / "out"
        dice = Random(name)
        rows = []
        for number, image in enumerate(names):
            content = magic + dice.randbytes(size + number)
            (root / image).parent.mkdir(parents=True, exist_ok=True)
            (root / image).write_bytes(content)
            rows.append(
                {
                    "image": image,
                    "uri": image,
                    "bytes": len(content),
                    "sha256": sha256(content).hexdigest(),
                    "format": "JPEG",
                    "split": "test" if number % 3 == 0 else "train",
                }
            )
        dataset = Dataset.from_tables(pd.DataFrame(rows), root=str(root), destination=destination, keys=keys)
        _write_folder(dataset, out)
        return out

    return write


@pytest.fixture
def write_folder() -> Callable[[Dataset, Path], None]:
    """Return a function that writes a data set as a passed DIR."""
    return _write_folder


def _write_folder(dataset: Dataset, out: Path) -> None:
    dataset.save(out)
    references = source_refs(dataset)
    for side in ("train", "test"):
        lines = [
            json.dumps({"source-ref": ref, "content-moderation-groundtruth": {"ModerationLabels": labels}})
            for ref, labels in zip(
                references[dataset.images["split"] == side], cycle([[], [{"Name": "Alcohol"}]]), strict=False
            )
        ]
        (out / f"{side}.manifest").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    (out / "report.json").write_text('{"passed": true, "counts": {"error": 0}}', encoding="utf-8")
