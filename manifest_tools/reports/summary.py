"""What every form of a report says: the verdict, its reasons, and the findings grouped by code.

Text and page are drawn from here, so that they never disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from manifest_tools.core.text import counted, printable, shortened
from manifest_tools.findings.catalogue import CATALOGUE
from manifest_tools.findings.findings import CodeCount, Finding, Report, Severity, Verdict

_REASONS = 5  # that the verdict names; the groups below it name all
GOALS = {"false-positives": "false positives", "false-negatives": "false negatives"}
_SHORT = {"false-positives": "FP", "false-negatives": "FN"}
_OUTCOMES = {
    "true_positives": "TP",
    "false_positives": "FP",
    "false_negatives": "FN",
    "true_negatives": "TN",
}

_LONGEST_KEPT = 60  # characters of a kept column in a place
_ORPHAN = "label-orphan"  # its findings are about files that are no images of the set


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of one code and severity. `findings` are the kept ones; `count` is exact."""

    code: str
    severity: Severity
    count: int
    left_out: int
    meaning: str
    findings: tuple[Finding, ...]

    @property
    def fix(self) -> str:
        """The one fix of all findings, or "" when they have several."""
        fixes = {finding.fix for finding in self.findings}
        return fixes.pop() if len(fixes) == 1 else ""

    @property
    def tally(self) -> str:
        """The number of findings about the manifests, and that of those about images that are left out."""
        against = self.count - self.left_out
        if not self.left_out:
            return f"{against:,}"
        about = "files that are not among the images" if self.code == _ORPHAN else "images that are left out"
        first = f"{against:,}, and " if against else ""
        return f"{first}{self.left_out:,}{'' if first else ','} about {about}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict in words. `tone` is "good", "open" or "bad"; `reasons` are sentences."""

    headline: str
    tone: str
    reasons: tuple[str, ...]


def groups(report: Report) -> tuple[Group, ...]:
    """Return the findings by code: what to fix first stands first.

    Errors before warnings before notes; in each, what counts against the manifests before what is about
    images that are left out, the more frequent first.
    """
    kept: dict[tuple[str, Severity], list[Finding]] = {}
    for finding in report.findings:
        kept.setdefault((finding.code, finding.severity), []).append(finding)
    return tuple(
        Group(
            c.code,
            c.severity,
            c.count,
            c.left_out,
            _meaning(c.code),
            tuple(kept.get((c.code, c.severity), ())),
        )
        for c in sorted(report.codes, key=_urgency)
    )


def answer(report: Report) -> Answer:
    """Return the verdict in one line, and why."""
    readiness = report.facts.get("readiness", {})
    limit = Severity.ERROR.rank if report.passed else _limit(report)
    against = [c for c in report.codes if c.severity.rank <= limit and c.count > c.left_out]
    match report.verdict:
        case Verdict.READY:
            return Answer("Ready to train", "good", _reached(readiness))
        case Verdict.UNKNOWN:
            reason = (
                "No error was found, but only the base model's answers tell whether there are enough samples."
            )
            return Answer("Not known yet whether it is ready to train", "open", (reason,))
        case Verdict.NOT_READY:
            reasons = (*_nothing_usable(report), *_against(report, against), *_let_pass(report, readiness))
            return Answer("Not ready to train", "bad", reasons)
    if not report.passed:
        return Answer("Did not pass", "bad", (*_nothing_usable(report), *_against(report, against)))
    if against:
        return Answer("Passed, though with errors: the policy allows it", "open", _against(report, against))
    count = sum(report.counts.values()) + sum(report.counts_left_out.values())
    nothing_fatal = f"{counted(count, 'finding')}, none of them fatal." if count else "Nothing found."
    return Answer("Passed", "good", (nothing_fatal,))


