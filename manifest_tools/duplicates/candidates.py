"""Pairs of images that may be look-alikes: those of which two views are near each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from manifest_tools.duplicates.neighbours import Pairs, near_pairs
from manifest_tools.duplicates.orientation import IntArray, Views
from manifest_tools.fingerprints import HASH_BITS

RADIUS = 6  # bits of 54 in which two views may differ
CHUNK = 1 << 20  # hits looked at together
BEST = 3  # hits kept of each pair of images


class Hits(NamedTuple):
    """Pairs of rows of `Views`, with the number of bits in which they differ."""

    first: IntArray
    second: IntArray
    distance: npt.NDArray[np.uint8]

    def take(self, rows: slice | IntArray | npt.NDArray[np.bool_]) -> Hits:
        """Return some of the rows."""
        return Hits(self.first[rows], self.second[rows], self.distance[rows])


NO_HITS = Hits(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint8))


def candidate_hits(views: Views, *, radius: int = RADIUS) -> Hits:
    """Return, for each pair of images with views near each other, the best few meetings of their views.

    Sorted by the pair of images, then best first. Crops of different kinds are not held against each other: one
    of the images is seen whole, or both through the same crop (which hides a caption that one of them has).
    """
    distinct, inverse = np.unique(views.hash, return_inverse=True)
    members = np.argsort(inverse, kind="stable")
    starts = np.searchsorted(inverse[members], np.arange(len(distinct) + 1))
    every = np.arange(len(distinct))
    equal = (every, every, np.zeros(len(every), dtype=np.uint8))
    best, waiting, count = NO_HITS, list[Hits](), 0
    for pairs in chain([equal], near_pairs(distinct, radius, bits=HASH_BITS)):
        for hits in _of_members(views, members, starts, pairs):
            waiting.append(hits)
            count += len(hits.first)
            if count > max(CHUNK, len(best.first)):
                best, waiting, count = _best_of_each(views, [best, *waiting]), [], 0
    return _best_of_each(views, [best, *waiting])


def _of_members(views: Views, members: IntArray, starts: IntArray, pairs: Pairs) -> Iterator[Hits]:
    """Yield the hits that pairs of distinct hashes stand for."""
    first, second, distance = pairs
    width = starts[second + 1] - starts[second]
    size = (starts[first + 1] - starts[first]) * width
    ends = np.cumsum(size)
    for start in range(0, int(ends[-1]) if len(ends) else 0, CHUNK):
        position = np.arange(start, min(start + CHUNK, int(ends[-1])))
        pair = np.searchsorted(ends, position, side="right")
        one, other = np.divmod(position - (ends[pair] - size[pair]), width[pair])
        a, b = members[starts[first[pair]] + one], members[starts[second[pair]] + other]
        a, b = np.minimum(a, b), np.maximum(a, b)  # views are sorted by their owners
        twice = (first[pair] == second[pair]) & (one > other)  # equal hashes meet in both orders
        of_use = (views.view[a] == 0) | (views.view[b] == 0) | (views.view[a] == views.view[b])
        keep = (views.owner[a] != views.owner[b]) & of_use & ~twice
        yield Hits(a[keep], b[keep], distance[pair[keep]])


def _best_of_each(views: Views, some: list[Hits]) -> Hits:
    """Keep the nearest few hits of each pair of images; of equally near ones those of the wider views."""
    first, second, distance = (np.concatenate(column) for column in zip(*some, strict=True))
    a, b = views.owner[first], views.owner[second]
    order = np.lexsort((second, first, distance, b, a))
    a, b = a[order], b[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    rank = np.arange(len(order)) - np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    order = order[rank < BEST]
    return Hits(first, second, distance).take(order)
