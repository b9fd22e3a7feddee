"""What changed between two manifests, or two data sets: images added, removed, relabelled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import effective_truth
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.content import what_people_said
from manifest_tools.manifests.kinds import SOURCE_REF
from manifest_tools.manifests.line_reader import Source, lines, parse

Labels = tuple[str, ...] | None  # None: nobody said anything of the image; empty: nothing is unsafe


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One image that is different. `old` and `new` are its labels; None where nobody said anything."""

    image: str
    old: Labels
    new: Labels


@dataclass(frozen=True)
class ManifestDiff:
    """What changed, each part sorted by image.

    Parameters
    ----------
    added, removed : tuple of Change
        Images that only the new, or only the old one has.
    relabelled : tuple of Change
        Images with other labels.
    same : int
        Images that are in both with the same labels.
    """

    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    relabelled: tuple[Change, ...]
    same: int

    @property
    def equal(self) -> bool:
        """Whether nothing changed."""
        return not (self.added or self.removed or self.relabelled)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as its JSON object."""

        def rows(changes: tuple[Change, ...]) -> list[dict[str, Any]]:
            return [{"image": c.image, "old": _listed(c.old), "new": _listed(c.new)} for c in changes]

        return {
            "equal": self.equal,
            "same": self.same,
            "added": rows(self.added),
            "removed": rows(self.removed),
            "relabelled": rows(self.relabelled),
        }


def compare_manifests(
    old: str | Path | bytes | Dataset, new: str | Path | bytes | Dataset, *, policy: Policy | None = None
) -> ManifestDiff:
    """Compare two manifests, or data sets, by what people say of each image.

    Parameters
    ----------
    old, new : str, Path, bytes or Dataset
        A manifest, or a data set: the folder that `prepare` made counts as one. Of an image that stands in several
        lines, everything said counts. A data set's labels are its effective ones, as manifests have them.
    policy : Policy, optional
        For data sets, instead of their own.

    Raises
    ------
    InputError
        One of them cannot be read.
    """
    before, after = _labels_of(old, policy), _labels_of(new, policy)
    shared = before.keys() & after.keys()
    different = [
        Change(image, before[image], after[image]) for image in shared if before[image] != after[image]
    ]
    return ManifestDiff(
        tuple(sorted(Change(image, None, after[image]) for image in after.keys() - shared)),
        tuple(sorted(Change(image, before[image], None) for image in before.keys() - shared)),
        tuple(sorted(different, key=lambda change: change.image)),
        len(shared) - len(different),
    )


def _labels_of(place: str | Path | bytes | Dataset, policy: Policy | None) -> dict[str, Labels]:
    if not isinstance(place, Dataset | bytes) and Path(place).is_dir():
        place = Dataset.load(place)
    return _of_dataset(place, policy) if isinstance(place, Dataset) else _of_manifest(place)


def _of_dataset(dataset: Dataset, policy: Policy | None) -> dict[str, Labels]:
    truth = effective_truth(dataset, policy or Policy.from_dict(dataset.policy))
    references = source_refs(dataset)
    names = references.where(references != "", dataset.images["image"])
    return {
        name: tuple(sorted(truth.label_set(row))) if truth.judged[row] else None
        for row, name in enumerate(names)
    }


def _of_manifest(place: str | Path | bytes) -> dict[str, Labels]:
    found: dict[str, Labels] = {}
    for _, line in lines(Source(place)):
        value = parse(line)  # validate_manifest tells of lines that are no objects
        if isinstance(value, dict) and isinstance(value.get(SOURCE_REF), str):
            said = what_people_said(value)
            labels = tuple(name for name, truth in said.labels.items() if truth)
            before = found.get(value[SOURCE_REF])
            together = tuple(sorted({*(before or ()), *labels}))
            found[value[SOURCE_REF]] = together if said.judged or before is not None else None
    return found


def _listed(labels: Labels) -> list[str] | None:
    return None if labels is None else list(labels)
