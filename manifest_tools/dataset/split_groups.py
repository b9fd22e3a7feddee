"""What one side of the split must have together: look-alikes, and images that share a value of some columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from manifest_tools.core.arrays import Rows, connected
from manifest_tools.core.text import is_missing
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.eligibility import group_names
from manifest_tools.dataset.tables import GROUPS, KEPT

BETWEEN = "; "  # several values of one image in one cell


def group_by_columns(dataset: Dataset, columns: Sequence[str]) -> Dataset:
    """Return a data set in which images with one value of a column belong together, and with them their look-alikes.

    Parameters
    ----------
    dataset : Dataset
        Grouped by look-alikes, or not.
    columns : sequence of str
        Columns of the images table. An image without a value belongs to its look-alikes alone.

    Returns
    -------
    Dataset
        With `split_group`: the connected components.
    """
    images = dataset.images
    several = dataset.sources.get(KEPT, {}).get("several", {})
    nodes, others = [], []
    links = [pd.factorize(group_names(images))[0]]
    rows = [np.arange(len(images))]
    for column in columns:
        row, values = values_of(images, column, several=several)
        rows.append(row)
        links.append(pd.factorize(np.asarray(values, dtype=object))[0])
    start = len(images)
    for row, link in zip(rows, links, strict=True):
        nodes.append(row)
        others.append(link + start)
        start += int(link.max(initial=-1)) + 1
    first = connected(start, np.concatenate(nodes), np.concatenate(others))[: len(images)]
    keys = images["image"].to_numpy(dtype=object)
    return dataset.step(
        "group-by",
        images=images.assign(split_group=keys[first] if len(images) else ""),
        options={"columns": list(columns)},
        sources={**dataset.sources, GROUPS: {"by": list(columns)}},
    )


def values_of(images: pd.DataFrame, column: str, *, several: Collection[str] = ()) -> tuple[Rows, list[str]]:
    """Return the values of a column as text, and the rows that they stand in; words for missing are none.

    Parameters
    ----------
    images : pandas.DataFrame
        An images table.
    column : str
        One of its columns.
    several : collection of str
        The columns in which a cell may hold several values.
    """
    rows: list[int] = []
    values: list[str] = []
    for row, value in enumerate(images[column]):
        for part in _parts(value, split=column in several):
            rows.append(row)
            values.append(part)
    return np.array(rows, dtype=np.int64), values


def _parts(value: Any, *, split: bool) -> Iterable[str]:
    if pd.isna(value):
        return ()
    text = str(value)
    parts = text.split(BETWEEN) if split else [text]
    return [part for part in parts if not is_missing(part)]
