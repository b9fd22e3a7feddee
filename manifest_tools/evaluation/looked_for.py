"""Labels that nobody looked for in a test image: not known there, and no mistake of either model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.dataset.outcomes import compare
from manifest_tools.evaluation.files import Evaluated
from manifest_tools.findings.policy import Policy


def not_looked_for(
    dataset: Dataset | None, evaluated: Sequence[Evaluated], taxonomy: Taxonomy
) -> dict[str, frozenset[str]]:
    """Return the labels that nobody looked for, by the address of the test image; those below them count with them.

    Parameters
    ----------
    dataset : Dataset, optional
        Knows what was looked for. Without one nothing is unknown, as in Amazon's own figures.
    evaluated : sequence of Evaluated
        Whose test images are asked about.
    taxonomy : Taxonomy
    """
    if dataset is None:
        return {}
    references = source_refs(dataset)
    tested = references.isin({image.image for item in evaluated for image in item.judged}).to_numpy()
    if not tested.any():
        return {}
    truth = compare(dataset, Policy.from_dict(dataset.policy)).truth
    open_labels = ~truth.known[tested]
    below = [frozenset((label, *taxonomy.descendants(label))) for label in truth.labels]
    return {
        reference: frozenset().union(*(below[column] for column in np.flatnonzero(row)))
        for reference, row in zip(references[tested], open_labels, strict=True)
        if row.any()
    }
