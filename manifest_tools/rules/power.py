"""Whether the test set could show what an adapter repairs, told before anybody pays for a training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from manifest_tools.core.arrays import distinct
from manifest_tools.dataset.outcomes import MISTAKE, Outcome
from manifest_tools.evaluation.power import BEST, WORTH_SEEING, detectable, mistakes_needed, power
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding, Verdict
from manifest_tools.rules.counts import readiness
from manifest_tools.rules.evidence import Evidence


def power_by_target(evidence: Evidence) -> list[dict[str, Any]]:
    """Return for each target what the test set can show, ready for JSON; nothing before a split.

    Without declared targets, those labels and goals count as targets that training has the minimum for.

    Returns
    -------
    list of dict
        `label`, `goal`; `images` (test images of which the outcome is known) and `mistakes` (those that the base model
        gets wrong), each group of look-alikes once; `unknown` (test images whose outcome is not known); `detectable`
        (the least share of the mistakes whose repair is seen in 80 % of trials, or None); `shares` (for repairs of 30,
        50 and 70 %: the `chance` that it is seen, the mistakes `needed` to see it in 80 %, and how many `more` that is).
    """
    if not evidence.is_split:
        return []
    test, groups = evidence.side("test"), evidence.duplicates.together
    told = []
    for sample in readiness(evidence).candidates:
        if not (evidence.policy.targets or sample.state is Verdict.READY):
            continue
        column = evidence.outcomes.labels.index(sample.label)
        outcome = evidence.outcomes.outcome[:, column]
        mistakes = int(evidence.tally.effective["test"][column, MISTAKE[sample.goal]])
        told.append(
            {
                "label": sample.label,
                "goal": str(sample.goal),
                "images": distinct(groups, test & (outcome != Outcome.UNKNOWN)),
                "mistakes": mistakes,
                "unknown": int(evidence.tally.outcomes["test"][column, Outcome.UNKNOWN]),
                "detectable": detectable(mistakes),
                "shares": [_share(mistakes, share) for share in WORTH_SEEING],
            }
        )
    return told


def small_tests(evidence: Evidence) -> Iterator[Finding]:
    """Targets of which the test set could not even show a nearly complete repair."""
    needed = mistakes_needed(BEST)
    for target in power_by_target(evidence):
        if target["mistakes"] + target["unknown"] < needed:
            yield finding(
                "test-too-small",
                label=target["label"],
                goal=target["goal"],
                what=target["goal"].replace("-", " "),
                count=target["mistakes"],
                images=target["images"],
                limit=needed,
                missing=needed - target["mistakes"],
            )


def _share(mistakes: int, share: float) -> dict[str, Any]:
    needed = mistakes_needed(share)
    return {
        "repaired": share,
        "chance": round(power(mistakes, share), 6),
        "needed": needed,
        "more": max(0, needed - mistakes),
    }
