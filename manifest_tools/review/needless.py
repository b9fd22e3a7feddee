"""Which questions can change nothing any more, so that nobody has to look at the pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from manifest_tools.core.arrays import Mask, Rows
from manifest_tools.dataset.outcomes import Outcome, Outcomes
from manifest_tools.findings.policy import Goal, Policy, Target


def enough(
    outcomes: Outcomes, reviewed: Mask, counted: Mask, policy: Policy, targets: Sequence[Target]
) -> Mask:
    """Return the labels of which no confirmation can make a minimum be missed again, shape (labels,).

    A minimum is safe once confirmed mistakes alone reach it: answers to what is open only add to these. Confirmations are
    asked where the model says a label, so that false negatives do not depend on them.

    Parameters
    ----------
    outcomes : Outcomes
        Truth against the base model.
    reviewed : bool array, shape (images, labels)
        A reviewer said something about it.
    counted : bool array, shape (images,)
        Images that count towards the minimums.
    policy : Policy
        For the minimums.
    targets : sequence of Target
        Those in force. With any, all labels are done when all targets are; else each for itself.
    """
    confirmed = (outcomes.outcome == Outcome.FALSE_POSITIVE) & reviewed & counted[:, None]
    of_goal = {
        Goal.FALSE_POSITIVES: confirmed.sum(axis=0) >= policy.minimum(Goal.FALSE_POSITIVES),
        Goal.FALSE_NEGATIVES: outcomes.count(Outcome.FALSE_NEGATIVE, counted)
        >= policy.minimum(Goal.FALSE_NEGATIVES),
    }
    if not targets:
        return np.asarray(of_goal[Goal.FALSE_POSITIVES])
    done = np.ones(len(outcomes.labels), dtype=bool)
    named = np.zeros(len(outcomes.labels), dtype=bool)
    for target in targets:
        column = outcomes.labels.index(target.label)
        done[column] &= of_goal[target.goal][column]
        named[column] = True
    return np.asarray(done & (named | done[named].all()))


def once_each(rows: Iterable[int], groups: Rows, asked: Callable[[int], Mask | None]) -> list[int]:
    """Return the images without those of which every question is asked of an earlier look-alike.

    Parameters
    ----------
    rows : iterable of int
        Positions, in the order in which they are shown.
    groups : int array, shape (images,)
        Look-alikes have the same number.
    asked : callable
        The questions about an image; None for one that is shown in any case.
    """
    before: dict[int, Mask] = {}
    kept = []
    for row in rows:
        questions, group = asked(row), int(groups[row])
        if questions is None:
            kept.append(row)
            continue
        earlier = before.get(group)
        if earlier is None or (questions & ~earlier).any():
            kept.append(row)
            before[group] = questions if earlier is None else earlier | questions
    return kept
