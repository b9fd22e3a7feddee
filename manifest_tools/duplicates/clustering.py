"""From confirmed pairs to groups that cannot chain."""

from __future__ import annotations

import heapq
from collections import defaultdict

import numpy as np

from manifest_tools.duplicates.orientation import IntArray

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
    members = {item: [item] for item in range(count)}
    links: dict[int, dict[int, int]] = defaultdict(dict)
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        links[a][b] = links[b][a] = 1

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
    result = np.empty(count, dtype=np.int64)
    for group in members.values():
        result[group] = min(group)
    return result
