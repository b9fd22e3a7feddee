"""Base model against adapter in each slice of a test set."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifest_tools.core.output_folder import set_manifest
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.dataset.round_sets import set_numbers
from manifest_tools.dataset.slices import slices_of
from manifest_tools.evaluation.counts import LabelComparison
from manifest_tools.evaluation.files import Judged
from manifest_tools.evaluation.mistakes import arrange, compare_images
from manifest_tools.evaluation.power import ALPHA


@dataclass(frozen=True)
class SliceComparison:
    """One adapter against the base model in one slice: `total` over all labels, of so many test `images`."""

    column: str
    value: str
    images: int
    total: LabelComparison

    @property
    def told(self) -> str:
        """Say in words where no difference can be told."""
        change = self.total.changes[2]
        sure = change.p_value is not None and change.p_value < ALPHA
        return "" if sure else f"no difference can be told with n = {self.images}"

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as its JSON object."""
        return {
            "column": self.column,
            "value": self.value,
            "test_images": self.images,
            "told": self.told,
            "total": self.total.to_dict(),
        }


def addresses_by_slice(dataset: Dataset | None) -> dict[tuple[str, str], frozenset[str]]:
    """Return the addresses of the images of each slice, by column and value; several test sets are slices, too."""
    if dataset is None:
        return {}
    references = source_refs(dataset)
    found = {name: frozenset(references[mask]) for name, mask in slices_of(dataset).items()}
    numbers = set_numbers(dataset.images)
    if numbers.max(initial=0) > 1:
        for number in sorted({*numbers.tolist()} - {0}):
            found["test set", set_manifest(number)] = frozenset(references[numbers == number])
    return found


def compare_slices(
    judged: Sequence[Judged],
    labels: tuple[str, ...],
    slices: Mapping[tuple[str, str], Collection[str]],
    *,
    groups: Mapping[str, str],
    unknown: Mapping[str, frozenset[str]],
    threshold: float,
    seed: int,
) -> tuple[SliceComparison, ...]:
    """Compare the models in each slice that has a judged image, the smallest slice of each column first.

    Parameters
    ----------
    judged : sequence of Judged
        The test images.
    labels : tuple of str
        By which they are judged.
    slices : mapping of (str, str) to collection of str
        The addresses of the images of each slice, by column and value.
    groups : mapping of str to str
        The group of each image, by its address.
    unknown : mapping of str to frozenset of str
        The labels that nobody looked for, likewise.
    threshold : float
        At which the models are used.
    seed : int
        For the bootstrap.
    """
    found = []
    for (column, value), images in slices.items():
        here = [image for image in judged if image.truth is not None and image.image in images]
        if here:
            total = compare_images(arrange(here, labels, groups, unknown), threshold, seed=seed)[0]
            found.append(SliceComparison(column, value, len(here), total))
    order = list(dict.fromkeys(item.column for item in found))
    return tuple(sorted(found, key=lambda item: (order.index(item.column), item.images, item.value)))
