"""A split that is told what to prove: enough mistakes on the test side, unless training needs them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.outcomes import Outcome, compare
from manifest_tools.findings.policy import Policy
from manifest_tools.pipeline.proof import mistakes_to_prove
from manifest_tools.splits.step import split_dataset
from tests.rules.samples import check, mixture, one

TARGET = "Alcohol:false-negatives"


def misses(dataset, side):
    """Return the groups with a false negative on one side."""
    outcomes = compare(dataset, Policy())
    missed = outcomes.outcome[:, outcomes.labels.index("Alcohol")] == Outcome.FALSE_NEGATIVE
    images = dataset.images[missed & (dataset.images["split"] == side).to_numpy()]
    return images["group"].nunique(), len(images)


def gave_way(dataset):
    return [one["detail"] for one in dataset.sources["split"]["gave_way"] if "prove" in one["constraint"]]


def test_the_test_side_gets_the_mistakes_that_it_is_asked_to_have():
    images = mixture(fn=70, tp=40, tn=150, split="")
    plain = split_dataset(images)
    assert misses(plain, "test")[0] < 20
    told = split_dataset(images, test_mistakes={TARGET: 20})
    assert misses(told, "test")[0] >= 20
    assert misses(told, "train")[1] >= 50
    assert gave_way(told) == []
    assert told.history[-1]["options"]["test_mistakes"] == {TARGET: 20}


def test_the_minimum_of_training_comes_first_and_what_gave_way_is_said():
    told = split_dataset(mixture(fn=60, tp=40, tn=150, split=""), test_mistakes={TARGET: 15})
    assert misses(told, "train")[1] == 50
    assert misses(told, "test")[0] == 10
    (detail,) = gave_way(told)
    assert "15 different false negatives wanted in test, 10 there" in detail
    found = one(check(told), "split-infeasible")
    assert found.location.label == "Alcohol"


def test_a_training_set_below_its_minimum_gives_nothing_more_away():
    images = mixture(fn=30, tp=40, tn=150, split="")
    told = split_dataset(images, test_mistakes={TARGET: 25})
    assert misses(told, "test") == misses(split_dataset(images), "test")
    assert gave_way(told)


def test_look_alikes_count_once():
    images = mixture(fn=90, tp=40, tn=150, split="")
    table = images.images.assign(
        group=[
            key if "fn" not in key or key > "fn030" else f"fn{int(key[2:5]) // 10}"
            for key in images.images["image"]
        ]
    )
    told = split_dataset(
        type(images).from_tables(table, images.labels, scope=images.scope), test_mistakes={TARGET: 15}
    )
    assert misses(told, "test")[0] >= 15
    assert gave_way(told) == []


def test_a_label_without_any_mistake_is_told():
    told = split_dataset(mixture(fn=60, tn=60, split=""), test_mistakes={"Gambling:false-positives": 7})
    assert "there are 0 different ones in all" in gave_way(told)[0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 90), st.integers(0, 30), st.integers(20, 80), st.integers(1, 30))
def test_it_is_reached_or_it_is_told(fn, tp, tn, wanted):
    told = split_dataset(mixture(fn=fn, tp=tp, tn=tn, split=""), test_mistakes={TARGET: wanted})
    reached, in_training = misses(told, "test")[0], misses(told, "train")[1]
    assert (reached >= wanted) is not bool(gave_way(told))
    if fn >= 50:
        assert in_training >= 50
    if fn - 50 >= wanted:
        assert reached >= wanted


def test_shares_become_numbers_of_mistakes():
    found = mistakes_to_prove(["alcohol:false-negatives=0.5", "Gambling:false-positives=1"])
    assert {str(target): number for target, number in found.items()} == {
        TARGET: 15,
        "Gambling:false-positives": 6,
    }


@pytest.mark.parametrize(
    "wish",
    [
        "Alcohol:false-negatives",
        "Alcohol:false-negatives=0",
        "Alcohol:false-negatives=50",
        "=0.5",
        "Alcohol=0.5",
        "Alcohol:false-negatives=nan",
    ],
)
def test_wishes_that_cannot_be_meant_are_refused(wish):
    with pytest.raises(InputError, match="expected LABEL:GOAL"):
        mistakes_to_prove([wish])


def test_a_target_that_is_given_twice_is_refused():
    with pytest.raises(InputError, match="twice"):
        mistakes_to_prove([f"{TARGET}=0.5", f"{TARGET}=0.7"])
