"""What a comparison of adapters with the base model comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from manifest_tools.evaluation.counts import FORMULA, LabelComparison, Point
from manifest_tools.evaluation.decisions import DecisionPlan
from manifest_tools.evaluation.guard import Guard
from manifest_tools.evaluation.mistakes import Flip
from manifest_tools.evaluation.same_tests import CommonTests
from manifest_tools.evaluation.slices import SliceComparison
from manifest_tools.evaluation.thresholds import Choice
from manifest_tools.evaluation.traffic import TrafficRates
from manifest_tools.evaluation.verdict import Verdict

ENRICHED = (
    "The test set is rich in mistakes of the base model, on purpose: these figures say nothing about how often "
    "production traffic will be judged wrongly. A sample of ordinary traffic does (--guard, --sample)."
)


@dataclass(frozen=True)
class Comparison:
    """One adapter against the base model.

    Parameters
    ----------
    adapter : str
        Its ARN, or the file's name when that is all that is known.
    threshold : float
        At which `labels` and `flips` are.
    images, groups : int
        Test images, and how many of them are independent (groups of look-alikes); `groups` is 0 when unknown.
    labels : tuple of LabelComparison
        The sum over all labels first, then those that the adapter was to change.
    points : tuple of Point
        Counts at every threshold.
    flips : tuple of Flip
        Images on which the models differ, newly caused mistakes first. Empty when only counts are known.
    choices : tuple of Choice
        The best thresholds for the goal, when there is one.
    f1_given : float or None
        Amazon's aggregated F1 score, as given.
    verdict : Verdict or None
        Whether it is better, in a sentence, with reasons.
    decisions : DecisionPlan or None
        Thresholds for allow, review and block, when limits were stated.
    traffic : tuple of TrafficRates
        What the rates come to in ordinary traffic, label by label, when there is a sample of it.
    """

    adapter: str
    base_model: str
    adapter_model: str
    threshold: float
    images: int
    groups: int
    training_images: int
    by_image: bool
    labels: tuple[LabelComparison, ...]
    points: tuple[Point, ...]
    flips: tuple[Flip, ...]
    choices: tuple[Choice, ...]
    f1_given: float | None
    notes: tuple[str, ...]
    guard: Guard | None = None
    decisions: DecisionPlan | None = None
    traffic: tuple[TrafficRates, ...] = ()
    slices: tuple[SliceComparison, ...] = ()
    verdict: Verdict | None = None

    @property
    def total(self) -> LabelComparison:
        """The sum over all labels."""
        return self.labels[0]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as its JSON object."""
        return {
            "adapter": self.adapter,
            "verdict": self.verdict.to_dict() if self.verdict else None,
            "base_model": self.base_model,
            "adapter_model": self.adapter_model,
            "threshold": self.threshold,
            "test_images": self.images,
            "test_groups": self.groups or None,
            "training_images": self.training_images or None,
            "f1_given": self.f1_given,
            "labels": [item.to_dict() for item in self.labels],
            "thresholds": [item.to_dict() for item in self.points],
            "flips": [item.to_dict() for item in self.flips] if self.by_image else None,
            "best_thresholds": [item.to_dict() for item in self.choices],
            "guard": self.guard.to_dict() if self.guard else None,
            "decisions": self.decisions.to_dict() if self.decisions else None,
            "traffic": [item.to_dict() for item in self.traffic],
            "slices": [item.to_dict() for item in self.slices],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Evaluation:
    """Adapters side by side on one test set; `common` says which, where they were tested on different ones."""

    adapters: tuple[Comparison, ...]
    max_false_positive_rate: float | None = None
    common: CommonTests | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        return {
            "formula": FORMULA,
            "remark": ENRICHED,
            "max_false_positive_rate": self.max_false_positive_rate,
            "common_tests": self.common.to_dict() if self.common else None,
            "adapters": [item.to_dict() for item in self.adapters],
        }
