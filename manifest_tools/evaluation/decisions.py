"""Thresholds for allow, review and block under limits that people state, with what is met and what cannot be.

A threshold is an order statistic of held-out scores, chosen so that the true rate keeps to its limit with 95 %
confidence whatever the scores' distribution (the umbrella algorithm of Tong, Feng and Li 2018): no half of the images has
to be set aside to confirm it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.evaluation.files import Judged
from manifest_tools.evaluation.mistakes import TestSet

CONFIDENCE = 0.95
_LEAST = 1.0  # a threshold below 1 would be taken for a fraction by whoever reads the file
_STEPS = 100  # parts of a per cent in which thresholds are written
_CURVE = tuple(float(step) for step in range(0, 101, 2))

_Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Limits:
    """What people can live with.

    Parameters
    ----------
    miss_rate : float, optional
        Share (0-1) of the images with a label that may be allowed.
    false_block_rate : float, optional
        Share (0-1) of the images without a label that may be blocked for it.
    reviews_a_day : float, optional
        Images that people can look at in a day, all labels together.
    traffic : float, optional
        Images that come in a day.
    """

    miss_rate: float | None = None
    false_block_rate: float | None = None
    reviews_a_day: float | None = None
    traffic: float | None = None

    def __post_init__(self) -> None:
        """Refuse limits that cannot be meant."""
        for name in ("miss_rate", "false_block_rate"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                msg = f"the limit of the {name.replace('_', ' ')} is {value:g}; expected a share between 0 and 1, such as 0.05"
                raise InputError(msg)
        for name in ("reviews_a_day", "traffic"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                msg = f"{name.replace('_', ' ')} is {value:g}; expected a number of images above 0"
                raise InputError(msg)
        if self.miss_rate is None and self.false_block_rate is None:
            msg = "thresholds need a limit: give a miss rate, a false-block rate, or both"
            raise InputError(msg)
        if self.reviews_a_day is not None and self.traffic is None:
            msg = "a limit of reviews a day needs the traffic: say how many images come in a day"
            raise InputError(msg)


@dataclass(frozen=True, slots=True)
class Kept:
    """Whether a limit is kept: `rate` on the images at hand, and `bound`, which it stays below with 95 % confidence.

    `count` of `total` is the rate; `why` says what stands in the way where the limit is not met.
    """

    limit: float
    count: int
    total: int
    bound: float | None
    met: bool
    why: str = ""

    @property
    def rate(self) -> float | None:
        """Share on the images at hand; None without images."""
        return self.count / self.total if self.total else None


@dataclass(frozen=True)
class LabelDecision:
    """Thresholds of one label. `curve` has (threshold, miss rate, false-block rate), None without such images."""

    label: str
    review: float | None
    block: float | None
    miss: Kept | None
    false_block: Kept | None
    curve: tuple[tuple[float, float | None, float | None], ...]


@dataclass(frozen=True)
class DecisionPlan:
    """Thresholds for every label, and what they come to in traffic.

    Parameters
    ----------
    limits : Limits
        What was asked for.
    labels : tuple of LabelDecision
        Labels of level 1, or the targets.
    groups : int
        Independent images (groups of look-alikes) that the thresholds come from.
    reviews : Kept or None
        Images a day to look at, over all labels; None without a sample of ordinary traffic.
    blocks : float or None
        Share of ordinary traffic that is blocked.
    """

    limits: Limits
    labels: tuple[LabelDecision, ...]
    groups: int
    reviews: Kept | None = None
    blocks: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as its JSON object."""
        return asdict(self)


def review_threshold(scores: _Scores, limit: float) -> tuple[float | None, float]:
    """Return the highest threshold below which at most `limit` of a label's images lie, with 95 % confidence.

    Parameters
    ----------
    scores : array
        Of independent images with the label; 0 where it was not reported.
    limit : float
        Share (0-1).

    Returns
    -------
    threshold : float or None
        None where too few images, or too many that the model does not report, leave no threshold.
    bound : float
        What the share stays below with 95 % confidence; 1 without a threshold.
    """
    allowed = _allowed(len(scores), limit)
    if allowed is None:
        return None, 1.0
    threshold = floor(float(np.sort(scores)[allowed]) * _STEPS) / _STEPS
    return (threshold, _bound(allowed, len(scores))) if threshold >= _LEAST else (None, 1.0)


def block_threshold(scores: _Scores, limit: float) -> tuple[float | None, float]:
    """Return the lowest threshold that at most `limit` of the images without a label reach, with 95 % confidence.

    The parameters and values are those of :func:`review_threshold`, for images without the label.
    """
    allowed = _allowed(len(scores), limit)
    if allowed is None:
        return None, 1.0
    threshold = max(_LEAST, (floor(float(-np.sort(-scores)[allowed]) * _STEPS) + 1) / _STEPS)
    return (threshold, _bound(allowed, len(scores))) if threshold <= 100 else (None, 1.0)


def images_needed(limit: float) -> int:
    """Return how many independent images it takes to promise a limit, even without a single error.

    Examples
    --------
    >>> images_needed(0.05)
    59
    """
    return int(np.ceil(np.log(1 - CONFIDENCE) / np.log1p(-limit)))


