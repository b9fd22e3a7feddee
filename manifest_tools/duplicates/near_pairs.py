"""All pairs of binary hashes within a Hamming radius: exact, with numpy alone, in linear memory.

Hashes of one word are joined as they are. Wider ones are dealt into several words, each with its share of the
radius: pairs within the radius keep within the share in at least one word (pigeonhole). Each word is joined by
itself, and the rows that meet in it are compared in full.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from manifest_tools.duplicates.hamming_join import LONG_RUN, near_values
from manifest_tools.duplicates.hamming_keys import move
from manifest_tools.duplicates.sorting import IntArray, UInt64Array, run_starts, sort_order

Pairs = tuple[IntArray, IntArray, npt.NDArray[np.uint8]]

WORD = 64
CHUNK = 1 << 20  # pairs compared at a time: bounds the memory used beside the hashes


def near_pairs(
    hashes: UInt64Array, radius: int, *, bits: int | None = None, workers: int = 1
) -> Iterator[Pairs]:
    """Yield every pair of hashes that differ in at most `radius` bits, each pair once.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (n,) or (n, words)
        Distinct hashes: collapse equal ones first (`numpy.unique`). Bit ``b`` is bit ``b % 64`` of word
        ``b // 64``.
    radius : int
        Greatest number of differing bits, 0 to 255.
    bits : int, optional
        Number of bits in use; those above must be zero. Default: all.
    workers : int
        Threads. Each takes as much memory as one word of all hashes.

    Yields
    ------
    first, second : ndarray of int64
        Row numbers, ``first < second``. The order of the pairs depends on the hashes alone.
    distance : ndarray of uint8

    Notes
    -----
    Memory is linear in the number of hashes: the pairs come in pieces and are not collected here.
    """
    words = np.asarray(hashes, dtype=np.uint64)
    words = words[:, None] if words.ndim == 1 else words
    width = words.shape[1] * WORD if bits is None else bits
    if not (0 <= radius <= 255 and 0 < width <= words.shape[1] * WORD):
        raise ValueError(
            f"expected radius in 0..255 and bits in 1..{words.shape[1] * WORD}, got {radius} and {width}"
        )
    join = _join_word if words.shape[1] == 1 else _join_words
    for first, second, distance in join(words, radius, workers):
        yield np.minimum(first, second), np.maximum(first, second), distance


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


def _join_word(words: UInt64Array, radius: int, workers: int) -> Iterator[Pairs]:
    hashes = words[:, 0]
    rows = None
    if np.any(hashes[1:] < hashes[:-1]):
        rows = sort_order(hashes, WORD)
        hashes = hashes[rows]
    for one, other in near_values(hashes, radius, workers=workers):
        first, second = np.searchsorted(hashes, one), np.searchsorted(hashes, other)
        if rows is not None:
            first, second = rows[first], rows[second]
        yield first, second, np.bitwise_count(one ^ other)


def _join_words(words: UInt64Array, radius: int, workers: int) -> Iterator[Pairs]:
    words = _dealt(words)
    count = words.shape[1]
    if count == 1:
        yield from _join_word(words, radius, workers)
        return
    shares = [(radius + 1 + word) // count - 1 for word in range(count)]  # (share + 1) summed is radius + 1
    for word, share in enumerate(shares):
        if share < 0:
            continue
        for first, second in _candidates(words, word, share, radius, workers):
            yield _within(words, first, second, radius, shares[:word])


def _within(words: UInt64Array, first: IntArray, second: IntArray, radius: int, told: list[int]) -> Pairs:
    """Return the pairs within the radius that have not met in one of the first words, whose shares are given."""
    distance = np.zeros(len(first), dtype=np.uint16)
    shares = told + [-1] * (words.shape[1] - len(told))
    for column, share in zip(words.T, shares, strict=True):
        apart = np.bitwise_count(column[first] ^ column[second]).astype(np.int16)
        distance += apart.astype(np.uint16)
        near = (distance <= radius) & (apart > share)
        first, second, distance = first[near], second[near], distance[near]
    return first, second, distance.astype(np.uint8)


def _dealt(words: UInt64Array) -> UInt64Array:
    """Return the bits that are not the same in all rows, dealt evenly into as few words as hold them."""
    places = [
        (column, bit)
        for column, varying in enumerate(np.bitwise_or.reduce(words ^ words[:1], axis=0).tolist())
        for bit in range(WORD)
        if varying >> bit & 1
    ]
    count = max(1, -(-len(places) // WORD))
    out = np.zeros((len(words), count), dtype=np.uint64, order="F")
    for target in range(count):
        mine = list(enumerate(places[target::count]))
        for source in range(words.shape[1]):
            here = [(bit, place) for place, (column, bit) in mine if column == source]
            out[:, target] |= move(words[:, source], [b for b, _ in here], [p for _, p in here])
    return out


def _candidates(
    words: UInt64Array, word: int, share: int, radius: int, workers: int
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the pairs of rows that are within the share in one word."""
    rows = sort_order(words[:, word], WORD)
    ordered = words[rows, word]
    starts = run_starts(ordered)
    distinct = ordered[starts[:-1]]
    size = np.diff(starts)
    for group in np.flatnonzero(size > LONG_RUN):
        members = np.sort(rows[starts[group] : starts[group + 1]])
        for first, second, _ in _join_words(words[members], radius, workers):
            yield members[first], members[second]
    several = np.flatnonzero((size > 1) & (size <= LONG_RUN))
    for _, one, other in members_of(starts, several, several):
        yield rows[one], rows[other]
    for values in near_values(distinct, share, workers=workers):
        first, second = (np.searchsorted(distinct, value) for value in values)
        for _, one, other in members_of(starts, first, second):
            yield rows[one], rows[other]
