"""What labels mean, where people and the base model, or people among themselves, say different things of them."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.core.text import counted
from manifest_tools.findings.findings import Report
from manifest_tools.findings.policy import Policy

DEFINITIONS_TITLE = "What the labels mean on which answers differ"
_DISAGREEMENT = "review-disagreement"


class Defined(NamedTuple):
    """A label, on what answers differ in words, and what it covers and does not, the user's own rules first."""

    label: str
    why: str
    definition: str


def definitions(report: Report) -> tuple[Defined, ...]:
    """Return what the labels mean on which answers differ, the most disputed first; empty without a data set."""
    made = report.facts.get("made", {})
    if "taxonomy" not in made or not report.labels:
        return ()
    taxonomy, policy = Taxonomy.load(made["taxonomy"]), Policy.from_dict(made.get("policy", {}))
    people = Counter(item.location.label for item in report.findings if item.code == _DISAGREEMENT)
    mistakes = {
        row["label"]: sum(
            side["false_positives"] + side["false_negatives"] for side in row["outcomes"].values()
        )
        for row in report.labels
    }
    differ = {
        label: mistakes.get(label, 0) + people[label] for label in {*mistakes, *people} if label in taxonomy
    }
    found = []
    for label in sorted(differ, key=lambda name: (-differ[name], name)):
        definition = policy.definition(label, taxonomy)
        if differ[label] and definition:
            found.append(Defined(label, _why(mistakes.get(label, 0), people[label]), definition))
    return tuple(found)


def _why(mistakes: int, people: int) -> str:
    parts = [f"{counted(mistakes, 'mistake')} of the base model" if mistakes else ""]
    parts.append(f"{counted(people, 'disagreement')} between people" if people else "")
    return " and ".join(filter(None, parts))
