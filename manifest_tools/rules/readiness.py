"""Rules about readiness: the 20/50 minimums, the sizes of the two sides, and balance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from manifest_tools.core.arrays import Rows, distinct
from manifest_tools.dataset.carry_over import ROUND
from manifest_tools.dataset.outcomes import COUNTEREXAMPLE, MISTAKE
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding, LazyFindings, Verdict
from manifest_tools.findings.policy import Goal, Reading
from manifest_tools.rules.counts import Samples, readiness
from manifest_tools.rules.evidence import Evidence

_CODES = {
    Goal.FALSE_POSITIVES: "too-few-false-positives",
    Goal.FALSE_NEGATIVES: "too-few-false-negatives",
}
_EXAMPLES = 3
_WORDS = {Goal.FALSE_POSITIVES: "false positives", Goal.FALSE_NEGATIVES: "false negatives"}

_COUNTEREXAMPLE = {
    Goal.FALSE_POSITIVES: ("true positives", "images that the base model flags rightly"),
    Goal.FALSE_NEGATIVES: ("true negatives", "images that it rightly leaves alone"),
}


def minimum_samples(evidence: Evidence) -> Iterator[Finding]:
    """The 20/50 minimum: an error when it is missed as the policy reads it, else the shortfalls of the others."""
    result = readiness(evidence)
    missed = result.state is Verdict.NOT_READY
    declared = bool(evidence.policy.targets)
    begun = [s for s in result.candidates if declared or (s.possible and s.label in evidence.occurring)]
    if missed and (not begun or evidence.policy.reading is Reading.TOTAL):
        yield from _sums(evidence)
        return
    for sample in begun:
        if sample.state is not Verdict.READY and (missed or sample.count or declared):
            yield from _shortfall(sample, missed=missed)


def missing_predictions(evidence: Evidence) -> Iterator[Finding]:
    """Usable images about which the base model was not asked."""
    unasked = evidence.eligible & ~evidence.outcomes.asked
    if unasked.any():
        count, total = int(unasked.sum()), int(evidence.eligible.sum())
        yield finding("predictions-missing", count=count, total=total)


def size_of_test_set(evidence: Evidence) -> Iterator[Finding]:
    """At least 20 test images, raw; and a warning when only look-alikes make up the number.

    Source: https://docs.aws.amazon.com/rekognition/latest/dg/using-adapters-best-practices.html
    """
    if not evidence.is_split:
        return
    test, limit = evidence.side("test"), evidence.policy.min_test_images
    count = int(test.sum())
    if count < limit:
        yield finding("too-few-test-images", count=count, limit=limit)
        return
    effective = distinct(evidence.duplicates.together, test)
    if effective < limit:
        yield finding("too-few-effective", variant="test", count=count, effective=effective, limit=limit)


def training_size(evidence: Evidence) -> Iterator[Finding]:
    """At most 10,000 training images.

    Source: https://docs.aws.amazon.com/rekognition/latest/dg/adapters-manual-annotation.html
    """
    count, limit = int(evidence.side("train").sum()), evidence.policy.max_training_images
    if count > limit:
        yield finding("too-many-images", count=count, limit=limit)


def effective_samples(evidence: Evidence) -> Iterator[Finding]:
    """Minimums that are reached only by counting look-alikes several times."""
    for sample in readiness(evidence).candidates:
        if sample.state is Verdict.READY and sample.effective < sample.needed:
            yield finding(
                "too-few-effective",
                label=sample.label,
                count=sample.count,
                what=_WORDS[sample.goal],
                effective=sample.effective,
                limit=sample.needed,
            )


def selection(evidence: Evidence) -> Iterator[LazyFindings]:
    """Images that were not selected."""

    def details(rows: Rows) -> Iterator[dict[str, Any]]:
        return ({"reason": reason} for reason in evidence.values("set_aside", rows))

    yield evidence.about("image-set-aside", evidence.reasons["image-set-aside"], details)


def missing_labels(evidence: Evidence) -> Iterator[Finding]:
    """Labels that only one side has."""
    if not evidence.is_split:
        return
    train, test = (evidence.tally.images[side] for side in ("train", "test"))
    for label, in_train, in_test in zip(evidence.truth.labels, train, test, strict=True):
        if in_test and not in_train:
            yield finding("label-missing-from-train", label=label, count=int(in_test))
        if in_train and not in_test:
            yield finding("label-missing-from-test", label=label, count=int(in_train))


def relaxed_constraints_of_the_split(evidence: Evidence) -> Iterator[Finding]:
    """What gave way when the images were split."""
    for gave_way in evidence.dataset.sources.get("split", {}).get("gave_way", ()):
        label = gave_way.get("label") or None
        where = f" for {label}" if label else ""
        data = {key: value for key, value in gave_way.items() if key != "label"}
        yield finding("split-infeasible", label=label, where=where, **data)


def locked_images(evidence: Evidence) -> Iterator[Finding]:
    """Images that an earlier round locked, and that are not here any more."""
    gone = evidence.dataset.sources.get(ROUND, {}).get("gone", {})
    for split, keys in sorted(gone.items()):
        yield finding("locked-image-missing", split=split, count=len(keys), examples=list(keys[:_EXAMPLES]))


def balance(evidence: Evidence) -> Iterator[Finding]:
    """True positives beside false positives, true negatives beside false negatives.

    Source: https://docs.aws.amazon.com/rekognition/latest/dg/preparing-datasets-adapters.html
    """
    for sample in readiness(evidence).candidates:
        words, advice = _COUNTEREXAMPLE[sample.goal]
        column = evidence.outcomes.labels.index(sample.label)
        other = int(evidence.tally.outcomes["train"][column, COUNTEREXAMPLE[sample.goal]])
        if sample.state is Verdict.READY and other < sample.count:
            yield finding(
                "balance",
                label=sample.label,
                count=sample.count,
                what=_WORDS[sample.goal],
                other_count=other,
                other=words,
                advice=f"{sample.count - other} more {words}: {advice}",
            )


def _shortfall(sample: Samples, *, missed: bool) -> Iterator[Finding]:
    """Tell what one label and goal lack: as an error when nothing else is ready, else as a warning."""
    if sample.state is Verdict.UNKNOWN:  # predictions-missing says what to run
        return
    variant = "shortfall" if not missed else "bound" if sample.possible > sample.count else None
    yield finding(
        _CODES[sample.goal],
        variant=variant,
        label=sample.label,
        count=sample.possible if variant == "bound" else sample.count,
        limit=sample.needed,
        missing=sample.missing,
    )


def _sums(evidence: Evidence) -> Iterator[Finding]:
    """Tell what all labels together lack."""
    for goal in Goal:
        needed = evidence.policy.minimum(goal)
        count = int(evidence.tally.outcomes["train"][:, MISTAKE[goal]].sum())
        yield finding(_CODES[goal], variant="sum", count=count, limit=needed, missing=needed - count)
