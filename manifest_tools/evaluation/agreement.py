"""How far people agree who looked at the same images: raw agreement, Cohen's kappa, Krippendorff's alpha.

Answers are nominal, and answers may be missing. Intervals are percentiles over resampled images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from manifest_tools.core.arrays import Floats
from manifest_tools.evaluation.statistics import RESAMPLES, Interval, percentile_ends

MISSING = -1
_PARADOX = 0.9  # of the pairs that agree, while the chance-corrected figure stays below
_LOW = 0.6
_RARE = 0.1  # share of present (or of absent) answers below which chance alone makes people agree

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far people agree on one label.

    Parameters
    ----------
    images : int
        Images of which at least two people said something; only these count.
    people : int
        Who said something of them.
    positives : float or None
        The share of answers "present" among their answers; for other codes than 0 and 1, that of code 1.
    raw : float or None
        The share of pairs of answers to one image that agree, the mean over images.
    kappa : float or None
        Cohen's kappa; None unless there are two people, and where chance alone explains all.
    alpha : float or None
        Krippendorff's alpha (nominal); None where all answers are the same.
    raw_interval, kappa_interval, alpha_interval : Interval or None
        95 % over resampled images.
    """

    images: int
    people: int
    positives: float | None = None
    raw: float | None = None
    kappa: float | None = None
    alpha: float | None = None
    raw_interval: Interval | None = None
    kappa_interval: Interval | None = None
    alpha_interval: Interval | None = None

    @property
    def paradox(self) -> bool:
        """Whether people agree nearly always and the corrected figures are low all the same: one answer is rare."""
        figures = [value for value in (self.kappa, self.alpha) if value is not None]
        if self.raw is None or self.positives is None or not figures:
            return False
        return self.raw >= _PARADOX and min(figures) < _LOW and not _RARE < self.positives < 1 - _RARE

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        return asdict(self) | {"paradox": self.paradox}


def agreement(answers: Codes, *, seed: int = 0) -> Agreement:
    """Return how far people agree.

    Parameters
    ----------
    answers : int array, shape (images, people)
        What each person said of each image as a code from 0 (for a label: absent 0, present 1);
        :data:`MISSING` where they said nothing.
    seed : int
        For the resampling.

    Examples
    --------
    Two people and fifty proposals, of which both accept 20 and refuse 15:

    >>> answers = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [20, 5, 10, 15], axis=0)
    >>> found = agreement(answers)
    >>> round(found.raw, 2), round(found.kappa, 2), round(found.alpha, 2)
    (0.7, 0.4, 0.4)
    """
    answers = np.asarray(answers, dtype=np.int64)
    paired = answers[(answers != MISSING).sum(axis=1) > 1]
    people = int((paired != MISSING).any(axis=0).sum())
    if not len(paired):
        return Agreement(0, people)
    paired = paired[:, (paired != MISSING).any(axis=0)]
    kinds, sizes = np.unique(paired, axis=0, return_counts=True)
    codes = np.arange(int(kinds.max()) + 1)
    # of each code, for each kind of image
    counts = (kinds[:, :, None] == codes).sum(axis=1).astype(np.float64)
    dice = np.random.default_rng(seed)
    weights = np.concatenate(
        [sizes[None, :], dice.multinomial(len(paired), sizes / len(paired), size=RESAMPLES)]
    ).astype(np.float64)
    said = weights @ counts
    figures: dict[str, Any] = {}
    measures: dict[str, Callable[[], Floats]] = {
        "raw": lambda: _raw(weights, counts),
        "alpha": lambda: _alpha(weights, counts, said),
    }
    if people == 2:
        measures["kappa"] = lambda: _kappa(weights, kinds, len(codes))
    for name, measure in measures.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            values = measure()
        figures[name], figures[f"{name}_interval"] = _with_interval(values)
    positives = float(said[0, 1] / said[0].sum()) if len(codes) > 1 else 0.0
    return Agreement(len(paired), people, positives, **figures)


def _with_interval(values: Floats) -> tuple[float | None, Interval | None]:
    """Return a figure, which is the first value, and its interval from the others."""
    known = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]):
        return None, None
    return float(values[0]), Interval(*percentile_ends(known), "bootstrap")


def _raw(weights: Floats, counts: Floats) -> Floats:
    answers = counts.sum(axis=1)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (answers * (answers - 1))
    return np.asarray(weights @ agreeing / weights.sum(axis=1))


def _alpha(weights: Floats, counts: Floats, said: Floats) -> Floats:
    answers = counts.sum(axis=1)
    differing = (answers**2 - (counts**2).sum(axis=1)) / (answers - 1)
    total = said.sum(axis=1)
    by_chance = (total**2 - (said**2).sum(axis=1)) / (total - 1)
    alpha = np.asarray(1 - weights @ differing / by_chance)
    alpha[by_chance == 0] = np.nan
    return alpha


def _kappa(weights: Floats, kinds: Codes, codes: int) -> Floats:
    table = np.zeros((len(weights), codes, codes))
    for number, (one, other) in enumerate(kinds):
        table[:, one, other] = weights[:, number]
    table /= table.sum(axis=(1, 2), keepdims=True)
    agreed = np.trace(table, axis1=1, axis2=2)
    by_chance = (table.sum(axis=2) * table.sum(axis=1)).sum(axis=1)
    kappa = np.asarray((agreed - by_chance) / (1 - by_chance))
    kappa[by_chance >= 1 - 1e-12] = np.nan
    return kappa
