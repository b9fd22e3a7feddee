"""S3 addresses: what is one, and its parts."""

from __future__ import annotations

import re

from manifest_tools.core.errors import InputError

# Bucket names: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of an S3 URI; the key may be empty and is taken as it is.

    Raises
    ------
    InputError
        The URI is not ``s3://bucket/...`` with a valid bucket name.
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not _BUCKET.fullmatch(bucket):
        msg = f"{uri!r} is not an S3 location; expected s3://bucket/prefix with a valid bucket name"
        raise InputError(msg)
    return bucket, key
