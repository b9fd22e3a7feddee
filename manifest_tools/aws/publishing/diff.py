"""What is in the bucket already, what has to be sent, and what is in the way: object by object."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from os.path import commonprefix
from pathlib import Path

from manifest_tools.aws.publishing.prepared_folder import Wanted, digest
from manifest_tools.core.progress import Progress
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding
from manifest_tools.parallel.bounded_map import run_bounded
from manifest_tools.storage.storage import S3Storage, StoredObject
from manifest_tools.storage.uris import is_s3_uri

WORKERS = 32  # requests under way at a time: enough to hide the latency of a distant bucket
_PAGE = 1000  # keys of one answer to a listing


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


class PublishDiff:
    """Compares what is wanted with what is there."""

    def __init__(self, storage: S3Storage, replace: bool) -> None:
        self._storage = storage
        self._replace = replace
        self._listed: Mapping[str, StoredObject] = {}
        self._listing_is_complete = False
        self.findings: list[Finding] = []
        self.looks = 0

    def run(self, wanted: list[Wanted], workers: int, progress: Progress | None) -> list[PlannedObject]:
        """Return what is to happen to each object; what is in the way is in `findings` then."""
        self._list({item.key for item in wanted})
        planned = []
        for item, (present, same, looked) in run_bounded(self._compare, wanted, workers=workers):
            planned.append(self._decide(item, present, same=same))
            self.looks += looked
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

    def _compare(self, item: Wanted) -> tuple[StoredObject | None, bool, bool]:
        """Return what is there, whether it is right, and whether that took a request."""
        listed = self._listed.get(item.key)
        if listed is None and self._listing_is_complete:
            return None, False, False
        if listed is not None and listed.bytes != item.bytes:
            return listed, False, False
        if listed is not None and _etag_agrees(listed, item):
            return listed, True, False
        present = self._storage.head(item.key)
        return present, present is not None and holds(self._storage, present, item), True

    def _decide(self, item: Wanted, present: StoredObject | None, *, same: bool) -> PlannedObject:
        if same:
            return PlannedObject(item, Action.KEEP)
        uri = self._storage.uri(item.key)
        if present is not None and (item.source == uri or not self._replace):
            self.findings.append(changed(uri, manifest=item.content is not None))
            return PlannedObject(item, Action.BLOCKED)
        if is_s3_uri(item.source):
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
    if item.content is not None:
        return None
    try:
        size = Path(item.source).stat().st_size
    except OSError:
        return finding("image-missing", image=item.source, uri=item.source)
    if size != item.bytes:
        return changed(item.source)
    return None


def changed(place: str, *, manifest: bool = False) -> Finding:
    """Return the finding for an object, a manifest or a local file that is not what was checked."""
    if not is_s3_uri(place):
        return finding("object-changed", variant="local", image=place, uri=place)
    if manifest:
        return finding("object-changed", variant="manifest", file=place, uri=place)
    return finding("object-changed", image=place, uri=place)


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
    if len(present.etag) != 32 or is_s3_uri(item.source):
        return False
    try:
        content = Path(item.source).read_bytes() if item.content is None else item.content
    except OSError:
        return False
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()  # S3's own checksum, not ours
    return md5 == present.etag and digest(content) == item.sha256
