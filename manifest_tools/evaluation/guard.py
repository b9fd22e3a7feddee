"""The guard: what an adapter does to ordinary traffic, for the labels that it was not trained to change.

A test set is full of the base model's mistakes, on purpose. So it says nothing about the rates of production.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.core.text import counted
from manifest_tools.dataset.copies import as_sent
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.evaluation.counts import LabelComparison
from manifest_tools.evaluation.files import Evaluated
from manifest_tools.evaluation.mistakes import Flip, arrange, compare_images, find_flips, top_labels
from manifest_tools.evaluation.statistics import mcnemar_exact, wilson


@dataclass(frozen=True, slots=True)
class Reported:
    """How many images each model reports a label in, at the threshold; truth is not needed for it."""

    label: str
    images: int
    base: int
    adapter: int
    newly: int  # by the adapter alone
    no_longer: int  # by the base model alone

    @property
    def p_value(self) -> float:
        """The chance of so uneven a change, by the exact McNemar test."""
        return mcnemar_exact(self.newly, self.no_longer)

    def __str__(self) -> str:
        """Return the change as a sentence."""
        return (
            f"{self.label}: reported in {self.adapter} of {self.images} images instead of {self.base} "
            f"({self.newly} newly, {self.no_longer} no longer)"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as its JSON object, with Wilson's interval of the share that changed."""
        changed = wilson(self.newly + self.no_longer, self.images)
        return {name: getattr(self, name) for name in self.__slots__} | {
            "changed_interval": changed.to_dict() if changed else None,
            "p_value": self.p_value,
            "sentence": str(self),
        }


@dataclass(frozen=True)
class Guard:
    """What happened on ordinary traffic to labels that were not targets.

    `comparisons` and `flips` cover the images that people judged; `reported` all of them.
    """

    images: int
    judged: int
    threshold: float
    targets: tuple[str, ...]
    reported: tuple[Reported, ...]
    comparisons: tuple[LabelComparison, ...]
    flips: tuple[Flip, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the guard's findings as a JSON object."""
        return {
            "images": self.images,
            "judged": self.judged,
            "threshold": self.threshold,
            "targets": list(self.targets),
            "reported": [item.to_dict() for item in self.reported],
            "labels": [item.to_dict() for item in self.comparisons],
            "flips": [item.to_dict() for item in self.flips],
        }


def run_guard(
    evaluated: Evaluated, targets: Sequence[str], threshold: float, taxonomy: Taxonomy, *, seed: int = 0
) -> Guard:
    """Compare both models on ordinary traffic, per label that was not a target."""
    judged = evaluated.judged
    seen = {name for image in judged for name in (*image.base, *image.adapter, *(image.truth or ()))}
    labels = sorted(top_labels(seen, taxonomy) - set(targets))
    everything = arrange(judged, labels, {})
    said_base, said_adapter = everything.base >= threshold, everything.adapter >= threshold
    reported = tuple(
        Reported(
            label,
            len(judged),
            int(said_base[:, column].sum()),
            int(said_adapter[:, column].sum()),
            int((said_adapter & ~said_base)[:, column].sum()),
            int((said_base & ~said_adapter)[:, column].sum()),
        )
        for column, label in enumerate(labels)
        if np.any(said_base[:, column] | said_adapter[:, column])
    )
    with_truth = [image for image in judged if image.truth is not None]
    tests = arrange(with_truth, labels, {})
    return Guard(
        len(judged),
        len(with_truth),
        threshold,
        tuple(targets),
        reported,
        compare_images(tests, threshold, seed=seed) if with_truth else (),
        find_flips(tests, threshold) if with_truth else (),
    )


def require_unseen(guard: Evaluated, dataset: Dataset) -> None:
    """Refuse a guard with images that the adapter was trained on, under whatever name.

    Raises
    ------
    InputError
        An image of the guard is one of training, by its address or by its content.
    """
    train = (dataset.images["split"] == "train").to_numpy()
    sent = as_sent(dataset.images)
    known = {*source_refs(dataset)[train], *dataset.images["sha256"][train], *sent["sha256"][train]} - {""}
    seen = [one.image for one in guard.judged if one.image in known or one.sha256 in known]
    if seen:
        raise InputError(
            f"{guard.name}: {counted(len(seen), 'image')} of {len(guard.judged):,} were trained on, first {seen[0]}. What an "
            "adapter does to images that it has learnt says nothing about ordinary traffic: leave them out of the guard."
        )
