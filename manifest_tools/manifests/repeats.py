"""Images that stand in more than one line: found by 8 bytes a line, then confirmed by a second look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from manifest_tools.manifests.tally import Keys
from manifest_tools.taxonomy import fold

_PARTS = 16  # the keys are sorted part by part, so that the whole is never copied
_ROUND = 200_000  # repeated images that are looked at together


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
        return here is None or there is None or set(map(fold, here)) == set(map(fold, there))


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
        yield found


def _doubled(keys: Sequence[Keys]) -> Keys:
    """Return the keys that occur more than once, sorted."""
    found = []
    for part in range(_PARTS):
        same = [chunk[(chunk & (_PARTS - 1)) == part] for chunk in keys]
        values = np.concatenate(same) if same else np.zeros(0, dtype=np.int64)
        values.sort()
        found.append(np.unique(values[1:][values[1:] == values[:-1]]))
    doubled = np.concatenate(found)
    return np.sort(doubled[doubled != 0])


def _positions(keys: Sequence[Keys], wanted: Keys) -> npt.NDArray[np.intp]:
    """Return the positions, over all chunks, whose key is among the wanted ones."""
    positions = []
    start = 0
    for chunk in keys:
        place = np.searchsorted(wanted, chunk)
        place[place == len(wanted)] = 0
        positions.append(np.flatnonzero(wanted[place] == chunk) + start)
        start += len(chunk)
    return np.concatenate(positions) if positions else np.zeros(0, dtype=np.intp)
