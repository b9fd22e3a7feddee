"""S3 addresses: what is one, its parts, and which buckets there can be. Nothing else knows how they are written."""

from __future__ import annotations

import re
from functools import lru_cache
from os import PathLike

from manifest_tools.core.errors import InputError

SCHEME = "s3://"
OLD = "old"  # a bucket name that only an old bucket can have
RESERVED = "reserved"  # ... and one that S3 gives to what is no ordinary bucket

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_SERVICE_BUCKET = re.compile(r"[0-9A-Za-z._-]{3,255}")  # what Rekognition's own model takes
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # what S3 lets people make today
_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3}")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def is_s3_uri(place: str | PathLike[str]) -> bool:
    """Whether a place is in S3, not a local path."""
    return str(place).startswith(SCHEME)


def join_uri(bucket: str, key: str = "") -> str:
    """Return the address of a key, which is never URL-encoded."""
    return f"{SCHEME}{bucket}/{key}"


def parts_of(uri: str) -> tuple[str, str]:
    """Return bucket and key of an S3 URI as they are written; either may be empty."""
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    return bucket, key


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of an S3 URI; the key may be empty and is taken as it is.

    Raises
    ------
    InputError
        The URI is not ``s3://bucket/...``, or there can be no such bucket.
    """
    bucket, key = parts_of(uri)
    if not is_s3_uri(uri) or bucket_problem(bucket) not in ("", OLD, RESERVED):
        msg = f"{uri!r} is not an S3 location; expected s3://bucket/prefix with a valid bucket name"
        raise InputError(msg)
    return bucket, key


def split_destination(uri: str) -> tuple[str, str]:
    """Return bucket and key of a place for images and manifests: in an ordinary bucket, as manifests must name.

    Raises
    ------
    InputError
        As :func:`split_uri`, or the bucket's name is reserved.
    """
    bucket, key = split_uri(uri)
    if bucket_problem(bucket) == RESERVED:
        msg = f"{uri!r} is in no ordinary bucket (the name is reserved); manifests have to name one"
        raise InputError(msg)
    return bucket, key


@lru_cache(maxsize=1024)
def bucket_problem(bucket: str) -> str:
    """Return why S3 has no bucket of this name; `OLD`, `RESERVED`, or "" where any can have it."""
    if not _SERVICE_BUCKET.fullmatch(bucket):
        return f"names the bucket {bucket!r}; bucket names are 3 to 63 letters, digits, dots and hyphens"
    if ".." in bucket or _ADDRESS.fullmatch(bucket):
        return f"names the bucket {bucket!r}; a bucket name is no address and has no two dots in a row"
    if not _BUCKET.fullmatch(bucket):
        return OLD  # capitals, underscores and up to 255 characters were possible until 2018
    if bucket.startswith("xn--") or bucket.endswith(_RESERVED_ENDS):
        return RESERVED
    return ""
