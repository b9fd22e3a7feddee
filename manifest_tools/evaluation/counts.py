"""Four counts and what follows from them; and the change from the base model to the adapter."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from manifest_tools.evaluation.statistics import Interval, wilson

FORMULA = "improvement = (mistakes of the base model - mistakes of the adapter) / mistakes of the base model"


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a model was right and wrong about a label (or about all of them: one count an image and label)."""

    true_positives: int
    true_negatives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float | None:
        """Share of what the model reports that is true; None when it reports nothing."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float | None:
        """Share of what is true that the model reports; None when nothing is true."""
        return _share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall, as 2 TP / (2 TP + FP + FN)."""
        doubled = 2 * self.true_positives
        return _share(doubled, doubled + self.false_positives + self.false_negatives)

    @property
    def false_positive_rate(self) -> float | None:
        """Share of what is not true that the model reports all the same."""
        return _share(self.false_positives, self.false_positives + self.true_negatives)

    @property
    def mistakes(self) -> int:
        """False positives and false negatives."""
        return self.false_positives + self.false_negatives

    def to_dict(self) -> dict[str, Any]:
        """Return counts and shares, with Wilson's intervals, as a JSON object."""
        reported = self.true_positives + self.false_positives
        true = self.true_positives + self.false_negatives
        return asdict(self) | {
            "precision": self.precision,
            "precision_interval": _plain(wilson(self.true_positives, reported)),
            "recall": self.recall,
            "recall_interval": _plain(wilson(self.true_positives, true)),
            "f1": self.f1,
            "false_positive_rate": self.false_positive_rate,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one kind of mistake, from the base model to the adapter.

    `fixed`, `caused` and `p_value` (exact McNemar, each group of look-alikes once) are None when only counts are known. `interval` is that of
    the improvement; `bootstrap` the one over look-alike groups, where images are known; `independent` the base model's
    mistakes with each group counted once.
    """

    kind: str
    base: int
    adapter: int
    fixed: int | None = None
    caused: int | None = None
    interval: Interval | None = None
    bootstrap: Interval | None = None
    p_value: float | None = None
    independent: int | None = None

    @property
    def improvement(self) -> float | None:
        """See FORMULA; None when the base model makes no such mistake."""
        return _share(self.base - self.adapter, self.base)

    def __str__(self) -> str:
        """Return the change as a sentence that never gives a share without its size and its uncertainty."""
        if not self.base:
            if not self.adapter:
                return f"no {self.kind}"
            kind = self.kind.removesuffix("s") if self.adapter == 1 else self.kind
            return f"{self.adapter} {kind}, where the base model has none"
        gain = self.base - self.adapter
        if not gain:
            return f"as many {self.kind} as the base model ({self.base}{self._flips()})"
        word, of = (
            ("fewer", f"{gain} of {self.base}") if gain > 0 else ("more", f"{-gain} on top of {self.base}")
        )
        return (
            f"{_percent(abs(gain) / self.base)} {word} {self.kind} ({of}{self._flips()}{self._range(gain)})"
        )

    def _flips(self) -> str:
        return f": {self.fixed} fixed, {self.caused} new" if self.caused else ""

    def _range(self, gain: int) -> str:
        if self.interval is None:
            return ""
        low, high = self.interval.low, self.interval.high
        if gain < 0:
            low, high = -high, -low
        return f"; 95 % interval {_percent(low, unit='')} to {_percent(high)}"

    def to_dict(self) -> dict[str, Any]:
        """Return the change as its JSON object."""
        return {
            "base": self.base,
            "adapter": self.adapter,
            "fixed": self.fixed,
            "caused": self.caused,
            "improvement": self.improvement,
            "interval": _plain(self.interval),
            "bootstrap": _plain(self.bootstrap),
            "p_value": self.p_value,
            "independent": self.independent,
            "sentence": str(self),
        }


@dataclass(frozen=True)
class Point:
    """Both models' counts for a label at a threshold; `label` is "" for the sum."""

    label: str
    threshold: float
    base: Counts
    adapter: Counts

    def to_dict(self) -> dict[str, Any]:
        """Return the point as its JSON object."""
        return {
            "label": self.label or None,
            "threshold": self.threshold,
            "base": self.base.to_dict(),
            "adapter": self.adapter.to_dict(),
        }


@dataclass(frozen=True)
class LabelComparison(Point):
    """A point with what changed: false positives, false negatives, both together."""

    changes: tuple[Change, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as its JSON object."""
        changes = {change.kind.replace(" ", "_"): change.to_dict() for change in self.changes}
        return super().to_dict() | changes


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _plain(interval: Interval | None) -> dict[str, float | str] | None:
    return interval.to_dict() if interval else None


def _percent(share: float, unit: str = " %") -> str:
    whole = round(100 * share)
    if share < 1:
        whole = min(whole, 99)  # 299 of 300 is not all of them
    return f"{whole}{unit}".replace("-", "\N{MINUS SIGN}")
