"""Projects and adapters, as the local Rekognition keeps and describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from manifest_tools.testing.rekognition.training import Trained


@dataclass
class Project:
    """A project and its adapters, oldest first."""

    arn: str
    name: str
    feature: str
    auto_update: str | None
    created: datetime
    tags: dict[str, str]
    adapters: list[Adapter] = field(default_factory=list)


@dataclass
class Adapter:
    """One version of a project. `looks` counts the descriptions until its training ends."""

    arn: str
    name: str
    request: Mapping[str, Any]
    created: datetime
    base_model: str
    looks: int
    tags: dict[str, str]
    status: str = "TRAINING_IN_PROGRESS"
    message: str = "The model is being trained."
    trained: Trained | None = None


def description(adapter: Adapter) -> dict[str, Any]:
    """Return an adapter as `DescribeProjectVersions` words it."""
    request = adapter.request
    done = adapter.status not in ("TRAINING_IN_PROGRESS", "TRAINING_FAILED")
    outputs = adapter.trained.outputs if adapter.trained else {}
    return present(
        ProjectVersionArn=adapter.arn,
        CreationTimestamp=adapter.created,
        Status=adapter.status,
        StatusMessage=adapter.message,
        BillableTrainingTimeInSeconds=3600 if done else None,
        TrainingEndTimestamp=adapter.created if adapter.trained else None,
        OutputConfig=request["OutputConfig"],
        TrainingDataResult=present(Input=request.get("TrainingData"), **outputs.get("training", {})),
        TestingDataResult=present(Input=request.get("TestingData"), **outputs.get("testing", {})),
        EvaluationResult=outputs.get("evaluation") if done else None,
        ManifestSummary=outputs.get("summary"),
        KmsKeyId=request.get("KmsKeyId"),
        VersionDescription=request.get("VersionDescription"),
        Feature="CONTENT_MODERATION" if "FeatureConfig" in request else "CUSTOM_LABELS",
        BaseModelVersion=adapter.base_model,
        FeatureConfig=request.get("FeatureConfig"),
    )


def present(**members: Any) -> dict[str, Any]:
    """Return the members that have a value."""
    return {name: value for name, value in members.items() if value is not None}
