"""Truth against the base model: true and false positives and negatives, image by image and label by label."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.dataset import Dataset
from manifest_tools.policy import Policy
from manifest_tools.taxonomy import Taxonomy
from manifest_tools.truth import PREDICTIONS, Mask, Truth, effective_truth, read_names


class Outcome(IntEnum):
    """How the base model did on one image and label. UNKNOWN: not looked for, or not predicted."""

    UNKNOWN = 0
    TRUE_POSITIVE = 1
    FALSE_POSITIVE = 2
    FALSE_NEGATIVE = 3
    TRUE_NEGATIVE = 4


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
    said, silent : bool array, shape (images, labels)
        The model reports the label at the threshold; it was asked and does not. Where both are false,
        nobody knows: it was not asked, or it reported only from a higher confidence on.
    outcome : int8 array, shape (images, labels)
        Values of :class:`Outcome`.
    """

    truth: Truth
    score: npt.NDArray[np.float64]
    asked: Mask
    said: Mask
    silent: Mask
    outcome: npt.NDArray[np.int8]

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns, as in `truth`."""
        return self.truth.labels

    @property
    def unchecked(self) -> Mask:
        """Where the model says a label that nobody knows the truth of, shape (images, labels)."""
        return np.asarray(self.said & ~self.truth.known)

    def count(self, outcome: Outcome, rows: Mask) -> npt.NDArray[np.int64]:
        """Count an outcome over some images, shape (labels,)."""
        counts: npt.NDArray[np.int64] = (self.outcome[rows] == outcome).sum(axis=0)
        return counts


def compare(dataset: Dataset, policy: Policy) -> Outcomes:
    """Compare the effective truth with the base model at the policy's confidence threshold."""
    truth = effective_truth(dataset, policy)
    score = rolled_up_scores(dataset, policy, truth.labels)
    threshold = policy.confidence_threshold
    asked = (dataset.images["predicted"] != "").to_numpy()
    reported_from = dataset.images["min_confidence"].to_numpy()
    said = score >= threshold
    # A label that was not reported scored below the confidence from which the model reported.
    silent = asked[:, None] & ~said & (~np.isnan(score) | (reported_from <= threshold)[:, None])
    outcome = np.zeros(score.shape, dtype=np.int8)
    outcome[truth.present & said] = Outcome.TRUE_POSITIVE
    outcome[truth.absent & said] = Outcome.FALSE_POSITIVE
    outcome[truth.present & silent] = Outcome.FALSE_NEGATIVE
    outcome[truth.absent & silent] = Outcome.TRUE_NEGATIVE
    return Outcomes(truth, score, asked, said, silent, outcome)


def rolled_up_scores(dataset: Dataset, policy: Policy, labels: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """Return the base model's confidence for each image and label; an ancestor takes the highest below it.

    Returns
    -------
    float array, shape (images, labels)
        NaN where nothing was reported.
    """
    taxonomy = Taxonomy.load(dataset.taxonomy)
    rows = dataset.labels[dataset.labels["source"] == PREDICTIONS]
    row = pd.Index(dataset.images["image"]).get_indexer(pd.Index(rows["image"]))
    column = {name: number for number, name in enumerate(labels)}
    score = np.full((len(dataset.images), len(labels)), -np.inf)
    for found, reading in read_names(rows["label"].unique(), taxonomy, policy).items():
        if not reading.name:
            continue
        here = (rows["label"] == found).to_numpy() & (row >= 0)
        values = rows["score"].to_numpy()[here]
        for name in (reading.name, *taxonomy.ancestors(reading.name)):
            if name in column:
                np.maximum.at(score, (row[here], column[name]), np.nan_to_num(values, nan=-np.inf))
    score[np.isneginf(score)] = np.nan
    return score
