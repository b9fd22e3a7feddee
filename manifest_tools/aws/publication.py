"""The plan of a publication: what is in the bucket already, what has to be sent, and what is in the way."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from os.path import commonprefix
from pathlib import Path
from typing import Any, TypedDict, Unpack

from manifest_tools.aws.clients import make_client
from manifest_tools.aws.pooling import run_bounded
from manifest_tools.aws.preflight import BucketFacts, check_write, examine_bucket
from manifest_tools.aws.prepared import PreparedFolder, Wanted, digest, read_prepared
from manifest_tools.aws.storage import S3Storage, StoredObject
from manifest_tools.catalogue import finding
from manifest_tools.errors import InputError
from manifest_tools.findings import Finding
from manifest_tools.keys import split_uri

Progress = Callable[[int, int | None], None]

_PAGE = 1000  # keys of one answer to a listing
_PREFLIGHT = 4  # requests: bucket, encryption, policy, right to write


class Action(StrEnum):
    """What is to happen to an object."""

    KEEP = "keep"  # it is there, and its bytes are right
    SEND = "send"
    COPY = "copy"  # inside S3
    REPLACE = "replace"  # other bytes are there, and --replace allows it
    BLOCKED = "blocked"  # a finding says why


@dataclass(frozen=True, slots=True)
class PlannedObject:
    """An object and what is to happen to it; `etag` is that of the object that is to be replaced."""

    wanted: Wanted
    action: Action
    etag: str = ""

    @property
    def writes(self) -> bool:
        """Whether anything is written."""
        return self.action in {Action.SEND, Action.COPY, Action.REPLACE}


@dataclass(frozen=True)
class PublishPlan:
    """What publishing would do. :func:`manifest_tools.aws.publishing.apply_plan` does it.

    Parameters
    ----------
    prepared : PreparedFolder
    storage : S3Storage
        The bucket, with the client that reaches it.
    bucket : BucketFacts
    images, manifests : tuple of PlannedObject
        Manifests in the order in which they are written.
    findings : tuple of Finding
        What is in the way; the plan can be applied when it is empty.
    looks : int
        Requests that planning took.
    """

    prepared: PreparedFolder
    storage: S3Storage
    bucket: BucketFacts
    images: tuple[PlannedObject, ...]
    manifests: tuple[PlannedObject, ...]
    findings: tuple[Finding, ...]
    looks: int

    @property
    def ready(self) -> bool:
        """Whether nothing is in the way."""
        return not self.findings

    @property
    def writes(self) -> tuple[PlannedObject, ...]:
        """What would be written, images first."""
        return tuple(item for item in (*self.images, *self.manifests) if item.writes)

    @property
    def bytes_to_send(self) -> int:
        """Bytes that would leave this machine; copies inside S3 do not."""
        return sum(item.wanted.bytes for item in self.writes if item.action is not Action.COPY)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON-ready values, in counts."""
        return {
            "bucket": self.bucket.bucket,
            "region": self.bucket.region,
            "encryption": self.bucket.encryption,
            "policy": self.bucket.policy,
            "images": dict(sorted(Counter(str(item.action) for item in self.images).items())),
            "manifests": {self.storage.uri(item.wanted.key): str(item.action) for item in self.manifests},
            "bytes_to_send": self.bytes_to_send,
            "requests": {"made": self.looks, "to_make": len(self.writes)},
            "ready": self.ready,
            "findings": [item.to_dict() for item in self.findings],
        }


class PlanOptions(TypedDict, total=False):
    """What a publication may be told, all of it by keyword.

    Parameters
    ----------
    to : str, optional
        ``s3://bucket/prefix`` for the manifests; default: the data set's destination.
    replace : bool
        Allow objects with other bytes to be overwritten. Default: no.
    client : optional
        boto3 S3 client; made from `profile`, `region` and `endpoint_url` when absent.
    profile, region, endpoint_url : str, optional
        As in boto3.
    kms_key : str, optional
        Encrypt with this key. Default: the bucket's own encryption.
    requester_pays : bool
        Accept to be charged where a source bucket asks for it. Default: no.
    """

    to: str | None
    replace: bool
    client: Any
    profile: str | None
    region: str | None
    endpoint_url: str | None
    kms_key: str | None
    requester_pays: bool


def plan_publish(
    folder: str | Path,
    *,
    workers: int = 16,
    progress: Progress | None = None,
    **options: Unpack[PlanOptions],
) -> PublishPlan:
    """Find out what publishing a prepared data set takes. Nothing is written anywhere.

    Parameters
    ----------
    folder : str or Path
        DIR of `prepare`, passed.
    workers : int
        Threads.
    progress : callable, optional
        Called with (objects compared, all objects).
    **options
        See :class:`PlanOptions`.

    Raises
    ------
    InputError
        The folder has not passed, or the manifests' place is not in the images' bucket.
    RemoteError
        The bucket cannot be used; the message says whether bucket, region, permission or key is wrong.
    """
    prepared = read_prepared(folder)
    prefix = _manifest_prefix(prepared, options.get("to"))
    client = options.get("client") or make_client(
        "s3",
        profile=options.get("profile"),
        region=options.get("region"),
        endpoint_url=options.get("endpoint_url"),
        max_connections=workers + 1,
    )
    storage = S3Storage(
        client,
        prepared.bucket,
        requester_pays=options.get("requester_pays", False),
        kms_key=options.get("kms_key"),
    )
    facts = examine_bucket(storage)
    check_write(storage, prefix)
    manifests = [
        Wanted(prefix + name, str(prepared.folder / name), len(content), digest(content))
        for name, content in prepared.manifests.items()
    ]
    comparison = _Comparison(storage, options.get("replace", False))
    planned = comparison.run([*prepared.images, *manifests], workers, progress)
    return PublishPlan(
        prepared,
        storage,
        facts,
        images=tuple(planned[: len(prepared.images)]),
        manifests=tuple(planned[len(prepared.images) :]),
        findings=(*_region_findings(facts), *comparison.findings),
        looks=comparison.looks + _PREFLIGHT,
    )


