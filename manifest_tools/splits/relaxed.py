"""Which constraints of a split gave way, for what, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from manifest_tools.splits.problem import Demands, Floats, Problem
from manifest_tools.splits.units import Ints

Constraint = Literal["locked", "keep-in-train", "min-test", "both-sides", "test-size"]


@dataclass(frozen=True, slots=True)
class RelaxedConstraint:
    """A constraint that could not be kept.

    Parameters
    ----------
    constraint : str
        ``"locked"``: a group has locked rows on both sides; its free rows are left out. ``"keep-in-train"``: an
        outcome has fewer images left in training than it should. ``"min-test"``: fewer test images than asked for.
        ``"both-sides"``: a label, or its absence, is missing from one side. ``"test-size"``: the size is farther
        from the share asked for than the smallest unit explains.
    column : int or None
        The label, or for ``"keep-in-train"`` the outcome, counted from 0; for ``"locked"`` the group's first row.
    part : str
        For ``"both-sides"`` the part that is missing: ``"train positives"``, ``"train negatives"``,
        ``"test positives"`` or ``"test negatives"``; otherwise empty.
    wanted, got : float
        What was asked for, and what came out, in images.
    """

    constraint: Constraint
    column: int | None
    part: str
    wanted: float
    got: float


def relaxed_constraints(problem: Problem, chosen: Ints, demands: Demands) -> tuple[RelaxedConstraint, ...]:
    """Return every demand that the solution does not meet, most important first."""
    in_test = np.rint(problem.simple.T @ chosen.astype(float))
    total = problem.total[: problem.n_simple]
    return (
        *_from_training(problem, in_test, total, demands),
        *_test_images(in_test, demands),
        *_missing(problem, in_test, total),
        *_size(problem, in_test, total, demands),
    )


def _from_training(
    problem: Problem, in_test: Floats, total: Floats, demands: Demands
) -> list[RelaxedConstraint]:
    start = 3 + problem.n_labels
    left = (total - in_test)[start : start + len(demands.keep_in_train)]
    short = (left < demands.keep_in_train) & (total[start : start + len(left)] >= demands.keep_in_train)
    return [
        RelaxedConstraint("keep-in-train", int(o), "", float(demands.keep_in_train[o]), float(left[o]))
        for o in sorted(np.flatnonzero(short), key=lambda o: (not demands.first[o], o))
    ]


def _test_images(in_test: Floats, demands: Demands) -> list[RelaxedConstraint]:
    if in_test[0] >= demands.min_test:
        return []
    return [RelaxedConstraint("min-test", None, "", float(demands.min_test), float(in_test[0]))]


def _missing(problem: Problem, in_test: Floats, total: Floats) -> list[RelaxedConstraint]:
    """Return labels, and their absence, that are missing from a side though they should be on both."""
    found = []
    labels = [(2 + label, label, "positives") for label in range(problem.n_labels)]
    labels += [
        (problem.n_balanced + place, int(label), "negatives") for place, label in enumerate(problem.scarce)
    ]
    for column, label, what in labels:
        if in_test[column] * problem.scale < problem.low[column]:
            found.append(RelaxedConstraint("both-sides", label, f"test {what}", 1.0, float(in_test[column])))
        if in_test[column] * problem.scale > problem.high[column]:
            found.append(
                RelaxedConstraint(
                    "both-sides", label, f"train {what}", 1.0, float(total[column] - in_test[column])
                )
            )
    return sorted(found, key=lambda g: (g.column, g.part))


def _size(problem: Problem, in_test: Floats, total: Floats, demands: Demands) -> list[RelaxedConstraint]:
    wanted = float(demands.share * int(total[0]))
    smallest = problem.simple[:, [0]].min() if problem.simple.shape[0] else 1.0
    if abs(in_test[0] - wanted) <= max(1.0, smallest):
        return []
    return [RelaxedConstraint("test-size", None, "", wanted, float(in_test[0]))]
