"""Rules about the base model's answers as a whole: whether they can mean what they are taken for."""

from __future__ import annotations

from collections.abc import Iterator

from manifest_tools.dataset.outcomes import Outcome
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding, Verdict
from manifest_tools.findings.policy import Goal
from manifest_tools.rules.counts import readiness
from manifest_tools.rules.evidence import Evidence

_TOO_MANY = 20  # labels that people found and the model did not, so that no agreement is no accident


def cut_answers(evidence: Evidence) -> Iterator[Finding]:
    """Answers that begin far above the confidence from which they are assumed to be complete.

    An error where false negatives are wanted that only the missing answers could show.
    """
    for _, origin in sorted(evidence.dataset.sources.items()):
        cut = origin.get("cut")
        if not cut:
            continue
        result = readiness(evidence)
        wanted = any(
            sample.goal is Goal.FALSE_NEGATIVES and sample.count < sample.needed <= sample.possible
            for sample in result.candidates
        )
        variant = "blocks" if wanted and result.state is not Verdict.READY else None
        yield finding("predictions-cut", variant=variant, file=origin.get("file") or None, **cut)


def no_agreement(evidence: Evidence) -> Iterator[Finding]:
    """A base model that found nothing of what people found: more often a mistake than a model.

    It may be another unit, another model's answers, or those about other images.
    """
    outcomes = evidence.tally.outcomes[""].sum(axis=0)
    missed, agreed = int(outcomes[Outcome.FALSE_NEGATIVE]), int(outcomes[Outcome.TRUE_POSITIVE])
    if not agreed and missed >= _TOO_MANY:
        other = int(outcomes[Outcome.FALSE_POSITIVE])
        threshold = evidence.policy.confidence_threshold
        yield finding("predictions-disagree", count=missed, other=other, threshold=threshold)
