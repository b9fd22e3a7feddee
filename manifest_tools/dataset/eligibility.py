"""Which images may stand in a manifest, and why the others may not.

Each reason is a condition over the whole table. The rules turn the same conditions into findings, and the
split and the writer leave out the images that they name, so that the three never disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.core.arrays import Rows, blocks, first_equal, first_index, group_ids
from manifest_tools.core.content_type import ACCEPTED_FORMATS
from manifest_tools.dataset.copies import as_sent
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import Mask, Truth
from manifest_tools.dataset.object_keys import refused_keys
from manifest_tools.dataset.outcomes import Outcomes, compare
from manifest_tools.findings.policy import Policy

SIDES = ("", "train", "test")
COPY_EXCLUSION_REASONS = ("duplicate-conflict", "duplicate-across-splits", "group-across-splits")
_LAST = "image-set-aside"  # the reason that is told after all others

# What keeps pixels from being read, by the finding that tells of it.
_DECODE_ERRORS = {
    "image-missing": ("missing",),
    "image-empty": ("empty",),
    "image-unreadable": ("unreadable", "unreachable", "denied", "unsupported", "crashed", "timeout"),
    "image-truncated": ("truncated",),
    "image-corrupt": ("corrupt",),
    "image-bomb": ("bomb",),
}


def failed_to_decode(images: pd.DataFrame, *kinds: str) -> Mask:
    """Return the images with a decode error of some kinds, the word before the colon, shape (images,)."""
    codes, errors = pd.factorize(images["decode_error"])  # few differ
    kept = np.array([error.partition(":")[0] in kinds for error in errors], dtype=bool)
    return np.asarray(kept[codes])


def _failed(code: str) -> Callable[[pd.DataFrame, Policy], Mask]:
    def condition(images: pd.DataFrame, policy: Policy) -> Mask:  # noqa: ARG001 - one signature for all
        accepted = images["format"].isin([*ACCEPTED_FORMATS, ""])
        return np.asarray(failed_to_decode(images, *_DECODE_ERRORS[code]) & accepted.to_numpy())

    return condition


def _wrong_format(images: pd.DataFrame, policy: Policy) -> Mask:  # noqa: ARG001
    known = ~images["format"].isin([*ACCEPTED_FORMATS, ""]).to_numpy()
    return np.asarray(known | failed_to_decode(images, "not-an-image"))


def _sized(images: pd.DataFrame) -> Mask:
    return (images["format"].isin(ACCEPTED_FORMATS) & (images["width"] > 0)).to_numpy()


def _too_small(images: pd.DataFrame, policy: Policy) -> Mask:
    shorter = np.minimum(images["width"].to_numpy(), images["height"].to_numpy())
    return np.asarray(_sized(images) & (shorter < policy.min_image_side))


def _too_large(images: pd.DataFrame, policy: Policy) -> Mask:
    longer = np.maximum(images["width"].to_numpy(), images["height"].to_numpy())
    return np.asarray(_sized(images) & (longer > policy.max_image_side) & ~failed_to_decode(images, "bomb"))


def _too_heavy(images: pd.DataFrame, policy: Policy) -> Mask:
    return (images["bytes"] > policy.max_image_bytes).to_numpy()


IMAGE_REASONS: Mapping[str, Callable[[pd.DataFrame, Policy], Mask]] = {
    "image-on-stop-list": lambda images, policy: failed_to_decode(images, "stop-listed"),  # noqa: ARG005
    **{code: _failed(code) for code in _DECODE_ERRORS},
    "image-format": _wrong_format,
    "image-too-small": _too_small,
    "image-too-large": _too_large,
    "image-too-heavy": _too_heavy,
}


def unusable_content(images: pd.DataFrame, policy: Policy) -> dict[str, Mask]:
    """Return, for each reason that lies in the files that are sent, the images that it holds for."""
    images = as_sent(images)
    return {code: condition(images, policy) for code, condition in IMAGE_REASONS.items()}


def image_exclusion_reasons(dataset: Dataset, policy: Policy, outcomes: Outcomes) -> dict[str, Mask]:
    """Return, for each reason that one image gives by itself, the images that it holds for."""
    truth = outcomes.truth
    reasons = unusable_content(dataset.images, policy)
    reasons["object-key"] = np.zeros(len(dataset.images), dtype=bool)
    for here in blocks(len(dataset.images)):
        part = replace(dataset, images=dataset.images.iloc[here])
        reasons["object-key"][here] = refused_keys(part).ne("").to_numpy()
    reasons["label-unknown"] = truth.unresolved
    reasons["label-contradiction"] = truth.contradictory
    reasons["label-unsure"] = np.asarray(truth.unsure.any(axis=1))
    reasons["image-unlabelled"] = np.logical_not(truth.judged)
    if not policy.keep_unchecked:
        reasons["label-unchecked"] = np.asarray(outcomes.unchecked.any(axis=1))
    reasons[_LAST] = (dataset.images["set_aside"] != "").to_numpy()
    return reasons


def exclusion_reasons(
    dataset: Dataset,
    policy: Policy,
    outcomes: Outcomes | None = None,
    duplicates: DuplicateGroups | None = None,
) -> dict[str, Mask]:
    """Return, for each reason to leave images out, the images that it holds for.

    Parameters
    ----------
    dataset : Dataset
        Inspected or not: an image that was not inspected is not judged by its content.
    policy : Policy
        Limits, and `keep_unchecked`.
    outcomes : Outcomes, optional
        The comparison of `dataset`, when the caller has it already.
    duplicates : DuplicateGroups, optional
        Its copies and look-alikes, likewise.

    Returns
    -------
    dict of str to bool array, shape (images,)
        By finding code.
    """
    outcomes = outcomes or compare(dataset, policy)
    duplicates = duplicates or DuplicateGroups.of(dataset)
    own = image_exclusion_reasons(dataset, policy, outcomes)
    copies = copy_exclusion_reasons(duplicates, outcomes.truth, label_sets(outcomes.truth))
    return all_exclusion_reasons(own, copies)


def all_exclusion_reasons(own: Mapping[str, Mask], copies: Mapping[str, Mask]) -> dict[str, Mask]:
    """Return both kinds of reasons, in the order in which they are told."""
    return {name: mask for name, mask in own.items() if name != _LAST} | dict(copies) | {_LAST: own[_LAST]}


def eligible(dataset: Dataset, policy: Policy, outcomes: Outcomes | None = None) -> Mask:
    """Return which images may stand in a manifest, shape (images,)."""
    reasons = exclusion_reasons(dataset, policy, outcomes)
    kept: Mask = ~np.logical_or.reduce(list(reasons.values()))
    return kept


@dataclass(frozen=True)
class DuplicateGroups:
    """Which images are copies and look-alikes, and what is fixed of their split, as numbers.

    Parameters
    ----------
    files : int array, shape (images,)
        For each image the first one with the same bytes; itself where the bytes were not read.
    groups : int array, shape (images,)
        For each image the first one of its look-alikes; itself when it stands alone.
    together : int array, shape (images,)
        For each image the first one of those that one side of the split must have: its look-alikes, and the images
        with its value of the columns that the data set is grouped by.
    grouped : bool array, shape (images,)
        Whether look-alikes were searched for the image.
    sides : int8 array, shape (images,)
        The place of its split in ``SIDES``.
    locked : bool array, shape (images,)
        Whether an earlier round fixed it.
    """

    files: Rows
    groups: Rows
    together: Rows
    grouped: Mask
    sides: npt.NDArray[np.int8]
    locked: Mask

    @classmethod
    def of(cls, dataset: Dataset) -> DuplicateGroups:
        """Number the images of a data set."""
        images = dataset.images
        files = first_equal(images["sha256"])
        hashed = (images["sha256"] != "").to_numpy()
        groups = first_equal(group_names(images))
        return cls(
            np.where(hashed, files, np.arange(len(images))),
            groups,
            first_equal(split_group_names(images)) if has_split_groups(images) else groups,
            (images["group"] != "").to_numpy(),
            side_numbers(images),
            images["locked"].to_numpy(),
        )


def group_names(images: pd.DataFrame) -> pd.Series[str]:
    """Return the name of each image's group: its own key when look-alikes were not searched."""
    alone = images["group"] == ""
    return images["group"].mask(alone, images["image"]) if alone.any() else images["group"]


