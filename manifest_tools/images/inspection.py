"""Inspect every image of a data set: the map of one-image facts over many files."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from manifest_tools.dataset import IMAGE_COLUMNS, Dataset
from manifest_tools.errors import InputError
from manifest_tools.images import cache as caches
from manifest_tools.images.cache import FactsCache, signature
from manifest_tools.images.facts import MAX_PIXELS, ImageFacts, facts_of, read_bytes
from manifest_tools.images.pool import default_workers, isolated_map
from manifest_tools.images.task import Look, Read, Reader, Task, is_remote
from manifest_tools.images.worker import Lost
from manifest_tools.keys import NOT_UTF_8
from manifest_tools.sniff import sniff

Progress = Callable[[int, int | None], None]
TIMEOUT: Final = 60.0  # seconds for one image
_BATCH_BYTES: Final = 4 << 20  # of image files
_BATCH_FILES: Final = 64
_PORTION: Final = 4096  # rows that go into the table at a time
_LEAST_BYTES, _LEAST_FILES = 1 << 20, 16  # not worth another process
_BATCH_NAMES: Final = 8 << 10  # characters of paths


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
    progress: Progress | None = None,
) -> Dataset:
    """Read every image once, and record what its bytes tell.

    Parameters
    ----------
    dataset : Dataset or path
        The images; a folder, table or manifest is read first. Without a `reader`, images in S3 keep the facts
        that they have.
    executor : concurrent.futures.Executor, optional
        Where to work instead of in own worker processes. A hang is then not noticed; files on which the
        executor breaks are looked at again in own worker processes.
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
        Seconds that one image may take.
    look : callable
        What tells the facts of one file's bytes: a module-level function like
        :func:`manifest_tools.images.facts_of`.
    reader : callable, optional
        Returns the bytes behind a URI that is no local path, such as :class:`manifest_tools.aws.reading.ByteReader`.
        Called in the workers, so it can be pickled.
    progress : callable, optional
        Called with the number of images done and their total.

    Returns
    -------
    Dataset
        With the columns of :class:`manifest_tools.images.ImageFacts` filled. The same for any number of
        workers and any state of the cache.
    """
    if workers is not None and workers < 1:
        msg = f"workers must be at least 1, not {workers}"
        raise InputError(msg)
    data = dataset if isinstance(dataset, Dataset) else _read_images(dataset)
    uris = data.images["uri"].tolist()
    names = data.images["remarks"].str.contains(NOT_UTF_8, regex=False).tolist()  # no path to open them by
    far = [is_remote(uri) for uri in uris]
    rows = [i for i in range(len(uris)) if not names[i] and (reader is not None or not far[i])]
    paths = [uris[i] if far[i] else os.path.join(data.root, uris[i]) for i in rows]  # noqa: PTH118 - a million
    task = Task(look, quick, max_pixels, _cache_folder(cache), reader)
    listed = data.images["bytes"].tolist()
    sizes = {uris[i]: listed[i] for i in rows if far[i]}
    facts = _Run(task, paths, sizes, executor, workers or default_workers(), timeout, progress).table()
    facts.index = pd.Index(rows)
    table = data.images.copy()
    if len(facts) < len(table):
        kept = table.loc[~table.index.isin(rows), list(ImageFacts._fields)]
        facts = pd.concat([facts, kept]).sort_index()
    for name in ImageFacts._fields:
        table[name] = facts.pop(name)
    options = {"quick": quick, "max_pixels": max_pixels}
    return data.step("inspect", images=table, options=options)


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
    executor: Executor | None
    workers: int
    timeout: float
    progress: Progress | None
    _found: dict[int, ImageFacts] = field(default_factory=dict)  # and not yet in a portion of the table
    _portions: list[pd.DataFrame] = field(default_factory=list)  # the table, as far as it has no gaps
    _next: int = 0  # the first path that is not known
    _done: int = 0

    def table(self) -> pd.DataFrame:
        """Return the facts about each path, in order."""
        with self._cache() as cache:
            todo = self._not_cached(cache)
            for number, read in self._read(todo):
                result = _lost(self.paths[number], read) if isinstance(read, Lost) else read
                if cache is not None:
                    cache.add(self.paths[number], result.read_as, result.facts)
                self._take(number, result.facts)
        self._portion()
        return pd.concat(self._portions, ignore_index=True)

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
                left.append((number, self.sizes[path]))
                continue
            now = signature(path)
            known = cache.by_path(path, now) if cache is not None and now is not None else None
            if known is None:
                left.append((number, now.size if now else 0))
            else:
                self._take(number, known)
        return left

    def _read(self, todo: list[tuple[int, int]]) -> Iterator[tuple[int, Read | Lost]]:
        if self.executor is None and self.task.safe:
            todo = yield from self._at_hand(todo)
        batches = list(_batches(todo, self.paths, self.workers))
        if self.executor is not None:
            broken: list[int] = []
            yield from self._by_executor(self.executor, batches, broken)
            batches = [[number] for number in sorted(broken)]
        order = list(itertools.chain.from_iterable(batches))
        names = [[self.paths[number] for number in batch] for batch in batches]
        with closing(isolated_map(self.task, names, workers=self.workers, timeout=self.timeout)) as messages:
            for message in messages:
                for at, read in message:
                    yield order[at], read

    def _at_hand(
        self, todo: list[tuple[int, int]]
    ) -> Generator[tuple[int, Read], None, list[tuple[int, int]]]:
        """Read what takes no decoder, by threads: hashing frees the interpreter's lock. Return the rest."""
        batches = list(_batches(todo, self.paths, self.workers))
        sizes, rest = dict(todo), []
        threads = ThreadPoolExecutor(self.workers)
        try:
            portions = threads.map(lambda batch: [self.task.at_hand(self.paths[n]) for n in batch], batches)
            for batch, reads in zip(batches, portions, strict=True):
                for number, read in zip(batch, reads, strict=True):
                    if read is None:
                        rest.append((number, sizes[number]))
                    else:
                        yield number, read
        finally:
            threads.shutdown(cancel_futures=True)  # whoever stops us need not wait for all
        return rest

    def _by_executor(
        self, executor: Executor, batches: list[list[int]], broken: list[int]
    ) -> Iterator[tuple[int, Read]]:
        """Read by a foreign executor; put into `broken` what it could not do."""
        futures: dict[Future[list[Read]], list[int]] = {}
        try:
            for batch in batches:
                try:
                    futures[executor.submit(self.task.many, [self.paths[n] for n in batch])] = batch
                except BrokenExecutor:
                    broken.extend(batch)
            for future in as_completed(list(futures)):
                batch = futures.pop(future)
                if future.exception() is not None:  # the executor broke, or a decoder raised
                    broken.extend(batch)
                else:
                    yield from zip(batch, future.result(), strict=True)
        finally:
            for future in futures:
                future.cancel()


