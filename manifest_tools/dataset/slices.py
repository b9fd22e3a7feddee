"""Slices: the parts of a data set that people want figures of, such as countries, queues or folders."""

from __future__ import annotations

import numpy as np

from manifest_tools.core.arrays import Mask
from manifest_tools.dataset.content_types import TYPES_COLUMN, masks_of_types
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.split_groups import values_of
from manifest_tools.dataset.tables import KEPT, SLICES

MAX_VALUES = 50  # of a column of slices: of more, none has enough images to say anything of


def slices_of(dataset: Dataset) -> dict[tuple[str, str], Mask]:
    """Return which images are in each slice, by column and value; of the columns in their order, values sorted.

    Parameters
    ----------
    dataset : Dataset
        Its sources tell the columns (:func:`manifest_tools.sources.grouping.slice_by`).
    """
    found: dict[tuple[str, str], Mask] = {}
    images = dataset.images
    several = dataset.sources.get(KEPT, {}).get("several", {})
    for column in dataset.sources.get(SLICES, {}).get("by", ()):
        if column not in images.columns:
            continue
        if column == TYPES_COLUMN:
            found |= {(column, value): mask for value, mask in masks_of_types(images).items()}
            continue
        rows, values = values_of(images, column, several=several)
        names = np.asarray(values, dtype=object)
        for value in sorted(set(values)):
            mask = np.zeros(len(images), dtype=bool)
            mask[rows[names == value]] = True
            found[column, value] = mask
    return found
