"""Train an adapter from a published data set, and wait for it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifest_tools.aws.costs import TRAINING, add_cost, trainings_of
from manifest_tools.aws.request_checks import check_call
from manifest_tools.aws.training.adapters import (
    FEATURE,
    Adapter,
    adapter_from,
    describe_version,
    find_project,
)
from manifest_tools.aws.training.create import (
    FAILED,
    find_version,
    make_project,
    make_version,
    version_members,
)
from manifest_tools.aws.training.failure import trace_failure
from manifest_tools.aws.training.plan import TRAIN, TrainingPlan, plan_training
from manifest_tools.core.commit import PATIENCE, alone
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.round_sets import trained_adapters
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding
from manifest_tools.storage.aws_clients import make_client
from manifest_tools.storage.aws_errors import remote_errors
from manifest_tools.storage.uris import split_uri

STEP = "train"
_POLL_SECONDS = 60.0
_PATIENCE = 10  # looks in a row that may fail before waiting ends
_RUNNING = "TRAINING_IN_PROGRESS"


@dataclass(frozen=True)
class TrainingResult:
    """How a training stands. `findings` say why it failed, or what to know of the adapter."""

    adapter: Adapter
    findings: tuple[Finding, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether there is an adapter to use."""
        return self.adapter.usable

    def to_dict(self) -> dict[str, Any]:
        """Return the result, ready for JSON."""
        return {"adapter": self.adapter.to_dict(), "findings": [found.to_dict() for found in self.findings]}


