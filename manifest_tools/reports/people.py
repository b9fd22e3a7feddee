"""How far the reviewers agree, and how each of them does, as the cells of two tables and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from manifest_tools.core.text import counted
from manifest_tools.findings.findings import Report

PEOPLE_TITLE = "How far the reviewers agree"
AGREEMENT_HEAD = ("Label", "Images", "People", "Present", "Agree", "Cohen's kappa", "Krippendorff's alpha")
REVIEWER_HEAD = ("Reviewer", "Answers", "Images", "Overruled", "Wrong on gold", "Seconds an answer")


def people_note(report: Report) -> str:
    """Return how many images several people judged; empty where nobody answered."""
    found = report.facts.get("people")
    if not found:
        return ""
    if not found["images"]:
        return "No image was judged by two people, so that nothing is known of their agreement."
    blind = (
        f"{counted(found['images'], 'image')} judged by several people, {found['blind']:,} of them blindly"
    )
    return f"{blind}; 95 % intervals over images; who is unsure counts as not asked."


def agreement_rows(report: Report) -> list[Sequence[str]]:
    """Return the cells of the table of labels."""
    return [
        (
            row["label"],
            f"{row['images']:,}",
            f"{row['people']:,}",
            _percent(row["positives"]),
            _figure(row, "raw", _percent),
            _figure(row, "kappa", _decimal),
            _figure(row, "alpha", _decimal),
        )
        for row in report.facts.get("people", {}).get("labels", ())
    ]


def reviewer_rows(report: Report) -> list[Sequence[str]]:
    """Return the cells of the table of reviewers."""
    return [
        (
            row["reviewer"],
            f"{row['answers']:,}",
            f"{row['images']:,}",
            _overruled(row),
            _gold(row),
            _seconds(row),
        )
        for row in report.facts.get("people", {}).get("reviewers", ())
    ]


def paradoxes(report: Report) -> list[str]:
    """Return a sentence for each label of which the figures seem to contradict each other."""
    told = []
    for row in report.facts.get("people", {}).get("labels", ()):
        if row["paradox"]:
            rare, share = (
                ("present", row["positives"]) if row["positives"] < 0.5 else ("absent", 1 - row["positives"])
            )
            told.append(
                f"{row['label']}: people agree on {_percent(row['raw'])} of the images and kappa or alpha is low all the same. "
                f"Only {_percent(share)} of the answers are {rare!r}, so that chance alone makes people agree nearly "
                f"always; what tells is whether they agree on these few. Judge it by more images in which the label is {rare}."
            )
    return told


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _figure(row: Mapping[str, Any], name: str, form: Any) -> str:
    interval = row[f"{name}_interval"]
    if row[name] is None or interval is None:
        return form(row[name]) or "-"
    return f"{form(row[name])} ({form(interval['low'])} to {form(interval['high'])})"


def _overruled(row: Mapping[str, Any]) -> str:
    if not row["compared"]:
        return "-"
    return f"{row['overruled']:,} of {row['compared']:,} adjudicated ({_between(row['overruled_interval'])})"


def _gold(row: Mapping[str, Any]) -> str:
    if not row["gold"]:
        return "-"
    return f"{row['gold_wrong']:,} of {row['gold']:,} ({_between(row['gold_interval'])})"


def _between(interval: Mapping[str, float]) -> str:
    return f"{_percent(interval['low'])} to {_percent(interval['high'])}"


def _seconds(row: Mapping[str, Any]) -> str:
    return "-" if row["seconds"] is None else f"{row['seconds']:.1f}"
