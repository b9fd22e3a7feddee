"""The proven optimum of small problems, by integer programming (HiGHS, as scipy brings it).

The search is limited by nodes, never by time. A result counts only when it is proven, and every class has a tiny
price of its own, too small to outweigh the least difference in counts, which singles out one of several optima:
the outcome does not depend on the machine.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from manifest_tools.splits.problem import Floats, Problem
from manifest_tools.splits.units import FREE, Ints, mix

_MAX_CLASSES = 40
_MAX_COLUMNS = 40
_MAX_NODES = 100
_MAX_DENOMINATOR = 20  # of the share: beyond, differences are too small to leave room for the tiny prices


def is_small(problem: Problem) -> bool:
    """Say whether a proof is within reach."""
    return (
        len(problem.mult) <= _MAX_CLASSES
        and problem.n_simple <= _MAX_COLUMNS
        and problem.share.denominator <= _MAX_DENOMINATOR
    )


def prove(problem: Problem, chosen: Ints, seed: int) -> Ints:
    """Return the best counts for labels and the other balanced columns, or `chosen` where that is not proven.

    Bounds that `chosen` keeps stay kept; where it breaks one, it is returned as it is.
    """
    simple, scale, n = problem.simple, problem.scale, problem.n_balanced
    deviation = problem.deviation(chosen)[: problem.n_simple]
    low, high = problem.low - problem.target[: problem.n_simple], problem.high - problem.target[: problem.n_simple]
    kept = problem.heavy > 0
    if ((deviation < low) | (deviation > high))[kept].any():
        return chosen

    n_classes = len(problem.mult)
    free = problem.side == FREE
    columns = sparse.csr_array(simple.T)
    identity = sparse.eye_array(n, format="csr")
    aim = problem.target[:n] / scale
    rules = [
        LinearConstraint(sparse.hstack([columns[:n], -identity]), -np.inf, aim),
        LinearConstraint(sparse.hstack([columns[:n], identity]), aim, np.inf),
        LinearConstraint(
            sparse.hstack([columns[kept], sparse.csr_array((int(kept.sum()), n))]),
            problem.low[kept] / scale - 1e-6,
            problem.high[kept] / scale + 1e-6,
        ),
    ]
    bounds = Bounds(
        np.r_[np.where(free, 0, chosen), np.zeros(n)], np.r_[np.where(free, problem.mult, chosen), np.full(n, np.inf)]
    )
    integrality = np.r_[np.ones(n_classes), np.zeros(n)]
    options = {"node_limit": _MAX_NODES, "mip_rel_gap": 0.0}
    words = mix(np.arange(n_classes, dtype=np.uint64) ^ mix(np.array([seed % 2**64], np.uint64)))
    rank = np.argsort(words) + 1
    least = problem.weight[2:n].min() / problem.share.denominator
    own = rank * (0.5 * least / (rank * problem.mult).sum())
    best = milp(
        np.r_[own, problem.weight[:n]], integrality=integrality, bounds=bounds, constraints=rules, options=options
    )
    if best.status != 0:
        return chosen
    found = np.rint(best.x[:n_classes]).astype(np.int64)
    return found if _price(problem, found) < _price(problem, chosen) else chosen


def _price(problem: Problem, chosen: Ints) -> float:
    n = problem.n_balanced
    return float((problem.weight[:n] * np.abs(problem.deviation(chosen)[:n])).sum())
