"""Reading files in batches: how they are cut, and what one batch takes on whatever machine it runs."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from manifest_tools.core.content_type import sniff
from manifest_tools.core.errors import DeniedError, InputError, UnavailableError
from manifest_tools.images.facts import read_bytes
from manifest_tools.images.heavy import not_fetched
from manifest_tools.images.image_facts import ImageFacts
from manifest_tools.images.stop_list.hashes import KnownHashes, hash_content, hash_file
from manifest_tools.images.task import DENIED, UNREACHABLE, Read, Task, is_remote
from manifest_tools.parallel.worker_main import Lost
from manifest_tools.parallel.worker_pool import isolated_map

_BATCH_BYTES: Final = 4 << 20  # of image files
_BATCH_FILES: Final = 64
_LEAST_BYTES, _LEAST_FILES = 1 << 20, 16  # not worth another process
_BATCH_NAMES: Final = 8 << 10  # characters of paths
# What keeps a process busy for twice the processor time of its start: so many small files, or so many bytes.
_WORTH_FILES, _WORTH_BYTES = 200, 24 << 20


def crew(todo: list[tuple[int, int]], workers: int) -> int:
    """Return how many processes to start for files of (number, size): no more than pay for their start."""
    worth = len(todo) / _WORTH_FILES + sum(size for _, size in todo) / _WORTH_BYTES
    return min(workers, 1 + int(worth))


def portions(todo: list[tuple[int, int]], paths: Sequence[str], workers: int) -> Iterator[list[int]]:
    """Cut (number, size) of files into portions of numbers, neither long to wait for nor costly to hand over."""
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


@dataclass(frozen=True)
class BatchReader:
    """Reads a batch of files on whatever worker it is called, in a decoder process that the worker keeps.

    Parameters
    ----------
    task : Task
        Reads one file.
    root : str
        Folder that local paths are below: a worker that does not see it must not call its images missing.
    timeout : float
        Seconds that one file may take.
    witness : str
        A local file that was there when the images were listed: a worker that does not see it, either, does not
        see the images, whatever stands in their place.
    """

    task: Task
    root: str
    timeout: float
    witness: str = ""

    def __call__(self, files: Sequence[tuple[str, int]]) -> list[Read]:
        """Return what was read, in the order of the files, which are given with their sizes in bytes.

        Raises
        ------
        InputError
            The folder is not there.
        RemoteError
            This worker does not see the images; or most of the files are in a storage that does not answer, or none
            of them may be read.
        """
        paths = [path for path, _ in files]
        if not all(map(is_remote, paths)):
            self._see_the_source()
        heavy = {n: not_fetched(size) for n, (path, size) in enumerate(files) if is_remote(path)}
        reads = {n: Read(found, None) for n, found in heavy.items() if found is not None}
        if self.task.safe:
            reads = {n: read for n, path in enumerate(paths) if (read := self.task.at_hand(path)) is not None}
        reads |= self._decode(files, [number for number in range(len(files)) if number not in reads])
        # A busy storage may have an answer now.
        reads |= self._decode(files, [n for n, read in reads.items() if _is_unreachable(read.facts)])
        refuse_outage(paths, (reads[number].facts.decode_error for number in range(len(files))))
        return [reads[number] for number in range(len(files))]

    def _see_the_source(self) -> None:
        """Raise unless this worker sees what the images are in: it would call every image missing."""
        needs = "a cluster needs the images in S3, or on a file system that all its workers share"
        if self.root and not os.path.isdir(self.root):  # noqa: PTH112
            msg = f"the folder {self.root} is not on the worker {platform.node()}; {needs}"
            raise InputError(msg)
        if self.witness and not os.path.exists(self.witness):  # noqa: PTH110 - may be tried again elsewhere
            msg = f"the worker {platform.node()} does not see {self.witness}; {needs}"
            raise UnavailableError(msg)

    def _decode(self, files: Sequence[tuple[str, int]], numbers: Sequence[int]) -> dict[int, Read]:
        paths = [path for path, _ in files]
        batches = list(portions([(number, files[number][1]) for number in numbers], paths, 1))
        order = [number for batch in batches for number in batch]
        names = [[paths[number] for number in batch] for batch in batches]
        reads: dict[int, Read] = {}
        ahead = self.task.ahead
        with closing(
            isolated_map(self.task, names, workers=1, timeout=self.timeout, ahead=ahead, keep=True)
        ) as messages:
            for message in messages:
                reads |= {
                    order[at]: settled(paths[order[at]], read, self.task.hashes) for at, read in message
                }
        return reads


def settled(path: str, read: Read | Lost, hashes: frozenset[str] = frozenset()) -> Read:
    """Return what was read; of a file that killed its decoder, what can be told all the same.

    Parameters
    ----------
    hashes : frozenset of str
        Those that a stop list wants beside the SHA-256.
    """
    if isinstance(read, Read):
        return read
    reason = f"{read.kind}: {read.detail}"
    if is_remote(path):
        return Read(ImageFacts(decode_error=reason), None)
    data = read_bytes(path)
    if isinstance(data, ImageFacts):
        return Read(data, None, hash_file(path, hashes) if data.sha256 else KnownHashes())
    digest = hashlib.sha256(data).hexdigest()
    facts = ImageFacts(len(data), digest, sniff(data).format, decode_error=reason)
    return Read(facts, None, hash_content(data, hashes, pixels=False))


def _is_unreachable(facts: ImageFacts) -> bool:
    return facts.decode_error.startswith(UNREACHABLE)


def refuse_outage(paths: Sequence[str], errors: Iterable[str]) -> None:
    """Raise RemoteError when the storage answered for few of the files, or lets us read none: that says nothing of them."""
    remote = sum(map(is_remote, paths))
    silent, denied = [], []
    for error in errors:
        silent += [error] if error.startswith(UNREACHABLE) else []
        denied += [error] if error.startswith(DENIED) else []
    if 2 * len(silent) > remote:
        raise UnavailableError(silent[0].removeprefix(f"{UNREACHABLE}: "))
    if remote and len(denied) == remote:
        raise DeniedError(denied[0].removeprefix(f"{DENIED}: "))
