"""Erasing objects from a bucket for good: every version and delete marker, and what a lock keeps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from manifest_tools.storage.aws_errors import error_code, remote_errors


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of an object, or a delete marker. A bucket without versions has one, "null"."""

    bucket: str
    key: str
    version: str
    marker: bool = False


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """A version that could not be erased, and why."""

    version: StoredVersion
    reason: str


def find_versions(client: Any, bucket: str, keys: Iterable[str]) -> list[StoredVersion]:
    """Return all versions and delete markers of some keys.

    Parameters
    ----------
    client : boto3 S3 client
    bucket : str
    keys : iterable of str

    Raises
    ------
    RemoteError
        The bucket's versions may not be listed.
    """
    found = []
    for key in keys:
        with remote_errors(f"Listing the versions in {bucket}"):
            pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
            for page in pages:
                items = [(item, False) for item in page.get("Versions", ())]
                items += [(item, True) for item in page.get("DeleteMarkers", ())]
                here = [(item, marker) for item, marker in items if item["Key"] == key]
                found += [
                    StoredVersion(bucket, key, item.get("VersionId") or "null", marker)
                    for item, marker in here
                ]
                if items and not here:  # keys come in order: only longer ones are left
                    break
    return found


def erase_versions(client: Any, versions: Iterable[StoredVersion]) -> list[KeptVersion]:
    """Erase versions for good; return those that could not be erased.

    A version that is gone already counts as erased.
    """
    kept = []
    for item in versions:
        try:
            client.delete_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)
        except ClientError as error:
            code = error_code(error)
            if code in {"NoSuchKey", "NoSuchVersion"}:
                continue
            kept.append(KeptVersion(item, _lock(client, item) or f"refused: {code}"))
    return kept


def _lock(client: Any, item: StoredVersion) -> str:
    """Return the lock that keeps a version; "" where there is none, or it may not be looked at."""
    try:
        head = client.head_object(Bucket=item.bucket, Key=item.key, VersionId=item.version)
    except ClientError:
        return ""
    if head.get("ObjectLockLegalHoldStatus") == "ON":
        return "Object Lock: legal hold"
    until = head.get("ObjectLockRetainUntilDate")
    return f"Object Lock: {head.get('ObjectLockMode', '')} until {until:%Y-%m-%d}" if until else ""
