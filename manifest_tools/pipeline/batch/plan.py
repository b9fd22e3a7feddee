"""From a place of images to the batches of a run. A plan that was begun goes on; a finished one is never changed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import pandas as pd

from manifest_tools.core.errors import InputError, ManifestToolsError
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.tables import IMAGE_COLUMNS
from manifest_tools.parallel.executors import Failure, run
from manifest_tools.pipeline.batch.listing import ListedImage, Listing, intervals
from manifest_tools.pipeline.batch.run_folder import INTERVALS, PLAN, RunFolder
from manifest_tools.storage.s3_images import shared_client
from manifest_tools.storage.storage import S3Storage
from manifest_tools.storage.uris import is_s3_uri, split_uri

BATCH_IMAGES: Final = 1000
BATCH_BYTES: Final = 256 << 20  # of image files: a batch that is done again should not cost minutes
PART_IMAGES: Final = 50_000  # of one file of the plan
_INTERVALS: Final = 64  # that a listing in S3 is cut into, about
PART_COLUMNS: Final = {"batch": ("int64", 0), **{name: IMAGE_COLUMNS[name] for name in ListedImage._fields}}


@dataclass(frozen=True)
class PlanPart:
    """One file of the plan. `first` is the number of its first batch; `sizes` the images of each of its batches."""

    name: str
    first: int
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """A finished plan."""

    parts: tuple[PlanPart, ...]
    images: int
    bytes: int
    skipped: Mapping[str, int]

    @property
    def batches(self) -> int:
        """The number of batches."""
        return sum(len(part.sizes) for part in self.parts)

    def sizes(self) -> list[int]:
        """Return the number of images of each batch."""
        return [size for part in self.parts for size in part.sizes]


@dataclass(frozen=True)
class Batch:
    """Some images that are worked on together."""

    number: int
    entries: tuple[ListedImage, ...]


def storage_of(source: str) -> S3Storage | None:
    """Return the bucket of an S3 source, None for a folder."""
    if not is_s3_uri(source):
        return None
    return S3Storage(shared_client(None, None, None), split_uri(source)[0])


def planned(folder: RunFolder) -> Plan | None:
    """Return the finished plan, None when there is none yet."""
    document = folder.read_json(PLAN)
    if document is None:
        return None
    parts = tuple(PlanPart(part["name"], part["first"], tuple(part["sizes"])) for part in document["parts"])
    plan = Plan(parts, document["images"], document["bytes"], document["skipped"])
    firsts = accumulate((len(part.sizes) for part in parts), initial=0)
    if any(part.first != first for part, first in zip(parts, firsts, strict=False)) or plan.images != sum(
        plan.sizes()
    ):
        msg = f"{PLAN} of {folder.place} is damaged (its numbers do not fit together); begin anew in another folder"
        raise InputError(msg)
    return plan


def make_plan(folder: RunFolder, source: str, executor: Executor, progress: Progress | None = None) -> Plan:
    """List a source and write the plan, as far as an earlier run has not done so.

    Parameters
    ----------
    source : str
        An absolute folder, or ``s3://bucket/prefix``.
    executor : Executor
        Where the intervals of a bucket are listed. A folder is listed here.
    progress : callable, optional
        Called with the number of images found, and None.

    Raises
    ------
    InputError
        There is no image.
    RemoteError
        The bucket cannot be listed.
    """
    storage = storage_of(source)
    if storage is None:
        list_interval(folder, source, 0, ("", ""), progress)
        count = 1
    else:
        count = _list_bucket(folder, source, storage, executor, progress)
    documents = (folder.read_json(_interval_name(number)) for number in range(count))
    document = _joined([document for document in documents if document is not None])
    if not document["images"]:
        msg = f"{source} holds no images; expected names such as .jpg and .png at any depth"
        raise InputError(msg)
    folder.write_json(PLAN, document)
    plan = planned(folder)
    assert plan is not None
    return plan


def _list_bucket(
    folder: RunFolder, source: str, storage: S3Storage, executor: Executor, progress: Progress | None
) -> int:
    """List a bucket's intervals on the executor; return how many there are."""
    shared = folder.read_json(INTERVALS)
    if shared is None:
        found = intervals(storage, split_uri(source)[1], _INTERVALS)
        folder.write_json(INTERVALS, {"intervals": found})
        shared = folder.read_json(INTERVALS) or {}
    bounds = [(str(after), str(until)) for after, until in shared["intervals"]]
    names = set(folder.names("plan/"))
    todo = [number for number in range(len(bounds)) if _interval_name(number) not in names]
    task = IntervalTask(folder, source)
    images = 0
    for at, result in run(task, [(number, bounds[number]) for number in todo], executor=executor):
        if isinstance(result, Failure):
            msg = f"listing {source} failed in interval {todo[at]}: {result.error}"
            raise ManifestToolsError(msg)
        images += result
        if progress is not None:
            progress(images, None)
    return len(bounds)


