"""A first solution: every class gives its fair share, and what is left over is rounded against the error so far.

Error diffusion: classes are visited from the rarest labels to the commonest, and each is rounded up or down so
that the running deviation of labels, label pairs and size shrinks. Where many classes wait, a block of them is
decided at once; the last ones, which can still mend everything, one by one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from manifest_tools.splits.problem import Floats, Problem
from manifest_tools.splits.units import FREE, TEST, Ints, mix

_SINGLY = 200  # classes decided one by one: large groups and rare labels
_FINENESS = 200  # a block is this part of what is left
_LARGE = 8  # images in a unit that counts as large
_SETTLED = 300  # of the large ones, so many are reconsidered once all of them are placed
_SWEEPS = 6


def fair_shares(problem: Problem) -> Ints:
    """Return how much of each class should go to the test set before rounding, in parts of an image of its units.

    The fair share for all, unless locked units or bounds ask for more of one label and less of another.
    """
    fair = problem.share.numerator * (problem.scale // problem.share.denominator)
    parts = np.where(problem.side == FREE, fair, np.where(problem.side == TEST, problem.scale, 0))
    return rake(problem, parts.astype(np.int64) * problem.mult, problem.side == FREE, problem.scale)


def rake(problem: Problem, wanted: Ints, free: NDArray[np.bool_], tolerance: float) -> Ints:
    """Shift what is wanted of the free classes until the targets are met as nearly as they can be.

    Iterative proportional fitting (Deming and Stephan 1940), within what each class has. Nothing is shifted
    while no column is farther than `tolerance` from its target.
    """
    n, wanted, whole = problem.n_balanced, wanted.copy(), problem.mult * problem.scale
    targets = problem.target[:n].astype(np.int64)
    columns = sparse.csc_array(problem.simple[:, :n])
    if np.abs(columns.T @ wanted - targets).max(initial=0) <= tolerance:
        return wanted
    for _ in range(_SWEEPS):
        for column in [*range(2, n), 0]:
            at = slice(columns.indptr[column], columns.indptr[column + 1])
            rows, each = columns.indices[at], columns.data[at]
            need = int(targets[column]) - int((wanted[rows] * each).sum())
            room = np.where(free[rows], whole[rows] - wanted[rows] if need > 0 else wanted[rows], 0)
            capacity = int((room * each).sum())
            if capacity:
                wanted[rows] += np.sign(need) * np.floor(room * min(1.0, abs(need) / capacity)).astype(
                    np.int64
                )
    return wanted


class _Diffusion:
    """Classes in their order, how each was rounded so far, and the running deviation."""

    def __init__(self, problem: Problem, wanted: Ints, seed: int) -> None:
        scale = problem.scale
        self.chosen, rest = wanted // scale, wanted % scale
        self.deviation = problem.counts.T @ wanted.astype(float) - problem.target
        tie = mix(np.arange(len(rest), dtype=np.uint64) + mix(np.array([seed], np.uint64)))
        totals = np.maximum(problem.total, 1)[2 : problem.n_balanced]
        rarity = problem.simple[:, 2 : problem.n_balanced] @ np.floor(2.0**40 / totals)
        size = problem.simple[:, [0]].toarray().ravel()
        # Large units first, then rare labels: small and common ones mend what these leave. Within a factor of
        # two, chance decides, so that seeds differ.
        order = np.lexsort((tie, -np.frexp(rarity)[1], -np.frexp(size)[1]))
        self.order = order[rest[order] > 0]
        self.rest, self.size = rest[self.order].astype(float), size[self.order]
        self.rows = problem.counts[self.order]
        self.up = np.zeros(len(self.order), bool)
        self.weight, self.scale = _weights(problem), scale

    def result(self) -> Ints:
        """Return how many units of each class go to the test set."""
        self.chosen[self.order] += self.up
        return self.chosen

    def single(self, index: int) -> None:
        """Round one class to the better side."""
        at = slice(self.rows.indptr[index], self.rows.indptr[index + 1])
        column, value, left = self.rows.indices[at], self.rows.data[at], self.rest[index]
        # price of rounding up less price of rounding down, each the weighted square of the deviation
        gain = self.weight[column] * value * (2 * self.deviation[column] + (self.scale - 2 * left) * value)
        self.up[index] = gain.sum() < 0
        self.deviation[column] += (self.scale - left if self.up[index] else -left) * value

    def block(self, start: int, stop: int) -> None:
        """Round several classes at once: up the best of them, as many as the share asks for."""
        pointers = self.rows.indptr[start : stop + 1]
        at = slice(pointers[0], pointers[-1])
        column, value, size = self.rows.indices[at], self.rows.data[at], self.size[start:stop]
        lengths = np.diff(pointers)
        left = np.repeat(self.rest[start:stop], lengths)
        price = self.weight[column] * value * (2 * self.deviation[column] + (self.scale - 2 * left) * value)
        best = np.argsort(np.add.reduceat(price, pointers[:-1] - pointers[0]) / size, kind="stable")
        need = (self.rest[start:stop] * size).sum()
        need -= np.clip(self.deviation[0], -need / 2, need / 2)
        up = np.zeros(stop - start, bool)
        up[best] = np.cumsum(size[best]) * self.scale <= need + size[best] * (self.scale // 2)
        self.up[start:stop] = up
        change = (np.repeat(up, lengths) * self.scale - left) * value
        self.deviation += np.bincount(column, weights=change, minlength=len(self.deviation))

    def settle(self, n: int) -> None:
        """Reconsider the first `n` classes, alone and two by two, while all others stand at their fair share."""
        rows = self.rows[:n]
        weighted = sparse.csr_array(rows * self.weight)
        together = (weighted @ rows.T).toarray() * float(self.scale) ** 2
        alone = together.diagonal().copy()
        for _ in range(n):
            sign = np.where(self.up[:n], -1.0, 1.0)
            price = 2 * self.scale * sign * (weighted @ self.deviation) + alone
            both = price[:, None] + price + 2 * sign[:, None] * sign * together
            np.fill_diagonal(both, price)
            first, second = divmod(int(both.argmin()), n)
            if both[first, second] >= 0:
                return
            for index in {first, second}:
                at = slice(rows.indptr[index], rows.indptr[index + 1])
                self.deviation[rows.indices[at]] += sign[index] * self.scale * rows.data[at]
                self.up[index] = not self.up[index]


def diffuse(problem: Problem, seed: int) -> Ints:
    """Return how many units of each class go to the test set; near the targets, bounds not yet minded."""
    wanted = fair_shares(problem)
    state = _Diffusion(problem, wanted, seed)
    n_large = min(int((state.size >= _LARGE).sum()), _SETTLED)
    if n_large:
        for index in range(n_large):
            state.single(index)
        state.settle(n_large)
        # the others make up for what the large ones could not give
        done = state.order[:n_large]
        free = problem.side == FREE
        free[done] = False
        wanted[done] = (state.chosen[done] + state.up[:n_large]) * problem.scale
        wanted = rake(problem, wanted, free, max(problem.scale, problem.target[0] / 100))
        state = _Diffusion(problem, wanted, seed)
    n = len(state.order)
    at = min(n, _SINGLY)
    for index in range(at):
        state.single(index)
    while at < n:  # ever smaller blocks
        size = -(-(n - at) // _FINENESS)
        if size > 1:
            state.block(at, at + size)
        else:
            state.single(at)
        at += size
    return state.result()


def _weights(problem: Problem) -> Floats:
    """Price of a squared deviation: relative to the column's total, so that rare labels count; powers of two."""
    totals = np.maximum(problem.total, 1)
    weight = 1 / totals
    weight[: problem.n_balanced] = 10 / totals[: problem.n_balanced]
    weight[0] *= 40
    weight[2 + problem.n_labels] *= (
        8  # images without label come last in the order and would pay for all others
    )
    weight[1] = 0
    weight[problem.n_balanced : problem.n_simple] = 0
    positive = weight > 0
    weight[positive] = np.exp2(np.floor(np.log2(weight[positive])))
    return weight
