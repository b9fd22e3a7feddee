"""From confirmed pairs to groups that cannot chain."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from manifest_tools.core.arrays import connected
from manifest_tools.duplicates.sorting import IntArray

SHARE = 1 / 3  # of the pairs across two groups, how many must be confirmed before the groups become one


def cluster(count: int, first: IntArray, second: IntArray) -> IntArray:
    """Return the group of each of `count` items, as the smallest item of the group.

    Two groups become one when at least `SHARE` of the pairs across them are confirmed; the pair of groups with the
    greatest share comes first, then the larger, then the smaller numbers. A chain of pairs, each much alike but its
    ends not, so breaks where it is thin, and a single wrong pair joins nothing but single pictures.

    Parameters
    ----------
    count : int
    first, second : ndarray of int64
        The confirmed pairs, each once, in any order.
    """
    groups = np.arange(count)
    items, ends = np.unique(np.concatenate([first, second]), return_inverse=True)
    if not len(items):
        return groups
    one, other = np.split(ends, 2)
    part = connected(len(items), one, other)
    groups[items] = items[part]
    open_ended = ~_complete(part, one)[part]
    groups[items[open_ended]] = items[open_ended]
    pairs = open_ended[one]
    for group in _merge(one[pairs].tolist(), other[pairs].tolist()):
        groups[items[group]] = items[min(group)]
    return groups


def _complete(part: IntArray, first: IntArray) -> npt.NDArray[np.bool_]:
    """Return which connected parts have all their pairs: those are groups at once."""
    size = np.bincount(part, minlength=len(part))
    pairs = np.bincount(part[first], minlength=len(part))
    return np.asarray(pairs == size * (size - 1) // 2)


def _merge(first: list[int], second: list[int]) -> Iterable[list[int]]:
    """Return the groups that come of some pairs."""
    links: dict[int, dict[int, int]] = defaultdict(dict)
    for a, b in zip(first, second, strict=True):
        links[a][b] = links[b][a] = 1
    members = {item: [item] for item in links}

    def entry(a: int, b: int) -> tuple[float, int, int, int]:
        pairs = len(members[a]) * len(members[b])
        return (-links[a][b] / pairs, -pairs, min(a, b), max(a, b))

    queue = [entry(a, b) for a in links for b in links[a] if a < b]
    heapq.heapify(queue)
    while queue:
        said = heapq.heappop(queue)
        _, _, a, b = said
        if -said[0] < SHARE:
            break
        if b not in links[a] or entry(a, b) != said:  # one of them has grown or gone since
            continue
        members[a] += members.pop(b)
        for other, number in links.pop(b).items():
            del links[other][b]
            if other != a:
                links[a][other] = links[other][a] = links[a].get(other, 0) + number
        for other in links[a]:
            heapq.heappush(queue, entry(a, other))
    return members.values()