@dataclass(frozen=True)
class IntervalTask:
    """Lists one interval of a bucket, on whatever worker it is called."""

    folder: RunFolder
    source: str

    def __call__(self, interval: tuple[int, tuple[str, str]]) -> int:
        """Write the interval's parts; return the number of images."""
        number, bounds = interval
        return list_interval(self.folder, self.source, number, bounds)


def list_interval(
    folder: RunFolder, source: str, number: int, bounds: tuple[str, str], progress: Progress | None = None
) -> int:
    """Write the parts of one interval, and then what they hold; return the number of images."""
    if folder.read_json(_interval_name(number)) is not None:
        return 0
    listing = Listing(source, *bounds)
    parts: list[dict[str, Any]] = []
    images = weight = 0
    for portion in _portions(listing.entries(storage_of(source))):
        rows = pd.DataFrame(
            [(batch, *entry) for batch, entries in enumerate(portion) for entry in entries],
            columns=[*PART_COLUMNS],
        )
        # A listing that is done again may find other images: its parts have other names then.
        mark = hashlib.sha256(rows.to_json(orient="values").encode()).hexdigest()[:8]
        name = f"plan/{number:05}-{len(parts):05}-{mark}.parquet"
        folder.write_table(name, rows)
        parts.append({"name": name, "sizes": [len(entries) for entries in portion]})
        images += len(rows)
        weight += int(rows["bytes"].sum())
        if progress is not None:
            progress(images, None)
    skipped = dict(sorted(listing.skipped.items()))
    document = {"parts": parts, "images": images, "bytes": weight, "skipped": skipped}
    if images:  # of nothing there is nothing to keep: the next run looks again
        folder.write_json(_interval_name(number), document)
    return images


def _interval_name(number: int) -> str:
    return f"plan/{number:05}.json"


def _joined(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the documents of all intervals as the one of the plan: batches are numbered through."""
    parts, skipped, first = [], Counter[str](), 0
    for document in documents:
        skipped.update(document["skipped"])
        for part in document["parts"]:
            parts.append({**part, "first": first})
            first += len(part["sizes"])
    return {
        "parts": parts,
        "images": sum(document["images"] for document in documents),
        "bytes": sum(document["bytes"] for document in documents),
        "skipped": dict(sorted(skipped.items())),
    }


def _portions(entries: Iterator[ListedImage]) -> Iterator[list[list[ListedImage]]]:
    """Cut images into the batches of one part after the other."""
    portion: list[list[ListedImage]] = []
    count = 0
    for batch in _batches(entries):
        if portion and count + len(batch) > PART_IMAGES:
            yield portion
            portion, count = [], 0
        portion.append(batch)
        count += len(batch)
    if portion:
        yield portion


def _batches(entries: Iterator[ListedImage]) -> Iterator[list[ListedImage]]:
    batch: list[ListedImage] = []
    weight = 0
    for entry in entries:
        if batch and (len(batch) >= BATCH_IMAGES or weight + entry.bytes > BATCH_BYTES):
            yield batch
            batch, weight = [], 0
        batch.append(entry)
        weight += entry.bytes
    if batch:
        yield batch


def in_order(keys: pd.Series[str]) -> bool:
    """Whether the keys of images are sorted, each once, as those of every table of a run."""
    return bool(keys.is_unique and keys.is_monotonic_increasing)


def batches(folder: RunFolder, plan: Plan, done: set[int]) -> Iterator[Batch]:
    """Yield the batches that are not done, in order, reading one part of the plan at a time."""
    for part in plan.parts:
        numbers = range(part.first, part.first + len(part.sizes))
        if done.issuperset(numbers):
            continue
        rows = folder.read_table(part.name, PART_COLUMNS)
        planned_for = [at for at, size in enumerate(part.sizes) for _ in range(size)]
        if rows["batch"].tolist() != planned_for or not in_order(rows["image"]):
            msg = f"{part.name} of {folder.place} holds other images than its plan; begin anew in another folder"
            raise InputError(msg)
        for at, group in rows.groupby("batch", sort=True):
            number = part.first + int(str(at))
            if number not in done:
                columns = (group[name].tolist() for name in ListedImage._fields)
                yield Batch(number, tuple(map(ListedImage, *columns)))