def has_split_groups(images: pd.DataFrame) -> bool:
    """Whether more than look-alikes was grouped."""
    return bool((images["split_group"] != "").any())


def split_group_names(images: pd.DataFrame) -> pd.Series[str]:
    """Return the name of what one side of the split must have with each image: the same for all that belong together."""
    if not has_split_groups(images):
        return group_names(images)
    names = images["split_group"].astype("str")
    return names.mask(names == "", group_names(images))


def side_numbers(images: pd.DataFrame) -> npt.NDArray[np.int8]:
    """Return the place of each image's split in ``SIDES``."""
    codes, names = pd.factorize(images["split"])
    return np.array([SIDES.index(name) if name in SIDES else -1 for name in names], dtype=np.int8)[codes]


def label_sets(truth: Truth) -> Rows:
    """Number the images by the set of labels that they show."""
    return group_ids((truth.present[:, column] for column in range(len(truth.labels))), len(truth.judged))


def copy_exclusion_reasons(duplicates: DuplicateGroups, truth: Truth, sets: Rows) -> dict[str, Mask]:
    """Return, for each reason that only the other images give, the images that it holds for."""
    alike = locked_on_both_sides(duplicates)
    masks = (
        conflicting_copies(duplicates, truth, sets),
        alike,
        _groups_locked_on_both_sides(duplicates) & ~alike,
    )
    return dict(zip(COPY_EXCLUSION_REASONS, masks, strict=True))


def conflicting_copies(duplicates: DuplicateGroups, truth: Truth, sets: Rows) -> Mask:
    """Return the images that have a byte-for-byte copy with other labels, shape (images,)."""
    said = truth.judged & ~truth.unresolved & ~truth.contradictory
    return _inconsistent(duplicates.files, sets, said) & said


def locked_on_both_sides(duplicates: DuplicateGroups) -> Mask:
    """Return the images that are not locked, while look-alikes of theirs are locked in train and in test."""
    inconsistent = _inconsistent(duplicates.groups, duplicates.sides, duplicates.locked & duplicates.grouped)
    return inconsistent & duplicates.grouped & ~duplicates.locked


def _groups_locked_on_both_sides(duplicates: DuplicateGroups) -> Mask:
    """Return the images that are not locked, while others of their group are locked in train and in test."""
    if duplicates.together is duplicates.groups:
        return np.zeros(len(duplicates.groups), dtype=bool)
    return _inconsistent(duplicates.together, duplicates.sides, duplicates.locked) & ~duplicates.locked


def _inconsistent(kinds: Rows, values: npt.NDArray[Any], among: Mask) -> Mask:
    """Return the images of those kinds of which some images have different values."""
    rows = np.flatnonzero(among)
    own = kinds[rows]
    differs = values[first_index(kinds, rows)[own]] != values[rows]
    inconsistent = np.zeros(len(kinds), dtype=bool)
    inconsistent[own[differs]] = True
    return np.asarray(inconsistent[kinds])
