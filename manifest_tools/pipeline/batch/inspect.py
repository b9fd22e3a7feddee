"""The batches of an inspection, on any engine, into a run folder."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from manifest_tools.core.errors import InputError, ManifestToolsError, UnavailableError
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.object_keys import NOT_UTF_8
from manifest_tools.dataset.tables import IMAGE_COLUMNS
from manifest_tools.images.batches import BatchReader
from manifest_tools.images.facts import MAX_PIXELS, facts_of
from manifest_tools.images.image_facts import ImageFacts
from manifest_tools.images.inspection import TIMEOUT
from manifest_tools.images.stop_list.reading import read_stop_list
from manifest_tools.images.stop_list.stop_list import StopList, stopped
from manifest_tools.images.task import UNREACHABLE, Look, Task
from manifest_tools.parallel.executors import Failure, run
from manifest_tools.pipeline.batch.plan import Batch, Plan, batches
from manifest_tools.pipeline.batch.run_folder import RunFolder, batch_name
from manifest_tools.sources.reading import reader_of
from manifest_tools.storage.uris import is_s3_uri, split_uri

BATCH_COLUMNS = {name: IMAGE_COLUMNS[name] for name in ("image", "uri", *ImageFacts._fields)}


@dataclass(frozen=True)
class InspectionTask:
    """Inspects one batch, on whatever worker it is called, and writes what it found into the run folder.

    Parameters
    ----------
    folder : RunFolder
    source : str
        An absolute folder, or ``s3://bucket/prefix``.
    reader : BatchReader
    recipe : str
        What facts depend on besides the bytes (:attr:`manifest_tools.images.task.Task.recipe`), where the run began.
    stop_list : tuple of str
        Files with hashes of known images.
    """

    folder: RunFolder
    source: str
    reader: BatchReader
    recipe: str
    stop_list: tuple[str, ...] = ()

    def __call__(self, batch: Batch) -> int:
        """Do a batch; return the number of its images.

        Raises
        ------
        InputError
            This worker would find other facts, or does not see the images.
        RemoteError
            The images or the run folder cannot be reached.
        """
        here = replace(self.reader.task).recipe  # a copy: what another machine computed is not taken over
        if here != self.recipe:
            msg = (
                "a worker has other versions of manifest-tools, Pillow or simplejpeg than this run began with;"
                " facts would differ: install the same versions everywhere, or begin anew in another folder"
            )
            raise InputError(msg)
        if self.folder.has(batch_name(batch.number)):  # done meanwhile by a worker that was taken for dead
            return len(batch.entries)
        self.folder.write_table(batch_name(batch.number), self.facts(batch))
        return len(batch.entries)

    def with_witness(self, batch: Batch | None) -> InspectionTask:
        """Let workers prove by a file of this batch, which is here, that they see the images."""
        entries = () if batch is None or not self.reader.root else batch.entries
        paths = (os.path.join(self.reader.root, e.uri) for e in entries if NOT_UTF_8 not in e.remarks)  # noqa: PTH118
        witness = next((path for path in paths if os.path.isfile(path)), "")  # noqa: PTH113
        return replace(self, reader=replace(self.reader, witness=witness))

    def facts(self, batch: Batch) -> pd.DataFrame:
        """Return the images table of a batch, as far as inspection fills it."""
        readable = [entry for entry in batch.entries if NOT_UTF_8 not in entry.remarks]
        paths = [os.path.join(self.reader.root, entry.uri) for entry in readable]  # noqa: PTH118 - millions
        reads = self.reader([(path, entry.bytes) for path, entry in zip(paths, readable, strict=True)])
        for read in reads:  # a finished batch is never looked at again, so it holds facts alone
            if read.facts.decode_error.startswith(UNREACHABLE):
                raise UnavailableError(read.facts.decode_error.removeprefix(f"{UNREACHABLE}: "))
        known = _stop_list(self.stop_list)
        found = {
            entry.image: stopped(read.facts)
            if known is not None and known.holds(read.facts.sha256, read.hashes)
            else read.facts
            for entry, read in zip(readable, reads, strict=True)
        }
        rows = [(entry.image, entry.uri, *found.get(entry.image, _unread(entry))) for entry in batch.entries]
        return facts_table(rows)


def facts_table(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Return the table of a batch: key, address and facts of each image."""
    table = pd.DataFrame(rows, columns=list(BATCH_COLUMNS))
    return table.astype({name: kind for name, (kind, _) in BATCH_COLUMNS.items()})


