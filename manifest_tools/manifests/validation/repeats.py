"""Images that stand in more than one line: found by 8 bytes a line, then confirmed by a second look."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from manifest_tools.core.taxonomy import fold
from manifest_tools.manifests.validation.tally import Keys

_WEIGHTS = np.frombuffer(hashlib.shake_256(b"weights").digest(8 * 32), dtype="<u8") | np.uint64(1)
_LONGEST = 8 * len(_WEIGHTS)  # bytes of a URI that are weighed; a longer one is replaced by its hash
_HALF = np.uint64(32)
_NOT_ZERO = np.uint64(1 << 63)
_ROUGH = 1 << 20  # classes of keys
_ROUND = 200_000  # repeated images that are looked at together
_BATCH = 10_000  # lines that are handed on together


@dataclass(frozen=True, slots=True)
class Seen:
    """A line that a second look has to go to: file (by position), line, and the image's URI and labels.

    `labels` is None when the line says nothing that others could contradict.
    """

    file: int
    line: int
    image: str
    labels: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """A line whose image stands in an earlier line; `agrees` unless the labels of the two differ."""

    line: Seen
    first: Seen

    @property
    def agrees(self) -> bool:
        """Whether both lines say the same of the image, as far as they say anything; spelling does not count."""
        here, there = self.line.labels, self.first.labels
        if here is None or there is None or here == there:
            return True
        return set(map(fold, here)) == set(map(fold, there))


def keys_of(uris: Sequence[bytes]) -> Keys:
    """Return a number for each image: the same in every process, never 0, and hardly ever shared by two images.

    Each URI is a row of 64-bit words, and its number their weighted sum: all at once, this takes no longer than
    Python's own hash, which differs between processes.
    """
    longest = max(map(len, uris))
    if longest > _LONGEST:
        uris = [uri if len(uri) <= _LONGEST else hashlib.blake2b(uri).digest() for uri in uris]
        longest = _LONGEST
    width = -(-longest // 8)
    words = np.array(uris, dtype=f"S{8 * width}").view("<u8").reshape(len(uris), width)
    words ^= words >> _HALF  # what differs in the last byte of a word alone has to reach the lower bits
    keys: npt.NDArray[np.uint64] = words @ _WEIGHTS[:width]
    keys ^= keys >> _HALF
    return (keys | _NOT_ZERO).view(np.int64)


def repeats(
    files: Sequence[Sequence[Keys]], look: Callable[[int, npt.NDArray[np.intp]], Iterator[Seen]]
) -> Iterator[list[Repeat]]:
    """Yield the repeated images, in batches that fit into memory; within a batch in the order of the lines.

    Parameters
    ----------
    files : sequence of sequences of int64 array
        For each file its lines' keys, in order; 0 where a line has no image.
    look : callable
        Reads the given lines (numbers from 1, sorted) of a file again. Different images may share a key.
    """
    doubled = _doubled([keys for file in files for keys in file])
    for start in range(0, len(doubled), _ROUND):
        wanted = doubled[start : start + _ROUND]
        first: dict[str, Seen] = {}
        of_file: dict[tuple[str, int], Seen] = {}
        found = []
        for file, keys in enumerate(files):
            numbers = _positions(keys, wanted) + 1
            for seen in look(file, numbers) if len(numbers) else ():
                here = of_file.setdefault((seen.image, file), seen)
                earlier = here if here is not seen else first.setdefault(seen.image, seen)
                if earlier is not seen:
                    found.append(Repeat(seen, earlier))
                if len(found) == _BATCH:
                    yield found
                    found = []
        yield found


def _doubled(keys: Sequence[Keys]) -> Keys:
    """Return the keys that occur more than once, sorted."""
    values = np.concatenate([np.zeros(0, dtype=np.int64), *keys])
    values.sort()
    same = values[1:][values[1:] == values[:-1]]
    same = same[same != 0]
    return np.unique(same) if len(same) else same  # its first call loads masked arrays


def _positions(keys: Sequence[Keys], wanted: Keys) -> npt.NDArray[np.intp]:
    """Return the positions, over all chunks, whose key is among the wanted ones."""
    rough = np.zeros(_ROUGH, dtype=bool)  # a quick look first: most keys are not wanted
    rough[wanted & (_ROUGH - 1)] = True
    positions = [np.zeros(0, dtype=np.intp)]
    start = 0
    for chunk in keys:
        near = np.flatnonzero(rough[chunk & (_ROUGH - 1)])
        found = chunk[near]
        place = np.searchsorted(wanted, found)
        place[place == len(wanted)] = 0
        positions.append(near[wanted[place] == found] + start)
        start += len(chunk)
    return np.concatenate(positions)
