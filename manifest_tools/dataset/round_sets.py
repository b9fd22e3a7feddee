"""Test sets of several rounds: the one that an adapter was tested on stays as it is, and new test images form another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from manifest_tools.core.output_folder import set_manifest
from manifest_tools.dataset.tables import TEST_SET

TRAINED = "train"  # the step that tells which test sets a training was tested on
ROUNDS = (
    "publish",
    TRAINED,
    "trained",
)  # steps that tell of rounds that went to Amazon, and outlive a new `prepare`


def set_numbers(images: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the number of each image's test set: 1 for the first, 0 for an image that is on no test side."""
    test = images["split"].eq("test").to_numpy()
    if TEST_SET not in images.columns:
        return test.astype(np.int64)
    return np.where(test, np.maximum(images[TEST_SET].to_numpy(np.int64), 1), 0)


def named_sets(images: pd.DataFrame) -> dict[str, int]:
    """Return how many images each test set has, by the name of its manifest, in the order of the rounds."""
    numbers, counts = np.unique(set_numbers(images), return_counts=True)
    return {
        set_manifest(int(number)): int(count) for number, count in zip(numbers, counts, strict=True) if number
    }


def trained_adapters(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the adapters whose training was started on a data set, the latest last."""
    return [str(entry["options"]["arn"]) for entry in history if entry["step"] == TRAINED]


def frozen_sets(history: Sequence[Mapping[str, Any]]) -> set[int]:
    """Return the numbers of the test sets that trainings were tested on."""
    frozen: set[int] = set()
    for entry in history:
        if entry["step"] == TRAINED and not entry["options"].get("auto_split"):
            frozen |= set(entry["options"].get("test_sets", (1,)))
    return frozen


def number_new(
    images: pd.DataFrame, history: Sequence[Mapping[str, Any]], *, freeze: bool | None
) -> pd.DataFrame:
    """Return an images table in which new test images have the number of their test set.

    Parameters
    ----------
    images : pandas.DataFrame
        Just split; locked images keep their set.
    history : sequence of mapping
        The data set's.
    freeze : bool, optional
        Whether new test images form a set of their own. Default: once a training was tested on the others.
    """
    before = set_numbers(images)
    locked = images["locked"].to_numpy()
    frozen = frozen_sets(history) if freeze is not False else set()
    if freeze:
        frozen |= set(before[locked].tolist()) - {0}
    numbers = np.where(locked, before, np.where(before > 0, max(frozen, default=0) + 1, 0))
    if numbers.max(initial=0) <= 1:
        return images.drop(columns=TEST_SET, errors="ignore")
    return images.assign(**{TEST_SET: pd.Series(numbers, index=images.index).astype("int32")})
