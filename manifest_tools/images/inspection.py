"""Inspect every image of a data set: the map of one-image facts over many files."""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import NOT_UTF_8
from manifest_tools.dataset.tables import IMAGE_COLUMNS
from manifest_tools.images import cache as caches
from manifest_tools.images.batches import BatchReader, crew, portions, refuse_outage, settled
from manifest_tools.images.cache import FactsCache, signature
from manifest_tools.images.facts import MAX_PIXELS, facts_of
from manifest_tools.images.fetching import ASSUMED_BYTES, Reader
from manifest_tools.images.heavy import not_fetched
from manifest_tools.images.image_facts import ImageFacts
from manifest_tools.images.stop_list.hashes import KnownHashes
from manifest_tools.images.stop_list.stop_list import StopList, stopped
from manifest_tools.images.task import Look, Read, Task, is_remote
from manifest_tools.parallel.executors import Failure, run, worker_count
from manifest_tools.parallel.worker_pool import isolated_map

TIMEOUT: Final = 60.0  # seconds for one image
_PORTION: Final = 4096  # rows that go into the table at a time
_HANDED_OVER: Final = 256  # images that an executor is given at a time


def inspect_images(
    dataset: Dataset | str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    cache: bool | str | os.PathLike[str] = True,
    quick: bool = False,
    max_pixels: int = MAX_PIXELS,
    timeout: float = TIMEOUT,
    look: Look = facts_of,
    reader: Reader | None = None,
    stop_list: StopList | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Read every image once, and record what its bytes tell.

    Parameters
    ----------
    dataset : Dataset or path
        The images; a folder, table or manifest is read first. Without a `reader`, images in S3 keep the facts
        that they have.
    executor : concurrent.futures.Executor, optional
        Where to work: threads, processes, a cluster (:func:`manifest_tools.parallel.dask_cluster.cluster`). Each of its
        workers has a decoder in a process of its own, so that a crash or a hang costs one file there too. What the
        executor cannot do is done in own worker processes.
    workers : int, optional
        Number of worker processes; by default one for each processor that this process may use.
    cache : bool or path
        Whether to remember facts between runs, or the folder to keep them in. By default
        ``$MANIFEST_TOOLS_CACHE``, else ``manifest-tools`` in the user's cache folder.
    quick : bool
        Look at type, header, checksum and end of each file, but decode no pixels.
    max_pixels : int
        Pictures that declare more pixels are refused before memory is touched.
    timeout : float
        Seconds that one image may take; one in S3 may take five times as long to come.
    look : callable
        What tells the facts of one file's bytes: a module-level function like
        :func:`manifest_tools.images.facts_of`.
    reader : callable, optional
        Returns the bytes behind a URI that is no local path, such as :class:`manifest_tools.storage.s3_images.ByteReader`.
        Called in the workers, so it can be pickled.
    stop_list : StopList, optional
        Known images (:func:`manifest_tools.images.stop_list.reading.read_stop_list`). Of those that are on it size and
        hash are kept, nothing that could show them, and what the cache knew of them is removed from it.
    progress : callable, optional
        Called with the number of images done and their total.

    Returns
    -------
    Dataset
        With the columns of :class:`manifest_tools.images.ImageFacts` filled. The same for any number of
        workers and any state of the cache.

    Raises
    ------
    InputError
        The place holds no images, `workers` is less than one, or a quick look is to compare pixels.
    RemoteError
        The storage did not answer for most of the images, or lets none be read.
    ManifestToolsError
        The worker processes cannot be started.

    Examples
    --------
    >>> from manifest_tools import inspect_images
    >>> images = inspect_images("sample_data/images").images
    >>> images[["image", "format", "width", "height"]].head(2)
                    image format  width  height
    0  animals/beagle.jpg   JPEG    220     214
    1    animals/frog.png    PNG    187     200
    >>> images["decode_error"][images["decode_error"] != ""].tolist()
    ['truncated: it ends before the end-of-image marker', 'not-an-image: plain text']
    """
    count = worker_count(workers)
    data = dataset if isinstance(dataset, Dataset) else _read_images(dataset)
    uris = data.images["uri"].tolist()
    names = data.images["remarks"].str.contains(NOT_UTF_8, regex=False).tolist()  # no path to open them by
    far = [is_remote(uri) for uri in uris]
    rows = [i for i in range(len(uris)) if not names[i] and (reader is not None or not far[i])]
    paths = [uris[i] if far[i] else os.path.join(data.root, uris[i]) for i in rows]  # noqa: PTH118 - a million
    wanted = stop_list.wanted if stop_list is not None else frozenset[str]()
    if quick and "pdq" in wanted:
        msg = "the stop list holds PDQ hashes, which are made of the pixels; leave out --quick"
        raise InputError(msg)
    task = Task(look, quick, max_pixels, _cache_folder(cache), reader, wanted)
    listed = data.images["bytes"].tolist()
    sizes = {uris[i]: listed[i] for i in rows if far[i]}
    facts = _Run(task, paths, sizes, data.root, executor, count, timeout, progress, stop_list).table()
    facts.index = pd.Index(rows)
    table = data.images.copy()
    if len(facts) < len(table):
        kept = table.loc[~table.index.isin(rows), list(ImageFacts._fields)]
        facts = pd.concat([facts, kept]).sort_index()
    for name in ImageFacts._fields:
        table[name] = facts.pop(name)
    options = {"quick": quick, "max_pixels": max_pixels}
    files = data.stop_list if stop_list is None else stop_list.files
    return data.step("inspect", images=table, options=options, stop_list=files)


def _read_images(place: str | os.PathLike[str]) -> Dataset:
    from manifest_tools.sources.reading import read_images  # noqa: PLC0415 - only for the convenience

    return read_images(Path(place))


def _cache_folder(cache: bool | str | os.PathLike[str]) -> Path | None:
    if isinstance(cache, bool):
        return caches.default_folder() if cache else None
    return Path(cache)


@dataclass
class _Run:
    """One inspection: from paths to facts, in the order of the paths."""

    task: Task
    paths: list[str]
    sizes: dict[str, int]  # of files that are far away, as listed
    root: str
    executor: Executor | None
    workers: int
    timeout: float
    progress: Progress | None
    stop_list: StopList | None = None
    _found: dict[int, ImageFacts] = field(default_factory=dict)  # and not yet in a portion of the table
    _portions: list[pd.DataFrame] = field(default_factory=list)  # the table, as far as it has no gaps
    _next: int = 0  # the first path that is not known
    _done: int = 0

    def table(self) -> pd.DataFrame:
        """Return the facts about each path, in order."""
        with self._cache() as cache:
            todo = self._not_cached(cache)
            for number, read in self._read(todo):
                on_list = self._on_list(read.facts, read.hashes, cache)
                if cache is not None and not on_list:
                    cache.add(self.paths[number], read.read_as, read.facts, read.hashes)
                self._take(number, stopped(read.facts) if on_list else read.facts)
        self._portion()
        table = pd.concat(self._portions, ignore_index=True)
        refuse_outage(self.paths, table["decode_error"])
        return table

    def _on_list(self, facts: ImageFacts, hashes: KnownHashes, cache: FactsCache | None) -> bool:
        """Tell whether an image is on the stop list; then the cache does not keep its thumbnail either."""
        if self.stop_list is None or not self.stop_list.holds(facts.sha256, hashes):
            return False
        if cache is not None:
            cache.forget([facts.sha256])
        return True

    def _take(self, number: int, facts: ImageFacts) -> None:
        self._found[number] = facts
        self._done += 1
        while self._next in self._found:
            self._next += 1
            if self._next % _PORTION == 0:
                self._portion()
        if self.progress is not None:
            self.progress(self._done, len(self.paths))

    def _portion(self) -> None:
        """Put what is known without gaps into the table, where it takes a third of the memory."""
        start = sum(map(len, self._portions))
        rows = [self._found.pop(number) for number in range(start, self._next)]
        portion = pd.DataFrame(rows, columns=list(ImageFacts._fields))
        self._portions.append(portion.astype({name: IMAGE_COLUMNS[name][0] for name in ImageFacts._fields}))

    @contextmanager
    def _cache(self) -> Iterator[FactsCache | None]:
        if self.task.cache_folder is None:
            yield None
        else:
            with FactsCache(self.task.cache_folder, self.task.recipe) as cache:
                yield cache

    def _not_cached(self, cache: FactsCache | None) -> list[tuple[int, int]]:
        """Take what the cache knows; return number and size of the files that are left."""
        left = []
        for number, path in enumerate(self.paths):
            if is_remote(path):
                heavy = not_fetched(self.sizes[path])
                if heavy is None:
                    left.append((number, self.sizes[path] or ASSUMED_BYTES))
                else:
                    self._take(number, heavy)
                continue
            now = signature(path)
            known = cache.by_path(path, now) if cache is not None and now is not None else None
            hashes = KnownHashes()
            if known is not None and cache is not None and self.task.hashes:
                hashes = cache.hashes(known.sha256)
            if known is None or not hashes.cover(self.task.hashes):
                left.append((number, now.size if now else 0))
            else:
                self._take(number, stopped(known) if self._on_list(known, hashes, cache) else known)
        return left

    def _read(self, todo: list[tuple[int, int]]) -> Iterator[tuple[int, Read]]:
        if self.executor is None and self.task.safe:
            todo = yield from self._at_hand(todo)
        if self.executor is not None:
            left: list[tuple[int, int]] = []
            yield from self._by_executor(self.executor, todo, left)
            todo = sorted(left)
        workers = crew(todo, self.workers)
        batches = list(portions(todo, self.paths, workers))
        order = list(itertools.chain.from_iterable(batches))
        names = [[self.paths[number] for number in batch] for batch in batches]
        ahead = self.task.ahead
        with closing(
            isolated_map(self.task, names, workers=workers, timeout=self.timeout, ahead=ahead)
        ) as messages:
            for message in messages:
                for at, read in message:
                    yield order[at], settled(self.paths[order[at]], read, self.task.hashes)

    def _at_hand(
        self, todo: list[tuple[int, int]]
    ) -> Generator[tuple[int, Read], None, list[tuple[int, int]]]:
        """Read what takes no decoder, by threads: hashing frees the interpreter's lock. Return the rest."""
        batches = list(portions(todo, self.paths, self.workers))
        sizes, rest = dict(todo), []
        threads = ThreadPoolExecutor(self.workers)
        try:
            done = threads.map(lambda batch: [self.task.at_hand(self.paths[n]) for n in batch], batches)
            for batch, reads in zip(batches, done, strict=True):
                for number, read in zip(batch, reads, strict=True):
                    if read is None:
                        rest.append((number, sizes[number]))
                    else:
                        yield number, read
        finally:
            threads.shutdown(cancel_futures=True)  # whoever stops us need not wait for all
        return rest

    def _by_executor(
        self, executor: Executor, todo: list[tuple[int, int]], left: list[tuple[int, int]]
    ) -> Iterator[tuple[int, Read]]:
        """Read by a foreign executor; put into `left` what it could not do."""
        batches = [todo[at : at + _HANDED_OVER] for at in range(0, len(todo), _HANDED_OVER)]
        here = (self.paths[number] for number, size in todo if size and not is_remote(self.paths[number]))
        reader = BatchReader(self.task, self.root, self.timeout, witness=next(here, ""))
        files = ([(self.paths[number], size) for number, size in batch] for batch in batches)
        for at, reads in run(reader, files, executor=executor, witness=reader.witness):
            if isinstance(reads, Failure):
                left += batches[at]
            else:
                yield from zip([number for number, _ in batches[at]], reads, strict=True)
