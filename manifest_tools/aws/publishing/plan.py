"""The plan of a publication: what is in the bucket already, what has to be sent, and what is in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

from manifest_tools.aws.publishing.diff import WORKERS, Action, PlannedObject, PublishDiff
from manifest_tools.aws.publishing.preflight import BucketFacts, check_write, examine_bucket
from manifest_tools.aws.publishing.prepared_folder import PreparedFolder, Wanted, digest, read_prepared
from manifest_tools.aws.publishing.stripping import strip_prepared
from manifest_tools.aws.region_offer import PROJECTS, is_amazons, require_offer
from manifest_tools.core.errors import InputError
from manifest_tools.core.progress import Progress
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding
from manifest_tools.images.stop_list.screening import screen_folder
from manifest_tools.images.stop_list.stop_list import StopList
from manifest_tools.storage.aws_clients import make_client
from manifest_tools.storage.s3_images import ByteReader
from manifest_tools.storage.storage import S3Storage
from manifest_tools.storage.uris import split_destination, split_uri

_PREFLIGHT = 4  # requests: bucket, encryption, policy, right to write


@dataclass(frozen=True)
class PublishPlan:
    """What publishing would do. :func:`manifest_tools.aws.publishing.apply.apply_plan` does it.

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
    stop_list : StopList, optional
        What the bytes are held against once more before they are sent.
    """

    prepared: PreparedFolder
    storage: S3Storage
    bucket: BucketFacts
    images: tuple[PlannedObject, ...]
    manifests: tuple[PlannedObject, ...]
    findings: tuple[Finding, ...]
    looks: int
    stop_list: StopList | None = None

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
    stop_list : sequence of path
        Hashes of known images, which are not sent. Default: those that the data set remembers.
    strip_metadata : bool
        Send copies without metadata, whose pixels are the same; they are made in DIR. Default: no.
    """

    to: str | None
    replace: bool
    client: Any
    profile: str | None
    region: str | None
    endpoint_url: str | None
    kms_key: str | None
    requester_pays: bool
    stop_list: Sequence[str | Path]
    strip_metadata: bool


def plan_publish(
    folder: str | Path,
    *,
    workers: int = WORKERS,
    progress: Progress | None = None,
    **options: Unpack[PlanOptions],
) -> PublishPlan:
    """Find out what publishing a prepared data set takes. Nothing is written but the copies of `strip_metadata`, in DIR.

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
        The folder has not passed, the manifests' place is not in the images' bucket, or the Region trains no adapters.
    RemoteError
        The bucket cannot be used; the message says whether bucket, region, permission or key is wrong.
    """
    client = options.get("client") or make_client(
        "s3",
        profile=options.get("profile"),
        region=options.get("region"),
        endpoint_url=options.get("endpoint_url"),
        max_connections=workers + 1,
    )
    pays = options.get("requester_pays", False)

    def read(uri: str) -> bytes:
        bucket, key = split_uri(uri)
        return S3Storage(client, bucket, requester_pays=pays).get(key)

    stop_list = screen_folder(folder, options.get("stop_list", ()), reader=read)
    unstripped: tuple[Finding, ...] = ()
    if options.get("strip_metadata"):
        own = options.get("client") is not None
        unstripped = strip_prepared(
            folder, reader=read if own else _reader(options), sendable=not own, progress=progress
        )
    prepared = read_prepared(folder)
    prefix = _manifest_prefix(prepared, options.get("to"))
    if is_amazons(client):
        require_offer(client.meta.region_name, PROJECTS)
    storage = S3Storage(
        client,
        prepared.bucket,
        requester_pays=pays,
        kms_key=options.get("kms_key"),
    )
    facts = examine_bucket(storage)
    check_write(storage, prefix)
    manifests = [
        Wanted(
            prefix + name_in_bucket(name, content),
            str(prepared.folder / name),
            len(content),
            digest(content),
            content,
        )
        for name, content in prepared.manifests.items()
    ]
    comparison = PublishDiff(storage, options.get("replace", False))
    planned = comparison.run([*prepared.images, *manifests], workers, progress)
    return PublishPlan(
        prepared,
        storage,
        facts,
        images=tuple(planned[: len(prepared.images)]),
        manifests=tuple(planned[len(prepared.images) :]),
        findings=(*prepared.stopped, *unstripped, *_region_findings(facts), *comparison.findings),
        looks=comparison.looks + _PREFLIGHT,
        stop_list=stop_list,
    )


def name_in_bucket(name: str, content: bytes) -> str:
    """Return the name of a manifest in the bucket: after its content, so that no round replaces another's."""
    stem, _, ending = name.rpartition(".")
    return f"{stem}-{digest(content)[:16]}.{ending}"


def _reader(options: PlanOptions) -> ByteReader:
    return ByteReader(
        options.get("profile"),
        options.get("region"),
        options.get("endpoint_url"),
        options.get("requester_pays", False),
    )


def _manifest_prefix(prepared: PreparedFolder, to: str | None) -> str:
    place = to or prepared.dataset.destination
    if not place:
        raise InputError(
            f"{prepared.folder} has no destination: its images are in S3 already. "
            "Say where the manifests go: --to s3://BUCKET/PREFIX."
        )
    bucket, prefix = split_destination(place)
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
