"""The step that splits a data set, and the report on the split it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from manifest_tools.core.text import counted
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.eligibility import eligible, has_split_groups, split_group_names
from manifest_tools.dataset.ground_truth import Mask
from manifest_tools.dataset.outcomes import MISTAKE, Outcomes, compare
from manifest_tools.dataset.round_sets import number_new
from manifest_tools.dataset.slices import slices_of
from manifest_tools.findings.policy import Policy, Target
from manifest_tools.splits.measures import (
    count_deviation,
    groups_across,
    label_distribution,
    label_pair_distribution,
    rounding_floor,
)
from manifest_tools.splits.relaxed import RelaxedConstraint
from manifest_tools.splits.solver import Solution, solve
from manifest_tools.splits.units import FREE, TEST, TRAIN, Ints
from manifest_tools.splits.wishes import in_force, make_wish


def split_dataset(
    dataset: Dataset,
    *,
    test_size: float = 0.2,
    min_test: int | None = None,
    policy: Policy | None = None,
    test_mistakes: Mapping[Target | str, int] | None = None,
    freeze_test: bool | None = None,
    seed: int = 0,
) -> Dataset:
    """Split a data set into train and test.

    Look-alikes stay together, locked images stay where they are, and every label comes as near to its share as
    it can. Constraints that collide give way in a fixed order; what gave way is told in
    ``dataset.sources["split"]``, from which the rules make ``split-infeasible``.

    Parameters
    ----------
    dataset : Dataset
        Read, inspected and grouped. Images that no manifest can hold get no side.
    test_size : float or int
        Share of the usable images for the test set, or their number.
    min_test : int, optional
        Least number of test images; by default the policy's.
    policy : Policy, optional
        By default the policy that the data set carries.
    test_mistakes : mapping of Target or str to int, optional
        For targets such as ``"Alcohol:false-negatives"``, how many such mistakes of the base model the test set should
        have, each group of look-alikes once. The minimums of training and the least number of test images come first.
    freeze_test : bool, optional
        Whether locked test images stay a test set of their own, to which nothing is added: new test images then form
        another one, numbered in the column ``test_set``. Default: once a training was tested on them.
    seed : int
        Decides between splits that are equally good.

    Returns
    -------
    Dataset
        With `split` set to "train" or "test" for every usable image.

    Raises
    ------
    InputError
        `test_size` or `min_test` is out of range.

    Examples
    --------
    >>> from manifest_tools import read_images, split_dataset
    >>> dataset = read_images("sample_data/images", labels="sample_data/labels.csv")
    >>> split_dataset(dataset, test_size=0.25).images["split"].value_counts().to_dict()
    {'train': 102, 'test': 34, '': 3}
    """
    policy = policy or Policy.from_dict(dataset.policy)
    least = policy.min_test_images if min_test is None else min_test
    outcomes = compare(dataset, policy)
    rows = np.flatnonzero(eligible(dataset, policy, outcomes))
    images = dataset.images
    part = images.iloc[rows]
    locked = np.where(part["locked"], np.where(part["split"] == "test", TEST, TRAIN), FREE)
    groups = split_group_names(part).tolist()
    mistakes, goals = _mistakes(outcomes, rows)
    wished = in_force(test_mistakes or {}, dataset, policy)
    wishes = [
        make_wish(target, number, mistakes, goals, groups, policy=policy) for target, number in wished.items()
    ]
    parts = np.stack(
        [np.zeros(len(rows), bool), *(mask[rows] for mask in slices_of(dataset).values())], axis=1
    )[:, 1:]
    solution = solve(
        outcomes.truth.present[rows],
        groups,
        test_size=test_size,
        min_test=least,
        locked=locked,
        outcomes=np.column_stack([mistakes, *(wish.different for wish in wishes), parts]),
        keep_in_train=[
            *(policy.minimum(target.goal) for target in goals),
            *(0 for _ in wishes),
            *(0 for _ in parts.T),
        ],
        first=[
            *(not policy.targets or target in policy.targets or target in wished for target in goals),
            *(True for _ in wishes),
            *(False for _ in parts.T),
        ],
        keep_in_test=[*(0 for _ in goals), *(wish.allowed for wish in wishes), *(0 for _ in parts.T)],
        keys=part["image"].tolist(),
        seed=seed,
    )
    split = images["split"].where(images["locked"], "").to_numpy(object)
    split[rows] = np.where(solution.left_out, "", np.where(solution.test, "test", "train"))
    told = [wish.told(solution.test) for wish in wishes if wish.reached(solution.test) < wish.wanted]
    told += [_described(one, outcomes.labels, goals, part) for one in solution.gave_way]
    uneven = _uneven(outcomes, rows, solution, part) if has_split_groups(images) else {}
    options: dict[str, Any] = {"test_size": test_size, "min_test": least, "seed": seed}
    if wished:
        options["test_mistakes"] = {str(target): number for target, number in wished.items()}
    if freeze_test is not None:
        options["freeze_test"] = freeze_test
    return dataset.step(
        "split",
        images=number_new(images.assign(split=split), dataset.history, freeze=freeze_test),
        options=options,
        sources={**dataset.sources, "split": {"gave_way": told} | uneven},
    )


_EVEN = 0.25  # images more than whole images need, from which a label's deviation is told


def _uneven(outcomes: Outcomes, rows: Ints, solution: Solution, images: pd.DataFrame) -> dict[str, Any]:
    """Return the labels that the split divides less evenly than single images could be, and the groups behind that."""
    told = []
    names = split_group_names(images).to_numpy(object)
    kept = ~solution.left_out
    present = outcomes.truth.present[rows][kept]
    deviation = count_deviation(present, solution.test[kept], solution.share)
    for column in np.flatnonzero(deviation - rounding_floor(present, solution.share) > _EVEN):
        shown = np.flatnonzero(kept)[present[:, column]]
        sizes = pd.Series(names[shown]).value_counts(sort=False)
        largest = sizes.index[int(sizes.to_numpy().argmax())]
        told.append(
            {
                "label": outcomes.labels[column],
                "test": int(solution.test[shown].sum()),
                "count": len(shown),
                "fair": round(float(len(shown) * solution.share), 1),
                "groups": len(sizes),
                "largest": int(sizes.max()),
                "largest_of": str(images["image"].to_numpy(object)[shown][names[shown] == largest][0]),
            }
        )
    return {"uneven": told} if told else {}


def _mistakes(outcomes: Outcomes, rows: Ints) -> tuple[Mask, list[Target]]:
    """Return the base model's mistakes of each kind, rows x kinds, and what the kinds are."""
    found = outcomes.outcome[rows]
    columns, kinds = [], []
    for goal, outcome in MISTAKE.items():
        for number, label in enumerate(outcomes.labels):
            column = found[:, number] == outcome
            if column.any():
                columns.append(column)
                kinds.append(Target(label, goal))
    return np.stack(columns, axis=1) if columns else np.zeros((len(rows), 0), bool), kinds


