"""Rules about copies: identical files, look-alikes, and copies that carry different labels."""

from __future__ import annotations

from collections.abc import Iterator

from manifest_tools.findings import Finding
from manifest_tools.rules.evidence import Evidence, positions
from manifest_tools.truth import Mask


def copies(evidence: Evidence) -> Iterator[Finding]:
    """Every further copy of a picture, with the first one's name."""
    images = evidence.images
    keys = images["image"]
    hashed = images["sha256"] != ""
    first = keys.where(~hashed, keys.groupby(images["sha256"]).transform("min"))
    exact = hashed & (first != keys)
    first_keys, groups = list(first), list(images["group"])
    for row in positions(exact.to_numpy()):
        yield evidence.about(row, "duplicate-exact", other=first_keys[row])
    near = (images["group"] != "") & (images["group"] != keys) & ~exact
    for row in positions(near.to_numpy()):
        yield evidence.about(row, "duplicate-near", other=groups[row])


def conflicting_labels(evidence: Evidence) -> Iterator[Finding]:
    """Copies that are labelled differently: at least one of the label sets is wrong."""
    exact = evidence.reasons["duplicate-conflict"]
    yield from _conflicts(evidence, "sha256", exact, None)
    truth = evidence.truth
    grouped = (evidence.images["group"] != "").to_numpy() & truth.judged & ~truth.unresolved & ~exact
    yield from _conflicts(evidence, "group", grouped, "near")


def split_copies(evidence: Evidence) -> Iterator[Finding]:
    """Look-alikes on both sides of the split."""
    images = evidence.images
    first_in_train = images[evidence.side("train")].groupby("group")["image"].min().to_dict()
    groups = list(images["group"])
    for row in positions(evidence.side("test")):
        other = first_in_train.get(groups[row]) if groups[row] else None
        if other is not None:
            yield evidence.about(row, "duplicate-across-splits", other=other, other_split="train")
    for row in positions(evidence.reasons["duplicate-across-splits"]):
        yield evidence.about(row, "duplicate-across-splits", variant="locked")


def _conflicts(evidence: Evidence, key: str, among: Mask, variant: str | None) -> Iterator[Finding]:
    """Compare each image with the first one of its kind that has other labels."""
    present = evidence.truth.present
    kinds = list(evidence.images[key])
    first: dict[str, dict[bytes, int]] = {}  # of each kind, the first image with each set of labels
    for row in positions(among):
        first.setdefault(kinds[row], {}).setdefault(present[row].tobytes(), row)
    for row in positions(among):
        own = present[row].tobytes()
        other = next((other for labels, other in first[kinds[row]].items() if labels != own), None)
        if other is not None:
            yield evidence.about(
                row,
                "duplicate-conflict",
                variant=variant,
                other=evidence.keys[other],
                labels=list(evidence.truth.label_set(row)) or ["nothing unsafe"],
                other_labels=list(evidence.truth.label_set(other)) or ["nothing unsafe"],
            )