def counts_in_words(report: Report) -> str:
    """Return the number of findings of each severity; those about images that are left out stand apart."""
    parts = [", ".join(counted(count, severity) for severity, count in report.counts.items())]
    if any(report.counts_left_out.values()):
        apart = [counted(count, severity) for severity, count in report.counts_left_out.items() if count]
        parts.append(f"{', '.join(apart)} about images that are left out")
    return "; ".join(parts)


def still_needed(report: Report, row: Mapping[str, Any]) -> str:
    """Return what one label of the table lacks, such as "6 FP or 48 FN", "enough", or "not known"."""
    policy = report.facts.get("made", {}).get("policy", {})
    goals = row.get("targets") or list(row["shortfall"])
    if policy.get("targets") and not row.get("targets"):
        return "no target"
    strict = policy.get("reading") == "strict"
    if None in outcome_counts(row, "train").values():
        return "not known"
    lacking = {goal: count for goal, count in row["shortfall"].items() if count}
    wanted = list(row["shortfall"]) if strict else goals
    missing = [f"{lacking[goal]:,} {_SHORT[goal]}" for goal in wanted if goal in lacking]
    enough = not missing or (len(missing) < len(wanted) and not strict and not row.get("targets"))
    if enough:
        return "enough"
    every = strict or row.get("targets")
    return (" and " if every else " or ").join(missing)


def outcome_counts(row: Mapping[str, Any], side: str) -> dict[str, int | None]:
    """Return TP, FP, FN and TN of a label on one side; None for each when the base model was not asked."""
    counts = row["outcomes"][side]
    asked = any(value for of_side in row["outcomes"].values() for value in of_side.values())
    if not asked and row["unknown"]:
        return dict.fromkeys(_OUTCOMES.values())
    return {short: counts[name] for name, short in _OUTCOMES.items()}


def left_out_reasons(report: Report) -> list[tuple[str, int, str]]:
    """Return code, images and meaning of each reason to leave images out, the most frequent first."""
    reasons = report.facts.get("left_out", {})
    return [
        (code, count, _meaning(code)) for code, count in sorted(reasons.items(), key=lambda r: (-r[1], r[0]))
    ]


def source(code: str) -> str:
    """Return where the rule behind a code comes from; "" for a code that is not in the catalogue."""
    return f"Source of the rule: {CATALOGUE[code].source}" if code in CATALOGUE else ""


def images_in_words(report: Report) -> str:
    """Return how many images there are and what becomes of them, or "" when the report is not about images."""
    images = report.facts.get("images")
    if not images:
        return ""
    left = images["found"] - images["usable"]
    words = f"{counted(images['found'], 'image')} found, {images['usable']:,} usable"
    if images.get("test"):
        words += f": {images['train']:,} in training, {images['test']:,} in test"
        if images.get("no_side"):
            words += f", {images['no_side']:,} on no side (prepare or split deals them out)"
    return words + (f"; {left:,} left out" if left else "")


def groups_in_words(report: Report) -> str:
    """Return how images are grouped beyond their looks, or "" where they are not."""
    facts = report.facts.get("groups")
    if not facts:
        return ""
    words = f"Grouped by {', '.join(facts['by'])}: {counted(facts['groups'], 'group')}"
    if facts["without_value"]:
        words += f" ({counted(facts['without_value'], 'image')} without a value, grouped by looks alone)"
    if facts["largest"]:
        first = facts["largest"][0]
        sides = [side for side in ("train", "test") if first[side]]
        where = f", in {' and in '.join(sides)}" if sides else ""
        words += f"; the largest: {first['name']} with {counted(first['images'], 'image')} ({first['share']:.0%}{where})"
    if facts["large"]:
        words += f"; {counted(facts['large'], 'group holds', 'groups hold')} more than a tenth of all images"
    return words + "."