def train_adapter(
    folder: str | Path,
    project: str,
    *,
    client: Any = None,
    s3_client: Any = None,
    wait: bool = True,
    poll: float = _POLL_SECONDS,
    price: float | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> TrainingResult:
    """Train an adapter on a published data set and wait for it: plan, start and attach in one.

    Parameters
    ----------
    folder, project, **options
        As in :func:`~manifest_tools.aws.training.plan.plan_training`.
    client, s3_client, wait, poll, price, progress
        As in :func:`start_training`.

    Returns
    -------
    TrainingResult
        `adapter`, whether it `succeeded`, and `findings`: why not, or what to know of it.

    Raises
    ------
    InputError
        The data set is not ready, was trained already, or a value would be refused.
    RemoteError
        Amazon refused or failed.

    Examples
    --------
    >>> from manifest_tools import Policy, aws, prepare
    >>> from manifest_tools.testing import local_rekognition, local_s3
    >>> options = {"labels": "sample_data/labels.csv", "predictions": "sample_data/predictions.manifest"}
    >>> options["policy"] = Policy(targets=["Alcohol:false-positives"])
    >>> done = prepare("sample_data/images", to="s3://my-bucket/photos", out="prepared", **options)
    >>> with local_s3(buckets=["my-bucket"]) as s3, local_rekognition(s3=s3) as rekognition:
    ...     clients = {"client": rekognition.client(), "s3_client": s3.client()}
    ...     published = aws.publish("prepared", client=clients["s3_client"])
    ...     result = aws.train_adapter("prepared", "my-project", **clients, poll=0)
    >>> result.succeeded, result.adapter.status
    (True, 'TRAINING_COMPLETED')
    """
    plan = plan_training(folder, project, **options)
    return start_training(
        plan, client=client, s3_client=s3_client, wait=wait, poll=poll, price=price, progress=progress
    )


def start_training(
    plan: TrainingPlan,
    *,
    client: Any = None,
    s3_client: Any = None,
    kms_key: str = "",
    tags: Mapping[str, str] | None = None,
    wait: bool = True,
    poll: float = _POLL_SECONDS,
    price: float | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Start a training and wait for its end.

    The adapter's ARN is in the folder's ``dataset.json`` as soon as Amazon has given it: whoever is
    interrupted while waiting goes on with :func:`attach_training`.

    Parameters
    ----------
    plan : TrainingPlan
    client, s3_client : boto3 clients, optional
        Rekognition and S3; made with the settings of boto3 when absent.
    kms_key : str
        Key with which Amazon encrypts its copies and results.
    tags : mapping, optional
        For the adapter, and for its project when it is made.
    wait : bool
        Return after the start when false.
    poll : float
        Seconds between two looks.
    price : float, optional
        Of an hour of training, in any currency. The hours that are billed are added to ``DIR/dataset/costs.jsonl``.
    progress : callable, optional
        ``progress(seconds since the start of waiting, None)``, at each look.

    Returns
    -------
    TrainingResult

    Raises
    ------
    InputError
        A name or value that the service would refuse, or this data was trained already.
    RemoteError
    """
    client = client or make_client("rekognition")
    s3_client = s3_client or make_client("s3")
    members = version_members(plan, kms_key, tags)
    new_project = {
        "ProjectName": plan.project,
        "Feature": FEATURE,
        "AutoUpdate": "ENABLED" if plan.auto_update else "DISABLED",
        **({"Tags": dict(tags)} if tags else {}),
    }
    check_call(client, "CreateProject", new_project)
    check_call(client, "CreateProjectVersion", members)
    _require_region(plan, client, s3_client)
    project_arn = find_project(client, plan.project) or make_project(client, new_project)
    version, arn = find_version(client, project_arn, plan.version)
    if arn in _started(Dataset.load(plan.folder)):
        raise InputError(
            f"this data was trained already: {arn}. 'train --attach' waits for it; 'adapters delete' makes room "
            "for another try"
        )
    # An adapter that this folder knows nothing of was started by a run that died before it could write it down.
    arn = arn or make_version(client, members | {"ProjectArn": project_arn, "VersionName": version})
    _record(plan, project_arn, version, arn)
    if not wait:
        return TrainingResult(Adapter(plan.project, version, arn, _RUNNING))
    return attach_training(
        plan.folder, client=client, s3_client=s3_client, poll=poll, price=price, progress=progress
    )


def attach_training(
    folder: str | Path,
    *,
    client: Any = None,
    s3_client: Any = None,
    poll: float = _POLL_SECONDS,
    price: float | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Wait for the training that was last started from a folder.

    Parameters
    ----------
    folder : path
        The DIR it was started from.
    client, s3_client, poll, price, progress
        As in :func:`start_training`.

    Raises
    ------
    InputError
        No training was started from there.
    RemoteError
        Amazon does not answer, or the adapter is gone.
    """
    started = _last_training(Dataset.load(folder), folder)
    client = client or make_client("rekognition")
    s3_client = s3_client or make_client("s3")
    description = _wait(client, started["project_arn"], started["version"], poll, progress)
    adapter = adapter_from(description)
    if adapter.status == FAILED:
        auto_split = bool(started["auto_split"])
        return TrainingResult(
            adapter, trace_failure(description, folder, client=s3_client, auto_split=auto_split)
        )
    _write_cost(folder, adapter, price)
    return TrainingResult(adapter, tuple(_finish(Path(folder), adapter)))


def _require_region(plan: TrainingPlan, client: Any, s3_client: Any) -> None:
    """Refuse a bucket of another Region, where it can be told; the service reads no other."""
    bucket, _ = split_uri(plan.manifests[TRAIN])
    with remote_errors(f"Looking at bucket {bucket}"):
        found = s3_client.head_bucket(Bucket=bucket).get("BucketRegion", "")
    region = client.meta.region_name
    if found and found != region:
        told = finding("bucket-region", bucket=bucket, found=found, region=region)
        raise InputError(f"{told.message}. {told.fix}")


def _record(plan: TrainingPlan, project_arn: str, version: str, arn: str) -> None:
    options = {
        "project_arn": project_arn,
        "version": version,
        "arn": arn,
        "threshold": plan.threshold,
        "auto_split": plan.auto_split,
        "test_sets": list(plan.test_sets),
        "manifests": dict(plan.manifests),
        "output": plan.output,
        "overridden": list(plan.overridden),
    }
    with alone(plan.folder, wait=PATIENCE):
        dataset = Dataset.load(plan.folder)
        images = dataset.images.assign(locked=dataset.images["locked"] | (dataset.images["split"] != ""))
        dataset.step(STEP, images=images, options=options).save(plan.folder)


def _started(dataset: Dataset) -> set[str]:
    """Return the ARNs of the trainings that were started from a data set."""
    return set(trained_adapters(dataset.history))


def last_started(folder: str | Path) -> str:
    """Return the ARN of the adapter whose training was last started from a folder, and has not ended that it knows; else ""."""
    history = Dataset.load_frame(folder).history
    ended = {entry["options"].get("arn") for entry in history if entry["step"] == "trained"}
    arns = trained_adapters(history)
    return arns[-1] if arns and arns[-1] not in ended else ""


def _last_training(dataset: Dataset, folder: str | Path) -> Mapping[str, Any]:
    steps = [entry for entry in dataset.history if entry.get("step") == STEP]
    if not steps:
        raise InputError(f"no training was started from {folder}: 'manifest-tools train {folder}' starts one")
    options: Mapping[str, Any] = steps[-1]["options"]
    return options


def _wait(
    client: Any,
    project_arn: str,
    version: str,
    poll: float,
    progress: Progress | None,
) -> dict[str, Any]:
    """Look until the training has ended. Looks that fail do not end the waiting, unless they keep failing."""
    start = time.monotonic()
    failures = 0
    while True:
        try:
            description = describe_version(client, project_arn, version)
            failures = 0
        except RemoteError:
            failures += 1
            if failures == _PATIENCE:
                raise
        else:
            if description is None:
                raise RemoteError(
                    f"Waiting ended: adapter {version} is no longer there. Somebody deleted it."
                )
            if description["Status"] != _RUNNING:
                return description
        if progress:
            progress(int(time.monotonic() - start), None)
        time.sleep(poll)


def _write_cost(folder: str | Path, adapter: Adapter, price: float | None) -> None:
    """Write down what a training is billed for: once, however often it is waited for."""
    billed = adapter.billed_seconds
    if billed is None or any(record.get("adapter") == adapter.arn for record in trainings_of(folder)):
        return
    hours = billed / 3600
    cost = None if price is None else hours * price
    add_cost(folder, TRAINING, cost, hours=hours, adapter=adapter.arn, price=price)


def _finish(folder: Path, adapter: Adapter) -> Iterator[Finding]:
    """Write what the training became into the data set; tell when it rests on another base model."""
    result = {
        "arn": adapter.arn,
        "status": adapter.status,
        "base_model": adapter.base_model,
        "f1": adapter.f1,
    }
    with alone(Path(folder), wait=PATIENCE):
        dataset = Dataset.load(folder)
        told = [entry["options"] for entry in dataset.history if entry["step"] == "trained"]
        if told[-1:] != [result]:
            dataset.step("trained", options=result).save(folder)
    asked = sorted(set(dataset.images["predicted"]) - {"", "unknown", adapter.base_model})
    if asked and adapter.base_model:
        yield finding("base-model-changed", found=adapter.base_model, expected=asked)
