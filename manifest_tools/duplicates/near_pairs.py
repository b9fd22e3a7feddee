"""All pairs of hashes of 64 bits within a Hamming radius: exact, with numpy alone, in linear memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from manifest_tools.duplicates.hamming_join import near_values
from manifest_tools.duplicates.sorting import IntArray, UInt64Array, sort_order

Pairs = tuple[IntArray, IntArray, npt.NDArray[np.uint8]]

BITS = 64
CHUNK = 1 << 20  # pairs compared at a time: bounds the memory used beside the hashes


def near_pairs(hashes: UInt64Array, radius: int, *, workers: int = 1) -> Iterator[Pairs]:
    """Yield every pair of hashes that differ in at most `radius` bits, each pair once.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (n,)
        Distinct hashes: collapse equal ones first (`numpy.unique`).
    radius : int
        Greatest number of differing bits.
    workers : int
        Threads. Each takes as much memory as all hashes.

    Yields
    ------
    first, second : ndarray of int64
        Row numbers, ``first < second``. The order of the pairs depends on the hashes alone.
    distance : ndarray of uint8

    Notes
    -----
    Memory is linear in the number of hashes: the pairs come in pieces and are not collected here.
    """
    if not 0 <= radius <= BITS:
        raise ValueError(f"expected radius in 0..{BITS}, got {radius}")
    rows = None
    if np.any(hashes[1:] < hashes[:-1]):
        rows = sort_order(hashes, BITS)
        hashes = hashes[rows]
    for one, other in near_values(hashes, radius, workers=workers):
        first, second = np.searchsorted(hashes, one), np.searchsorted(hashes, other)
        if rows is not None:
            first, second = rows[first], rows[second]
        yield np.minimum(first, second), np.maximum(first, second), np.bitwise_count(one ^ other)


def members_of(starts: IntArray, first: IntArray, second: IntArray) -> Iterator[tuple[IntArray, ...]]:
    """Yield every pair of a member of one group and a member of another, for pairs of groups, in pieces.

    Parameters
    ----------
    starts : ndarray of int
        Where the members of each group start; those of the last end at the last number.
    first, second : ndarray of int64
        Pairs of groups. A group paired with itself stands for each two of its members once.

    Yields
    ------
    pair, one, other : ndarray of int64
        Which of the pairs of groups, and the two members.
    """
    width = starts[second + 1] - starts[second]
    size = (starts[first + 1] - starts[first]) * width
    ends = np.cumsum(size, dtype=np.int64)
    for start in range(0, int(ends[-1]) if len(ends) else 0, CHUNK):
        position = np.arange(start, min(start + CHUNK, int(ends[-1])))
        pair = np.searchsorted(ends, position, side="right")
        one, other = np.divmod(position - (ends[pair] - size[pair]), width[pair])
        one, other = starts[first[pair]] + one, starts[second[pair]] + other
        keep = (first[pair] != second[pair]) | (one < other)
        yield pair[keep], one[keep], other[keep]
