"""Adapters compare only when they were tested on the same images, with the same truth."""

from __future__ import annotations

from collections.abc import Sequence

from manifest_tools.core.errors import InputError
from manifest_tools.evaluation.files import TOTAL, Evaluated, Results


def require_same_tests(evaluated: Sequence[Evaluated]) -> None:
    """Raise InputError for adapters that were tested on different images, or on other truth."""
    first = evaluated[0]
    for other in evaluated[1:]:
        if bool(first.judged) != bool(other.judged):
            raise InputError(
                f"{first.name} and {other.name} cannot be compared: one has answers by image, the other counts alone. "
                "Give the output manifests of both."
            )
        if first.judged:
            ours, theirs = ({image.image: image.truth for image in item.judged} for item in (first, other))
            differing = sorted(
                image
                for image in {**ours, **theirs}
                if image not in ours or image not in theirs or ours[image] != theirs[image]
            )
            example = f"{len(differing)} images differ, first {differing[0]}" if differing else ""
        else:
            example = _differing_counts(first.results, other.results)
        if example:
            raise InputError(
                f"{first.name} and {other.name} were not evaluated on the same test set ({example}), so they do not "
                "compare. Train both with the same test manifest."
            )


def _differing_counts(one: Results | None, other: Results | None) -> str:
    assert one is not None
    assert other is not None
    if one.test_images != other.test_images:
        return f"{one.test_images} and {other.test_images} test images"
    for threshold in one.at.keys() & other.at.keys():
        mine, theirs = one.at[threshold].get(TOTAL), other.at[threshold].get(TOTAL)
        if mine and theirs and mine[0] != theirs[0]:
            return f"the base model's counts differ at threshold {threshold:g}"
    return ""