@cache
def _stop_list(files: tuple[str, ...]) -> StopList | None:
    """Read stop lists, once for each process."""
    return read_stop_list(files)


def _unread(entry: Any) -> ImageFacts:
    return ImageFacts(bytes=entry.bytes, decode_error=entry.decode_error, remarks=entry.remarks)


def source_of(images: str | Path) -> str:
    """Return a place of images so that it means the same on every worker.

    Raises
    ------
    InputError
        It is neither a folder nor a prefix in S3.
    """
    text = str(images)
    if is_s3_uri(text):
        split_uri(text)
        return text
    if Path(text).is_file():
        msg = f"{images} is a file; a run takes a folder of images or s3://bucket/prefix"
        raise InputError(msg)
    if not Path(text).is_dir():
        msg = f"{images} does not exist; expected a folder of images, or s3://bucket/prefix"
        raise InputError(msg)
    return str(Path(text).resolve())


def begin(
    folder: RunFolder,
    source: str,
    *,
    quick: bool = False,
    max_pixels: int = MAX_PIXELS,
    timeout: float = TIMEOUT,
    look: Look = facts_of,
    stop_list: StopList | None = None,
) -> InspectionTask:
    """Begin a run, or take one up that was begun with the same options.

    Parameters
    ----------
    folder : RunFolder
        New, or of an earlier run over the same images.
    source : str
        As from :func:`source_of`.
    quick, max_pixels, timeout, look, stop_list
        As in :func:`manifest_tools.inspect_images`.

    Raises
    ------
    InputError
        The folder holds another run.
    """
    wanted = stop_list.wanted if stop_list is not None else frozenset[str]()
    if quick and "pdq" in wanted:
        msg = "the stop list holds PDQ hashes, which are made of the pixels; leave out --quick"
        raise InputError(msg)
    task = Task(look, quick, max_pixels, None, reader_of(source), wanted)
    root = "" if is_s3_uri(source) else source
    reader = BatchReader(task, root, timeout)
    options = {"quick": quick, "max_pixels": max_pixels, "recipe": task.recipe}
    if stop_list is not None:
        options["stop_list"] = stop_list.digest
    asked = {"step": "inspect", "source": source, "options": options}
    other = folder.begin(asked)
    if other is not None:
        msg = (
            f"{folder.place} holds another run: {_difference(other, asked)}; choose another folder for --run"
        )
        raise InputError(msg)
    files = stop_list.files if stop_list is not None else ()
    return InspectionTask(folder, source, reader, task.recipe, files)


def _difference(before: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Say in words how two runs differ."""
    if before.get("source") != wanted["source"]:
        return f"of {before.get('source')}, not of {wanted['source']}"
    earlier = before.get("options", {})
    for name in ("quick", "max_pixels"):
        if earlier.get(name) != wanted["options"][name]:
            return f"{name} was {earlier.get(name)}, and is {wanted['options'][name]} now"
    if earlier.get("stop_list") != wanted["options"].get("stop_list"):
        return "it was begun with other stop lists"
    return f"it was begun with other versions of the libraries (manifest-tools {before.get('version')})"


def inspect_batches(
    task: InspectionTask, plan: Plan, executor: Executor, progress: Progress | None = None
) -> None:
    """Do the batches that are not done yet.

    Parameters
    ----------
    progress : callable, optional
        Called with the number of images done, those of earlier runs included, and their total.

    Raises
    ------
    ManifestToolsError
        Some batches failed again and again; all others are done.
    RemoteError
        The cluster or the storage is gone.
    """
    done = task.folder.finished(plan.batches)
    sizes = plan.sizes()
    images = sum(sizes[number] for number in done)
    if progress is not None:
        progress(images, plan.images)
    todo = [number for number in range(len(sizes)) if number not in done]
    failed: list[tuple[int, BaseException]] = []
    left = batches(task.folder, plan, done)
    first = next(left, None)
    task = task.with_witness(first)
    work = itertools.chain([] if first is None else [first], left)
    for at, result in run(task, work, executor=executor, witness=task.reader.witness):
        if isinstance(result, Failure):
            failed.append((todo[at], result.error))
        else:
            images += result
        if progress is not None:
            progress(images, plan.images)
    if failed:
        number, error = min(failed, key=lambda item: item[0])
        msg = (
            f"{len(failed):,} of {plan.batches:,} batches failed, first batch {number}: {type(error).__name__}: {error};"
            " everything else is done: run the same command again for the rest"
        )
        raise ManifestToolsError(msg)
