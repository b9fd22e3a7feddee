"""The proven optimum of small problems, by integer programming (HiGHS, as scipy brings it).

The search is limited by nodes, never by time. A result counts only when it is proven, and every class has a tiny
price of its own, too small to outweigh the least difference in counts, which singles out one of several optima:
the outcome does not depend on the machine.
"""

from __future__ import annotations

from operator import le
from typing import Any

import numpy as np
from scipy import sparse

from manifest_tools.splits.problem import Floats, Problem
from manifest_tools.splits.units import TEST, TRAIN, Ints, mix

# Columns and classes up to which a proof is tried, and nodes of the search. With few columns, of which the groups that
# people know make a problem, it is found more often; some versions of HiGHS need more nodes for it than others.
_WITHIN_REACH = ((24, 40, 2000), (24, 80, 300), (40, 40, 100))
_MAX_DENOMINATOR = 20  # of the share: beyond, differences are too small to leave room for the tiny prices


def is_small(problem: Problem) -> bool:
    """Say whether a proof is within reach."""
    return _nodes(problem) > 0 and problem.share.denominator <= _MAX_DENOMINATOR


def _nodes(problem: Problem) -> int:
    """Return how many nodes a search may have; 0 where a proof is out of reach."""
    size = problem.n_simple, len(problem.mult)
    return next((nodes for *most, nodes in _WITHIN_REACH if all(map(le, size, most))), 0)


def prove(problem: Problem, chosen: Ints, seed: int) -> Ints | None:
    """Return the best split that is proven, `chosen` where it is as good; None where nothing can be proven.

    First the bounds, at the least price of breaking them; then the balance, without breaking them further.
    """
    n, simple, given = problem.n_balanced, problem.simple, chosen
    bounded = problem.heavy > 0
    counts = sparse.csr_array(simple.T)
    low, high = problem.low[bounded] / problem.scale, problem.high[bounded] / problem.scale

    reached = counts[bounded] @ chosen
    if ((reached < low) | (reached > high)).any():
        heavy = problem.heavy[bounded] / problem.heavy[bounded].min()
        slack = sparse.eye_array(len(low), format="csr")
        own = _own_prices(problem, 0.5 / problem.share.denominator, seed)
        wider = [
            (sparse.hstack([counts[bounded], slack]), low, np.inf),
            (sparse.hstack([counts[bounded], -slack]), -np.inf, high),
        ]
        better = _solve(problem, np.r_[own, heavy], wider)
        if better is None:
            return None
        if _broken(problem, better) < _broken(problem, chosen):
            chosen = better
            reached = counts[bounded] @ chosen
        low, high = np.minimum(low, reached), np.maximum(high, reached)

    identity = sparse.eye_array(n, format="csr")
    aim = problem.target[:n] / problem.scale
    none = sparse.csr_array((int(bounded.sum()), n))
    rules = [
        (sparse.hstack([counts[:n], -identity]), -np.inf, aim),
        (sparse.hstack([counts[:n], identity]), aim, np.inf),
        (sparse.hstack([counts[bounded], none]), low - 1e-6, high + 1e-6),
    ]
    least = problem.weight[2:n].min() / problem.share.denominator
    better = _solve(problem, np.r_[_own_prices(problem, 0.5 * least, seed), problem.weight[:n]], rules)
    if better is None:
        return None if chosen is given else chosen
    return chosen if _price(problem, better) >= _price(problem, chosen) else better


def _own_prices(problem: Problem, sum_of_all: float, seed: int) -> Floats:
    """Return a price for a unit of each class, different for all, so small that all together hardly count."""
    words = mix(np.arange(len(problem.mult), dtype=np.uint64) ^ mix(np.array([seed], np.uint64)))
    rank = np.argsort(words) + 1
    return np.asarray(rank * (sum_of_all / max(1, (rank * problem.mult).sum())))


def _solve(problem: Problem, price: Floats, rules: list[tuple[Any, Any, Any]]) -> Ints | None:
    """Solve for whole units of each class and for as many further variables as there are prices left.

    Rules are triples of matrix, least and largest value. None when nothing is proven.
    """
    from scipy.optimize import Bounds, milp  # noqa: PLC0415 - slow to load, and few splits need it

    n_classes, n_others = len(problem.mult), len(price) - len(problem.mult)
    least = np.where(problem.side == TEST, problem.mult, 0)
    most = np.where(problem.side == TRAIN, 0, problem.mult)
    result = milp(
        price,
        integrality=np.r_[np.ones(n_classes), np.zeros(n_others)],
        bounds=Bounds(np.r_[least, np.zeros(n_others)], np.r_[most, np.full(n_others, np.inf)]),
        constraints=rules,
        options={"node_limit": _nodes(problem), "mip_rel_gap": 0.0},
    )
    return np.rint(result.x[:n_classes]).astype(np.int64) if result.status == 0 else None


def keeps_bounds(problem: Problem, chosen: Ints) -> bool:
    """Say whether nothing has to give way."""
    return _broken(problem, chosen) == 0


def _broken(problem: Problem, chosen: Ints) -> float:
    reached = problem.simple.T @ chosen.astype(float) * problem.scale
    out = np.maximum(np.maximum(problem.low - reached, reached - problem.high), 0)
    return float((problem.heavy * out).sum())


def _price(problem: Problem, chosen: Ints) -> float:
    n = problem.n_balanced
    return float((problem.weight[:n] * np.abs(problem.deviation(chosen)[:n])).sum())
