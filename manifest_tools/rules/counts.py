"""Samples per label and side, against the minimums: the numbers behind readiness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from manifest_tools.core.output_folder import TRAIN_TEST
from manifest_tools.dataset.outcomes import MISTAKE, Outcome, targets_in_force
from manifest_tools.findings.findings import Verdict
from manifest_tools.findings.policy import Goal, Policy, Reading
from manifest_tools.rules.evidence import Evidence
from manifest_tools.rules.tally import Counts

_OUTCOMES = {
    "true_positives": Outcome.TRUE_POSITIVE,
    "false_positives": Outcome.FALSE_POSITIVE,
    "false_negatives": Outcome.FALSE_NEGATIVE,
    "true_negatives": Outcome.TRUE_NEGATIVE,
}


@dataclass(frozen=True, slots=True)
class Samples:
    """Training samples of one label for one goal.

    Parameters
    ----------
    label, goal
        What the samples are of.
    count : int
        Known false positives or false negatives in training, raw.
    possible : int
        What `count` could become, if the base model were asked about every image.
    effective : int
        `count` with look-alikes counted once.
    needed : int
        The policy's minimum.
    """

    label: str
    goal: Goal
    count: int
    possible: int
    effective: int
    needed: int

    @property
    def state(self) -> Verdict:
        """Whether the minimum is reached, out of reach, or not to be told."""
        if self.count >= self.needed:
            return Verdict.READY
        return Verdict.UNKNOWN if self.possible >= self.needed else Verdict.NOT_READY

    @property
    def missing(self) -> int:
        """How many more samples are needed."""
        return max(0, self.needed - self.count)


@dataclass(frozen=True)
class Readiness:
    """The 20/50 minimum over all candidates, as the policy reads it.

    Parameters
    ----------
    state : Verdict
        The verdict.
    candidates : tuple of Samples
        The declared targets, or every label with both goals.
    ready_for : tuple of str
        Labels with a goal that is reached.
    """

    state: Verdict
    candidates: tuple[Samples, ...]
    ready_for: tuple[str, ...]


def readiness(evidence: Evidence) -> Readiness:
    """Count the candidates' samples in training and read the minimum as the policy says.

    Source: https://docs.aws.amazon.com/rekognition/latest/dg/using-adapters-best-practices.html ("or") and
    https://docs.aws.amazon.com/rekognition/latest/dg/using-adapters-tutorial.html ("and, for a given label").
    """
    policy = evidence.policy
    every = _samples(evidence)
    wanted = {(target.label, target.goal) for target in targets_in_force(policy, evidence.taxonomy)}
    labels = {label for label, _ in wanted}
    if policy.reading is Reading.STRICT and wanted:  # each target's label needs both kinds
        chosen = tuple(sample for sample in every if sample.label in labels)
    else:
        chosen = tuple(sample for sample in every if not wanted or (sample.label, sample.goal) in wanted)
    ready_for = tuple(dict.fromkeys(s.label for s in chosen if s.state is Verdict.READY))
    return Readiness(_state(policy, chosen, every), chosen, ready_for)


def label_table(evidence: Evidence) -> tuple[dict[str, Any], ...]:
    """Return a row for each label that occurs, is predicted, or is a target; in the taxonomy's order.

    Returns
    -------
    tuple of dict
        `label`; `targets` (goals); `looked_for` (whether any usable image is known to have it or not);
        `images`, `train`, `test` (usable images that show it); `outcomes` and `effective` (for each side,
        the four outcomes, raw and with look-alikes counted once); `unknown` (usable images whose outcome is
        unknown); `shortfall` (for each goal, how many more samples training needs); `ready`.
    """
    tally = evidence.tally
    samples = {(s.label, s.goal): s for s in _samples(evidence)}
    targets = targets_in_force(evidence.policy, evidence.taxonomy)
    rows = []
    for column, label in enumerate(evidence.outcomes.labels):
        goals = [str(target.goal) for target in targets if target.label == label]
        if not (goals or label in evidence.occurring):
            continue
        own = [samples[label, goal] for goal in Goal]
        outcomes, effective = (
            {side: _named(counts[side][column]) for side in TRAIN_TEST}
            for counts in (tally.outcomes, tally.effective)
        )
        rows.append(
            {
                "label": label,
                "targets": goals,
                "looked_for": bool(tally.known[column]),
                "images": int(tally.images[""][column]),
                **{side: int(tally.images[side][column]) for side in TRAIN_TEST},
                "outcomes": outcomes,
                "effective": effective,
                "unknown": int(tally.outcomes[""][column, Outcome.UNKNOWN]),
                "shortfall": {str(sample.goal): sample.missing for sample in own},
                "ready": any(sample.state is Verdict.READY for sample in own),
            }
        )
    return tuple(rows)


def _named(counts: Counts) -> dict[str, int]:
    return {name: int(counts[value]) for name, value in _OUTCOMES.items()}


def _samples(evidence: Evidence) -> tuple[Samples, ...]:
    policy, tally = evidence.policy, evidence.tally
    raw, effective = tally.outcomes["train"], tally.effective["train"]
    return tuple(
        Samples(
            label,
            goal,
            count := int(raw[column, MISTAKE[goal]]),
            count + int(tally.open[goal][column]),
            int(effective[column, MISTAKE[goal]]),
            policy.minimum(goal),
        )
        for column, label in enumerate(evidence.outcomes.labels)
        for goal in Goal
    )


def _state(policy: Policy, chosen: tuple[Samples, ...], every: tuple[Samples, ...]) -> Verdict:
    states = [sample.state for sample in chosen]
    if policy.reading is Reading.STRICT:
        active = [s for s in chosen if s.possible] if not policy.targets else chosen
        by_label: dict[str, list[Verdict]] = {}
        for sample in active:
            by_label.setdefault(sample.label, []).append(sample.state)
        states = [
            state
            for found in by_label.values()
            for state in (found if len(found) == len(Goal) else [Verdict.NOT_READY])
        ]
        return _worst(states)
    if policy.reading is Reading.TOTAL:
        states = [_total(every, goal) for goal in Goal]
    if Verdict.READY in states:
        return Verdict.READY
    return Verdict.UNKNOWN if Verdict.UNKNOWN in states else Verdict.NOT_READY


def _worst(states: list[Verdict]) -> Verdict:
    for state in (Verdict.NOT_READY, Verdict.UNKNOWN):
        if state in states or not states:
            return state
    return Verdict.READY


def _total(every: tuple[Samples, ...], goal: Goal) -> Verdict:
    of_goal = [sample for sample in every if sample.goal is goal]
    count, possible = sum(s.count for s in of_goal), sum(s.possible for s in of_goal)
    return Samples("", goal, count, possible, count, of_goal[0].needed).state
