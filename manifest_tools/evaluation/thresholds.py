"""Every threshold, and the one that best meets a goal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from manifest_tools.evaluation.counts import Counts, Point
from manifest_tools.evaluation.files import Results
from manifest_tools.evaluation.mistakes import TestSet, points_of_images
from manifest_tools.evaluation.statistics import wilson

_FINE = tuple(float(step) for step in range(5, 101))  # where scores are known, every whole number


@dataclass(frozen=True, slots=True)
class Choice:
    """The threshold at which a model finds most while it meets the goal; None when it meets it nowhere."""

    label: str
    model: str  # "base" or "adapter"
    threshold: float | None
    counts: Counts | None

    def to_dict(self) -> dict[str, Any]:
        """Return the choice as its JSON object; the interval is of the false-positive rate."""
        rate = None
        if self.counts:
            wrong = self.counts.false_positives
            rate = wilson(wrong, wrong + self.counts.true_negatives)
        return {
            "label": self.label or None,
            "model": self.model,
            "threshold": self.threshold,
            "counts": self.counts.to_dict() if self.counts else None,
            "false_positive_rate_interval": rate.to_dict() if rate else None,
        }


def points_of_results(results: Results) -> list[Point]:
    """Return Amazon's counts, ordered by threshold, the sum over labels first."""
    return [
        Point(label, threshold, *results.at[threshold][label])
        for threshold in sorted(results.at)
        for label in sorted(results.at[threshold])  # TOTAL is "" and sorts first
    ]


def fine_points(tests: TestSet) -> list[Point]:
    """Count at every whole threshold, for choosing one."""
    return points_of_images(tests, _FINE)


def choose(points: Iterable[Point], max_false_positive_rate: float) -> tuple[Choice, ...]:
    """Return, for each label and model, the threshold with the highest recall under a false-positive rate.

    Of thresholds that find equally much, the one with the fewest false positives, then the highest.
    """
    by_label: dict[str, list[Point]] = {}
    for point in points:
        by_label.setdefault(point.label, []).append(point)
    choices = []
    for label in sorted(by_label):
        for model in ("base", "adapter"):
            candidates = [(getattr(point, model), point.threshold) for point in by_label[label]]
            allowed = [
                (counts.true_positives, -counts.false_positives, threshold, counts)
                for counts, threshold in candidates
                if (counts.false_positive_rate or 0.0) <= max_false_positive_rate
            ]
            best = max(allowed, key=lambda item: item[:3], default=None)
            choices.append(Choice(label, model, best[2] if best else None, best[3] if best else None))
    return tuple(choices)
