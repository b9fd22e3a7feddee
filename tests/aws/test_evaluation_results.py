from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manifest_tools.aws.evaluation_results import fetch_evaluation
from manifest_tools.aws.publishing.apply import publish
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.evaluation import compare_evaluation
from manifest_tools.storage.uris import split_uri
from manifest_tools.testing import LocalS3, local_rekognition

ARN = "arn:aws:rekognition:us-east-1:111122223333:project/absent/version/v1/1730000000001"


@pytest.fixture(scope="module")
def rekognition(s3: LocalS3) -> Any:
    with local_rekognition(s3=s3, training_looks=1) as server:
        yield server.client()


def train(rekognition: Any, name: str, train: str, test: str) -> str:
    """Start a training on two manifests and return the adapter's ARN."""

    def assets(uri: str) -> dict[str, Any]:
        bucket, key = split_uri(uri)
        return {"Assets": [{"GroundTruthManifest": {"S3Object": {"Bucket": bucket, "Name": key}}}]}

    project = rekognition.create_project(
        ProjectName=name, Feature="CONTENT_MODERATION", AutoUpdate="DISABLED"
    )["ProjectArn"]
    return rekognition.create_project_version(
        ProjectArn=project,
        VersionName="v1",
        TrainingData=assets(train),
        TestingData=assets(test),
        OutputConfig={"S3Bucket": "pictures", "S3KeyPrefix": f"out/{name}"},
        FeatureConfig={"ContentModeration": {"ConfidenceThreshold": 50.0}},
    )["ProjectVersionArn"]


def look(rekognition: Any, adapter: str) -> None:
    project = rekognition.describe_projects(Features=["CONTENT_MODERATION"])["ProjectDescriptions"]
    for item in project:
        rekognition.describe_project_versions(ProjectArn=item["ProjectArn"])


def test_both_files_come_and_fit_together(
    client: Any, rekognition: Any, prefix: str, prepare: Callable[..., Path]
) -> None:
    out = prepare([f"{i}.jpg" for i in range(12)], prefix, magic=b"\xff\xd8\xff\xe0")
    published = publish(out, client=client)
    adapter = train(rekognition, "fits", *published.manifests)
    with pytest.raises(RemoteError, match="has no evaluation: its status is TRAINING_IN_PROGRESS"):
        fetch_evaluation(adapter, client=rekognition, storage_client=client)
    look(rekognition, adapter)

    files = fetch_evaluation(adapter, client=rekognition, storage_client=client)

    (found,) = compare_evaluation(files).adapters
    assert (found.adapter, found.by_image) == (adapter, True)
    assert found.images == len((out / "test.manifest").read_text().splitlines())
    assert not [note for note in found.notes if "counts otherwise" in note]
    assert json.dumps(found.to_dict())


def test_adapters_that_are_not_there(client: Any, rekognition: Any) -> None:
    with pytest.raises(InputError, match="is no adapter"):
        fetch_evaluation("arn:aws:s3:::bucket", client=rekognition, storage_client=client)
    with pytest.raises(InputError, match="there is no adapter"):
        fetch_evaluation(ARN, client=rekognition, storage_client=client)
