"""Adapters compare only on the images that all of them were tested on, with the same truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.core.text import counted
from manifest_tools.evaluation.files import TOTAL, Evaluated, Results


@dataclass(frozen=True)
class CommonTests:
    """What several adapters that were tested on different images are compared on.

    Parameters
    ----------
    images : int
        Test images that all of them have, with the same truth.
    others : tuple of (str, int)
        Each adapter, and how many further images it was tested on.
    corrected : int
        Images that all have, and whose truth differs: they are left out.
    """

    images: int
    others: tuple[tuple[str, int], ...]
    corrected: int

    def __str__(self) -> str:
        """Say what the figures rest on."""
        more = "; ".join(f"{name} has {counted(number, 'other')}" for name, number in self.others)
        truth = f"; {counted(self.corrected, 'image')} whose labels were corrected in between left out"
        return (
            f"Compared on the {counted(self.images, 'test image')} that all of them were tested on, with the same labels "
            f"({more}{truth if self.corrected else ''})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as its JSON object."""
        return {"images": self.images, "others": dict(self.others), "corrected": self.corrected}


def on_common_tests(evaluated: Sequence[Evaluated]) -> tuple[tuple[Evaluated, ...], CommonTests | None]:
    """Return adapters with the test images that all of them have, and what that left out; None when nothing.

    Raises
    ------
    InputError
        They have no image in common, or counts alone of different test sets.
    """
    first, others = evaluated[0], evaluated[1:]
    for other in others:
        if bool(first.judged) != bool(other.judged):
            raise InputError(
                f"{first.name} and {other.name} cannot be compared: one has answers by image, the other counts alone. "
                "Give the output manifests of both."
            )
        if not first.judged and (example := _differing_counts(first.results, other.results)):
            raise InputError(
                f"{first.name} and {other.name} were not evaluated on the same test set ({example}), and counts alone do "
                "not tell what they have in common. Give the output manifests of both."
            )
    if not first.judged:
        return tuple(evaluated), None
    truths = [{image.image: image.truth for image in item.judged} for item in evaluated]
    shared = set(truths[0]).intersection(*truths[1:])
    same = {image for image in shared if all(truth[image] == truths[0][image] for truth in truths[1:])}
    if not same:
        raise InputError(
            f"{first.name} and {others[0].name} were tested on no image in common"
            f"{' whose labels are the same' if shared else ''}, so they do not compare. Train both on data sets with the "
            "same test images (prepare --freeze-test)."
        )
    if all(len(truth) == len(same) for truth in truths):
        return tuple(evaluated), None
    others_of = tuple(
        (item.name, len(set(truth) - shared)) for item, truth in zip(evaluated, truths, strict=True)
    )
    return tuple(_restricted(item, same) for item in evaluated), CommonTests(
        len(same), others_of, len(shared) - len(same)
    )


def _restricted(item: Evaluated, images: set[str]) -> Evaluated:
    """Return an adapter with some of its test images; Amazon's own figures are about all of them."""
    results = item.results and replace(item.results, f1=None, at={}, test_images=len(images))
    return replace(item, results=results, judged=tuple(one for one in item.judged if one.image in images))


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
