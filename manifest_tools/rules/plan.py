"""What to collect and what to confirm first: the way from the samples at hand to the minimums."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from manifest_tools.dataset.eligibility import SIDES
from manifest_tools.dataset.ground_truth import Mask
from manifest_tools.dataset.outcomes import COUNTEREXAMPLE
from manifest_tools.findings.policy import Goal
from manifest_tools.rules.counts import Samples, readiness
from manifest_tools.rules.evidence import Evidence

CONFIRM = 10  # images to confirm that one entry names; their number is exact
_REPAIRABLE = ("image-unlabelled", "label-unchecked", "label-unsure")  # a person's answer takes these away


def plan(evidence: Evidence) -> dict[str, Any]:
    """Return what is missing, and the cheapest way to get it, ready for JSON.

    Returns
    -------
    dict
        `samples`: for each target (or each label that occurs) and goal that lacks something: `label`, `goal`, `side` (always "train"), `count`, `effective`, `needed`, `missing`;
        `collect` (how many to bring, as a share of them goes to the test set); `predict` (images at hand
        that may turn out to be such samples once the base model is asked); `confirm` (images at hand that
        only wait for a person's answer: `count`, and the `first` ones with the base model's score, one of
        each group of look-alikes); `balance` (`outcome`, `count`, `missing`).
        `test`: `count`, `needed`, `missing` and `collect` of the test images, or None before a split.
    """
    result = readiness(evidence)
    waiting = _waiting(evidence)
    entries = [
        _entry(evidence, sample, waiting)
        for sample in result.candidates
        if evidence.policy.targets or sample.label in evidence.occurring
    ]
    samples = [entry for entry in entries if entry["missing"] or entry["balance"]["missing"]]
    return {"samples": samples, "test": _test(evidence)}


def _entry(evidence: Evidence, sample: Samples, waiting: Mask) -> dict[str, Any]:
    column = evidence.outcomes.labels.index(sample.label)
    balance = int(evidence.tally.outcomes["train"][column, COUNTEREXAMPLE[sample.goal]])
    return {
        "label": sample.label,
        "goal": str(sample.goal),
        "side": "train",
        "count": sample.count,
        "effective": sample.effective,
        "needed": sample.needed,
        "missing": sample.missing,
        "collect": _with_share(sample.missing, evidence, "train"),
        "predict": sample.possible - sample.count,
        "confirm": _first(evidence, _confirmable(evidence, sample, waiting), column),
        "balance": {
            "outcome": COUNTEREXAMPLE[sample.goal].name.lower(),
            "count": balance,
            "missing": max(0, sample.count - balance),
        },
    }


def _waiting(evidence: Evidence) -> Mask:
    """Return the images that nothing but a person's answer keeps out of the manifests, or that are in already."""
    waiting = np.ones(evidence.count, dtype=bool)
    for code, mask in evidence.reasons.items():
        if code not in _REPAIRABLE:
            waiting &= ~mask
    locked_test = evidence.duplicates.locked & (evidence.duplicates.sides == SIDES.index("test"))
    return np.asarray(waiting & ~locked_test)


def _confirmable(evidence: Evidence, sample: Samples, waiting: Mask) -> Mask:
    """Return the images that one answer may turn into a sample: said for a false positive, else a near miss."""
    outcomes = evidence.outcomes
    column = outcomes.labels.index(sample.label)
    wrong = (
        outcomes.predicted_positive if sample.goal is Goal.FALSE_POSITIVES else outcomes.predicted_negative
    )
    confirmable = waiting & wrong[:, column] & ~np.isnan(outcomes.score[:, column])
    return np.asarray(confirmable & ~evidence.truth.present[:, column] & ~evidence.truth.absent[:, column])


def _first(evidence: Evidence, mask: Mask, column: int) -> dict[str, Any]:
    """Return the number of images to confirm, and the highest-scored ones, one of each group of look-alikes."""
    rows = np.flatnonzero(mask)
    score: npt.NDArray[np.float64] = evidence.outcomes.score[:, column][rows]
    order = np.argsort(-score, kind="stable")  # the images stand in the order of their keys
    _, firsts = np.unique(evidence.duplicates.groups[rows[order]], return_index=True)
    chosen = order[np.sort(firsts)[:CONFIRM]]
    keys = evidence.values("image", rows[chosen])
    named = [
        {"image": key, "score": round(value, 4)}
        for key, value in zip(keys, score[chosen].tolist(), strict=True)
    ]
    return {"count": len(rows), "first": named}


def _test(evidence: Evidence) -> dict[str, int] | None:
    if not evidence.is_split:
        return None
    count, needed = int(evidence.side("test").sum()), evidence.policy.min_test_images
    missing = max(0, needed - count)
    return {
        "count": count,
        "needed": needed,
        "missing": missing,
        "collect": _with_share(missing, evidence, "test"),
    }


def _with_share(missing: int, evidence: Evidence, side: str) -> int:
    """Return how many samples to bring, so that `missing` of them come to one side at the share asked for.

    On a small set the least number of test images may take more than that share. It takes no more of what is
    added, until the share is back where it was asked to be.
    """
    here, total = int(evidence.side(side).sum()), int(evidence.eligible.sum())
    if not here or not missing:
        return missing
    splits = [step["options"] for step in evidence.dataset.history if step["step"] == "split"]
    asked = splits[-1].get("test_size") if splits else None
    share = here / total
    if isinstance(asked, float):
        share = max(share, 1 - asked if side == "train" else asked)
    return max(missing, ceil(round((here + missing) / share - total, 6)))
