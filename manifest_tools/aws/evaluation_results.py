"""Get an adapter's evaluation results and the output manifest of its test set from Amazon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from manifest_tools.aws.training.adapters import AdapterName, describe_adapter
from manifest_tools.core.errors import RemoteError
from manifest_tools.evaluation import EvaluationFiles
from manifest_tools.storage.aws_clients import make_client
from manifest_tools.storage.storage import S3Storage


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
        `adapter` is not the ARN of an adapter, or there is no such adapter.
    RemoteError
        It has no evaluation (yet), or its files cannot be read.

    Examples
    --------
    >>> from manifest_tools import aws, compare_evaluation
    >>> from manifest_tools.testing import local_rekognition
    >>> with local_rekognition() as rekognition:  # in the place of Amazon's, which has no such adapter
    ...     arn = "arn:aws:rekognition:us-east-1:111122223333:project/p/version/v/1700000000000"
    ...     compare_evaluation(aws.fetch_evaluation(arn, client=rekognition.client()))
    Traceback (most recent call last):
        ...
    manifest_tools.core.errors.InputError: there is no adapter arn:aws:... in this account; ...
    """
    region = AdapterName.parse(adapter).region
    client = client or make_client(
        "rekognition", profile=profile, region=region, endpoint_url=endpoint_url, attempts=4
    )
    version = describe_adapter(client, adapter)
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


def _read(client: Any, place: Mapping[str, str]) -> bytes:
    return S3Storage(client, place["Bucket"]).get(place["Name"])
