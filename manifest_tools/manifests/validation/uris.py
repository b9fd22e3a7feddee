"""S3 URIs of images: what may stand in a `source-ref`."""

from __future__ import annotations

import re

from manifest_tools.manifests.validation.problems import MAX_KEY_BYTES, Problem
from manifest_tools.storage.uris import OLD, RESERVED, SCHEME, bucket_problem, is_s3_uri, parts_of

_FIELD = "/source-ref"
_AWS_CODE = "ERROR_INVALID_SOURCE_REF_FORMAT"
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")


def uri_problem(uri: str) -> Problem | None:
    """Return what is wrong with a `source-ref`, or None."""
    bucket, key = parts_of(uri)
    if not (is_s3_uri(uri) and bucket and key):
        return _bad(uri, _why_no_uri(uri))
    problem = bucket_problem(bucket)
    if problem == RESERVED:
        return _bad(uri, f"names the bucket {bucket!r}; its beginning or end is reserved")
    if problem not in ("", OLD):
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
    if uri[:5].lower() == SCHEME and not is_s3_uri(uri):
        return "must begin with s3:// in lower case"
    if "://" in uri and not is_s3_uri(uri):
        return "is not an S3 URI; expected s3://bucket/key"
    if not is_s3_uri(uri):
        return "has no scheme; expected s3://bucket/key"
    bucket, _ = parts_of(uri)
    return (
        "names no object; expected s3://bucket/key" if bucket else "names no bucket; expected s3://bucket/key"
    )
