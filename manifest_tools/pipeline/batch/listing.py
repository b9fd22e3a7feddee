"""The images of a place in the order of their keys, as a stream, and how a long listing is shared out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from manifest_tools.sources.folders import folder_rows
from manifest_tools.storage.s3_images import passed_over
from manifest_tools.storage.storage import S3Storage
from manifest_tools.storage.uris import join_uri, split_uri

_LAST: Final = "\U0010fffd"  # no key has a character after it
_DEEPEST: Final = 64  # characters of a key that are looked at for sharing out


class ListedImage(NamedTuple):
    """One image, as far as a listing tells: columns of the images table."""

    image: str
    uri: str
    bytes: int
    decode_error: str = ""
    remarks: str = ""


@dataclass
class Listing:
    """The images of a place between two keys.

    Parameters
    ----------
    source : str
        An absolute folder, or ``s3://bucket/prefix``.
    after, until : str
        Keys in the bucket: those greater than `after`, up to and including `until`; empty: no bound.

    Attributes
    ----------
    skipped : Counter
        Other files by extension, as far as the listing went.
    """

    source: str
    after: str = ""
    until: str = ""
    skipped: Counter[str] = field(default_factory=Counter)

    def entries(self, storage: S3Storage | None) -> Iterator[ListedImage]:
        """Yield the images in the order of their keys; `storage` is the bucket's, None for a folder."""
        if storage is None:
            yield from (ListedImage(*row) for row in folder_rows(self.source, self.skipped))
            return
        bucket, prefix = split_uri(self.source)
        items = storage.list(prefix, after=self.after)
        for item in items if lists_in_order(storage) else sorted(items, key=attrgetter("key")):
            if self.until and item.key > self.until:
                return
            uri = join_uri(bucket, item.key)
            reason = passed_over(item.key, prefix)
            if reason:
                self.skipped[reason] += 1
            else:
                yield ListedImage(uri, uri, item.bytes)


def lists_in_order(storage: S3Storage) -> bool:
    """Whether a bucket's listing is known to be in the order of the keys' bytes.

    Amazon's general purpose buckets promise it, its directory buckets do not, and other servers go through folders,
    which is another order. Elsewhere a listing is taken whole, and sorted in memory.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
    """
    host = urlsplit(storage.client.meta.endpoint_url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn")) and not storage.bucket.endswith("--x-s3")


def intervals(storage: S3Storage, prefix: str, wanted: int) -> list[tuple[str, str]]:
    """Cut the keys below a prefix into intervals (after, until), so that several workers can list them.

    The edges are keys that were found by asking for single ones: the keys' beginnings are followed to where they
    part, level by level, until there are as many parts as wanted. Wherever the edges lie, and whatever is added
    later, the intervals hold every key once. One interval for a bucket that is not listed in order.
    """
    if not lists_in_order(storage):
        return [("", "")]
    edges: list[str] = []
    level = [prefix]
    for _ in range(_DEEPEST):
        parts = [part for start in level for part in _parts(storage, start)]
        edges = sorted({first for _, first in parts})
        level = [start for start, first in parts if start != first]
        if len(edges) >= wanted or not level:
            break
    step = max(1, len(edges) // (4 * wanted))
    bounds = ["", *edges[step::step], ""]
    return list(pairwise(bounds))


def _parts(storage: S3Storage, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield each beginning of keys one character longer than a prefix, with the first key that has it."""
    after = prefix
    while (key := storage.first(prefix, after=after)) is not None:
        start = key[: len(prefix) + 1]
        yield start, key
        after = max(key, start + _LAST)
