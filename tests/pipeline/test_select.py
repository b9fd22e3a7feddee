"""Choosing images: what comes first, what gives way, and that the choice is the same every time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.carry_over import carry_over
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Goal, Policy, Target
from manifest_tools.pipeline.select import select_images
from manifest_tools.rules.checking import check_dataset
from tests.rules.samples import ASKED, codes, data, mixture, one, together

ALCOHOL = Target("Alcohol", Goal.FALSE_POSITIVES)


def kept(dataset):
    return set(dataset.images.loc[dataset.images["set_aside"] == "", "image"])


def kinds(dataset):
    """Count the kept images by the two letters of their names."""
    names = sorted(name.rpartition("/")[2][:2] for name in kept(dataset))
    return {name: names.count(name) for name in dict.fromkeys(names)}


def grouped(dataset, group_of):
    images = dataset.images
    return dataset.step("group", images=images.assign(group=[group_of(key) for key in images["image"]]))


def test_everything_fits():
    chosen = select_images(mixture(fp=5, tn=5), limit=10)
    assert len(kept(chosen)) == 10
    assert chosen.sources["select"]["set_aside"] == 0


def test_mistakes_first_then_what_balances_them_then_others():
    split = mixture(tp=30, fp=10, fn=0, tn=200)
    policy = Policy(targets=(ALCOHOL,))
    assert kinds(select_images(split, limit=10, policy=policy)) == {"fp": 10}
    assert kinds(select_images(split, limit=20, policy=policy)) == {"fp": 10, "tp": 10}
    rest = kinds(select_images(split, limit=64, policy=policy))
    assert rest["fp"] == 10
    assert rest["tp"] + rest["tn"] == 54
    assert rest["tn"] >= 38  # the rest in proportion: 20 of 220 are tp


def test_true_negatives_beside_false_negatives():
    split = mixture(fn=10, tp=50, tn=50)
    targets = (Target("Alcohol", Goal.FALSE_NEGATIVES),)
    assert kinds(select_images(split, limit=20, policy=Policy(targets=targets))) == {"fn": 10, "tn": 10}


def test_the_targets_come_before_mistakes_of_other_labels():
    split = together(mixture("Gambling", fp=30, prefix="g/"), mixture("Alcohol", fp=12))
    chosen = select_images(split, limit=12, policy=Policy(targets=(ALCOHOL,)))
    assert kept(chosen) == {f"fp{number:03}.jpg" for number in range(12)}


def test_each_target_gets_its_minimum_before_any_gets_more():
    split = together(mixture("Gambling", fp=500, prefix="g/"), mixture("Alcohol", fp=25))
    targets = (ALCOHOL, Target("Gambling", Goal.FALSE_POSITIVES))
    chosen = select_images(split, limit=40, policy=Policy(targets=targets))
    assert sum(not key.startswith("g/") for key in kept(chosen)) == 20


def test_look_alikes_go_before_distinct_images():
    split = grouped(mixture(tn=40), lambda key: "tn000.jpg" if key < "tn020" else key)
    chosen = select_images(split, limit=21)
    assert sum(key < "tn020" for key in kept(chosen)) == 1
    assert chosen.sources["select"]["set_aside_look_alikes"] == 19


def test_a_minimum_that_only_copies_reach_is_still_reached():
    split = grouped(mixture(fp=20, tn=100), lambda key: "fp000.jpg" if key < "fp015" else key)
    chosen = select_images(split, limit=30, policy=Policy(targets=(ALCOHOL,)))
    assert kinds(chosen)["fp"] == 20


def test_a_group_is_represented_by_its_mistake():
    split = grouped(mixture(fp=1, tn=9), lambda key: key[:0] + "fp000.jpg")
    assert kept(select_images(split, limit=1)) == {"fp000.jpg"}


def test_rare_labels_do_not_vanish():
    split = together(mixture("Gambling", tp=1, prefix="g/"), mixture("Alcohol", tp=300))
    assert "g/tp000.jpg" in kept(select_images(split, limit=30))


def test_test_images_and_unusable_ones_are_not_touched():
    broken = data({"x.gif": {"format": "GIF", "split": "train"}}, [("x.gif", "Safe", True)])
    split = together(mixture(tn=10), mixture(tn=30, split="test", prefix="t/"), broken)
    chosen = select_images(split, limit=4)
    assert chosen.sources["select"]["found"] == 10
    aside = chosen.images[chosen.images["set_aside"] != ""]
    assert len(aside) == 6
    assert set(aside["split"]) == {"train"}


def test_before_a_split_the_limit_is_for_all():
    assert len(kept(select_images(mixture(tn=10, split=""), limit=4))) == 4


def test_a_larger_limit_takes_images_back_and_nothing_is_removed():
    split = mixture(fp=5, tn=25)
    small = select_images(split, limit=6)
    assert len(small) == len(split)
    large = select_images(small, limit=20)
    assert kept(small) < kept(large)
    assert len(kept(large)) == 20


def test_the_remedy_for_too_many_images():
    split = together(mixture(fp=25, tn=100), mixture(tn=30, split="test", prefix="t/"))
    policy = Policy(max_training_images=60)
    assert "too-many-images" in codes(check_dataset(split, policy=policy))
    report = check_dataset(select_images(split, limit=60, policy=policy), policy=policy)
    assert report.passed
    assert report.facts["images"]["train"] == 60
    assert report.facts["left_out"] == {"image-set-aside": 65}
    assert report.facts["selected"]["kept"]["mistakes"] == 25


def test_what_was_set_aside_is_told_image_by_image():
    report = check_dataset(select_images(mixture(tn=2), limit=1))
    finding = one(report, "image-set-aside")
    assert finding.left_out
    assert "over the limit of 1" in finding.message


def test_the_next_round_remembers_what_was_set_aside():
    split = mixture(tn=10)
    chosen = select_images(split, limit=3)
    again = carry_over(split, chosen, Policy())
    assert kept(again) == kept(chosen)


@given(st.integers(1, 40), st.integers(0, 3), st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None)
def test_the_same_choice_whatever_the_order_and_never_too_many(limit, seed, random):
    split = grouped(mixture(tp=6, fp=9, fn=4, tn=15), lambda key: key[:4])
    rows = random.sample(range(len(split)), len(split))
    shuffled = Dataset.from_tables(split.images.iloc[rows], split.labels, scope=split.scope)
    first = select_images(split, limit=limit, seed=seed)
    assert kept(first) == kept(select_images(shuffled, limit=limit, seed=seed))
    assert len(kept(first)) == min(limit, len(split))
    assert sum(first.sources["select"]["kept"].values()) == min(limit, len(split))


def test_a_limit_that_cannot_be_meant():
    with pytest.raises(InputError, match="at least 1"):
        select_images(mixture(tn=1), limit=0)


def test_before_anybody_has_labelled_the_choice_is_by_what_the_model_says():
    keys = [f"{number:02}.jpg" for number in range(40)]
    images = {key: ASKED | ({"format": "GIF"} if key < "05" else {}) for key in keys}
    scores = [(key, "Alcohol" if key < "20" else "Violence", 90.0) for key in keys[:39]]
    chosen = kept(select_images(grouped(data(images, (), scores), lambda key: min(key, "25.jpg")), limit=12))
    chosen -= {key for key in keys if key < "05"}  # these could not be labelled
    assert len(chosen) == 12
    assert len({key for key in chosen if key < "20"}) in (7, 8, 9)
    assert len({key for key in chosen if key >= "25"}) == 1


def test_an_empty_data_set():
    assert len(select_images(data([]), limit=5)) == 0