_NAMES = {
    "locked": "the locked side of a group",
    "keep-in-train": "the minimum in training",
    "min-test": "the least number of test images",
    "both-sides": "the label on both sides",
    "test-size": "the test share",
}


def _described(
    one: RelaxedConstraint, labels: tuple[str, ...], goals: list[Target], images: pd.DataFrame
) -> dict[str, Any]:
    """Return what gave way as plain values: constraint, label, detail, wanted, got."""
    label = ""
    detail = f"{one.wanted:g} images wanted, {one.got:g} reached"
    if one.constraint == "locked" and one.column is not None:
        who = "images of the group" if has_split_groups(images) else "look-alikes"
        detail = f"{who} of {images['image'].iloc[one.column]} were locked in train and in test"
    elif one.constraint == "keep-in-train" and one.column is not None:
        label = goals[one.column].label
        detail = (
            f"{one.wanted:g} {goals[one.column].goal.replace('-', ' ')} wanted in training, {one.got:g} there"
        )
    elif one.constraint == "both-sides" and one.column is not None:
        label = labels[one.column]
        side, what = one.part.split()
        detail = f"no image {'with' if what == 'positives' else 'free of'} it in {side}"
    elif has_split_groups(images):
        largest = int(split_group_names(images).value_counts().iloc[0])
        detail += f"; groups stay whole, and the largest has {counted(largest, 'image')}"
    told = {"constraint": _NAMES[one.constraint], "detail": detail, "wanted": one.wanted, "got": one.got}
    return {"label": label, **told}


