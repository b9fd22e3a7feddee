"""The proven optimum of small problems, by integer programming (HiGHS, as scipy brings it).

The search is limited by nodes, never by time. A result counts only when it is proven, and a second programme
picks one of several optima by a fixed rule, so the outcome does not depend on the machine.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from manifest_tools.splits.problem import Floats, Problem
from manifest_tools.splits.units import FREE, Ints, mix

_MAX_CLASSES = 200
_MAX_COLUMNS = 60
_MAX_NODES = 300


def is_small(problem: Problem) -> bool:
    """Say whether a proof is within reach."""
    return len(problem.mult) <= _MAX_CLASSES and problem.n_simple <= _MAX_COLUMNS


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
    price = np.r_[np.zeros(n_classes), problem.weight[:n]]
    best = milp(price, integrality=integrality, bounds=bounds, constraints=rules, options=options)
    if best.status != 0 or _price(problem, _counts(best.x, n_classes)) >= _price(problem, chosen):
        return chosen

    words = mix(np.arange(n_classes, dtype=np.uint64) ^ mix(np.array([seed], np.uint64)))
    rank = np.argsort(words).astype(float) + 1
    as_good = LinearConstraint(sparse.csr_array(price[None, :]), -np.inf, best.fun + 1e-6)
    first = milp(
        np.r_[rank, np.zeros(n)], integrality=integrality, bounds=bounds, constraints=[*rules, as_good], options=options
    )
    return _counts(first.x, n_classes) if first.status == 0 else chosen


def _counts(solution: Floats, n_classes: int) -> Ints:
    return np.rint(solution[:n_classes]).astype(np.int64)


def _price(problem: Problem, chosen: Ints) -> float:
    n = problem.n_balanced
    return float((problem.weight[:n] * np.abs(problem.deviation(chosen)[:n])).sum())
