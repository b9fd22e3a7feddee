"""Get an adapter's evaluation results and the output manifest of its test set from Amazon."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.evaluation import EvaluationFiles
from manifest_tools.storage.aws_clients import make_client
from manifest_tools.storage.aws_errors import remote_errors
from manifest_tools.storage.storage import S3Storage

# https://docs.aws.amazon.com/rekognition/latest/APIReference/API_ProjectVersionDescription.html
_ARN = re.compile(
    r"(arn:[a-z\d-]+:rekognition:(?P<region>[a-z\d-]+):\d{12}:project/[\w.-]+)/version/(?P<name>[\w.-]+)/(\d+)"
)
_CREATED = re.compile(r"/(\d+)$")


def fetch_evaluation(
    adapter: str,
    *,
    client: Any = None,
    storage_client: Any = None,
    profile: str | None = None,
    endpoint_url: str | None = None,
) -> EvaluationFiles:
    """Read both evaluation files of an adapter, for :func:`manifest_tools.compare_evaluation`.

    Parameters
    ----------
    adapter : str
        Its ARN; the region is in it.
    client, storage_client : optional
        boto3 clients of Rekognition and S3; made from `profile` and `endpoint_url` when absent.
    profile, endpoint_url : str, optional
        A profile of the AWS configuration, and another endpoint than Amazon's.

    Returns
    -------
    EvaluationFiles
        The bytes of the results and, if there is one, of the output manifest.

    Raises
    ------
    InputError
        `adapter` is not the ARN of an adapter.
    RemoteError
        There is no such adapter, it has no evaluation (yet), or its files cannot be read.

    Examples
    --------
    >>> from manifest_tools import aws, compare_evaluation
    >>> from manifest_tools.testing import local_rekognition
    >>> with local_rekognition() as rekognition:  # in the place of Amazon's, which has no such adapter
    ...     arn = "arn:aws:rekognition:us-east-1:111122223333:project/p/version/v/1700000000000"
    ...     compare_evaluation(aws.fetch_evaluation(arn, client=rekognition.client()))
    Traceback (most recent call last):
        ...
    manifest_tools.core.errors.RemoteError: There is no adapter project p in us-east-1. Check --profile and the ARN.
    """
    match = _ARN.fullmatch(adapter)
    if match is None:
        raise InputError(f"{adapter!r} is not an adapter's ARN. `manifest-tools adapters list` prints them.")
    region = match["region"]
    client = client or make_client(
        "rekognition", profile=profile, region=region, endpoint_url=endpoint_url, attempts=4
    )
    version = _describe(client, adapter, match)
    summary = (version.get("EvaluationResult") or {}).get("Summary", {}).get("S3Object")
    if not summary:
        said = f" ({version['StatusMessage']})" if version.get("StatusMessage") else ""
        raise RemoteError(
            f"Adapter {adapter} has no evaluation: its status is {version.get('Status')}{said}. "
            "Only a completed training has one; `manifest-tools adapters status` follows it."
        )
    storage_client = storage_client or make_client("s3", profile=profile, region=region)
    assets = version.get("TestingDataResult", {}).get("Output", {}).get("Assets") or [{}]
    manifest = assets[0].get("GroundTruthManifest", {}).get("S3Object")
    return EvaluationFiles(
        adapter, _read(storage_client, summary), _read(storage_client, manifest) if manifest else None
    )


def _describe(client: Any, adapter: str, match: re.Match[str]) -> Mapping[str, Any]:
    project = _project_arn(client, match)
    with remote_errors(f"Describing {adapter}"):
        answer = client.describe_project_versions(ProjectArn=project, VersionNames=[match["name"]])
    for version in answer["ProjectVersionDescriptions"]:
        if version["ProjectVersionArn"] == adapter:
            found: Mapping[str, Any] = version
            return found
    raise RemoteError(f"There is no adapter {adapter}. `manifest-tools adapters list` shows what there is.")


def _project_arn(client: Any, match: re.Match[str]) -> str:
    """Return the ARN of the adapter's project: it ends in a number that the adapter's own ARN does not tell."""
    prefix = match[1]
    name = prefix.rpartition("/")[2]
    with remote_errors(f"Looking for project {name}"):
        # Without Features, only projects of another kind come back.
        answer = client.describe_projects(ProjectNames=[name], Features=["CONTENT_MODERATION"])
    for project in answer["ProjectDescriptions"]:
        if _CREATED.sub("", project["ProjectArn"]) == prefix:
            return str(project["ProjectArn"])
    raise RemoteError(
        f"There is no adapter project {name} in {match['region']}. Check --profile and the ARN."
    )


def _read(client: Any, place: Mapping[str, str]) -> bytes:
    return S3Storage(client, place["Bucket"]).get(place["Name"])