@dataclass(frozen=True, slots=True)
class LabelShare:
    """How a split divides one label.

    Parameters
    ----------
    label : str
        The label's name.
    train, test : int
        Images with the label on each side.
    train_groups, test_groups : int
        The same, look-alikes (and images that are grouped with them) counted once.
    share : float
        Test images by all images with the label; 0 when there are none.
    deviation : float
        Test images more (or less) than the label's fair share at the split's own size.
    """

    label: str
    train: int
    test: int
    train_groups: int
    test_groups: int
    share: float
    deviation: float


@dataclass(frozen=True)
class SplitReport:
    """How a split divides its images and labels.

    Parameters
    ----------
    train, test : int
        Images on each side.
    share : float
        Test images by all images that have a side.
    labels : tuple of LabelShare
        One for each label that any image has.
    worst : str
        The label whose share is farthest from the split's; empty when there is no label.
    label_distribution, label_pair_distribution : float
        LD (Sechidis 2011) and LPD (Szymanski 2017): 0 is perfect.
    groups_across : int
        Groups with images on both sides: 0 when nothing leaks.
    gave_way : tuple of mapping
        What could not be kept: label, constraint, detail, wanted, got.
    """

    train: int
    test: int
    share: float
    labels: tuple[LabelShare, ...]
    worst: str
    label_distribution: float
    label_pair_distribution: float
    groups_across: int
    gave_way: tuple[dict[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, ready for JSON."""
        return asdict(self)


def split_report(dataset: Dataset, *, policy: Policy | None = None) -> SplitReport:
    """Describe the split that a data set has, whoever made it.

    Parameters
    ----------
    dataset : Dataset
        With `split` set.
    policy : Policy, optional
        By default the policy that the data set carries.
    """
    policy = policy or Policy.from_dict(dataset.policy)
    outcomes = compare(dataset, policy)
    sided = eligible(dataset, policy, outcomes) & (dataset.images["split"] != "").to_numpy()
    part = dataset.images[sided]
    test = (part["split"] == "test").to_numpy()
    groups = (
        np.unique(split_group_names(part).to_numpy(object), return_inverse=True)[1]
        if len(part)
        else np.zeros(0, int)
    )
    present = outcomes.truth.present[sided]
    share = float(test.mean()) if len(test) else 0.0
    labels = tuple(
        _label_share(name, present[:, column], test, groups, share)
        for column, name in enumerate(outcomes.labels)
        if present[:, column].any()
    )
    used = present[:, present.any(axis=0)]
    return SplitReport(
        train=int((~test).sum()),
        test=int(test.sum()),
        share=share,
        labels=labels,
        worst=max(labels, key=lambda one: abs(one.share - share)).label if labels else "",
        label_distribution=label_distribution(used, test) if len(part) else 0.0,
        label_pair_distribution=label_pair_distribution(used, test) if len(part) else 0.0,
        groups_across=groups_across(groups, test),
        gave_way=tuple(dict(one) for one in dataset.sources.get("split", {}).get("gave_way", ())),
    )


def _label_share(label: str, present: Mask, test: Mask, groups: Ints, share: float) -> LabelShare:
    in_test, in_train = present & test, present & ~test
    number = int(present.sum())
    return LabelShare(
        label=label,
        train=int(in_train.sum()),
        test=int(in_test.sum()),
        train_groups=len(np.unique(groups[in_train])),
        test_groups=len(np.unique(groups[in_test])),
        share=int(in_test.sum()) / number,
        deviation=int(in_test.sum()) - share * number,
    )
