"""Images on which an adapter and the base model differ: which labels the two do not agree on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from manifest_tools.core.arrays import Mask
from manifest_tools.dataset.dataset import Dataset

DISAGREEMENTS = "disagreements"  # the source under which the labels in question are told


def differing_labels(dataset: Dataset, labels: Sequence[str]) -> Mask:
    """Return the labels that the models do not agree on, shape (images, labels).

    Parameters
    ----------
    dataset : Dataset
        What ``moderate --compare-base`` left; of others nothing is in question.
    labels : sequence of str
        The columns.
    """
    told = dataset.sources.get(DISAGREEMENTS, {}).get("labels", {})
    differing = np.zeros((len(dataset.images), len(labels)), dtype=bool)
    if told:
        column = {label: number for number, label in enumerate(labels)}
        for row, image in enumerate(dataset.images["image"]):
            differing[row, [column[label] for label in told.get(image, ()) if label in column]] = True
    return differing
