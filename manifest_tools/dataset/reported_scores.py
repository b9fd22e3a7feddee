"""What a model's scores tell of themselves: their unit, and the confidence from which they were reported.

A score in another unit, or a list that was cut at a higher confidence than assumed, turns right answers into
mistakes of the model; both show in the scores alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]

DEFAULT_MIN_CONFIDENCE = 50.0  # of DetectModerationLabels, when it is not asked for another
_REACHES_DOWN = 10.0  # scores between 1 and this make still lower ones believable
_WIDE = 10.0  # no score in a band narrower than this above the assumed confidence proves nothing
_CHANCE = 0.01  # of so empty a band, if it had been reported at all


class Doubt(StrEnum):
    """Why scores may not be per cent: all are at most 1, or some are and no others come near them."""

    FRACTIONS = "fractions"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Cut:
    """Scores that begin far above the confidence from which they were assumed to be reported."""

    count: int
    lowest: float
    assumed: float

    def to_dict(self) -> dict[str, Any]:
        """Return the members, ready for JSON."""
        return asdict(self)


def doubt_about_unit(scores: Scores, reported_from: float | None = None) -> Doubt | None:
    """Return why scores cannot be taken for per cent, or None when nothing speaks against it.

    Parameters
    ----------
    scores : float array
        Every score of one source. Zeros say nothing: they are 0 in either unit.
    reported_from : float, optional
        The confidence from which the model reported, where it is known.

    Examples
    --------
    >>> doubt_about_unit(np.array([0.93, 0.99]))
    <Doubt.FRACTIONS: 'fractions'>
    >>> doubt_about_unit(np.array([0.9, 55.0]))
    <Doubt.MIXED: 'mixed'>
    >>> doubt_about_unit(np.array([0.9, 3.2, 55.0])) is None
    True
    """
    said = scores[scores > 0]
    low = said <= 1
    if not low.any():
        return None
    if low.all():
        return Doubt.FRACTIONS
    if reported_from is not None:
        return None if reported_from <= said.min() else Doubt.MIXED
    return None if said[~low].min() < _REACHES_DOWN else Doubt.MIXED


def reported_from(scores: Scores, given: float | None = None) -> tuple[float, Cut | None]:
    """Return the confidence from which a model reported, and whether its answers were cut above what is assumed.

    Parameters
    ----------
    scores : float array
        Every score of one source.
    given : float, optional
        The confidence, where somebody knows it. Otherwise the service's default is assumed, or the lowest
        score if that is lower; where no score lies in a wide band above it, the lowest score.

    Notes
    -----
    Evidence for a cut: a share of the scores would lie between the assumed confidence and the lowest score, and
    by chance none does once in a hundred times or less. Real answers crowd near 100, so half of an even share is
    expected there. Equal scores count once: labels repeat the score of their parent, and a column that holds one
    and the same value was not measured.
    """
    if given is not None:
        return float(given), None
    if not len(scores):
        return DEFAULT_MIN_CONFIDENCE, None
    lowest = float(scores.min())
    if lowest <= DEFAULT_MIN_CONFIDENCE:
        return lowest, None
    number = len(np.unique(scores))
    share = (lowest - DEFAULT_MIN_CONFIDENCE) / (100 - DEFAULT_MIN_CONFIDENCE) / 2
    if lowest - DEFAULT_MIN_CONFIDENCE < _WIDE or (1 - share) ** number > _CHANCE:
        return DEFAULT_MIN_CONFIDENCE, None
    return lowest, Cut(number, lowest, DEFAULT_MIN_CONFIDENCE)
