"""The shortfall plan in words: what to collect, what to ask the base model, what to confirm first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from manifest_tools.core.text import counted
from manifest_tools.findings.findings import Report
from manifest_tools.reports.summary import GOALS

_COUNTEREXAMPLE = {
    "true_positive": "true positives (images that the base model flags rightly)",
    "true_negative": "true negatives (images that it rightly leaves alone)",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What one label and goal lacks. `images` are the ones to confirm first, with the base model's score."""

    about: str
    status: str
    steps: tuple[str, ...]
    images: tuple[tuple[str, float], ...]


def advice(report: Report) -> tuple[Advice, ...]:
    """Return the plan of a report, entry by entry, the test set last; empty when nothing is missing.

    What only the base model can tell is said once, not for every label.
    """
    plan = report.facts.get("plan", {})
    targets = report.facts.get("made", {}).get("policy", {}).get("targets")
    entries = plan.get("samples", ())
    known = [e for e in entries if not e["predict"] or e["count"] or (targets and _surely_missing(e) > 0)]
    found = [_of_samples(entry) for entry in known]
    if len(known) < len(entries):
        status = "how many samples there are is not known before it has been asked"
        step = "run 'manifest-tools predict DIR', or give its answers with --predictions FILE"
        found.insert(0, Advice("Ask the base model first", status, (step,), ()))
    test = plan.get("test")
    if test and test["missing"]:
        status = f"{test['count']:,} of {test['needed']:,} images; {test['missing']:,} more needed"
        found.append(Advice("Test set", status, (_collect(test, "the training set"),), ()))
    return tuple(found)


def _surely_missing(entry: Mapping[str, Any]) -> int:
    """Return how many samples are missing even if every open image turns out to be one."""
    return int(entry["missing"] - entry["predict"])


def _of_samples(entry: Mapping[str, Any]) -> Advice:
    goal = GOALS[entry["goal"]]
    status = f"{entry['count']:,} of {entry['needed']:,} in training"
    surely = _surely_missing(entry)
    if entry["predict"] and surely > 0:
        status += f", at most {entry['count'] + entry['predict']:,} once the base model is asked; {surely:,} more needed"
    elif entry["missing"] and not entry["predict"]:
        status += f"; {entry['missing']:,} more needed"
    images = tuple((image["image"], image["score"]) for image in entry["confirm"]["first"])
    return Advice(f"{entry['label']}, {goal}", status, tuple(_steps(entry)), images)


def _steps(entry: Mapping[str, Any]) -> Iterator[str]:
    if entry["effective"] < entry["count"]:
        yield f"counted without look-alikes: {entry['effective']:,} different pictures"
    if entry["missing"] and not entry["predict"]:
        yield _collect(entry, "the test set")
    if entry["predict"]:
        yield f"ask the base model: {counted(entry['predict'], 'image')} at hand may turn out to be such samples"
    if entry["confirm"]["count"]:
        yield f"confirm: {counted(entry['confirm']['count'], 'image')} at hand, where only a person's answer is missing"
    balance = entry["balance"]
    if balance["missing"]:
        yield f"for balance: {balance['missing']:,} more {_COUNTEREXAMPLE[balance['outcome']]}, {balance['count']:,} now"


def _collect(entry: Mapping[str, Any], elsewhere: str) -> str:
    if entry["collect"] > entry["missing"]:
        return f"collect: about {entry['collect']:,}, as a share goes to {elsewhere}"
    return f"collect: {entry['missing']:,}"
