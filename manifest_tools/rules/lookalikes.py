"""Rules about copies: identical files, look-alikes, and copies that carry different labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from manifest_tools.core.arrays import Mask, Rows, first_index
from manifest_tools.findings.findings import LazyFindings
from manifest_tools.rules.evidence import Evidence


def copies(evidence: Evidence) -> Iterator[LazyFindings]:
    """Every further copy of a picture, with the first one's name."""
    files = evidence.duplicates.files
    exact = files != np.arange(evidence.count)
    yield evidence.about("duplicate-exact", exact, lambda rows: _others(evidence, files[rows]))

    def leaders(rows: Rows) -> Iterator[dict[str, Any]]:
        return _others(evidence, evidence.duplicates.groups[rows])

    yield evidence.about("duplicate-near", evidence.followers & ~exact, leaders)


def conflicting_labels(evidence: Evidence) -> Iterator[LazyFindings]:
    """Copies that are labelled differently: at least one of the label sets is wrong."""
    duplicates, truth = evidence.duplicates, evidence.truth
    exact = evidence.reasons["duplicate-conflict"]
    yield _conflicts(evidence, duplicates.files, exact, None)
    grouped = duplicates.grouped & truth.judged & ~truth.unresolved & ~exact
    yield _conflicts(evidence, duplicates.groups, grouped, "near")


def split_copies(evidence: Evidence) -> Iterator[LazyFindings]:
    """Look-alikes on both sides of the split."""
    duplicates = evidence.duplicates
    first_in_train = first_index(
        duplicates.groups, np.flatnonzero(evidence.side("train") & duplicates.grouped)
    )[duplicates.groups]
    both = evidence.side("test") & duplicates.grouped & (first_in_train >= 0)

    def others(rows: Rows) -> Iterator[dict[str, Any]]:
        return (data | {"other_split": "train"} for data in _others(evidence, first_in_train[rows]))

    yield evidence.about("duplicate-across-splits", both, others)
    yield evidence.about(
        "duplicate-across-splits", evidence.reasons["duplicate-across-splits"], variant="locked"
    )


def _others(evidence: Evidence, rows: Rows) -> Iterator[dict[str, Any]]:
    return ({"other": key} for key in evidence.values("image", rows))


def _conflicts(evidence: Evidence, kinds: Rows, among: Mask, variant: str | None) -> LazyFindings:
    """Compare each image with the first one of its kind that has other labels."""
    sets, rows = evidence.label_sets, np.flatnonzero(among)
    first = first_index(kinds, rows)[kinds]
    unlike_first = rows[sets[rows] != sets[first[rows]]]
    second = first_index(kinds, unlike_first)[kinds]  # the first one that differs from the first of all
    other = np.where(sets == sets[first], second, first)

    def details(shown: Rows) -> Iterator[dict[str, Any]]:
        named = zip(shown.tolist(), other[shown].tolist(), _others(evidence, other[shown]), strict=True)
        for row, against, data in named:
            yield data | {
                "labels": list(evidence.truth.label_set(row)) or ["nothing unsafe"],
                "other_labels": list(evidence.truth.label_set(against)) or ["nothing unsafe"],
            }

    return evidence.about("duplicate-conflict", rows[other[rows] >= 0], details, variant=variant)
