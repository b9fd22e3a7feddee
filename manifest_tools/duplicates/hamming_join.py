"""All pairs of one-word hashes within a radius: exact, in linear memory.

For each key (see :mod:`manifest_tools.duplicates.hamming_keys`) the hashes themselves, rearranged so that the key is on top,
are sorted in place, and each is compared with those after it that have the same key. Nothing but the hashes is
moved, and all of it in order of memory, in pieces that fit the processor's cache: where a hash came from is asked
of the few that have a neighbour.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import numpy as np

from manifest_tools.duplicates.hamming_keys import Key, arrange, move, plan, spread
from manifest_tools.duplicates.sorting import IntArray, UInt64Array

Met = tuple[UInt64Array, UInt64Array]  # pairs of hashes

PIECE = 1 << 15  # hashes worked on together: fits the cache
LONG_RUN = 512  # more hashes than this under one key are joined again on the bits that they do not share
SPARSE = 8  # when fewer than one in so many hashes has the same key as a later one, those alone are looked at
LOOK = 8  # steps, after the first so many, between two counts of those
AT_ONCE = 512  # hashes that are compared each with each before keys for them are planned
FEW = 1 << 16  # hashes that are not worth a second thread

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


def near_values(hashes: UInt64Array, radius: int, *, workers: int = 1) -> Iterator[Met]:
    """Yield every pair of hashes that differ in at most `radius` bits, each pair once, in either order.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (n,)
        Distinct.
    radius : int
    workers : int
        Threads; the pairs and their order do not depend on it. Each sorts a copy of the hashes.
    """
    if len(hashes) <= AT_ONCE:
        yield from _all_pairs(hashes, radius)
        return
    varying = int(np.bitwise_or.reduce(hashes) ^ np.bitwise_and.reduce(hashes))
    bits = [bit for bit in range(varying.bit_length()) if varying >> bit & 1]
    places = spread(len(bits))
    arranged = np.empty_like(hashes)
    for piece in _pieces(len(hashes)):
        arranged[piece] = move(hashes[piece], bits, places)
    keys = plan(arranged, len(bits), radius)
    if not keys:
        yield from _all_pairs(hashes, radius)
        return
    constant = hashes[0] & ~np.uint64(varying)
    join = partial(_same_key, arranged, keys, radius)
    for first, second in in_order(join, range(len(keys)), workers if len(hashes) > FEW else 1):
        yield move(first, places, bits) | constant, move(second, places, bits) | constant


def in_order(
    task: Callable[[_Task], Iterator[_Result]], items: Iterable[_Task], workers: int
) -> Iterator[_Result]:
    """Yield what the tasks yield, in their order, with so many of them at work."""
    if workers == 1:
        for item in items:
            yield from task(item)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque[Future[list[_Result]]]()
        for item in items:
            waiting.append(pool.submit(_listed, task, item))
            if len(waiting) > workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _listed(task: Callable[[_Task], Iterator[_Result]], item: _Task) -> list[_Result]:
    return list(task(item))


def _pieces(stop: int) -> Iterator[slice]:
    for at in range(0, stop, PIECE):
        yield slice(at, min(at + PIECE, stop))


def _same_key(arranged: UInt64Array, keys: tuple[Key, ...], radius: int, number: int) -> Iterator[Met]:
    """Yield the pairs within the radius that share a key, and none of the keys before it."""
    key = keys[number]
    back = key.exchanges[::-1]
    ordered = np.empty_like(arranged)
    for piece in _pieces(len(arranged)):
        ordered[piece] = arrange(arranged[piece], key.exchanges)
    ordered.sort()
    for first, second in _neighbours(ordered, np.uint64(1 << key.below), radius):
        difference = arrange(first ^ second, back)
        new = np.arange(len(difference))
        for earlier in keys[:number]:
            new = new[difference[new] & np.uint64(earlier.places) != 0]
        if len(new):
            yield arrange(first[new], back), arrange(second[new], back)


def _neighbours(ordered: UInt64Array, bound: np.uint64, radius: int) -> Iterator[Met]:
    """Yield the pairs within the radius whose difference is below the bound."""
    start = 0
    for low, high in _long_runs(ordered, bound):
        yield from _compare(ordered[start:low], bound, radius)
        if high - low < len(ordered):
            yield from near_values(ordered[low:high], radius)
            start = high
    yield from _compare(ordered[start:], bound, radius)


def _long_runs(ordered: UInt64Array, bound: np.uint64) -> list[tuple[int, int]]:
    """Return (start, stop) of the runs of more than LONG_RUN equal keys."""
    far = [
        np.flatnonzero(ordered[piece.start + LONG_RUN : piece.stop + LONG_RUN] ^ ordered[piece] < bound)
        + piece.start
        for piece in _pieces(len(ordered) - LONG_RUN)
    ]
    at = np.concatenate(far) if far else np.zeros(0, dtype=np.int64)
    ends = np.flatnonzero(ordered[at[1:]] ^ ordered[at[:-1]] >= bound) + 1
    return [(int(run[0]), int(run[-1]) + LONG_RUN + 1) for run in np.split(at, ends) if len(run)]


def _compare(ordered: UInt64Array, bound: np.uint64, radius: int) -> Iterator[Met]:
    """Compare every hash with all those after it that have its key."""
    found: list[tuple[IntArray, IntArray]] = []
    count = 0
    for piece in _pieces(len(ordered)):
        for pair in _compare_piece(ordered, piece, bound, radius):
            found.append(pair)
            count += len(pair[0])
        if count and (count > PIECE or piece.stop == len(ordered)):
            first, second = (np.concatenate(column) for column in zip(*found, strict=True))
            yield ordered[first], ordered[second]
            found, count = [], 0


def _compare_piece(
    ordered: UInt64Array, piece: slice, bound: np.uint64, radius: int
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield places of pairs, the first in the piece: all of it side by side while many have company."""
    room = np.empty(PIECE, dtype=np.uint64)
    for step in range(1, len(ordered) - piece.start):
        stop = min(piece.stop, len(ordered) - step)
        one, other = ordered[piece.start : stop], ordered[piece.start + step : stop + step]
        difference = np.bitwise_xor(one, other, out=room[: len(one)])
        at = np.flatnonzero(np.bitwise_count(difference) <= radius)
        at = at[difference[at] < bound]
        if len(at):
            yield at + piece.start, at + (piece.start + step)
        if step < LOOK or step % LOOK == 0:
            same = difference < bound
            if np.count_nonzero(same) * SPARSE < PIECE:
                yield from _compare_few(ordered, np.flatnonzero(same) + piece.start, step + 1, bound, radius)
                return


def _compare_few(
    ordered: UInt64Array, at: IntArray, step: int, bound: np.uint64, radius: int
) -> Iterator[tuple[IntArray, IntArray]]:
    while True:
        at = at[: np.searchsorted(at, len(ordered) - step)]
        difference = ordered[at + step] ^ ordered[at]
        same = difference < bound
        at, difference = at[same], difference[same]
        if not len(at):
            return
        near = at[np.bitwise_count(difference) <= radius]
        if len(near):
            yield near, near + step
        step += 1


def _all_pairs(hashes: UInt64Array, radius: int) -> Iterator[Met]:
    """Compare every hash with all those after it."""
    step = max(1, (1 << 20) // max(1, len(hashes)))
    for start in range(0, len(hashes), step):
        block, rest = hashes[start : start + step], hashes[start:]
        near = np.bitwise_count(block[:, None] ^ rest) <= radius
        first, second = np.nonzero(np.triu(near, k=1))
        yield block[first], rest[second]
