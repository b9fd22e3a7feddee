"""What to look at next: the answers that pay most come first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from manifest_tools.dataset.ground_truth import Mask
from manifest_tools.dataset.outcomes import Outcome, Outcomes

OUTCOMES = {
    "false-positives": Outcome.FALSE_POSITIVE,
    "false-negatives": Outcome.FALSE_NEGATIVE,
    "true-positives": Outcome.TRUE_POSITIVE,
    "true-negatives": Outcome.TRUE_NEGATIVE,
    "unknown": Outcome.UNKNOWN,
}


class Tier(IntEnum):
    """Why an image waits, the most useful first."""

    SUSPECT = 0  # a given label that is probably wrong
    UNCHECKED = 1  # a model says something that nobody looked for
    SHORT = 2  # an unconfirmed prediction of a target, or of a label that falls short
    UNLABELLED = 3  # nobody said anything
    CONFLICT = 4  # look-alikes that are labelled differently
    CONFIRM = 5  # other unconfirmed predictions
    DONE = 6


@dataclass(frozen=True)
class Filter:
    """Which images to show. Empty texts do not filter.

    `more` includes those whose answer can change nothing any more, `everything` those that need no answer, `apart` every
    look-alike by itself. Whoever filters by label, outcome or finding wants `more`.
    """

    label: str = ""
    outcome: str = ""
    split: str = ""
    finding: str = ""
    content_type: str = ""
    everything: bool = False
    more: bool = False
    apart: bool = False

    @property
    def narrowed(self) -> bool:
        """Whether it asks for images by what is known of them."""
        return bool(self.label or self.outcome or self.finding)


def tiers(
    outcomes: Outcomes,
    reviewed: Mask,
    *,
    conflict: Mask,
    suspect: Mask,
    wanted: Mask,
    differing: Mask,
    needless: Mask,
) -> npt.NDArray[np.int8]:
    """Return the :class:`Tier` of every image.

    Parameters
    ----------
    outcomes : Outcomes
        Truth against the base model.
    reviewed : bool array, shape (images, labels)
        A reviewer said something about it.
    conflict : bool array, shape (images, labels)
        As :func:`conflicts` returns.
    suspect : bool array, shape (images, labels)
        What was given is probably wrong.
    wanted : bool array, shape (labels,)
        Targets, and labels that fall short of the minimum.
    differing : bool array, shape (images, labels)
        An adapter and the base model do not agree on it.
    needless : bool array, shape (images, labels)
        Confirming it changes nothing.
    """
    unconfirmed = (outcomes.predicted_positive | differing) & ~reviewed & ~needless
    tier = np.full(len(reviewed), Tier.DONE, dtype=np.int8)
    tier[unconfirmed.any(axis=1)] = Tier.CONFIRM
    tier[(conflict & ~reviewed).any(axis=1)] = Tier.CONFLICT
    tier[~outcomes.truth.judged & ~reviewed.any(axis=1)] = Tier.UNLABELLED
    tier[(unconfirmed & wanted).any(axis=1)] = Tier.SHORT
    tier[(unconfirmed & ~outcomes.truth.known).any(axis=1)] = Tier.UNCHECKED
    tier[(suspect & ~reviewed).any(axis=1)] = Tier.SUSPECT
    return tier


def conflicts(outcomes: Outcomes, groups: npt.NDArray[np.int64]) -> Mask:
    """Return where look-alikes say different things of a label, shape (images, labels)."""
    count = int(groups.max(initial=-1)) + 1
    shape = (count, len(outcomes.labels))
    yes, no = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    np.logical_or.at(yes, groups, outcomes.truth.present)
    np.logical_or.at(no, groups, outcomes.truth.absent)
    return np.asarray((yes & no)[groups] & outcomes.truth.known)


def in_order(
    tier: npt.NDArray[np.int8], score: npt.NDArray[np.float64], chosen: Mask
) -> npt.NDArray[np.int64]:
    """Return the positions of the chosen images: by tier, then the highest score first, then by position."""
    rows = np.flatnonzero(chosen)
    return np.asarray(rows[np.lexsort((rows, -score[rows], tier[rows]))])
