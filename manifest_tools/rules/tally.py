"""How often each label has each outcome on each side: counted once, for everybody who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from manifest_tools.core.arrays import Rows, distinct
from manifest_tools.dataset.ground_truth import Mask
from manifest_tools.dataset.outcomes import Outcome, Outcomes
from manifest_tools.findings.policy import Goal

Counts: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tally:
    """Numbers of usable images.

    Parameters
    ----------
    images : dict of str to int array, shape (labels,)
        For each side, the images that show the label; under "" those of both sides and none.
    outcomes : dict of str to int array, shape (labels, outcomes)
        For each side, the images with each outcome; and under "" likewise.
    effective : dict of str to int array, shape (labels, outcomes)
        For each side, the same with look-alikes counted once; unknown outcomes are not counted.
    known : int array, shape (labels,)
        The images of which it is known that they show the label, or do not.
    open : dict of Goal to int array, shape (labels,)
        The training images that would be samples for the goal, if the base model were asked about them.
    """

    images: dict[str, Counts]
    outcomes: dict[str, Counts]
    effective: dict[str, Counts]
    known: Counts
    open: dict[Goal, Counts]


def count(outcomes: Outcomes, usable: Mask, sides: dict[str, Mask], groups: Rows) -> Tally:
    """Count the outcomes of usable images, label by label, so that no more than a column is copied."""
    truth, size = outcomes.truth, len(outcomes.labels)
    masks = {"": usable, **sides}
    tally = Tally(
        {side: np.zeros(size, dtype=np.int64) for side in masks},
        {side: np.zeros((size, len(Outcome)), dtype=np.int64) for side in masks},
        {side: np.zeros((size, len(Outcome)), dtype=np.int64) for side in sides},
        np.zeros(size, dtype=np.int64),
        {goal: np.zeros(size, dtype=np.int64) for goal in Goal},
    )
    for column in range(size):
        present, absent = truth.present[:, column], truth.absent[:, column]
        outcome = np.ascontiguousarray(outcomes.outcome[:, column])
        tally.known[column] = int((usable & (present | absent)).sum())
        for side, mask in masks.items():
            tally.images[side][column] = int((present & mask).sum())
            tally.outcomes[side][column] = np.bincount(outcome[mask], minlength=len(Outcome))
        for side, mask in sides.items():
            for value in Outcome:
                if value and tally.outcomes[side][column, value]:
                    tally.effective[side][column, value] = distinct(groups, mask & (outcome == value))
        nobody_knows = (
            sides["train"] & ~outcomes.predicted_positive[:, column] & ~outcomes.predicted_negative[:, column]
        )
        tally.open[Goal.FALSE_POSITIVES][column] = int((nobody_knows & absent).sum())
        tally.open[Goal.FALSE_NEGATIVES][column] = int((nobody_knows & present).sum())
    return tally
