"""Publish a prepared data set to S3: images first and verified, manifests last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from manifest_tools.aws.publishing.diff import WORKERS, Action, PlannedObject, changed, holds
from manifest_tools.aws.publishing.plan import PlanOptions, PublishPlan, plan_publish
from manifest_tools.aws.publishing.prepared_folder import Wanted, digest
from manifest_tools.core.commit import PATIENCE, alone
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding
from manifest_tools.images.stop_list.stop_list import content_on_list
from manifest_tools.parallel.bounded_map import run_bounded
from manifest_tools.storage.storage import ConditionFailedError, StoredObject
from manifest_tools.storage.uris import is_s3_uri


@dataclass(frozen=True)
class PublishResult:
    """What publishing did.

    Parameters
    ----------
    plan : PublishPlan
    sent, kept : int
        Objects written, and objects that were there already; each verified.
    manifests : tuple of str
        Addresses of the manifests, when they are in the bucket.
    findings : tuple of Finding
        What stood in the way; then no manifest was written.
    """

    plan: PublishPlan
    sent: int = 0
    kept: int = 0
    manifests: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything is in the bucket and intact."""
        return bool(self.manifests) and not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        return {
            "passed": self.passed,
            "sent": self.sent,
            "kept": self.kept,
            "manifests": list(self.manifests),
            "plan": self.plan.to_dict(),
            "findings": [item.to_dict() for item in self.findings],
        }


def publish(
    folder: str | Path,
    *,
    dry_run: bool = False,
    confirm: Callable[[PublishPlan], bool] | None = None,
    workers: int = WORKERS,
    progress: Progress | None = None,
    **options: Unpack[PlanOptions],
) -> PublishResult:
    """Put a prepared data set into S3: plan, show, apply.

    Images come first, each verified by the SHA-256 that S3 keeps beside it; the manifests come last, so that
    a manifest in the bucket never names an object that is not there, intact. Safe to kill and to run again:
    what is there and right is not sent again. Afterwards the data set's split is locked.

    Parameters
    ----------
    folder : str or Path
        DIR of `prepare`, passed.
    dry_run : bool
        Plan only.
    confirm : callable, optional
        Shown the plan; publishing goes on when it returns true.
    workers : int
        Threads.
    progress : callable, optional
        Called with (objects done, all objects): once through for the plan, once for the objects to write.
    **options
        See :class:`manifest_tools.aws.publishing.plan.PlanOptions`: `to`, `replace`, `client`, `profile`, `region`,
        `endpoint_url`, `kms_key`, `requester_pays`, `stop_list`, `strip_metadata`.

    Returns
    -------
    PublishResult
        With findings, and not passed, when local files or objects in the bucket are not what was checked.

    Raises
    ------
    InputError
        The folder has not passed its check.
    RemoteError
        Amazon refused or failed.

    Examples
    --------
    >>> from manifest_tools import Policy, aws, prepare
    >>> from manifest_tools.testing import local_s3
    >>> options = {"labels": "sample_data/labels.csv", "predictions": "sample_data/predictions.manifest"}
    >>> options["policy"] = Policy(targets=["Alcohol:false-positives"])
    >>> done = prepare("sample_data/images", to="s3://my-bucket/photos", out="prepared", **options)
    >>> with local_s3(buckets=["my-bucket"]) as s3:  # in the place of Amazon's
    ...     result = aws.publish("prepared", client=s3.client())
    >>> result.passed, result.manifests
    (True, ('s3://my-bucket/photos/train-....manifest', 's3://my-bucket/photos/test-....manifest'))
    """
    plan = plan_publish(folder, workers=workers, progress=progress, **options)
    if dry_run or not plan.ready or (confirm is not None and not confirm(plan)):
        return PublishResult(plan, findings=plan.findings)
    return apply_plan(plan, workers=workers, progress=progress)