def _manifest_prefix(prepared: PreparedFolder, to: str | None) -> str:
    place = to or prepared.dataset.destination
    if not place:
        raise InputError(
            f"{prepared.folder} has no destination: its images are in S3 already. "
            "Say where the manifests go: --to s3://BUCKET/PREFIX."
        )
    bucket, prefix = split_uri(place)
    if bucket != prepared.bucket:
        raise InputError(
            f"The images are in bucket {prepared.bucket}, but the manifests should go to {bucket}. "
            "Images and manifests belong into one bucket."
        )
    return prefix.rstrip("/") + "/" if prefix.strip("/") else ""


def _region_findings(facts: BucketFacts) -> list[Finding]:
    # A local server has no region, and who has not chosen one cannot have chosen a wrong one.
    if (
        not facts.calling_region
        or facts.region.startswith("not known")
        or facts.region == facts.calling_region
    ):
        return []
    return [finding("bucket-region", bucket=facts.bucket, found=facts.region, region=facts.calling_region)]


class _Comparison:
    """Compares what is wanted with what is there."""

    def __init__(self, storage: S3Storage, replace: bool) -> None:
        self._storage = storage
        self._replace = replace
        self._listed: Mapping[str, StoredObject] = {}
        self._listing_is_complete = False
        self.findings: list[Finding] = []
        self.looks = 0

    def run(self, wanted: list[Wanted], workers: int, progress: Progress | None) -> list[PlannedObject]:
        self._list({item.key for item in wanted})
        planned = []
        for item, (present, same) in run_bounded(self._compare, wanted, workers=workers):
            planned.append(self._decide(item, present, same=same))
            if progress:
                progress(len(planned), len(wanted))
        return planned

    def _list(self, keys: set[str]) -> None:
        """List the bucket below the keys, but not for ever: a prefix may be shared with millions of others."""
        limit = 10 * _PAGE + 10 * len(keys)
        found, seen = {}, 0
        prefix = commonprefix(list(keys))  # noqa: RUF071 - of keys, which are strings and no paths
        for seen, item in enumerate(self._storage.list(prefix), 1):
            if item.key in keys:
                found[item.key] = item
            if seen >= limit:
                break
        self._listed, self._listing_is_complete = found, seen < limit
        self.looks += max(1, math.ceil(seen / _PAGE))

    def _compare(self, item: Wanted) -> tuple[StoredObject | None, bool]:
        listed = self._listed.get(item.key)
        if listed is None and self._listing_is_complete:
            return None, False
        if listed is not None and listed.bytes != item.bytes:
            return listed, False
        if listed is not None and _etag_agrees(listed, item):
            return listed, True
        self.looks += 1
        present = self._storage.head(item.key)
        return present, present is not None and holds(self._storage, present, item)

    def _decide(self, item: Wanted, present: StoredObject | None, *, same: bool) -> PlannedObject:
        if same:
            return PlannedObject(item, Action.KEEP)
        uri = self._storage.uri(item.key)
        if present is not None and (item.source == uri or not self._replace):
            self.findings.append(finding("object-changed", image=uri, uri=uri))
            return PlannedObject(item, Action.BLOCKED)
        if item.source.startswith("s3://"):
            if item.source == uri:
                self.findings.append(finding("object-missing", image=uri, uri=uri))
                return PlannedObject(item, Action.BLOCKED)
            action = Action.COPY
        else:
            problem = _local_problem(item)
            if problem:
                self.findings.append(problem)
                return PlannedObject(item, Action.BLOCKED)
            action = Action.SEND
        if present is None:
            return PlannedObject(item, action)
        return PlannedObject(item, Action.REPLACE, present.etag)


def _local_problem(item: Wanted) -> Finding | None:
    try:
        size = Path(item.source).stat().st_size
    except OSError:
        return finding("image-missing", image=item.source, uri=item.source)
    if size != item.bytes:
        return finding("object-changed", image=item.source, uri=item.source)
    return None


def holds(storage: S3Storage, present: StoredObject, item: Wanted) -> bool:
    """Whether the object in the bucket has the wanted bytes.

    By the SHA-256 that S3 keeps beside it; else by its etag; else by reading it.
    """
    if present.bytes != item.bytes:
        return False
    if present.sha256:
        return present.sha256 == item.sha256
    return _etag_agrees(present, item) or digest(storage.get(item.key)) == item.sha256


def _etag_agrees(present: StoredObject, item: Wanted) -> bool:
    """Whether the etag is the MD5 of the wanted bytes. A KMS key or several parts make it something else."""
    if len(present.etag) != 32 or item.source.startswith("s3://"):
        return False
    try:
        content = Path(item.source).read_bytes()
    except OSError:
        return False
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()  # S3's own checksum, not ours
    return md5 == present.etag and digest(content) == item.sha256
