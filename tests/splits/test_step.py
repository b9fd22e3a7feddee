"""The step on a data set, and the report on the split."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from manifest_tools import Dataset, Policy
from manifest_tools.dataset.ground_truth import PREDICTIONS
from manifest_tools.dataset.outcomes import Outcome, compare
from manifest_tools.findings.policy import Target
from manifest_tools.splits.step import split_dataset, split_report


def make(n=100, *, missed=(), **columns):
    """Every second image shows Alcohol, every fifth Gambling as well; pairs of images look alike."""
    names = [f"a folder/image #{i} é%.jpg" for i in range(n)]
    images = pd.DataFrame(
        {"image": names, "judged": "all", "group": [names[i - i % 2] for i in range(n)], **columns}
    )
    rows = [(names[i], "Alcohol") for i in range(0, n, 2)] + [(names[i], "Gambling") for i in range(0, n, 5)]
    labels = pd.DataFrame(rows, columns=["image", "label"]).assign(source="table", truth=True)
    if missed:  # predicted, and the base model is silent about these images
        images = images.assign(predicted="7.0", min_confidence=0.0)
        seen = labels[~labels["image"].isin([names[i] for i in missed])]
        labels = pd.concat([labels, seen.assign(source=PREDICTIONS, truth=None, score=99.0)])
    return Dataset.from_tables(images, labels)


def sides(dataset):
    return dataset.images.set_index("image")["split"]


def test_every_usable_image_gets_a_side_and_look_alikes_the_same():
    before = make()
    after = split_dataset(before)
    counts = after.images["split"].value_counts()
    assert counts.to_dict() == {"train": 80, "test": 20}
    assert len(after.images[["group", "split"]].drop_duplicates()) == 50
    assert (before.images["split"] == "").all()
    assert after.history[-1]["step"] == "split"
    assert after.history[-1]["options"] == {"test_size": 0.2, "min_test": 20, "seed": 0}
    assert after.sources["split"] == {"gave_way": []}


def test_images_that_no_manifest_can_hold_get_no_side():
    dataset = make(decode_error=["truncated: end missing"] + [""] * 99, judged=["all"] * 98 + ["", "all"])
    dataset = Dataset.from_tables(
        dataset.images, dataset.labels[dataset.labels["image"] != dataset.images["image"][98]]
    )
    split = split_dataset(dataset).images
    assert split.loc[split["decode_error"] != "", "split"].eq("").all()
    assert split.loc[split["judged"] == "", "split"].eq("").all()
    assert split["split"].ne("").sum() >= 98


def test_locked_images_stay_when_others_come():
    first = split_dataset(make(60))
    side = sides(first)
    grown = make(100)
    images = grown.images.assign(
        split=grown.images["image"].map(side).fillna(""), locked=grown.images["image"].isin(side.index)
    )
    second = sides(split_dataset(Dataset.from_tables(images, grown.labels), seed=5))
    assert (second[side.index] == side).all()
    assert second.value_counts().to_dict() == {"train": 80, "test": 20}


def test_a_new_look_alike_of_both_sides_is_left_out():
    dataset = make(60)
    images = dataset.images.assign(group=[dataset.images["image"][0]] * 3 + list(dataset.images["image"][3:]))
    images["split"] = ["train", "test"] + [""] * 58
    images["locked"] = [True, True] + [False] * 58
    split = split_dataset(Dataset.from_tables(images, dataset.labels)).images["split"]
    assert split[:3].tolist() == ["train", "test", ""]
    assert (split[3:] != "").all()


def test_the_order_of_rows_does_not_matter_and_seeds_differ():
    dataset = make()
    turned = Dataset.from_tables(dataset.images[::-1], dataset.labels[::-1])
    assert (sides(split_dataset(dataset)) == sides(split_dataset(turned))).all()
    assert (sides(split_dataset(dataset)) != sides(split_dataset(dataset, seed=1))).any()


def test_the_targets_minimum_stays_in_training():
    missed = tuple(range(0, 104, 2))  # 52 false negatives of Alcohol; a fair share would leave 42 in training
    for targets in ((), (Target.parse("Alcohol:false-negatives"),)):
        policy = Policy(targets=targets)
        after = split_dataset(make(200, missed=missed), policy=policy)
        assert _false_negatives(after, "train") + _false_negatives(after, "test") == 52
        assert _false_negatives(after, "train") >= 50
        assert after.images["split"].eq("test").sum() == 40


def _false_negatives(dataset, side):
    found = compare(dataset, Policy())
    rows = dataset.images["split"].eq(side).to_numpy()
    return int(found.count(Outcome.FALSE_NEGATIVE, rows)[found.labels.index("Alcohol")])


def test_what_gave_way_is_told_in_words():
    told = split_dataset(make(16)).sources["split"]["gave_way"]
    assert told == [
        {
            "label": "",
            "constraint": "the least number of test images",
            "detail": "20 images wanted, 4 reached",
            "wanted": 20.0,
            "got": 4.0,
        }
    ]


def test_min_test_and_policy_are_heard():
    counts = split_dataset(make(), min_test=30).images["split"].value_counts()
    assert counts["test"] == 30
    assert (
        split_dataset(make(), policy=Policy(min_test_images=40)).images["split"].value_counts()["test"] == 40
    )
    assert split_dataset(make(), test_size=0.5).images["split"].value_counts()["test"] == 50


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_hardly_any_images(n):
    after = split_dataset(make(n))
    assert len(after) == n
    assert split_report(after).groups_across == 0


def test_the_report():
    report = split_report(split_dataset(make()))
    assert (report.train, report.test, report.share, report.groups_across) == (80, 20, 0.2, 0)
    alcohol = next(one for one in report.labels if one.label == "Alcohol")
    assert (alcohol.train, alcohol.test, alcohol.train_groups, alcohol.test_groups) == (40, 10, 40, 10)
    assert (alcohol.share, alcohol.deviation) == (0.2, 0.0)
    assert report.label_distribution < 0.05
    assert report.worst in {"Alcohol", "Gambling"}
    assert report.to_dict()["labels"][0]["label"] == "Alcohol"


def test_the_report_sees_a_leak_in_any_split():
    dataset = make()
    inconsistent = dataset.images.assign(split=np.where(np.arange(100) % 2, "train", "test"))
    assert split_report(Dataset.from_tables(inconsistent, dataset.labels)).groups_across == 50
