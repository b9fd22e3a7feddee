"""Which images may stand in a manifest, and why the others may not.

Each reason is a condition over the whole table. The rules turn the same conditions into findings, and the
split and the writer leave out the images that they name, so that the three never disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from manifest_tools.dataset import Dataset
from manifest_tools.keys import refused_keys
from manifest_tools.outcomes import Outcomes, compare
from manifest_tools.policy import Policy
from manifest_tools.truth import Mask

ACCEPTED_FORMATS = ("JPEG", "PNG")  # https://docs.aws.amazon.com/rekognition/latest/dg/limits.html

# What keeps pixels from being read, by the finding that tells of it.
_DECODE_ERRORS = {
    "image-missing": ("missing",),
    "image-empty": ("empty",),
    "image-unreadable": ("unreadable", "unsupported", "crashed", "timeout"),
    "image-truncated": ("truncated",),
    "image-corrupt": ("corrupt",),
    "image-bomb": ("bomb",),
}


def decode_kind(images: pd.DataFrame) -> pd.Series[str]:
    """Return the kind of each decode error: the word before the colon, or ""."""
    codes, errors = pd.factorize(images["decode_error"])  # few differ; this is asked for once a reason
    kinds = np.array([error.partition(":")[0] for error in errors], dtype=object)
    return pd.Series(kinds[codes], index=images.index, dtype="str")


def _failed(code: str) -> Callable[[pd.DataFrame, Policy], Mask]:
    def condition(images: pd.DataFrame, policy: Policy) -> Mask:  # noqa: ARG001 - one signature for all
        accepted = images["format"].isin([*ACCEPTED_FORMATS, ""])
        return (decode_kind(images).isin(_DECODE_ERRORS[code]) & accepted).to_numpy()

    return condition


def _wrong_format(images: pd.DataFrame, policy: Policy) -> Mask:  # noqa: ARG001
    known = ~images["format"].isin([*ACCEPTED_FORMATS, ""])
    return (known | decode_kind(images).eq("not-an-image")).to_numpy()


def _sized(images: pd.DataFrame) -> Mask:
    return (images["format"].isin(ACCEPTED_FORMATS) & (images["width"] > 0)).to_numpy()


def _too_small(images: pd.DataFrame, policy: Policy) -> Mask:
    shorter = images[["width", "height"]].min(axis=1).to_numpy()
    return _sized(images) & (shorter < policy.min_image_side)


def _too_large(images: pd.DataFrame, policy: Policy) -> Mask:
    longer = images[["width", "height"]].max(axis=1).to_numpy()
    return _sized(images) & (longer > policy.max_image_side) & ~decode_kind(images).eq("bomb").to_numpy()


def _too_heavy(images: pd.DataFrame, policy: Policy) -> Mask:
    return (images["bytes"] > policy.max_image_bytes).to_numpy()


IMAGE_REASONS: Mapping[str, Callable[[pd.DataFrame, Policy], Mask]] = {
    **{code: _failed(code) for code in _DECODE_ERRORS},
    "image-format": _wrong_format,
    "image-too-small": _too_small,
    "image-too-large": _too_large,
    "image-too-heavy": _too_heavy,
}


def unusable_content(images: pd.DataFrame, policy: Policy) -> dict[str, Mask]:
    """Return, for each reason that lies in the files themselves, the images that it holds for."""
    return {code: condition(images, policy) for code, condition in IMAGE_REASONS.items()}


def left_out(dataset: Dataset, policy: Policy, outcomes: Outcomes | None = None) -> dict[str, Mask]:
    """Return, for each reason to leave images out, the images that it holds for.

    Parameters
    ----------
    dataset : Dataset
        Inspected or not: an image that was not inspected is not judged by its content.
    policy : Policy
        Limits, and `keep_unchecked`.
    outcomes : Outcomes, optional
        The comparison of `dataset`, when the caller has it already.

    Returns
    -------
    dict of str to bool array, shape (images,)
        By finding code.
    """
    outcomes = outcomes or compare(dataset, policy)
    truth = outcomes.truth
    reasons = unusable_content(dataset.images, policy)
    reasons["object-key"] = refused_keys(dataset).ne("").to_numpy()
    reasons["label-unknown"] = truth.unresolved
    reasons["label-contradiction"] = truth.contradictory
    reasons["label-unsure"] = np.asarray(truth.unsure.any(axis=1))
    reasons["image-unlabelled"] = np.logical_not(truth.judged)
    if not policy.keep_unchecked:
        reasons["label-unchecked"] = np.asarray(outcomes.unchecked.any(axis=1))
    reasons["duplicate-conflict"] = conflicting_copies(dataset, outcomes)
    reasons["duplicate-across-splits"] = locked_on_both_sides(dataset)
    reasons["image-set-aside"] = (dataset.images["set_aside"] != "").to_numpy()
    return reasons


def usable(dataset: Dataset, policy: Policy, outcomes: Outcomes | None = None) -> Mask:
    """Return which images may stand in a manifest, shape (images,)."""
    reasons = left_out(dataset, policy, outcomes)
    kept: Mask = ~np.logical_or.reduce(list(reasons.values()))
    return kept


def conflicting_copies(dataset: Dataset, outcomes: Outcomes) -> Mask:
    """Return the images that have a byte-for-byte copy with other labels, shape (images,)."""
    truth = outcomes.truth
    digest = dataset.images["sha256"]
    said = (digest != "").to_numpy() & truth.judged & ~truth.unresolved & ~truth.contradictory
    labels = pd.Series([row.tobytes() for row in truth.present], index=digest.index)
    kinds = labels[said].groupby(digest[said]).nunique()
    conflicting = digest.isin(kinds.index[kinds > 1]).to_numpy()
    return np.asarray(conflicting & said)


def locked_on_both_sides(dataset: Dataset) -> Mask:
    """Return the images that are not locked, while look-alikes of theirs are locked in train and in test."""
    images = dataset.images
    locked = images[images["locked"] & (images["group"] != "")]
    sides = locked.groupby("group")["split"].nunique()
    torn = images["group"].isin(sides.index[sides > 1])
    return np.asarray(torn & ~images["locked"])
