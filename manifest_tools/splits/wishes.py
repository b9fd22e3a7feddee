"""What the test set is to prove: so many different mistakes of the base model on its side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import Mask
from manifest_tools.dataset.outcomes import targets_in_force
from manifest_tools.findings.policy import Policy, Target


@dataclass(frozen=True)
class Wish:
    """How many different mistakes of a target the test set is to have.

    `different` marks the first row of each group with such a mistake; `allowed` is what the solver is asked for: 0
    where training would not have its own minimum even with all of them.
    """

    target: Target
    wanted: int
    allowed: int
    different: Mask
    minimum: int

    def reached(self, test: Mask) -> int:
        """Return how many there are in a test set."""
        return int((self.different & test).sum())

    def told(self, test: Mask) -> dict[str, Any]:
        """Return what gave way, and for what, as plain values."""
        got, number = self.reached(test), int(self.different.sum())
        what = self.target.goal.replace("-", " ")
        if number < self.wanted:
            why = f"there are {number} different ones in all"
        else:
            why = f"the minimums come first, {self.minimum} of them in training"
        detail = f"{self.wanted} different {what} wanted in test, {got} there: {why}"
        told = {
            "constraint": "what the test is to prove",
            "detail": detail,
            "wanted": self.wanted,
            "got": got,
        }
        return {"label": self.target.label, **told}


def in_force(
    test_mistakes: Mapping[Target | str, int], dataset: Dataset, policy: Policy
) -> dict[Target, int]:
    """Return the wishes at the level that is judged; of two for one target the larger."""
    taxonomy = Taxonomy.load(dataset.taxonomy)
    found: dict[Target, int] = {}
    for target, number in test_mistakes.items():
        parsed = Target.parse(str(target), taxonomy)
        (judged,) = targets_in_force(replace(policy, targets=(parsed,)), taxonomy)
        found[judged] = max(number, found.get(judged, 0))
    return found


def make_wish(
    target: Target, wanted: int, mistakes: Mask, goals: list[Target], groups: list[str], *, policy: Policy
) -> Wish:
    """Mark a target's different mistakes, and see whether training can spare any; the arrays are those of the solver."""
    minimum = policy.minimum(target.goal)
    column = mistakes[:, goals.index(target)] if target in goals else np.zeros(len(groups), bool)
    rows = np.flatnonzero(column)
    different = np.zeros(len(groups), bool)
    if len(rows):
        _, first = np.unique(np.array(groups, dtype=object)[rows], return_index=True)
        different[rows[first]] = True
    allowed = min(wanted, int(different.sum())) if len(rows) >= minimum else 0
    return Wish(target, wanted, allowed, different, minimum)
