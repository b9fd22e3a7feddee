"""Test rates turned into traffic rates: what precision and recall are where mistakes are as rare as they really are.

The test set was chosen by truth and the base model's answer. So what it tells is how the adapter answers for each of the
four combinations of these; how common each combination is comes from a random sample of traffic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manifest_tools.evaluation.mistakes import TestSet
from manifest_tools.evaluation.prevalence import Prevalence, Sample, prevalences
from manifest_tools.evaluation.statistics import Interval, percentile_ends

_DRAWS = 10_000
_COMBINATIONS = tuple((true, said) for true in (True, False) for said in (True, False))


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of traffic with its interval; `share` is None where the test set has no image to tell it from."""

    share: float | None
    interval: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as its JSON object."""
        return {"share": self.share, "interval": self.interval.to_dict() if self.interval else None}


@dataclass(frozen=True, slots=True)
class TrafficRates:
    """A label in traffic: how common it is, and precision and recall of both models."""

    prevalence: Prevalence
    base_precision: Rate
    base_recall: Rate
    adapter_precision: Rate
    adapter_recall: Rate

    def to_dict(self) -> dict[str, Any]:
        """Return them as a JSON object."""
        rates = ("base_precision", "base_recall", "adapter_precision", "adapter_recall")
        return self.prevalence.to_dict() | {name: getattr(self, name).to_dict() for name in rates}


def traffic_rates(
    tests: TestSet, sample: Sample, threshold: float, *, width: float | None = None, seed: int = 0
) -> tuple[TrafficRates, ...]:
    """Return for each label of a test set what its rates come to in traffic.

    Intervals are percentiles of draws: the combinations from Dirichlet's, the adapter's answers from the beta
    distribution, both with Jeffreys' prior; look-alikes in the test set count once.
    """
    dice = np.random.default_rng(seed)
    return tuple(
        _rates(tests, column, sample, threshold, common=common, dice=dice)
        for column, common in enumerate(prevalences(sample, tests.labels, width))
    )


def _rates(
    tests: TestSet,
    column: int,
    sample: Sample,
    threshold: float,
    *,
    common: Prevalence,
    dice: np.random.Generator,
) -> TrafficRates:
    label = tests.labels[column]
    true = np.array([label in (image.truth or ()) for image in sample.images])
    said = np.array([image.base.get(label, 0.0) >= threshold for image in sample.images])
    combined = [(true == is_true) & (said == is_said) for is_true, is_said in _COMBINATIONS]
    sizes = np.array([sample.shares(flags)[0] for flags in combined])
    alike = sample.shares(true)[1]
    of_tests = [
        (tests.truth[:, column] == is_true)
        & ((tests.base[:, column] >= threshold) == is_said)
        & ~tests.unknown[:, column]
        for is_true, is_said in _COMBINATIONS
    ]
    reported = tests.adapter[:, column] >= threshold
    once = tests.group_count / len(tests.images)
    counted = np.array([[(flags & reported).sum(), (flags & ~reported).sum()] for flags in of_tests]) * once
    with np.errstate(invalid="ignore"):
        answers = counted[:, 0] / counted.sum(axis=1)  # nan where the test set has no such image
    answers = np.where((sizes == 0) & np.isnan(answers), 0.0, answers)

    drawn = dice.dirichlet(sizes * alike + 0.5, _DRAWS)
    likely = dice.beta(counted[:, 0] + 0.5, counted[:, 1] + 0.5, (_DRAWS, len(_COMBINATIONS)))
    base = np.array([1.0, 0.0, 1.0, 0.0])
    exact, many = (
        [*_precision_recall(shares, base), *_precision_recall(shares, said_by)]
        for shares, said_by in ((sizes[None], answers[None]), (drawn, likely))
    )
    return TrafficRates(common, *(_rate(value, draws) for value, draws in zip(exact, many, strict=True)))


def _precision_recall(
    sizes: NDArray[np.float64], said: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return precision and recall of who says the label so often in each combination, which are so common."""
    found = sizes * said
    right = found[:, :2].sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return right / found.sum(axis=1), right / sizes[:, :2].sum(axis=1)


def _rate(exact: NDArray[np.float64], draws: NDArray[np.float64]) -> Rate:
    if np.isnan(exact[0]):
        return Rate(None, None)
    share = float(exact[0])
    low, high = percentile_ends(draws)
    return Rate(share, Interval(min(low, share), max(high, share), "draws"))