def _batches(todo: list[tuple[int, int]], paths: list[str], workers: int) -> Iterator[list[int]]:
    """Cut the work into portions that are neither long to wait for nor costly to hand over."""
    shares = 4 * workers
    heavy = min(_BATCH_BYTES, max(_LEAST_BYTES, sum(size for _, size in todo) // shares))
    many = min(_BATCH_FILES, max(_LEAST_FILES, -(-len(todo) // shares)))
    batch: list[int] = []
    weight = names = 0
    for number, size in todo:
        length = len(paths[number])
        full = weight + size > heavy or len(batch) >= many or names + length > _BATCH_NAMES
        if batch and full:
            yield batch
            batch, weight, names = [], 0, 0
        batch.append(number)
        weight += size
        names += length
    if batch:
        yield batch


def _lost(path: str, lost: Lost) -> Read:
    """Tell what can be told about a file that killed its decoder."""
    if is_remote(path):
        return Read(ImageFacts(decode_error=f"{lost.kind}: {lost.detail}"), None)
    data = read_bytes(path)
    if isinstance(data, ImageFacts):
        return Read(data, None)
    digest = hashlib.sha256(data).hexdigest()
    reason = f"{lost.kind}: {lost.detail}"
    return Read(ImageFacts(len(data), digest, sniff(data).format, decode_error=reason), None)
