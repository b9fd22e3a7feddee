"""Local improvement: moves, swaps, and a short walk out of dead ends.

The price of a split is the sum over columns of the distance from the target, with heavy prices outside the
bounds (:mod:`manifest_tools.splits.problem`). All sums are whole numbers, and equal prices are decided by the
seeded order of the classes, so the walk is the same on every machine.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from manifest_tools.splits.problem import Floats, Problem
from manifest_tools.splits.units import FREE, Ints, mix

_CANDIDATES = 24  # first moves tried in a swap
_DESCENT = 200_000_000  # entries looked at in a descent: a limit on work, never on time
_WALK = 20_000_000  # the same, in a walk
_MAX_PAIRS = 20_000  # with more pairs of labels than this, moves are judged by the labels alone
_MAX_STEPS = 1500
_CROWD = 2500  # with more classes than this, a sample of them does the mending


class LocalSearch:
    """The state of a local search.

    Parameters
    ----------
    problem : Problem
        What to solve.
    chosen : array of int, one for each class
        Units of each class in the test set, to start from.
    seed : int
        Decides between equals.
    """

    def __init__(self, problem: Problem, chosen: Ints, seed: int) -> None:
        order = np.argsort(mix(np.arange(len(chosen), dtype=np.uint64) ^ mix(np.array([seed], np.uint64))))
        self.order = _sample(problem, order[problem.side[order] == FREE])
        self._chosen = chosen
        self.chosen = chosen[self.order]
        self.mult = problem.mult[self.order]
        few = problem.counts.shape[1] - problem.n_simple <= _MAX_PAIRS
        self.counts = (problem.counts if few else problem.simple)[self.order]
        self.deviation = problem.deviation(chosen)[: self.counts.shape[1]]
        values = self.counts.data.astype(np.int64)
        base = int(values.max(initial=0)) + 1
        kinds, entry = np.unique(self.counts.indices * np.int64(base) + values, return_inverse=True)
        self._column = kinds // base
        self._value = (kinds % base).astype(float) * problem.scale
        self.scale = problem.scale
        self._kinds = sparse.csr_array(
            (np.ones(len(entry)), entry.astype(np.int32), self.counts.indptr),
            shape=(len(self.order), len(kinds)),
        )
        self._weight = problem.weight[self._column]
        bounded = self._column[: int(np.searchsorted(self._column, problem.n_simple))]
        self._heavy = problem.heavy[bounded]
        self._low = (problem.low - problem.target[: problem.n_simple])[bounded]
        self._high = (problem.high - problem.target[: problem.n_simple])[bounded]
        self.problem = problem

    def result(self) -> Ints:
        """Return the units of every class in the test set, as the search has them now."""
        whole = self._chosen.copy()
        whole[self.order] = self.chosen
        return whole

    def _changes(self, deviation: Floats, sign: int) -> Floats:
        """Return what one more (or less) unit with each kind of entry would cost."""
        before = deviation[..., self._column]
        after = before + sign * self._value
        price = self._weight * (np.abs(after) - np.abs(before))
        n = len(self._heavy)  # only columns before the pairs have bounds
        price[..., :n] += self._heavy * (self._out(after[..., :n]) - self._out(before[..., :n]))
        return np.asarray(price)

    def _out(self, deviation: Floats) -> Floats:
        return np.asarray(np.maximum(np.maximum(self._low - deviation, deviation - self._high), 0))

    def moves(self) -> tuple[Floats, Floats]:
        """Return the price of one more unit of each class, and of one less; infinite where there is none."""
        up = self._kinds @ self._changes(self.deviation, 1)
        down = self._kinds @ self._changes(self.deviation, -1)
        return np.where(self.chosen < self.mult, up, np.inf), np.where(self.chosen > 0, down, np.inf)

    def move(self, index: int, sign: int) -> None:
        """Take one more unit of a class into the test set, or one less."""
        at = slice(self.counts.indptr[index], self.counts.indptr[index + 1])
        self.deviation[self.counts.indices[at]] += sign * self.scale * self.counts.data[at]
        self.chosen[index] += sign

    def descend(self) -> None:
        """Take the best move or swap until none helps."""
        one_look = self._kinds.nnz + len(self._weight)
        work = 0
        while work < _DESCENT:
            work += 2 * one_look
            up, down = self.moves()
            best_up, best_down = int(up.argmin()), int(down.argmin())
            if min(up[best_up], down[best_down]) < 0:
                better_up = up[best_up] <= down[best_down]
                self.move(best_up if better_up else best_down, 1 if better_up else -1)
                continue
            work += 2 * _CANDIDATES * one_look
            swap = min(self._best_swap(up, down, 1), self._best_swap(down, up, -1))
            if swap[0] >= 0:
                return
            _, sign, first, second = swap
            self.move(first, sign)
            self.move(second, -sign)

    def _best_swap(self, first: Floats, second: Floats, sign: int) -> tuple[float, int, int, int]:
        """Return price, sign and the two classes of the best swap that begins with one of the best moves."""
        candidates = np.argsort(first, kind="stable")[:_CANDIDATES]
        candidates = candidates[np.isfinite(first[candidates])]
        if not len(candidates):
            return 0.0, sign, 0, 0
        after = self.deviation + sign * self.scale * self.counts[candidates].toarray()
        price = self._kinds @ np.ascontiguousarray(self._changes(after, -sign).T) + first[candidates]
        price[~np.isfinite(second)] = np.inf
        other, place = divmod(int(price.argmin()), len(candidates))
        return float(price[other, place]), sign, int(candidates[place]), other

    def short_of_floor(self) -> bool:
        """Say whether a label is farther from its target than rounding alone explains."""
        return short_of_floor(self.problem, self.deviation)

    def walk(self) -> None:
        """Leave a dead end by the cheapest moves that do not undo recent ones (tabu search, Glover 1989)."""
        steps = min(_MAX_STEPS, _WALK // max(1, 2 * (self._kinds.nnz + len(self._weight))))
        until = np.zeros((2, len(self.chosen)), np.int64)
        price = best = 0.0
        best_chosen, best_deviation = self.chosen.copy(), self.deviation.copy()
        tenure = mix(np.arange(steps, dtype=np.uint64)) % np.uint64(8)
        for step in range(steps):
            moves = np.stack(self.moves())
            moves[(until > step) & (moves + price >= best)] = np.inf
            direction, index = divmod(int(moves.argmin()), moves.shape[1])
            if not np.isfinite(moves[direction, index]):
                break
            price += moves[direction, index]
            self.move(index, 1 if direction == 0 else -1)
            until[1 - direction, index] = step + 4 + int(tenure[step])
            if price < best:
                best, best_chosen, best_deviation = price, self.chosen.copy(), self.deviation.copy()
                if not self.short_of_floor():
                    break
        self.chosen, self.deviation = best_chosen, best_deviation


def _sample(problem: Problem, order: Ints) -> Ints:
    """Keep a crowd of classes small: a random sample, with some classes of every column before the pairs."""
    if len(order) <= _CROWD:
        return order
    keep = np.zeros(len(order), bool)
    keep[:_CROWD] = True
    columns = sparse.csc_array(problem.simple[order][:, 2 : problem.n_balanced])
    for start, stop in zip(columns.indptr[:-1], columns.indptr[1:], strict=True):
        keep[np.sort(columns.indices[start:stop])[:32]] = True
    return order[keep]


def short_of_floor(problem: Problem, deviation: Floats) -> bool:
    """Say whether a label or an outcome is farther from its target than rounding alone explains."""
    part = problem.target[: problem.n_balanced] % problem.scale
    excess = np.abs(deviation[: problem.n_balanced]) - np.minimum(part, problem.scale - part)
    excess[2 + problem.n_labels] = 0  # images without label may pay for labels
    return bool(excess[2:].any())
