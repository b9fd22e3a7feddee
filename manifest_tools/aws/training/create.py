"""Make projects and adapters: once, even when Amazon's answer is lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from manifest_tools.aws.training.adapters import describe_version, find_project
from manifest_tools.aws.training.plan import TEST, TRAIN, TrainingPlan
from manifest_tools.core.errors import RemoteError
from manifest_tools.storage.aws_errors import remote_error
from manifest_tools.storage.uris import split_uri

FAILED = "TRAINING_FAILED"


def version_members(plan: TrainingPlan, kms_key: str, tags: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the members of CreateProjectVersion, less the project."""

    def asset(name: str) -> dict[str, Any]:
        bucket, key = split_uri(plan.manifests[name])
        return {"GroundTruthManifest": {"S3Object": {"Bucket": bucket, "Name": key}}}

    bucket, prefix = split_uri(plan.output)
    testing = {"Assets": [], "AutoCreate": True} if plan.auto_split else {"Assets": [asset(TEST)]}
    members: dict[str, Any] = {
        "VersionName": plan.version,
        "OutputConfig": {"S3Bucket": bucket, "S3KeyPrefix": prefix},
        "TrainingData": {"Assets": [asset(TRAIN)]},
        "TestingData": testing,
        "FeatureConfig": {"ContentModeration": {"ConfidenceThreshold": float(plan.threshold)}},
    }
    if kms_key:
        members["KmsKeyId"] = kms_key
    if tags:
        members["Tags"] = dict(tags)
    return members


def make_project(client: Any, members: Mapping[str, Any]) -> str:
    """Make a project and return its ARN."""

    def found() -> str | None:
        return find_project(client, members["ProjectName"])

    return _made(
        lambda: client.create_project(**members).get("ProjectArn"),
        found,
        f"Making project {members['ProjectName']}",
    )


def make_version(client: Any, members: Mapping[str, Any]) -> str:
    """Start a training and return the ARN of the adapter to be."""

    def found() -> str | None:
        description = describe_version(client, members["ProjectArn"], members["VersionName"])
        return description["ProjectVersionArn"] if description else None

    return _made(
        lambda: client.create_project_version(**members).get("ProjectVersionArn"),
        found,
        f"Starting training {members['VersionName']}",
    )


def find_version(client: Any, project_arn: str, name: str) -> tuple[str, str]:
    """Return the version name to use, and the ARN of the adapter that has it already, or "".

    The name is `name`, or one with a number when earlier tries on the same data failed.
    """
    tries = 1
    candidate = name
    while (description := describe_version(client, project_arn, candidate)) is not None:
        if description["Status"] != FAILED:
            return candidate, description["ProjectVersionArn"]
        tries += 1
        candidate = f"{name}-{tries}"
    return candidate, ""


def _made(make: Callable[[], str | None], found: Callable[[], str | None], doing: str) -> str:
    """Make what was not there a moment ago. When the answer is lost it may have been made all the same."""
    error: ClientError | BotoCoreError | None = None
    try:
        arn = make()
    except (ClientError, BotoCoreError) as problem:
        arn, error = None, problem
    arn = arn or found()
    if arn:
        return arn
    raise (
        remote_error(error, doing)
        if error
        else RemoteError(f"{doing} failed: the answer broke off. Run it again.")
    )
