"""The images below an S3 prefix."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.core.text import counted
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.storage.aws_clients import make_client
from manifest_tools.storage.s3_images import passed_over
from manifest_tools.storage.storage import S3Storage
from manifest_tools.storage.uris import split_uri


def list_images(
    prefix: str,
    *,
    client: Any = None,
    profile: str | None = None,
    region: str | None = None,
    endpoint_url: str | None = None,
    requester_pays: bool = False,
    every_object: bool = False,
) -> Dataset:
    """List the images below an ``s3://`` prefix, without reading them.

    Parameters
    ----------
    prefix : str
        ``s3://bucket/prefix``. What follows the bucket is a plain prefix of keys: ``s3://b/im`` finds ``img/1.jpg``.
    client : optional
        boto3 S3 client; made from `profile`, `region` and `endpoint_url` when absent.
    profile, region, endpoint_url : str, optional
        A profile of the AWS configuration, a Region, and another endpoint than Amazon's.
    requester_pays : bool
        Accept to be charged for somebody else's bucket.
    every_object : bool
        Take every object, whatever its name ends with. Default: names of images, and names without an ending.

    Returns
    -------
    Dataset
        With `image` and `uri` (the ``s3://`` address) and `bytes` filled; `sources` counts what was passed over.

    Raises
    ------
    InputError
        Nothing below the prefix looks like an image.
    RemoteError
        The bucket cannot be listed.

    Examples
    --------
    >>> from manifest_tools import aws
    >>> from manifest_tools.testing import local_s3
    >>> with local_s3(buckets=["my-bucket"]) as s3:  # in the place of Amazon's
    ...     client = s3.client()
    ...     for name in ("cat.jpg", "notes.txt"):
    ...         _ = client.put_object(Bucket="my-bucket", Key=f"photos/{name}", Body=b"...")
    ...     dataset = aws.list_images("s3://my-bucket/photos/", client=client)
    >>> dataset.images[["image", "bytes"]]
                               image  bytes
    0  s3://my-bucket/photos/cat.jpg      3
    """
    bucket, key_prefix = split_uri(prefix)
    client = client or make_client("s3", profile=profile, region=region, endpoint_url=endpoint_url)
    storage = S3Storage(client, bucket, requester_pays=requester_pays)
    found, skipped = [], Counter[str]()
    for item in storage.list(key_prefix):
        reason = passed_over(item.key, key_prefix, every_object=every_object)
        if reason:
            skipped[reason] += 1
        else:
            found.append((storage.uri(item.key), item.bytes))
    if not found:
        others = f" ({counted(skipped.total(), 'other object')})" if skipped else ""
        raise InputError(
            f"There is no image below {prefix}{others}. Check bucket and prefix; every_object=True takes any name."
        )
    folder = key_prefix.rstrip("/") + "/" if key_prefix.strip("/") else ""
    if not all(uri.startswith(storage.uri(folder)) for uri, _ in found):  # it was the beginning of names
        folder = key_prefix[: key_prefix.rfind("/") + 1]
    origin = {"folder": prefix, "below": storage.uri(folder), "skipped": dict(sorted(skipped.items()))}
    images = pd.DataFrame(found, columns=["image", "bytes"])
    listed = Dataset.from_tables(images.assign(uri=images["image"]), sources={"images": origin})
    return listed.step("list_images", options={"prefix": prefix})
