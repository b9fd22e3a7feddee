"""Pairs of images that may be look-alikes: those of which two views are near each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from manifest_tools.duplicates.fingerprint_table import ROWS, mapped
from manifest_tools.duplicates.fingerprints import HASH_BITS, VIEWS
from manifest_tools.duplicates.near_pairs import members_of, near_pairs
from manifest_tools.duplicates.orientation import TURNS, OrientedHashes, canonical_hashes
from manifest_tools.duplicates.sorting import IntArray, UInt64Array, run_starts, sort_order

# crops joined with the whole in one: the fewer, the less memory; the more, the fewer sorts in all
TOGETHER = 2
CHUNK = 1 << 20  # hits looked at together
BEST = 3  # hits kept of each pair of images


class Hits(NamedTuple):
    """Pairs of images, how each of them was looked at, and in how many bits these looks differ."""

    first: IntArray
    second: IntArray
    first_look: npt.NDArray[np.uint8]
    second_look: npt.NDArray[np.uint8]
    distance: npt.NDArray[np.uint8]

    def take(self, rows: slice | IntArray | npt.NDArray[np.bool_]) -> Hits:
        """Return some of the rows."""
        return Hits(
            self.first[rows],
            self.second[rows],
            self.first_look[rows],
            self.second_look[rows],
            self.distance[rows],
        )


_BYTES = np.zeros(0, dtype=np.uint8)
NO_HITS = Hits(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), _BYTES, _BYTES, _BYTES)


def candidate_hits(views: UInt64Array, rows: IntArray, *, radius: int, workers: int = 1) -> Hits:
    """Return, for each pair of images with views near each other, the best few meetings of their views.

    Crops of different kinds are not held against each other: one of the images is seen whole, or both through the
    same crop (which hides a caption that one of them has). So a few crops at a time are joined with the whole.

    Parameters
    ----------
    views : ndarray of uint64, shape (images, views)
        As in the column `views`; read in pieces.
    rows : ndarray of int64
        The images that take part.
    radius : int
        Bits in which two views may differ.
    workers : int
        Threads.

    Returns
    -------
    Hits
        Sorted by the pair of images, then best first; of equally near hits those of the wider views.
    """
    best, waiting, count = NO_HITS, list[Hits](), 0
    for view in range(1, len(VIEWS), TOGETHER):
        crops = range(view, min(view + TOGETHER, len(VIEWS)))
        for hits in _join(views, rows, (0, *crops), radius, workers):
            first, second = hits.first_look // TURNS, hits.second_look // TURNS
            of_use = (first == second) | (first == 0) | (second == 0)
            if view > 1:  # two whole views have met already
                of_use &= (first > 0) | (second > 0)
            waiting.append(hits.take(of_use))
            count += len(waiting[-1].first)
            if count > max(CHUNK, len(best.first)):
                best, waiting, count = _best_of_each([best, *waiting]), [], 0
    return _best_of_each([best, *waiting])


def _looks(views: UInt64Array, rows: IntArray, view: int) -> OrientedHashes:
    """Return the canonical hashes of one view of all images."""
    owner = rows.astype(np.int32) if len(views) <= np.iinfo(np.int32).max else rows
    pieces = []
    for start in range(0, max(len(rows), 1), ROWS):
        some = slice(start, start + ROWS)
        pieces.append(canonical_hashes(mapped(views)[rows[some], view], view, owner[some]))
    return OrientedHashes(*(np.concatenate(column) for column in zip(*pieces, strict=True)))


def _join(
    views: UInt64Array, rows: IntArray, some: tuple[int, ...], radius: int, workers: int
) -> Iterator[Hits]:
    """Yield the hits among some of the views."""
    looks = [_looks(views, rows, view) for view in some]
    owner, look, hashes = (np.concatenate(column) for column in zip(*looks, strict=True))
    del looks
    order = sort_order(hashes, HASH_BITS)
    owner, look, hashes = owner[order], look[order], hashes[order]
    del order
    starts = run_starts(hashes)
    hashes = hashes[starts[:-1]]
    equal = np.flatnonzero(np.diff(starts) > 1)
    near = ((first, second) for first, second, _ in near_pairs(hashes, radius, workers=workers))
    for first, second in chain([(equal, equal)], near):
        for pair, one, other in members_of(starts, first, second):
            at = owner[one] < owner[other]
            low, high = np.where(at, one, other), np.where(at, other, one)
            of_two = owner[low] != owner[high]
            low, high, of = low[of_two], high[of_two], pair[of_two]
            distance = np.bitwise_count(hashes[first[of]] ^ hashes[second[of]])
            yield Hits(
                owner[low].astype(np.int64), owner[high].astype(np.int64), look[low], look[high], distance
            )


def _best_of_each(some: list[Hits]) -> Hits:
    """Keep the nearest few hits of each pair of images; of equally near ones those of the wider views."""
    hits = Hits(*(np.concatenate(column) for column in zip(*some, strict=True)))
    pair = hits.first << 32 | hits.second
    rank = hits.distance.astype(np.uint32) << 16
    rank |= hits.first_look.astype(np.uint32) << 8
    rank |= hits.second_look
    order = np.lexsort((rank, pair))
    pair = pair[order]
    keep = np.ones(len(order), dtype=np.bool_)
    keep[BEST:] = pair[BEST:] != pair[:-BEST]
    return hits.take(order[keep])
