"""A first solution: every class gives its fair share, and what is left over is rounded against the error so far.

Error diffusion: classes are visited from the rarest labels to the commonest, and each is rounded up or down so
that the running deviation of labels, label pairs and size shrinks. Where many classes wait, a block of them is
decided at once; the last ones, which can still mend everything, one by one.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from manifest_tools.splits.problem import Floats, Problem
from manifest_tools.splits.units import FREE, TEST, Ints, mix

_BLOCKS = 400  # how many blocks at most
_SINGLY_FIRST, _SINGLY_LAST = 200, 400  # classes decided one by one: large groups and rare labels; the menders
_LARGE = 8  # images in a unit that counts as large
_SWEEPS = 6


def shares(problem: Problem) -> Ints:
    """Return the parts (of `scale`) of each class that should go to the test set, before rounding.

    The fair share for all, unless locked units or bounds ask for more of one label and less of another:
    then the free classes are raked (Deming and Stephan 1940) until the targets are met as nearly as they can.
    """
    scale, mult = problem.scale, problem.mult
    fair = problem.share.numerator * (scale // problem.share.denominator)
    parts = np.where(problem.side == FREE, fair, np.where(problem.side == TEST, scale, 0)).astype(np.int64)
    free = problem.side == FREE
    n = problem.n_balanced
    targets = problem.target[:n].astype(np.int64)
    columns = sparse.csc_array(problem.simple[:, :n])
    if np.abs(columns.T @ (parts * mult) - targets).max(initial=0) <= scale:
        return parts
    for _ in range(_SWEEPS):
        for column in [*range(2, n), 0]:
            at = slice(columns.indptr[column], columns.indptr[column + 1])
            rows, weight = columns.indices[at], columns.data[at].astype(np.int64) * mult[columns.indices[at]]
            need = int(targets[column]) - int((parts[rows] * weight).sum())
            room = np.where(free[rows], scale - parts[rows] if need > 0 else parts[rows], 0)
            capacity = int((room * weight).sum())
            if capacity:
                ratio = min(1.0, abs(need) / capacity)
                parts[rows] += np.sign(need) * np.floor(room * ratio).astype(np.int64)
    return parts


def diffuse(problem: Problem, seed: int) -> Ints:
    """Return how many units of each class go to the test set; near the targets, bounds not yet minded."""
    scale, counts = problem.scale, problem.counts
    wanted = shares(problem) * problem.mult
    chosen, rest = wanted // scale, wanted % scale
    weight = _weights(problem)
    deviation = counts.T @ wanted.astype(float) - problem.target

    tie = mix(np.arange(len(rest), dtype=np.uint64) + mix(np.array([seed], np.uint64)))
    totals = np.maximum(problem.total, 1)[: problem.n_balanced]
    rarity = problem.simple[:, 2 : problem.n_balanced] @ np.floor(2.0**40 / totals[2:])
    images = problem.simple[:, [0]].toarray().ravel()
    order = np.lexsort((tie, -rarity, -np.frexp(images)[1]))  # large units first: the small ones mend the rest
    order = order[rest[order] > 0]
    rows = counts[order]
    pointers, columns, values, rest = rows.indptr, rows.indices, rows.data, rest[order].astype(float)

    edges = _blocks(len(order), int((images[order] >= _LARGE).sum()))
    for start, stop in zip(edges[:-1], edges[1:], strict=True):
        at = slice(pointers[start], pointers[stop])
        column, value = columns[at], values[at]
        if stop - start == 1:
            left = rest[start]
            # price of rounding up less price of rounding down, each the weighted square of the deviation
            gain = (weight[column] * value * (2 * deviation[column] + (scale - 2 * left) * value)).sum()
            if gain < 0:
                chosen[order[start]] += 1
                deviation[column] += (scale - left) * value
            else:
                deviation[column] -= left * value
            continue
        lengths, offsets = np.diff(pointers[start : stop + 1]), pointers[start:stop] - pointers[start]
        left, size = np.repeat(rest[start:stop], lengths), value[offsets]
        price = weight[column] * value * (2 * deviation[column] + (scale - 2 * left) * value)
        best = np.argsort(np.add.reduceat(price, offsets) / size, kind="stable")
        need = (rest[start:stop] * size).sum()
        need -= np.clip(deviation[0], -need / 2, need / 2)
        up = np.zeros(stop - start, bool)  # the best of the block, as many as the share asks for
        up[best] = np.cumsum(size[best]) * scale <= need + size[best] * (scale // 2)
        chosen[order[start:stop]] += up
        change = (np.repeat(up, lengths) * scale - left) * value
        deviation += np.bincount(column, weights=change, minlength=len(deviation))
    return chosen


def _blocks(n: int, n_large: int) -> list[int]:
    """Return where blocks of `n` classes begin and end: single ones at both ends, larger blocks between."""
    first = min(n, max(_SINGLY_FIRST, min(n_large, _BLOCKS)))
    last = max(first, n - _SINGLY_LAST)
    size = max(1, -(-(last - first) // _BLOCKS))
    return [*range(first), *range(first, last, size), *range(last, n + 1)]


def _weights(problem: Problem) -> Floats:
    """Price of a squared deviation: relative to the column's total, so that rare labels count; powers of two."""
    totals = np.maximum(problem.total, 1)
    weight = 0.3 / totals
    weight[: problem.n_balanced] = 10 / totals[: problem.n_balanced]
    weight[0] *= 4
    weight[1] = 0
    weight[problem.n_balanced : problem.n_simple] = 0
    positive = weight > 0
    weight[positive] = np.exp2(np.floor(np.log2(weight[positive])))
    return weight
