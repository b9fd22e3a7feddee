"""What each slice holds, and how the base model does in it; slices that are too small to say anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from manifest_tools.dataset.outcomes import Outcome
from manifest_tools.dataset.slices import slices_of
from manifest_tools.evaluation.statistics import wilson
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding
from manifest_tools.rules.evidence import Evidence

SMALL = 10  # test images below which a slice is told of
_OUTCOMES = {
    "true_positives": Outcome.TRUE_POSITIVE,
    "false_positives": Outcome.FALSE_POSITIVE,
    "false_negatives": Outcome.FALSE_NEGATIVE,
    "true_negatives": Outcome.TRUE_NEGATIVE,
}


def slice_facts(evidence: Evidence) -> list[dict[str, Any]]:
    """Return a row for each slice, the smallest of each column first, ready for JSON.

    Returns
    -------
    list of dict
        `column`, `value`; `images`, `train`, `test` (usable images); `labels` (images by label); the four outcomes of the
        base model over pairs of image and label; `precision` and `recall` (share, low, high: Wilson's interval), or None.
    """
    usable, truth = evidence.eligible, evidence.truth
    told = []
    for (column, value), mask in slices_of(evidence.dataset).items():
        here = mask & usable
        outcome = evidence.outcomes.outcome[here]
        counts = {name: int((outcome == kind).sum()) for name, kind in _OUTCOMES.items()}
        hits = counts["true_positives"]
        shown = truth.present[here].sum(axis=0)
        told.append(
            {
                "column": column,
                "value": value,
                "images": int(here.sum()),
                "train": int((here & evidence.side("train")).sum()) if evidence.is_split else 0,
                "test": int((here & evidence.side("test")).sum()),
                "labels": {label: int(n) for label, n in zip(truth.labels, shown, strict=True) if n},
                **counts,
                "precision": _share(hits, hits + counts["false_positives"]),
                "recall": _share(hits, hits + counts["false_negatives"]),
            }
        )
    order = list(dict.fromkeys(row["column"] for row in told))
    return sorted(told, key=lambda row: (order.index(row["column"]), row["images"], row["value"]))


def small_slices(evidence: Evidence) -> Iterator[Finding]:
    """Slices with so few test images that an evaluation can tell nothing of them."""
    if not evidence.is_split:
        return
    rows = slice_facts(evidence)
    for column in dict.fromkeys(row["column"] for row in rows):
        small = sorted(
            (row for row in rows if row["column"] == column and row["test"] < SMALL),
            key=lambda row: row["test"],
        )
        if small:
            named = [f"{row['value']} ({row['test']})" for row in small]
            yield finding("slice-small", column=column, count=len(small), slices=named, limit=SMALL)


def _share(part: int, whole: int) -> dict[str, float] | None:
    interval = wilson(part, whole)
    if interval is None:
        return None
    return {"share": round(part / whole, 4), "low": round(interval.low, 4), "high": round(interval.high, 4)}