def choose_decisions(
    tests: TestSet,
    limits: Limits,
    targets: Sequence[str],
    taxonomy: Taxonomy,
    traffic: Sequence[Judged] = (),
) -> DecisionPlan:
    """Choose thresholds for the adapter's answers.

    Parameters
    ----------
    tests : TestSet
        Held-out images.
    limits : Limits
        What people can live with.
    targets : sequence of str
        Labels to decide on; none for those of level 1.
    taxonomy : Taxonomy
        Tells the labels that a decision policy can name.
    traffic : sequence of Judged
        A random sample of ordinary traffic; its truth is not needed.

    Raises
    ------
    InputError
        The limits need a sample of traffic that is not there, or no label can be decided on.
    """
    if limits.traffic is not None and not traffic:
        msg = "reviews a day can only be told from a sample of ordinary traffic: give one as guard"
        raise InputError(msg)
    wanted = targets or taxonomy.top
    columns = [column for column, label in enumerate(tests.labels) if label in wanted and label in taxonomy]
    if not columns:
        msg = "none of the labels to decide on occurs in the test set; name others as targets"
        raise InputError(msg)
    labels = tuple(_decide(tests, column, limits) for column in columns)
    reviews, blocks = _in_traffic(labels, limits, traffic)
    return DecisionPlan(limits, labels, tests.group_count, reviews, blocks)


def _decide(tests: TestSet, column: int, limits: Limits) -> LabelDecision:
    truth, scores = tests.truth[:, column], tests.adapter[:, column]
    free = ~truth & ~tests.unknown[:, column]
    # Look-alikes count once, by the worst of them.
    shown = _by_group(scores[truth], tests.groups[truth], np.minimum)
    absent = _by_group(scores[free], tests.groups[free], np.maximum)
    review = block = None
    miss = false_block = None
    if limits.miss_rate is not None:
        review, bound = review_threshold(shown, limits.miss_rate)
        why = "" if review is not None else _why_missed(shown, limits.miss_rate)
        review = 0.0 if review is None else review  # whatever is reported: the most that can be done
        missed = int(((shown < review) | (shown == 0)).sum())
        miss = Kept(limits.miss_rate, missed, len(shown), None if why else bound, not why, why)
    if limits.false_block_rate is not None:
        block, bound = block_threshold(absent, limits.false_block_rate)
        if block is None:
            why = _why_blocked(absent, limits.false_block_rate)
            false_block = Kept(limits.false_block_rate, 0, len(absent), None, met=False, why=why)
        else:
            block = max(block, review or 0.0)
            wrong = int((absent >= block).sum())
            false_block = Kept(limits.false_block_rate, wrong, len(absent), bound, met=True)
    return LabelDecision(tests.labels[column], review, block, miss, false_block, _curve(shown, absent))


def _by_group(scores: _Scores, groups: NDArray[np.int64], worst: np.ufunc) -> _Scores:
    if not len(scores):
        return scores
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    return np.asarray(worst.reduceat(scores[order], starts))


def _curve(shown: _Scores, absent: _Scores) -> tuple[tuple[float, float | None, float | None], ...]:
    return tuple(
        (
            at,
            float((shown < at).mean()) if len(shown) else None,
            float((absent >= at).mean()) if len(absent) else None,
        )
        for at in _CURVE
    )


def _allowed(total: int, limit: float) -> int | None:
    """Return how many errors may be among so many images, so that the true rate is below the limit; None for none."""
    from scipy.special import bdtr  # noqa: PLC0415 - the binomial distribution; scipy.stats takes seconds to load

    if not total:
        return None
    keeping = np.flatnonzero(bdtr(np.arange(total), total, limit) <= 1 - CONFIDENCE)
    return int(keeping[-1]) if len(keeping) else None


def _bound(errors: int, total: int) -> float:
    """Return the upper end of Clopper and Pearson's one-sided interval."""
    from scipy.special import betaincinv  # noqa: PLC0415 - as above

    return float(betaincinv(errors + 1, total - errors, CONFIDENCE)) if errors < total else 1.0


def _why_missed(shown: _Scores, limit: float) -> str:
    needed, silent = images_needed(limit), int((shown == 0).sum())
    if len(shown) < needed:
        return f"{len(shown)} different images with the label are too few: at least {needed} are needed"
    return f"the adapter does not report the label at all in {silent} of {len(shown)} images that show it"


def _why_blocked(absent: _Scores, limit: float) -> str:
    needed = images_needed(limit)
    if len(absent) < needed:
        return f"{len(absent)} different images without the label are too few: at least {needed} are needed"
    return "too many images without the label score 100"


def _in_traffic(
    labels: Sequence[LabelDecision], limits: Limits, traffic: Sequence[Judged]
) -> tuple[Kept | None, float | None]:
    if not traffic:
        return None, None
    actions = [_action(labels, image.adapter) for image in traffic]
    reviews, total = actions.count("review"), len(traffic)
    if limits.traffic is None:
        return None, actions.count("block") / total
    bound = _bound(reviews, total) * limits.traffic
    expected = reviews / total * limits.traffic
    limit = limits.reviews_a_day if limits.reviews_a_day is not None else limits.traffic
    why = ""
    if expected > limit:
        why = "the other limits need more: raise the miss rate or the false-block rate, or train on what is reviewed"
    elif bound > limit:
        why = f"it may be up to {bound:,.0f}: {total:,} images of traffic are too few to promise it"
    return Kept(limit, reviews, total, bound, not why, why), actions.count("block") / total


def _action(labels: Sequence[LabelDecision], scores: Mapping[str, float]) -> str:
    said = [(label, scores.get(label.label, 0.0)) for label in labels if label.label in scores]
    if any(label.block is not None and score >= label.block for label, score in said):
        return "block"
    if any(label.review is not None and score >= label.review for label, score in said):
        return "review"
    return "allow"
