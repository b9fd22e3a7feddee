"""Exact mending among very many classes: swaps that change nothing but one or two columns.

A local search that tries classes one after the other seldom meets the two that differ by just the label that is
one too many. Here they are looked up: every class has a key that adds up over its counts, so the partner of a
class in a swap with a given effect is found by its key.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import sparse

from manifest_tools.splits.problem import Floats, Problem
from manifest_tools.splits.units import FREE, Ints, UInts, mix

_PARTNERS = 32  # swaps of one effect that are priced
_WRONG = 40  # columns looked at, the farthest from their targets first
_EFFECTS = 400  # effects tried before giving up
_WORK = 1_500_000  # partners looked up: a limit on work, never on time


def mend(problem: Problem, chosen: Ints) -> Ints:
    """Swap units of two classes wherever that brings columns nearer to their targets.

    Parameters
    ----------
    problem : Problem
        What to solve.
    chosen : array of int, one for each class
        Units of each class in the test set.
    """
    chosen = chosen.copy()
    n, without = problem.n_balanced, 2 + problem.n_labels
    columns = sparse.csc_array(problem.simple[:, :n])
    deviation = problem.deviation(chosen)
    work = 0
    for ignored in ([1], [1, without]):  # images count once; images without label may have to pay for labels
        names = mix(np.arange(n, dtype=np.uint64))
        names[ignored] = 0
        keys = _exact(problem.simple[:, :n]) @ names
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        while work < _WORK:
            swap, cost = _find(problem, chosen, deviation, columns, names, keys, order, ordered, _WORK - work)
            work += cost
            if swap is None:
                break
            more, less = swap
            chosen[more] += 1
            chosen[less] -= 1
            deviation += problem.scale * _difference(problem, np.array([more]), np.array([less])).toarray()[0]
    return chosen


def _exact(counts: sparse.csr_array) -> sparse.csr_array:
    return sparse.csr_array((counts.data.astype(np.uint64), counts.indices, counts.indptr), shape=counts.shape)


def _difference(problem: Problem, more: Ints, less: Ints) -> sparse.csr_array:
    return sparse.csr_array(problem.counts[more] - problem.counts[less])


def _find(
    problem: Problem,
    chosen: Ints,
    deviation: Floats,
    columns: sparse.csc_array,
    names: UInts,
    keys: UInts,
    order: Ints,
    ordered: UInts,
    limit: int,
) -> tuple[tuple[int, int] | None, int]:
    """Return a swap that helps, if there is one, and how many partners were looked up.

    The swap is two classes: one to have a unit more in the test set, one to have a unit less.
    """
    work = 0
    n, scale = problem.n_balanced, problem.scale
    wrong = [int(c) for c in np.argsort(-np.abs(deviation[:n]), kind="stable") if names[c] and c > 0]
    wrong = [c for c in wrong if abs(deviation[c]) > scale / 2][:_WRONG]
    effects = [*combinations(wrong, 2), *((c,) for c in wrong)][:_EFFECTS]
    can_grow = (chosen < problem.mult) & (problem.side == FREE)
    can_shrink = (chosen > 0) & (problem.side == FREE)
    for effect in effects:
        if work > limit:
            break
        signs = [-1 if deviation[c] > 0 else 1 for c in effect]
        step = sum((int(names[c]) * s for c, s in zip(effect, signs, strict=True)), 0) % 2**64
        falling = [c for c, s in zip(effect, signs, strict=True) if s < 0]
        if falling:
            less = columns.indices[columns.indptr[falling[0]] : columns.indptr[falling[0] + 1]]
            less = less[can_shrink[less]]
            partner_key = keys[less] + np.uint64(step)
        else:
            rising = effect[0]
            more = columns.indices[columns.indptr[rising] : columns.indptr[rising + 1]]
            more = more[can_grow[more]]
            partner_key = keys[more] - np.uint64(step)
        work += len(partner_key)
        place = np.minimum(np.searchsorted(ordered, partner_key), len(order) - 1)
        partner = order[place]
        found = keys[partner] == partner_key
        if falling:
            less, more = less[found], partner[found]
        else:
            less, more = partner[found], more[found]
        possible = np.flatnonzero(can_grow[more] & can_shrink[less])[:_PARTNERS]
        if len(possible):
            price = _prices(problem, deviation, more[possible], less[possible])
            best = int(price.argmin())
            if price[best] < 0:
                return (int(more[possible[best]]), int(less[possible[best]])), work
    return None, work


def _prices(problem: Problem, deviation: Floats, more: Ints, less: Ints) -> Floats:
    """Return what each swap costs."""
    change = _difference(problem, more, less)
    at = change.indices
    before = deviation[at]
    after = before + problem.scale * change.data
    price = problem.weight[at] * (np.abs(after) - np.abs(before))
    bounded = at < problem.n_simple
    at, before, after = at[bounded], before[bounded], after[bounded]
    low, high = problem.low[at] - problem.target[at], problem.high[at] - problem.target[at]

    def out(value: Floats) -> Floats:
        return np.maximum(np.maximum(low - value, value - high), 0)

    price[bounded] += problem.heavy[at] * (out(after) - out(before))
    rows = np.repeat(np.arange(len(more)), np.diff(change.indptr))
    return np.bincount(rows, weights=price, minlength=len(more))
