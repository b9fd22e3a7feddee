"""What was counted in a stretch of lines. Tallies of neighbouring stretches add up to the tally of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat
from operator import itemgetter
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from manifest_tools.manifests.kinds import Kind
from manifest_tools.manifests.validation.problems import Problem

_Key = TypeVar("_Key")
Keys = npt.NDArray[np.int64]


@dataclass(slots=True)
class Sightings:
    """How often something was seen, and the first lines where it was (number, image, what)."""

    count: int = 0
    first: list[tuple[int, str, Problem | None]] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """Counts and first places; line numbers count from 1 at the beginning of the stretch.

    Parameters
    ----------
    limit : int
        How many places of each thing to keep.
    keys : list of int64 array
        A hash of each line's image, 0 where it has none: 8 bytes a line, for finding repeated images.
    per_cent : bool
        Whether a confidence above 1 was seen.
    """

    limit: int
    lines: int = 0
    problems: dict[tuple[str, str | None], Sightings] = field(default_factory=dict)
    kinds: dict[Kind, Sightings] = field(default_factory=dict)
    extras: dict[str, Sightings] = field(default_factory=dict)
    buckets: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    keys: list[Keys] = field(default_factory=list)
    per_cent: bool = False

    def add_problems(self, found: Sequence[tuple[int, str, Problem]], blank_lines: int = 0) -> None:
        """Count problems, given in the order of their lines, and more blank lines than those among them."""
        for number, image, problem in found:
            seen = self.problems.setdefault((problem.code, problem.variant), Sightings())
            seen.count += 1
            if len(seen.first) < self.limit:
                seen.first.append((number, image, problem))
        if blank_lines:
            self.problems.setdefault(("blank-line", None), Sightings()).count += blank_lines

    def kind(self, kind: Kind, numbers: Sequence[int], images: Sequence[str | bytes]) -> None:
        """Count lines of one kind."""
        _note(self.kinds.setdefault(kind, Sightings()), numbers, images, self.limit)

    def member(self, member: str, numbers: Sequence[int], images: Sequence[str | bytes]) -> None:
        """Count lines with a member that is not documented."""
        _note(self.extras.setdefault(member, Sightings()), numbers, images, 1)

    def add(self, after: Tally) -> None:
        """Add the tally of the lines that follow."""
        _merge(self.problems, after.problems, self.lines, self.limit)
        _merge(self.kinds, after.kinds, self.lines, self.limit)
        _merge(self.extras, after.extras, self.lines, self.limit)
        for counts, others in (
            (self.buckets, after.buckets),
            (self.jobs, after.jobs),
            (self.labels, after.labels),
        ):
            counts.update(others)
        self.keys += after.keys
        self.per_cent |= after.per_cent
        self.lines += after.lines


def _merge(mine: dict[_Key, Sightings], after: dict[_Key, Sightings], offset: int, limit: int) -> None:
    for key, seen in after.items():
        total = mine.setdefault(key, Sightings())
        total.count += seen.count
        room = limit - len(total.first)
        total.first += [(offset + number, image, what) for number, image, what in seen.first[:room]]


def _note(seen: Sightings, numbers: Sequence[int], images: Sequence[str | bytes], limit: int) -> None:
    """Count sightings in lines that come in order, and keep the first places.

    Lines of one block may arrive layout by layout; so places are sorted, and the last ones dropped.
    """
    seen.count += len(numbers)
    room = limit - len(seen.first)
    if room > 0 or (numbers and seen.first and numbers[0] < seen.first[-1][0]):
        texts = [image.decode() if isinstance(image, bytes) else image for image in images[:limit]]
        seen.first += zip(numbers[:limit], texts, repeat(None))
        seen.first.sort(key=itemgetter(0))
        del seen.first[limit:]
