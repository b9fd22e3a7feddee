"""Rules about images that belong together by more than their looks: sellers, listings, users, videos."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from manifest_tools.core.arrays import Mask, Rows, first_index
from manifest_tools.dataset.split_groups import values_of
from manifest_tools.dataset.tables import GROUPS, KEPT
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding, LazyFindings
from manifest_tools.rules.evidence import Evidence

LARGE = 0.1  # share of the usable images from which a group is told of
_SHOWN = 5  # groups that the facts name
_NAMED = 3  # values that name a group


def group_facts(evidence: Evidence) -> dict[str, Any]:
    """Return how images are grouped beyond their looks, ready for JSON; empty where they are not.

    Returns
    -------
    dict
        `by` (columns), `groups` (their number among usable images), `largest` (of some: name, images, share, train,
        test), `large` (how many hold more than a tenth), `without_value` (usable images that stand alone for want of one).
    """
    by = _columns(evidence)
    if not by:
        return {}
    usable = evidence.eligible
    sizes = _sizes(evidence)
    order = _by_size(sizes)
    total = max(1, int(usable.sum()))
    train, test = (evidence.side(side) & evidence.is_split for side in ("train", "test"))
    together = evidence.duplicates.together
    without = usable.copy()
    for column in by:
        without[values_of(evidence.images, column)[0]] = False
    return {
        "by": by,
        "groups": int((sizes > 0).sum()),
        "large": int((sizes > LARGE * total).sum()),
        "without_value": int(without.sum()),
        "largest": [
            {
                "name": _name(evidence, group),
                "images": int(sizes[group]),
                "share": round(int(sizes[group]) / total, 4),
                "train": int((train & (together == group)).sum()),
                "test": int((test & (together == group)).sum()),
            }
            for group in order[:_SHOWN].tolist()
        ],
    }


def large_groups(evidence: Evidence) -> Iterator[Finding]:
    """Groups that hold more than a tenth of the usable images."""
    if not _columns(evidence):
        return
    sizes, total = _sizes(evidence), int(evidence.eligible.sum())
    for group in _by_size(sizes).tolist():
        if sizes[group] <= LARGE * total:
            break
        count = int(sizes[group])
        yield finding(
            "group-large",
            group=_name(evidence, group),
            count=count,
            total=total,
            percent=round(100 * count / total),
        )


def groups_across(evidence: Evidence) -> Iterator[LazyFindings]:
    """Groups with images on both sides of the split, look-alikes aside, of which another rule tells."""
    if not _columns(evidence):
        return
    duplicates = evidence.duplicates
    train = np.flatnonzero(evidence.side("train"))
    first = first_index(duplicates.together, train)[duplicates.together]
    alike = first_index(duplicates.groups, train)[duplicates.groups]
    both = evidence.side("test") & (first >= 0) & (alike < 0) & evidence.is_split

    def others(rows: Rows) -> Iterator[dict[str, Any]]:
        for group, other in zip(
            duplicates.together[rows], evidence.values("image", first[rows]), strict=True
        ):
            yield {"group": _name(evidence, int(group)), "other": other}

    yield evidence.about("group-across-splits", both, others)
    locked: Mask = evidence.reasons["group-across-splits"]

    def named(rows: Rows) -> Iterator[dict[str, Any]]:
        return ({"group": _name(evidence, int(group))} for group in duplicates.together[rows])

    yield evidence.about("group-across-splits", locked, named, variant="locked")


def uneven_labels(evidence: Evidence) -> Iterator[Finding]:
    """Labels that the split could not divide as evenly as single images could be, because groups are whole."""
    for told in evidence.dataset.sources.get("split", {}).get("uneven", ()):
        data = {key: value for key, value in told.items() if key not in ("label", "largest_of")}
        of = evidence.rows_of([told["largest_of"]])
        name = (
            _name(evidence, int(evidence.duplicates.together[next(iter(of.values()))]))
            if of
            else told["largest_of"]
        )
        yield finding("split-uneven", label=told["label"], group=name, **data)


def _columns(evidence: Evidence) -> list[str]:
    by = evidence.dataset.sources.get(GROUPS, {}).get("by", ())
    return [column for column in by if column in evidence.images.columns]


def _sizes(evidence: Evidence) -> Rows:
    return np.bincount(evidence.duplicates.together[evidence.eligible], minlength=evidence.count)


def _by_size(sizes: Rows) -> Rows:
    """Return the groups, the largest first, those of one size in the order of their first images."""
    groups = np.flatnonzero(sizes)
    return np.asarray(groups[np.argsort(-sizes[groups], kind="stable")])


def _name(evidence: Evidence, group: int) -> str:
    """Return what a group is called: its values, or its first image where it has none."""
    images = evidence.images.iloc[np.flatnonzero(evidence.duplicates.together == group)]
    several = evidence.dataset.sources.get(KEPT, {}).get("several", {})
    parts = []
    for column in _columns(evidence):
        values = list(dict.fromkeys(values_of(images, column, several=several)[1]))
        if values:
            more = f" and {len(values) - _NAMED:,} more" if len(values) > _NAMED else ""
            parts.append(f"{column} {', '.join(values[:_NAMED])}{more}")
    return "; ".join(parts) or str(images["image"].iloc[0])
