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
from manifest_tools.splits.units import FREE, Ints, Sparse, UInts, mix

_PARTNERS = 32  # swaps of one effect that are priced
_WRONG = 40  # columns looked at, the farthest from their targets first
_EFFECTS = 400  # effects tried before giving up
_WORK = 1_500_000  # partners looked up: a limit on work, never on time


def swap_to_bounds(problem: Problem, chosen: Ints) -> Ints:
    """Swap units of two classes wherever that brings columns nearer to their targets.

    Parameters
    ----------
    problem : Problem
        What to solve.
    chosen : array of int, one for each class
        Units of each class in the test set.
    """
    without = 2 + problem.n_labels
    work = 0
    for ignored in ([1], [1, without]):  # images count once; images without label may have to pay for labels
        state = _Swaps(problem, chosen, ignored)
        while work < _WORK:
            swap, looked_up = state.find(_WORK - work)
            work += looked_up
            if swap is None:
                break
            state.swap(*swap)
        chosen = state.chosen
    return chosen


class _Swaps:
    """How many units of each class are chosen, the deviation, and the classes by their keys."""

    def __init__(self, problem: Problem, chosen: Ints, ignored: list[int]) -> None:
        n = problem.n_balanced
        self.problem, self.chosen = problem, chosen.copy()
        self.deviation = problem.deviation(chosen)
        self.columns = sparse.csc_array(problem.simple[:, :n])
        self.names = mix(np.arange(n, dtype=np.uint64))
        self.names[ignored] = 0
        simple = problem.simple[:, :n]
        exact = sparse.csr_array(
            (simple.data.astype(np.uint64), simple.indices, simple.indptr), shape=simple.shape
        )
        self.keys: UInts = exact @ self.names
        order = np.argsort(self.keys, kind="stable")
        self.order = order[problem.side[order] == FREE]
        self.ordered = self.keys[self.order]

    def swap(self, more: int, less: int) -> None:
        """Take a unit of one class into the test set, and a unit of another out of it."""
        self.chosen[more] += 1
        self.chosen[less] -= 1
        change = self._difference(np.array([more]), np.array([less]))
        self.deviation[change.indices] += self.problem.scale * change.data

    def find(self, limit: int) -> tuple[tuple[int, int] | None, int]:
        """Return a swap that helps, if there is one, and how many partners were looked up.

        The swap is two classes: one to have a unit more in the test set, one to have a unit less.
        """
        looked_up = 0
        free = self.problem.side == FREE
        can_grow, can_shrink = free & (self.chosen < self.problem.mult), free & (self.chosen > 0)
        for effect in self._effects():
            if looked_up > limit:
                break
            falls = self.deviation[effect[0]] > 0  # effects with a column that falls begin with it
            step = sum((int(self.names[c]) * (-1 if self.deviation[c] > 0 else 1) for c in effect), 0) % 2**64
            at = slice(self.columns.indptr[effect[0]], self.columns.indptr[effect[0] + 1])
            one = self.columns.indices[at]
            one = one[(can_shrink if falls else can_grow)[one]]
            key = self.keys[one] + np.uint64(step) if falls else self.keys[one] - np.uint64(step)
            looked_up += len(key)
            place = np.minimum(np.searchsorted(self.ordered, key), len(self.order) - 1)
            other = self.order[place]
            found = (self.ordered[place] == key) & (can_grow if falls else can_shrink)[other]
            one, other = one[found][:_PARTNERS], other[found][:_PARTNERS]
            if len(one):
                more, less = (other, one) if falls else (one, other)
                price = self._prices(more, less)
                best = int(price.argmin())
                if price[best] < 0:
                    return (int(more[best]), int(less[best])), looked_up
        return None, looked_up

    def _effects(self) -> list[tuple[int, ...]]:
        """Return columns, two or one, that a swap should bring nearer to their targets."""
        if not len(self.order):
            return []
        deviation = self.deviation[: self.problem.n_balanced]
        wrong = [int(c) for c in np.argsort(-np.abs(deviation), kind="stable") if self.names[c] and c > 0]
        wrong = [c for c in wrong if abs(deviation[c]) > self.problem.scale / 2][:_WRONG]
        effects = [*combinations(wrong, 2), *((c,) for c in wrong)][:_EFFECTS]
        return [tuple(sorted(effect, key=lambda c: deviation[c] <= 0)) for effect in effects]

    def _difference(self, more: Ints, less: Ints) -> Sparse:
        return sparse.csr_array(self.problem.counts[more] - self.problem.counts[less])

    def _prices(self, more: Ints, less: Ints) -> Floats:
        """Return what each swap costs."""
        problem = self.problem
        change = self._difference(more, less)
        at = change.indices
        before = self.deviation[at]
        after = before + problem.scale * change.data
        price = problem.weight[at] * (np.abs(after) - np.abs(before))
        bounded = at < problem.n_simple
        at, before, after = at[bounded], before[bounded], after[bounded]
        low, high = problem.low[at] - problem.target[at], problem.high[at] - problem.target[at]

        def out(value: Floats) -> Floats:
            return np.asarray(np.maximum(np.maximum(low - value, value - high), 0))

        price[bounded] += problem.heavy[at] * (out(after) - out(before))
        rows = np.repeat(np.arange(len(more)), np.diff(change.indptr))
        return np.bincount(rows, weights=price, minlength=len(more)).astype(float)
