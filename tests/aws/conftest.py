from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random

import pandas as pd
import pytest

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.tables import typed_images, typed_labels
from manifest_tools.findings.findings import Report
from manifest_tools.manifests.writing import write_manifests
from manifest_tools.reports import report_json
from manifest_tools.testing import LocalRekognition


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
def make_adapter() -> Callable[..., str]:
    """Return a function that makes a trained adapter, where need be with its project, and returns its ARN."""

    def make(server: LocalRekognition, project: str = "p", version: str = "v1") -> str:
        client = server.client()
        of = {"ProjectNames": [project], "Features": ["CONTENT_MODERATION"]}
        if not client.describe_projects(**of)["ProjectDescriptions"]:
            client.create_project(ProjectName=project, Feature="CONTENT_MODERATION")
        arn = client.create_project_version(
            ProjectArn=client.describe_projects(**of)["ProjectDescriptions"][0]["ProjectArn"],
            VersionName=version,
            OutputConfig={"S3Bucket": "pictures", "S3KeyPrefix": "out"},
            TrainingData={"Assets": []},
            TestingData={"Assets": []},
            FeatureConfig={"ContentModeration": {"ConfidenceThreshold": 50}},
        )["ProjectVersionArn"]
        server.set_status(arn, "TRAINING_COMPLETED")
        return str(arn)

    return make


@pytest.fixture
def write_folder() -> Callable[[Dataset, Path], None]:
    """Return a function that writes a data set as a passed DIR."""
    return _write_folder


def _write_folder(dataset: Dataset, out: Path) -> None:
    images = dataset.images.assign(judged="all")
    images = images.assign(
        width=images["width"].where(images["width"] > 0, 640),
        height=images["height"].where(images["height"] > 0, 480),
    )
    labels = pd.DataFrame(
        {"image": images["image"][1::2], "label": "Alcohol", "source": "table", "truth": True}
    )
    dataset = replace(dataset, images=typed_images(images), labels=typed_labels(labels))
    dataset.save(out)
    write_manifests(dataset, out)
    ready = {"readiness": {"state": "ready", "reading": "", "candidates": []}}
    (out / "report.json").write_text(report_json(Report(passed=True, facts=ready)), encoding="utf-8")
