"""Choose the most useful images when there are more than training takes.

Nothing is removed: an image that is not chosen gets the reason into its column `set_aside`, and whoever asks
for the usable images (:mod:`manifest_tools.dataset.eligibility`) passes it over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from manifest_tools.core.arrays import Mask, Order, Rows, cumcount, group_ids, order_of
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.eligibility import SIDES
from manifest_tools.dataset.outcomes import COUNTEREXAMPLE, MISTAKE, targets_in_force
from manifest_tools.findings.policy import Goal, Policy, Target
from manifest_tools.rules.evidence import Evidence

_BEFORE_LABELS = (
    "image-unlabelled",
    "label-unchecked",
)  # reasons that every image has until somebody labels it


def select_images(dataset: Dataset, *, limit: int, policy: Policy | None = None, seed: int = 0) -> Dataset:
    """Keep the `limit` most useful training images, and set the others aside.

    The mistakes of the base model that the targets name come first (without targets: all mistakes), each
    target up to its minimum before any gets more. Then true positives beside false positives and true
    negatives beside false negatives, until they balance; then other images, in proportion to their labels.
    Further look-alikes of one picture come last, unless a minimum needs them. Test images are not touched.
    Before anybody has labelled an image, the choice is among those that could be labelled, in proportion to what
    the base model says of them.

    Parameters
    ----------
    dataset : Dataset
        Labelled; grouped and with predictions, if these are to count. An earlier selection is forgotten.
    limit : int
        How many images may stay on the training side; before a split, how many in all.
    policy : Policy, optional
        By default the policy that the data set carries.
    seed : int
        Decides between images that are equally useful.

    Returns
    -------
    Dataset
        With `set_aside` in the images table, and the numbers in ``sources["select"]``: `limit`, `found`,
        `kept` (by why), `set_aside`, `set_aside_look_alikes` and `set_aside_by_label`.

    Raises
    ------
    InputError
        `limit` is below 1.

    Notes
    -----
    The same images and seed give the same choice, whatever the order of the tables.

    Examples
    --------
    >>> from manifest_tools import attach_predictions, read_images, select_images
    >>> dataset = read_images("sample_data/images", labels="sample_data/labels.csv")
    >>> dataset = attach_predictions(dataset, "sample_data/predictions.manifest")
    >>> select_images(dataset, limit=50).sources["select"]["kept"]
    {'mistakes': 50, 'balance': 0, 'others': 0, 'look-alikes': 0}
    """
    check_limit(limit)
    images = dataset.images.assign(set_aside="")
    evidence = Evidence.of(replace(dataset, images=images), policy or Policy.from_dict(dataset.policy))
    selection = select(evidence, order_of(images["image"], seed), limit)
    images = images.assign(set_aside=np.where(selection.aside, aside_because(limit), ""))
    sources = {**dataset.sources, "select": selection.facts}
    return dataset.step("select", images=images, options={"limit": limit, "seed": seed}, sources=sources)


def check_limit(limit: int) -> None:
    """Raise InputError unless `limit` is a number of images."""
    if limit < 1:
        msg = f"limit is {limit}; expected a number of images of at least 1"
        raise InputError(msg)


def aside_because(limit: int) -> str:
    """Return what stands in `set_aside` of an image that was not chosen."""
    return f"over the limit of {limit:,}"


@dataclass(frozen=True)
class Selection:
    """What was chosen.

    Parameters
    ----------
    chosen, aside : bool array, shape (images,)
        Images that stay, and images that are set aside; the others were not to choose from.
    facts : mapping
        The numbers.
    """

    chosen: Mask
    aside: Mask
    facts: dict[str, Any]


def select(evidence: Evidence, order: Order, limit: int) -> Selection:
    """Choose as :func:`select_images` says; `order` is that of :func:`order_of`."""
    duplicates, outcomes = evidence.duplicates, evidence.outcomes
    pool = _candidates(evidence)
    if (pool & (duplicates.sides != 0)).any():
        pool &= duplicates.sides == SIDES.index("train")
    rows = np.flatnonzero(pool)
    rows = rows[np.lexsort((order[rows, 1], order[rows, 0]))]
    choice = _choose(
        _Pool(rows, duplicates.groups[rows], _sets(evidence)[rows]), _quotas(evidence, rows), limit
    )
    chosen = np.zeros(evidence.count, dtype=bool)
    chosen[rows[choice.chosen]] = True
    aside = pool & ~chosen
    kept_groups = np.zeros(evidence.count, dtype=bool)
    kept_groups[duplicates.groups[chosen & duplicates.grouped]] = True
    shown = {
        label: int((outcomes.truth.present[:, column] & aside).sum())
        for column, label in enumerate(outcomes.labels)
    }
    facts = {
        "limit": limit,
        "found": len(rows),
        "kept": dict(choice.reasons),
        "set_aside": int(aside.sum()),
        "set_aside_look_alikes": int((aside & duplicates.grouped & kept_groups[duplicates.groups]).sum()),
        "set_aside_by_label": {label: count for label, count in shown.items() if count},
    }
    return Selection(chosen, aside, facts)


def _candidates(evidence: Evidence) -> Mask:
    """Return the usable images; before anybody has labelled one, those that only wait for it."""
    if evidence.truth.judged.any():
        return evidence.eligible.copy()
    waiting = np.ones(evidence.count, dtype=bool)
    for code, mask in evidence.reasons.items():
        if code not in _BEFORE_LABELS:
            waiting &= ~mask
    return waiting


def _sets(evidence: Evidence) -> Rows:
    """Number the images by their labels; before anybody has labelled one, by those that the base model says."""
    if evidence.truth.judged.any():
        return evidence.label_sets
    said = evidence.outcomes.predicted_positive
    return group_ids((said[:, column] for column in range(said.shape[1])), evidence.count)


@dataclass(frozen=True)
class _TargetQuota:
    """One label and goal: the images that are its mistakes, those that balance them, and the least number."""

    mistakes: Mask
    counterexamples: Mask
    minimum: int


@dataclass(frozen=True)
class _Pool:
    """The images to choose from: their rows, groups and sets of labels. Everything else is by place in the pool."""

    rows: Rows
    groups: Rows
    sets: Rows


@dataclass
class _Choice:
    """The images chosen so far, up to a limit, and how many for which reason."""

    limit: int
    chosen: Mask
    reasons: Counter[str] = field(default_factory=Counter)

    def take(self, places: Rows, reason: str) -> None:
        """Choose images in their order while there is room."""
        room = self.limit - self.reasons.total()
        new = pd.unique(places[~self.chosen[places]])[:room]
        self.chosen[new] = True
        self.reasons[reason] += len(new)


def _quotas(evidence: Evidence, rows: Rows) -> list[_TargetQuota]:
    """Return the targets, or every label with both goals."""
    policy, outcomes = evidence.policy, evidence.outcomes
    targets = targets_in_force(policy, evidence.taxonomy)
    quotas = []
    for target in targets or [Target(label, goal) for label in outcomes.labels for goal in Goal]:
        column = outcomes.outcome[:, outcomes.labels.index(target.label)][rows]
        mistakes, counterexamples = column == MISTAKE[target.goal], column == COUNTEREXAMPLE[target.goal]
        quotas.append(_TargetQuota(mistakes, counterexamples, policy.minimum(target.goal)))
    return quotas


def _choose(pool: _Pool, quotas: list[_TargetQuota], limit: int) -> _Choice:
    """Fill the choice step by step, each step as the docstring of :func:`select_images` has it."""
    size = len(pool.rows)
    choice = _Choice(limit, np.zeros(size, dtype=bool))
    wrong: Mask = np.logical_or.reduce([quota.mistakes for quota in quotas])
    first = np.argsort(~wrong, kind="stable")  # a group is represented by its mistake
    copy = np.empty(size, dtype=np.int64)
    copy[first] = cumcount(pool.groups[first])
    places = np.lexsort((np.arange(size), ~wrong, copy))
    alone = places[copy[places] == 0]

    minimum = [places[quota.mistakes[places]][: quota.minimum] for quota in quotas]
    choice.take(_in_turn(minimum), "mistakes")
    mistakes = group_ids((quota.mistakes for quota in quotas), size)
    choice.take(_in_proportion(alone[wrong[alone]], mistakes), "mistakes")
    choice.take(_in_turn([_lacking(choice, quota, alone) for quota in quotas]), "balance")
    choice.take(_in_proportion(alone, pool.sets), "others")
    choice.take(places, "look-alikes")
    return choice


def _lacking(choice: _Choice, quota: _TargetQuota, places: Rows) -> Rows:
    """Return as many images beside the chosen mistakes as are missing to balance them."""
    missing = int((quota.mistakes & choice.chosen).sum()) - int((quota.counterexamples & choice.chosen).sum())
    fitting = places[quota.counterexamples[places] & ~choice.chosen[places]]
    return fitting[: max(0, missing)]


def _in_turn(queues: Sequence[Rows]) -> Rows:
    """Take one of each queue, then the next of each."""
    turns = np.concatenate([np.arange(len(queue)) for queue in queues])
    return np.concatenate(queues)[np.argsort(turns, kind="stable")]


def _in_proportion(places: Rows, kinds: Rows) -> Rows:
    """Order images so that every beginning holds each kind in its share, and at least one of each early on."""
    _, own, sizes = np.unique(kinds[places], return_inverse=True, return_counts=True)
    return places[np.argsort(cumcount(own) / sizes[own], kind="stable")]