def apply_plan(
    plan: PublishPlan, *, workers: int = WORKERS, progress: Progress | None = None
) -> PublishResult:
    """Do what a plan says.

    Raises
    ------
    InputError
        The plan has findings.
    RemoteError
        Amazon refused or failed; everything that arrived stays, and the next run goes on from there.
    """
    if not plan.ready:
        raise InputError(f"The plan cannot be applied: {plan.findings[0].message}. {plan.findings[0].fix}")
    sending = [item for item in plan.images if item.writes]
    findings, done = [], 0
    # The first goes alone: what is wrong with all of them is then said once, and nothing else was tried.
    for batch in (sending[:1], sending[1:]):
        for _, problem in run_bounded(lambda item: _write(plan, item), batch, workers=workers):
            findings += [problem] if problem else []
            done += 1
            if progress:
                progress(done, len(plan.writes))
    kept = len(plan.images) - len(sending)
    if findings:
        return PublishResult(plan, done - len(findings), kept, findings=tuple(findings))
    _lock_split(plan)
    for item in plan.manifests:
        problem = _write(plan, item) if item.writes else None
        if problem:
            return PublishResult(plan, done, kept, findings=(problem,))
        kept, done = kept + (not item.writes), done + item.writes
        if progress:
            progress(done, len(plan.writes))
    uris = tuple(plan.storage.uri(item.wanted.key) for item in plan.manifests)
    return PublishResult(plan, done, kept, uris)


def _write(plan: PublishPlan, item: PlannedObject) -> Finding | None:
    """Write one object and verify it; a finding when it is not what was checked."""
    storage, wanted = plan.storage, item.wanted
    uri = storage.uri(wanted.key)
    condition = {"if_match": item.etag} if item.action is Action.REPLACE else {"if_absent": True}
    stored: StoredObject | None = None
    try:
        if is_s3_uri(wanted.source):
            storage.copy(wanted.source, wanted.key, **condition)
        else:
            content = _content(plan, wanted)
            if isinstance(content, Finding):
                return content
            stored = storage.put(wanted.key, content, **condition)
    except ConditionFailedError:
        # Ours after all, when only the answer to an earlier try was lost, or another publisher's.
        present = storage.head(wanted.key)
        same = present is not None and holds(storage, present, wanted)
        return None if same else changed(uri, manifest=wanted.content is not None)
    if stored is not None and stored.sha256 == wanted.sha256:
        return None
    present = storage.head(wanted.key)
    if present is None or not holds(storage, present, wanted):
        if is_s3_uri(wanted.source):
            return changed(wanted.source)
        raise RemoteError(
            f"Verifying {uri} failed: what is stored is not what was sent. Run the command again with --replace."
        )
    return None


def _content(plan: PublishPlan, wanted: Wanted) -> bytes | Finding:
    if wanted.content is not None:
        return wanted.content
    try:
        content = Path(wanted.source).read_bytes()
    except OSError:
        return finding("image-missing", image=wanted.source, uri=wanted.source)
    if content_on_list(
        content, plan.stop_list, pixels=False
    ):  # the pixels are those that were planned, or it ends here
        return finding("image-on-stop-list", image=wanted.source, sha256=digest(content))
    if digest(content) != wanted.sha256:
        return changed(wanted.source)
    return content


def _lock_split(plan: PublishPlan) -> None:
    """Fix the split in the data set, and write down what is published. Nothing to do when it is there already."""
    dataset = plan.prepared.dataset
    published = {
        Path(item.wanted.source).name: {
            "uri": plan.storage.uri(item.wanted.key),
            "sha256": item.wanted.sha256,
        }
        for item in plan.manifests
    }
    locked = dataset.images["locked"] | (dataset.images["split"] != "")
    before = [entry["options"] for entry in dataset.history if entry["step"] == "publish"]
    if locked.equals(dataset.images["locked"]) and before[-1:] == [{"manifests": published}]:
        return
    images = dataset.images.assign(locked=locked)
    with alone(plan.prepared.folder, wait=PATIENCE):
        if Dataset.load_frame(plan.prepared.folder).history != dataset.history:
            raise InputError(f"{plan.prepared.folder} was changed meanwhile; run the command again")
        dataset.step("publish", images=images, options={"manifests": published}).save(plan.prepared.folder)