def slice_cells(row: Mapping[str, Any]) -> list[str]:
    """Return what is shown of a slice: its name, images, and the base model's figures with their intervals."""
    asked = any(row[name] for name in _OUTCOMES)
    counts = [f"{row[name]:,}" if asked else "?" for name in list(_OUTCOMES)[:3]]
    shares = [
        f"{share['share']:.0%} ({share['low']:.0%} to {share['high']:.0%})" if share else "-"
        for share in (row["precision"], row["recall"])
    ]
    sizes = [f"{row[name]:,}" for name in ("images", "train", "test")]
    return [f"{row['column']} {shortened(row['value'], _LONGEST_KEPT)}", *sizes, *counts, *shares]


def place(finding: Finding) -> str:
    """Return where a finding is, such as "labels.csv:58: bar/beer.jpg"; "" when it is about the whole set.

    The label is left out where the message names it anyway, unless it is all there is.
    """
    where = finding.location
    file = f"{where.file}:{where.line}" if where.file and where.line else where.file
    kept = ", ".join(f"{name} {shortened(str(value), _LONGEST_KEPT)}" for name, value in where.kept)
    image = f"{where.image} ({kept})" if where.image and kept else where.image
    parts = [part for part in (file, image, where.field) if part]
    label = shortened(where.label or "")
    if label and (not parts or label not in finding.message):
        parts.insert(2, label)
    return printable(": ".join(map(shortened, parts)))


def _meaning(code: str) -> str:
    return CATALOGUE[code].meaning if code in CATALOGUE else ""


def _urgency(count: CodeCount) -> tuple[int, bool, int, str]:
    against = count.count - count.left_out
    return count.severity.rank, not against, -(against or count.count), count.code


def _limit(report: Report) -> int:
    fail_on = report.facts.get("made", {}).get("policy", {}).get("fail_on", "error")
    ranks = {str(severity): severity.rank for severity in Severity}
    return ranks.get(fail_on, max(ranks.values()))


def _against(report: Report, codes: list[CodeCount]) -> tuple[str, ...]:
    """Say what counts against the manifests: the message where there is one finding, else the meaning."""
    reasons = []
    for code in sorted(codes, key=_urgency):
        own = [
            f
            for f in report.findings
            if (f.code, f.severity) == (code.code, code.severity) and not f.left_out
        ]
        against = code.count - code.left_out
        if against == 1 and own:
            where = place(own[0])
            reasons.append(own[0].message if where in own[0].message else f"{where}: {own[0].message}")
        else:
            reasons.append(f"{against:,} x {code.code}: {_meaning(code.code) or 'see below'}")
    return _first(reasons, "kinds of finding")


def _let_pass(report: Report, readiness: Mapping[str, Any]) -> tuple[str, ...]:
    """Say that the policy asks for less than the minimum, where it does."""
    if not report.passed:
        return ()
    minimum = () if report.counts["error"] else (f"The minimum is not reached: {readiness['reading']}.",)
    return (*minimum, "The policy lets it pass all the same (fail_on, severities).")


def _nothing_usable(report: Report) -> tuple[str, ...]:
    images = report.facts.get("images")
    if not images or images["usable"]:
        return ()
    found = images["found"]
    if not found:
        return ("There are no images.",)
    which = "The only image cannot" if found == 1 else f"None of the {found:,} images can"
    return (f"{which} be used; see what was left out, and why.",)


def _reached(readiness: Mapping[str, Any]) -> tuple[str, ...]:
    """Say which labels have their samples, one sentence for each label."""
    by_label: dict[str, list[str]] = {}
    for c in readiness.get("candidates", ()):
        if c["state"] == "ready":
            words = f"{c['count']:,} {GOALS[c['goal']]} ({c['needed']:,} needed)"
            by_label.setdefault(c["label"], []).append(words)
    return _first(
        [f"{label}: {' and '.join(parts)} in training" for label, parts in by_label.items()], "labels"
    )


def _first(sentences: list[str], what: str) -> tuple[str, ...]:
    more = len(sentences) - _REASONS
    return (*sentences[:_REASONS], f"and {more} more {what}") if more > 0 else tuple(sentences)
