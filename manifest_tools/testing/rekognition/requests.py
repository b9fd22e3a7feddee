"""What the service refuses although its model allows it: requests with a part missing that nothing can do without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from manifest_tools.testing.rekognition.protocol import ServiceError


def check_image(image: Mapping[str, Any]) -> None:
    """Refuse an `Image` without a picture.

    Raises
    ------
    ServiceError
        Neither bytes nor a whole place in S3.
    """
    if "Bytes" not in image:
        _check_place(image, "Image")


def check_training(parameters: Mapping[str, Any]) -> None:
    """Refuse a `CreateProjectVersion` that says not where its data are, or where the results go.

    Raises
    ------
    ServiceError
        Naming the member.
    """
    output = parameters["OutputConfig"]
    if not output.get("S3Bucket") or "S3KeyPrefix" not in output:
        raise _refusal("OutputConfig needs S3Bucket and S3KeyPrefix")
    if ("TrainingData" in parameters) != ("TestingData" in parameters):
        raise _refusal("give both TrainingData and TestingData, or neither")
    if "TrainingData" not in parameters:
        raise _refusal("the project has no datasets: give TrainingData and TestingData")
    for name in ("TrainingData", "TestingData"):
        data = parameters[name]
        if "Assets" not in data and not (name == "TestingData" and data.get("AutoCreate")):
            raise _refusal(f"{name} names no manifest")
        for asset in data.get("Assets", ()):
            _check_place(asset.get("GroundTruthManifest", {}), f"{name}.Assets")


def _check_place(holder: Mapping[str, Any], name: str) -> None:
    place = holder.get("S3Object", {})
    if not place.get("Bucket") or not place.get("Name"):
        raise _refusal(f"{name} needs an S3Object with Bucket and Name")


def _refusal(message: str) -> ServiceError:
    return ServiceError("InvalidParameterException", message)
