"""S3 URIs of images: what may stand in a `source-ref`."""

from __future__ import annotations

import re
from functools import lru_cache

from manifest_tools.manifests.validation.problems import MAX_KEY_BYTES, Problem

SCHEME = "s3://"
_FIELD = "/source-ref"
_AWS_CODE = "ERROR_INVALID_SOURCE_REF_FORMAT"
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_SERVICE_BUCKET = re.compile(r"[0-9A-Za-z._-]{3,255}")  # what the service's own model takes
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # what S3 lets people make today
_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3}")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def split_uri(uri: str) -> tuple[str, str] | None:
    """Return bucket and key of an ``s3://bucket/key`` URI, or None when it is no such thing."""
    bucket, slash, key = uri.removeprefix(SCHEME).partition("/")
    return (bucket, key) if uri.startswith(SCHEME) and bucket and slash and key else None


def uri_problem(uri: str) -> Problem | None:
    """Return what is wrong with a `source-ref`, or None."""
    parts = split_uri(uri)
    if parts is None:
        return _bad(uri, _why_no_uri(uri))
    bucket, key = parts
    problem = bucket_problem(bucket)
    if problem and problem != "old":
        return _bad(uri, problem)
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return _bad(uri, "has a key that is not Unicode text")
    if size > MAX_KEY_BYTES:
        return _bad(uri, f"has a key of {size:,} bytes; at most {MAX_KEY_BYTES:,} are possible")
    if problem:
        return Problem("source-ref-uri", {"value": uri, "bucket": bucket}, "old-bucket", _FIELD)
    if _ESCAPE.search(key):
        return Problem("source-ref-uri", {"value": uri}, "percent", _FIELD)
    return None


def _bad(uri: str, reason: str) -> Problem:
    return Problem("source-ref-uri", {"value": uri, "reason": reason, "aws_code": _AWS_CODE}, None, _FIELD)


def _why_no_uri(uri: str) -> str:
    if uri[:5].lower() == SCHEME and not uri.startswith(SCHEME):
        return "must begin with s3:// in lower case"
    if "://" in uri and not uri.startswith(SCHEME):
        return "is not an S3 URI; expected s3://bucket/key"
    if not uri.startswith(SCHEME):
        return "has no scheme; expected s3://bucket/key"
    bucket = uri.removeprefix(SCHEME).partition("/")[0]
    return (
        "names no object; expected s3://bucket/key" if bucket else "names no bucket; expected s3://bucket/key"
    )


@lru_cache(maxsize=1024)
def bucket_problem(bucket: str) -> str:
    """Return why S3 has no bucket of this name; "old" if only an old one can have it; "" if any can."""
    if not _SERVICE_BUCKET.fullmatch(bucket):
        return f"names the bucket {bucket!r}; bucket names are 3 to 63 letters, digits, dots and hyphens"
    if not _BUCKET.fullmatch(bucket):
        return "old"  # capitals, underscores and up to 255 characters were possible until 2018
    if ".." in bucket or _ADDRESS.fullmatch(bucket):
        return f"names the bucket {bucket!r}; a bucket name is no address and has no two dots in a row"
    if bucket.startswith("xn--") or bucket.endswith(_RESERVED_ENDS):
        return f"names the bucket {bucket!r}; its beginning or end is reserved"
    return ""
