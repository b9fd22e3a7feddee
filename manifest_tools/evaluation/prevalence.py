"""How common each label is in traffic, from a random sample that people judged: simple, or stratified with weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.evaluation.files import ADAPTER, BASE, TRUTH, Judged, lines_of, read_bytes, read_judged
from manifest_tools.evaluation.statistics import Interval, percentile_ends, wilson

WEIGHT = "sampling-weight"
_DRAWS = 10_000
_MOST = 10**9  # images of a sample
_PARTS = {"source-ref": str, TRUTH: dict, ADAPTER: dict, BASE: dict}  # of every line


@dataclass(frozen=True)
class Sample:
    """A random sample of traffic. `strata` numbers the weights: images with one weight form a stratum."""

    images: tuple[Judged, ...]
    weights: NDArray[np.float64]
    strata: NDArray[np.int64]

    def shares(self, flags: NDArray[np.bool_]) -> tuple[float, float]:
        """Return a share in traffic, and how many images of a simple random sample would tell it as surely.

        The share of each stratum is smoothed for its variance, so that a stratum without a single such image does not
        count as certain.
        """
        share = float(np.average(flags, weights=self.weights))
        smooth = variance = 0.0
        for stratum in range(int(self.strata.max()) + 1):
            inside = self.strata == stratum
            size, part = int(inside.sum()), float(self.weights[inside].sum() / self.weights.sum())
            likely = (int(flags[inside].sum()) + 0.5) / (size + 1)
            smooth += part * likely
            variance += part**2 * likely * (1 - likely) / size
        return share, smooth * (1 - smooth) / variance

    def interval(self, flags: NDArray[np.bool_]) -> Interval:
        """Return the interval of a share in traffic.

        Wilson's for a simple sample; else percentiles of draws of each stratum's share between the ends of Clopper and
        Pearson's (as Fay and Feuer 1997 do for rates), which hold also where a heavy stratum has next to none.
        """
        if not self.strata.any():
            simple = wilson(int(flags.sum()), len(flags))
            assert simple is not None
            return simple
        dice = np.random.default_rng(0)
        least, most = np.zeros(_DRAWS), np.zeros(_DRAWS)
        for stratum in range(int(self.strata.max()) + 1):
            inside = self.strata == stratum
            hits, size = int(flags[inside].sum()), int(inside.sum())
            part = float(self.weights[inside].sum() / self.weights.sum())
            least += part * dice.beta(hits, size - hits + 1, _DRAWS) if hits else 0.0
            most += part * (dice.beta(hits + 1, size - hits, _DRAWS) if hits < size else 1.0)
        return Interval(percentile_ends(least)[0], percentile_ends(most)[1], "draws")


@dataclass(frozen=True, slots=True)
class Prevalence:
    """How common a label is in traffic: `share` with its interval, and the sample that would narrow it to `width`."""

    label: str
    share: float
    interval: Interval
    images: int
    width: float | None = None
    needed: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as its JSON object."""
        return {
            "label": self.label,
            "share": self.share,
            "interval": self.interval.to_dict(),
            "images": self.images,
            "width": self.width,
            "needed": self.needed,
        }


def read_sample(path: str | Path, taxonomy: Taxonomy) -> Sample:
    """Read a manifest of traffic, every line with truth, both models' answers and, in a stratified sample, a weight.

    Raises
    ------
    InputError
        A line lacks one of these, or repeats an image: what is left would be no random sample.
    """
    data = read_bytes(path)
    weights: dict[str, float | None] = {}
    for place, line in lines_of(str(path), data):
        lacking = [key for key, kind in _PARTS.items() if not isinstance(line.get(key), kind)]
        if lacking:
            msg = f"{place}: no {lacking[0]}; a random sample needs truth and both models' answers in every line"
            raise InputError(msg)
        image, weight = line["source-ref"], line.get(WEIGHT)
        if image in weights:
            msg = f"{place}: {image} stands there twice; a sample has each image once"
            raise InputError(msg)
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if weight is not None and not (number and 0 < weight < float("inf")):
            msg = f"{place}: {WEIGHT} is {weight!r}; expected how many images of traffic it stands for, a number above 0"
            raise InputError(msg)
        weights[image] = weight
    if len({weight is None for weight in weights.values()}) > 1:
        msg = f"{path}: some lines have a {WEIGHT} and others none; give every line one, or none"
        raise InputError(msg)
    judged = read_judged(str(path), data, taxonomy).judged
    values = np.array([weights[image.image] or 1.0 for image in judged])
    return Sample(judged, values, np.unique(values, return_inverse=True)[1])


def prevalences(sample: Sample, labels: Sequence[str], width: float | None = None) -> tuple[Prevalence, ...]:
    """Return how common labels are, with the interval for the sampling at hand.

    Parameters
    ----------
    sample : Sample
        Of traffic.
    labels : sequence of str
        Which labels.
    width : float, optional
        Width (0-1) of the interval that is wanted; tells how many images it takes, sampled in the same way.
    """
    if width is not None and not 0 < width < 1:
        msg = f"the width of an interval is {width:g}; expected a share between 0 and 1, such as 0.01"
        raise InputError(msg)
    found = []
    for label in labels:
        flags = np.array([label in (image.truth or ()) for image in sample.images])
        share, alike = sample.shares(flags)
        interval = sample.interval(flags)
        needed = None if width is None else _needed(share, width, len(flags) / alike)
        found.append(Prevalence(label, share, interval, len(flags), width, needed))
    return tuple(found)


def _needed(share: float, width: float, images_each: float) -> int:
    """Return the least sample whose interval is so narrow, were the share what it is now."""

    def wide(images: int) -> bool:
        interval = wilson(share * images / images_each, images / images_each)
        return interval is None or interval.high - interval.low > width

    low, high = 0, 1
    while wide(high) and high < _MOST:
        low, high = high, 2 * high
    while high - low > 1:  # the interval narrows with the number of images
        middle = (low + high) // 2
        low, high = (middle, high) if wide(middle) else (low, middle)
    return high
