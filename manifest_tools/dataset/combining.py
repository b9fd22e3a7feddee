"""Parts of data sets, and data sets put together: plain functions from value to value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from manifest_tools.core.arrays import Mask
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import PREDICTIONS, REVIEW
from manifest_tools.dataset.tables import LABEL_KEY, typed_images
from manifest_tools.storage.uris import is_s3_uri


def filter_images(dataset: Dataset, keep: Mask | Callable[[pd.DataFrame], Any]) -> Dataset:
    """Return a data set with some of its images, and what was said of these.

    Parameters
    ----------
    dataset : Dataset
    keep : bool array, or callable
        Which images stay, in their order; or what tells that from the images table.

    Returns
    -------
    Dataset
        With groups of look-alikes named by the smallest image that stays.

    Raises
    ------
    InputError
        There is not one true or false for each image.

    Examples
    --------
    >>> from manifest_tools import filter_images, read_images
    >>> dataset = read_images("sample_data/images", labels="sample_data/labels.csv")
    >>> len(filter_images(dataset, lambda images: images["image"].str.startswith("bar/")))
    13
    """
    chosen = np.asarray(keep(dataset.images) if callable(keep) else keep)
    if chosen.dtype != bool or chosen.shape != (len(dataset),):
        msg = f"keep has shape {chosen.shape} and type {chosen.dtype}; expected {len(dataset):,} times true or false"
        raise InputError(msg)
    images = dataset.images[chosen]
    for column in ("group", "split_group"):  # a group is named by its smallest image
        first = images.groupby(column)["image"].transform("min")
        images = images.assign(**{column: images[column].where(images[column] == "", first)})
    labels = dataset.labels[dataset.labels["image"].isin(images["image"])]
    return dataset.step("filter", images=images, labels=labels, options={"images": len(images)})


def merge_datasets(one: Dataset, other: Dataset) -> Dataset:
    """Return a data set with the images of both, and what was said of them in either.

    Settings such as destination and policy are those of the first. Local images of the second are found by their
    absolute paths. Look-alikes and the split are to be found anew: both are cleared, but for locked images of the first.

    Parameters
    ----------
    one, other : Dataset
        Of one taxonomy. An image that both have is one image, and must have the same content.

    Returns
    -------
    Dataset
        The second's sources have a number behind their name where the first has one of that name.

    Raises
    ------
    InputError
        The taxonomies differ, or one name stands for two contents.

    Examples
    --------
    >>> from manifest_tools import merge_datasets, read_images
    >>> bar, animals = (read_images(f"sample_data/images/{name}") for name in ("bar", "animals"))
    >>> len(merge_datasets(bar, animals))
    19
    """
    if one.taxonomy != other.taxonomy:
        msg = f"the data sets are of taxonomy {one.taxonomy} and {other.taxonomy}; read both by one"
        raise InputError(msg)
    known, new = one.images.set_index("image"), other.images.set_index("image")
    both = known.index.intersection(new.index)
    same = known.loc[both, "sha256"] == new.loc[both, "sha256"]
    local = np.array([not is_s3_uri(image) for image in both], dtype=bool)
    unread = (known.loc[both, "sha256"] == "").to_numpy() & local & (one.root != other.root)
    if not same.all() or unread.any():
        msg = (
            f"{both[~same.to_numpy() | unread][0]!r} is in both data sets, and not known to be the same picture; "
            "inspect both, or give one of the images another name"
        )
        raise InputError(msg)
    added = other.images[~other.images["image"].isin(known.index)]
    places = [
        uri if not uri or is_s3_uri(uri) else str(other.path_of(uri).absolute()) for uri in added["uri"]
    ]
    added = added.assign(uri=places, split="", locked=False)
    first = one.images.assign(split=one.images["split"].where(one.images["locked"], ""))
    images = pd.concat([first, added], ignore_index=True).assign(group="", split_group="")
    renamed = _renamed(one, other)
    labels = other.labels.assign(source=other.labels["source"].map(lambda name: renamed.get(name, name)))
    labels = pd.concat([one.labels, labels], ignore_index=True).drop_duplicates(LABEL_KEY)
    sources = {**{renamed.get(name, name): source for name, source in other.sources.items()}, **one.sources}
    merged = replace(one, scope=tuple(sorted({*one.scope, *other.scope})), sources=sources)
    return merged.step("merge", images=typed_images(images), labels=labels, options={"added": len(added)})


def _renamed(one: Dataset, other: Dataset) -> dict[str, str]:
    """Return other names for the second's sources that are called as another of the first: each speaks for itself."""
    names = set(one.labels["source"]) & set(other.labels["source"])
    ours = {name for name in names if name != PREDICTIONS and not name.startswith(REVIEW)}
    taken = {*one.sources, *one.labels["source"], *other.sources}
    renamed = {}
    for name in sorted(ours):
        kind, number = name.partition(":")[0], 2
        while f"{kind}:{number}" in taken:
            number += 1
        renamed[name] = f"{kind}:{number}"
        taken.add(renamed[name])
    return renamed
