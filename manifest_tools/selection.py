"""Choose the most useful images when there are more than training takes.

Nothing is removed: an image that is not chosen gets the reason into its column `set_aside`, and whoever asks
for the usable images (:mod:`manifest_tools.usable`) passes it over.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import numpy as np

from manifest_tools.dataset import Dataset
from manifest_tools.errors import InputError
from manifest_tools.outcomes import BESIDE, MISTAKE, Outcomes, compare, targets_in_force
from manifest_tools.policy import Goal, Policy, Target
from manifest_tools.taxonomy import Taxonomy
from manifest_tools.truth import Mask
from manifest_tools.usable import usable


def select_images(dataset: Dataset, *, limit: int, policy: Policy | None = None, seed: int = 0) -> Dataset:
    """Keep the `limit` most useful training images, and set the others aside.

    The mistakes of the base model that the targets name come first (without targets: all mistakes), each
    target up to its minimum before any gets more. Then true positives beside false positives and true
    negatives beside false negatives, until they balance; then other images, in proportion to their labels.
    Further look-alikes of one picture come last, unless a minimum needs them. Test images are not touched.

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
    """
    if limit < 1:
        msg = f"limit is {limit}; expected a number of images of at least 1"
        raise InputError(msg)
    policy = policy or Policy.from_dict(dataset.policy)
    images = dataset.images.assign(set_aside="")
    dataset = replace(dataset, images=images)
    outcomes = compare(dataset, policy)
    pool = usable(dataset, policy, outcomes)
    on_a_side = images["split"].to_numpy()
    if (pool & (on_a_side != "")).any():
        pool &= on_a_side == "train"

    choice = _choose(_Pool.of(dataset, outcomes, pool, seed), _wishes(dataset, policy, outcomes), limit)
    aside = pool & ~choice.chosen
    images = images.assign(set_aside=np.where(aside, f"over the limit of {limit:,}", ""))
    kept_groups = set(images.loc[choice.chosen, "group"]) - {""}
    by_label = zip(outcomes.labels, outcomes.truth.present[aside].sum(axis=0).tolist(), strict=True)
    facts = {
        "limit": limit,
        "found": int(pool.sum()),
        "kept": dict(choice.reasons),
        "set_aside": int(aside.sum()),
        "set_aside_look_alikes": int((aside & images["group"].isin(kept_groups).to_numpy()).sum()),
        "set_aside_by_label": {label: count for label, count in by_label if count},
    }
    sources = {**dataset.sources, "select": facts}
    return dataset.step("select", images=images, options={"limit": limit, "seed": seed}, sources=sources)


@dataclass(frozen=True)
class _Wish:
    """One label and goal: the images that are its mistakes, those that balance them, and the least number."""

    mistakes: Mask
    beside: Mask
    least: int


@dataclass(frozen=True)
class _Pool:
    """The images to choose from. `rows` in an order that only their names and the seed decide."""

    rows: tuple[int, ...]
    present: Mask
    groups: tuple[str, ...]

    @classmethod
    def of(cls, dataset: Dataset, outcomes: Outcomes, pool: Mask, seed: int) -> _Pool:
        keys = list(dataset.images["image"])
        rows = map(int, np.flatnonzero(pool))
        shuffled = sorted(rows, key=lambda row: hashlib.sha256(f"{seed}\0{keys[row]}".encode()).digest())
        groups = tuple(group or key for group, key in zip(dataset.images["group"], keys, strict=True))
        return cls(tuple(shuffled), outcomes.truth.present, groups)


@dataclass
class _Choice:
    """The images chosen so far, up to a limit, and how many for which reason."""

    limit: int
    chosen: Mask
    reasons: Counter[str] = field(default_factory=Counter)

    def take(self, rows: Iterable[int], reason: str) -> None:
        """Choose images in their order while there is room."""
        room = self.limit - self.reasons.total()
        new = list(dict.fromkeys(row for row in rows if not self.chosen[row]))[:room]
        self.chosen[new] = True
        self.reasons[reason] += len(new)


def _wishes(dataset: Dataset, policy: Policy, outcomes: Outcomes) -> list[_Wish]:
    """Return the targets, or every label with both goals."""
    targets = targets_in_force(policy, Taxonomy.load(dataset.taxonomy))
    wishes = []
    for target in targets or [Target(label, goal) for label in outcomes.labels for goal in Goal]:
        column = outcomes.outcome[:, outcomes.labels.index(target.label)]
        mistakes, beside = column == MISTAKE[target.goal], column == BESIDE[target.goal]
        wishes.append(_Wish(mistakes, beside, policy.minimum(target.goal)))
    return wishes


def _choose(pool: _Pool, wishes: list[_Wish], limit: int) -> _Choice:
    """Fill the choice step by step, each step as the docstring of :func:`select_images` has it."""
    choice = _Choice(limit, np.zeros(len(pool.groups), dtype=bool))
    mistakes = np.array([wish.mistakes for wish in wishes])
    wrong: Mask = np.logical_or.reduce(mistakes)
    copy = _copies_before([row for row in pool.rows if wrong[row]], pool)
    rows = sorted(pool.rows, key=lambda row: (copy[row], not wrong[row]))
    distinct = [row for row in rows if copy[row] == 0]

    least = ([row for row in rows if wish.mistakes[row]][: wish.least] for wish in wishes)
    choice.take(_in_turn(least), "mistakes")
    more = [row for row in distinct if wrong[row]]
    choice.take(_in_proportion(more, [mistakes[:, row].tobytes() for row in more]), "mistakes")
    choice.take(_in_turn(_lacking(choice, wish, distinct) for wish in wishes), "balance")
    choice.take(_in_proportion(distinct, [pool.present[row].tobytes() for row in distinct]), "others")
    choice.take(rows, "look-alikes")
    return choice


def _copies_before(first: list[int], pool: _Pool) -> dict[int, int]:
    """Count, for each image, the images of its group that are taken earlier; those of `first` are."""
    seen: Counter[str] = Counter()
    before = {}
    for row in dict.fromkeys([*first, *pool.rows]):
        before[row] = seen[pool.groups[row]]
        seen[pool.groups[row]] += 1
    return before


def _lacking(choice: _Choice, wish: _Wish, rows: list[int]) -> list[int]:
    """Return as many images beside the chosen mistakes as are missing to balance them."""
    missing = int((wish.mistakes & choice.chosen).sum()) - int((wish.beside & choice.chosen).sum())
    fitting = [row for row in rows if wish.beside[row] and not choice.chosen[row]]
    return fitting[: max(0, missing)]


def _in_turn(queues: Iterable[Sequence[int]]) -> list[int]:
    """Take one of each queue, then the next of each."""
    return [row for turn in zip_longest(*queues) for row in turn if row is not None]


def _in_proportion(rows: Sequence[int], kinds: Sequence[bytes]) -> list[int]:
    """Order images so that every beginning holds each kind in its share, and at least one of each early on."""
    sizes, seen = Counter(kinds), Counter[bytes]()
    shares = []
    for number, (row, kind) in enumerate(zip(rows, kinds, strict=True)):
        shares.append((seen[kind] / sizes[kind], number, row))
        seen[kind] += 1
    return [row for _, _, row in sorted(shares)]
