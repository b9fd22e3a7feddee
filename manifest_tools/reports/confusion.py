"""Base model against people at every threshold, for the slider of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.eligibility import eligible
from manifest_tools.dataset.outcomes import Outcomes, answers
from manifest_tools.findings.policy import Policy

OUTCOMES = ("true_positives", "false_positives", "false_negatives", "true_negatives", "unknown")


@dataclass(frozen=True)
class Confusion:
    """The outcomes of each label, side and threshold.

    Parameters
    ----------
    labels : tuple of str
        As in the label table.
    thresholds : tuple of float
        Every whole per cent, and the policy's own threshold.
    start : int
        Position of the policy's threshold.
    counts : dict of str to int array, shape (labels, outcomes, thresholds)
        For each side.
    """

    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    start: int
    counts: dict[str, npt.NDArray[np.int64]]

    def at_start(self, side: str) -> list[dict[str, int]]:
        """Return the outcomes of each label at the policy's threshold."""
        rows = self.counts[side][:, :, self.start].tolist()
        return [dict(zip(OUTCOMES, row, strict=True)) for row in rows]

    def to_dict(self) -> dict[str, Any]:
        """Return the counts ready for JSON."""
        sides = {side: counts.tolist() for side, counts in self.counts.items()}
        return {"thresholds": list(self.thresholds), "start": self.start, "counts": sides}


def confusion(
    dataset: Dataset, outcomes: Outcomes, policy: Policy, labels: Sequence[str]
) -> Confusion | None:
    """Count the outcomes of usable images at every threshold; None when the base model was not asked.

    Parameters
    ----------
    dataset : Dataset
        With predictions.
    outcomes : Outcomes
        Of the data set, by the policy.
    policy : Policy
        Which images are usable is judged at its threshold, whatever the slider says.
    labels : sequence of str
        The labels to count.
    """
    if not outcomes.asked.any() or not labels:
        return None
    kept = eligible(dataset, policy, outcomes)
    split = dataset.images["split"].to_numpy()
    is_split = bool((kept & (split != "")).any())
    sides = (
        {"train": kept & (split == "train"), "test": kept & (split == "test")}
        if is_split
        else {"train": kept}
    )
    thresholds = tuple(sorted({*map(float, range(101)), policy.confidence_threshold}))
    columns = [outcomes.labels.index(label) for label in labels]
    score = outcomes.score[:, columns]
    present, absent = outcomes.truth.present[:, columns], outcomes.truth.absent[:, columns]
    reported_from = dataset.images["min_confidence"].to_numpy()
    counts = {side: np.zeros((len(labels), len(OUTCOMES), len(thresholds)), dtype=np.int64) for side in sides}
    for position, threshold in enumerate(thresholds):
        said, predicted_negative = answers(score, outcomes.asked, reported_from, threshold)
        found = (present & said, absent & said, present & predicted_negative, absent & predicted_negative)
        for side, rows in sides.items():
            here = np.array([mask[rows].sum(axis=0) for mask in found])
            counts[side][:, :-1, position] = here.T
            counts[side][:, -1, position] = int(rows.sum()) - here.sum(axis=0)
    return Confusion(tuple(labels), thresholds, thresholds.index(policy.confidence_threshold), counts)
