"""Truth against the base model: true and false positives and negatives, image by image and label by label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import PREDICTIONS, Mask, Truth, effective_truth, label_rows
from manifest_tools.dataset.name_resolution import read_names
from manifest_tools.findings.policy import Goal, Policy, Target


class Outcome(IntEnum):
    """How the base model did on one image and label. UNKNOWN: not looked for, or not predicted."""

    UNKNOWN = 0
    TRUE_POSITIVE = 1
    FALSE_POSITIVE = 2
    FALSE_NEGATIVE = 3
    TRUE_NEGATIVE = 4


# For each goal, the mistakes that it is about, and the right answers that balance them.
# https://docs.aws.amazon.com/rekognition/latest/dg/preparing-datasets-adapters.html
MISTAKE: Mapping[Goal, Outcome] = MappingProxyType(
    {Goal.FALSE_POSITIVES: Outcome.FALSE_POSITIVE, Goal.FALSE_NEGATIVES: Outcome.FALSE_NEGATIVE}
)
COUNTEREXAMPLE: Mapping[Goal, Outcome] = MappingProxyType(
    {Goal.FALSE_POSITIVES: Outcome.TRUE_POSITIVE, Goal.FALSE_NEGATIVES: Outcome.TRUE_NEGATIVE}
)


@dataclass(frozen=True)
class Outcomes:
    """The truth, what the base model said, and how the two compare.

    Parameters
    ----------
    truth : Truth
        What people said.
    score : float array, shape (images, labels)
        The base model's confidence, 0-100, rolled up: the highest of the label's own and its descendants';
        NaN where it reported none.
    asked : bool array, shape (images,)
        Whether the base model was asked about the image.
    predicted_positive, predicted_negative : bool array, shape (images, labels)
        The model reports the label at the threshold; it was asked and does not. Where both are false,
        nobody knows: it was not asked, or it reported only from a higher confidence on.
    outcome : int8 array, shape (images, labels)
        Values of :class:`Outcome`.
    """

    truth: Truth
    score: npt.NDArray[np.float64]
    asked: Mask
    predicted_positive: Mask
    predicted_negative: Mask
    outcome: npt.NDArray[np.int8]

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns, as in `truth`."""
        return self.truth.labels

    @property
    def unchecked(self) -> Mask:
        """Where the model says a label that nobody knows the truth of, shape (images, labels)."""
        return np.asarray(self.predicted_positive & ~self.truth.known)

    def count(self, outcome: Outcome, rows: Mask) -> npt.NDArray[np.int64]:
        """Count an outcome over some images, shape (labels,)."""
        counts: npt.NDArray[np.int64] = (self.outcome[rows] == outcome).sum(axis=0)
        return counts


def compare(dataset: Dataset, policy: Policy, labels: pd.DataFrame | None = None) -> Outcomes:
    """Compare the effective truth with the base model at the policy's confidence threshold.

    `labels` are those of :func:`manifest_tools.dataset.ground_truth.label_rows`, when the caller has them already.
    """
    labels = label_rows(dataset) if labels is None else labels
    truth = effective_truth(dataset, policy, labels)
    score = rolled_up_scores(dataset, policy, truth.labels, labels)
    threshold = policy.confidence_threshold
    asked = (dataset.images["predicted"] != "").to_numpy()
    reported_from = dataset.images["min_confidence"].to_numpy()
    predicted_positive, predicted_negative = answers(score, asked, reported_from, threshold)
    outcome = np.zeros(score.shape, dtype=np.int8, order="F")
    outcome[truth.present & predicted_positive] = Outcome.TRUE_POSITIVE
    outcome[truth.absent & predicted_positive] = Outcome.FALSE_POSITIVE
    outcome[truth.present & predicted_negative] = Outcome.FALSE_NEGATIVE
    outcome[truth.absent & predicted_negative] = Outcome.TRUE_NEGATIVE
    return Outcomes(truth, score, asked, predicted_positive, predicted_negative, outcome)


def answers(
    score: npt.NDArray[np.float64], asked: Mask, reported_from: npt.NDArray[np.float64], threshold: float
) -> tuple[Mask, Mask]:
    """Return where the base model says a label at a threshold, and where it does not.

    Parameters
    ----------
    score : float array, shape (images, labels)
        As in :class:`Outcomes`.
    asked : bool array, shape (images,)
        Whether the model was asked.
    reported_from : float array, shape (images,)
        The confidence from which it reported: what it did not report scored below it.
    threshold : float
        Confidence from which a report counts.

    Returns
    -------
    predicted_positive, predicted_negative : bool arrays, shape (images, labels)
        Where both are false, nobody knows.
    """
    predicted_positive = score >= threshold
    predicted_negative = (
        asked[:, None] & ~predicted_positive & (~np.isnan(score) | (reported_from <= threshold)[:, None])
    )
    return predicted_positive, predicted_negative


def targets_in_force(policy: Policy, taxonomy: Taxonomy) -> tuple[Target, ...]:
    """Return the targets at the level that is judged: a lower label's target becomes its level 1 label's.

    Raises
    ------
    InputError
        A target's label is not in this taxonomy.
    """
    known = tuple(Target.parse(str(target), taxonomy) for target in policy.targets)
    if policy.label_level == "all":
        return known
    up = (Target(taxonomy.level_1(target.label), target.goal) for target in known)
    return tuple(dict.fromkeys(up))


def rolled_up_scores(
    dataset: Dataset, policy: Policy, names: tuple[str, ...], labels: pd.DataFrame
) -> npt.NDArray[np.float64]:
    """Return the base model's confidence for each image and label; an ancestor takes the highest below it.

    Returns
    -------
    float array, shape (images, labels)
        NaN where nothing was reported.
    """
    taxonomy = Taxonomy.load(dataset.taxonomy)
    rows = labels[((labels["source"] == PREDICTIONS) & (labels["row"] >= 0)).to_numpy()]
    place, codes, values = (
        rows["row"].to_numpy(),
        rows["label"].cat.codes.to_numpy(),
        rows["score"].to_numpy(),
    )
    known = list(rows["label"].cat.categories)
    column = {name: number for number, name in enumerate(names)}
    score = np.full((len(dataset.images), len(names)), np.nan, order="F")
    for code, reading in enumerate(read_names(known, taxonomy, policy).values()):
        if not reading.name:
            continue
        here = codes == code
        for name in (reading.name, *taxonomy.ancestors(reading.name)):
            if name in column:
                np.fmax.at(score[:, column[name]], place[here], values[here])
    return score
