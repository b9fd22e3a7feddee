"""Outcomes against a slow, obvious reading, one cell at a time."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import effective_truth
from manifest_tools.dataset.outcomes import (
    COUNTEREXAMPLE,
    MISTAKE,
    Outcome,
    answers,
    compare,
    targets_in_force,
)
from manifest_tools.findings.policy import Goal, Policy, Target

TAXONOMY = Taxonomy.load()
LABELS = ("Alcohol", "Alcoholic Beverages", "Drinking", "Violence", "Weapons")
IMAGES = ("a.jpg", "b.jpg", "c.jpg")
CONFIDENCE = st.sampled_from((0.0, 12.5, 49.9999, 50.0, 50.0001, 80.0, 100.0))


@st.composite
def compared(draw):
    """A data set with labels and predictions, and a policy."""
    asked = [draw(st.booleans()) for _ in IMAGES]
    reported_from = [draw(st.sampled_from((0.0, 50.0, 80.0))) if was else math.nan for was in asked]
    images = pd.DataFrame(
        {
            "image": IMAGES,
            "predicted": ["7.0" if was else "" for was in asked],
            "min_confidence": reported_from,
        }
    )
    rows = []
    for image, was, least in zip(IMAGES, asked, reported_from, strict=True):
        labels = draw(st.sets(st.sampled_from((*LABELS, "Safe")), max_size=3))
        rows += [
            (image, name, "table", draw(st.sampled_from((True, True, False, None))), None) for name in labels
        ]
        if was:
            for label in draw(st.sets(st.sampled_from((*LABELS, "Nonsense")), max_size=3)):
                score = draw(CONFIDENCE)
                if score >= least:
                    rows.append((image, label, "predictions", None, score))
    table = pd.DataFrame(rows, columns=["image", "label", "source", "truth", "score"])
    level = draw(st.sampled_from(("1", "all")))
    policy = Policy(confidence_threshold=draw(CONFIDENCE), label_level=level)
    return Dataset.from_tables(images, table, scope=("Alcohol",)), policy


def rolled_up(dataset, image, label):
    """The highest score of a label and its descendants; None where nothing was reported."""
    names = {label, *TAXONOMY.descendants(label)}
    rows = dataset.labels
    own = rows[(rows["image"] == image) & rows["label"].isin(names) & (rows["source"] == "predictions")]
    return max(own["score"], default=None)


@given(compared())
@settings(max_examples=30, deadline=None)
def test_every_cell_is_compared_as_written_down(example):
    dataset, policy = example
    outcomes, truth = compare(dataset, policy), effective_truth(dataset, policy)
    for row, image in enumerate(IMAGES):
        facts = dataset.image(image)
        for column, label in enumerate(outcomes.labels):
            score = rolled_up(dataset, image, label)
            if score is not None:
                says = bool(score >= policy.confidence_threshold)
            elif facts["predicted"] and facts["min_confidence"] <= policy.confidence_threshold:
                says = False
            else:
                says = None
            known = bool(truth.known[row, column])
            present = bool(truth.present[row, column])
            wanted = {
                (True, True): Outcome.TRUE_POSITIVE,
                (False, True): Outcome.FALSE_POSITIVE,
                (True, False): Outcome.FALSE_NEGATIVE,
                (False, False): Outcome.TRUE_NEGATIVE,
            }.get((present, says), Outcome.UNKNOWN)
            assert outcomes.outcome[row, column] == (wanted if known else Outcome.UNKNOWN), (image, label)
            assert outcomes.predicted_positive[row, column] == (says is True)
            assert outcomes.predicted_negative[row, column] == (says is False)
            assert outcomes.unchecked[row, column] == (says is True and not known)


@given(compared(), CONFIDENCE)
@settings(max_examples=25, deadline=None)
def test_answers_at_another_threshold_are_what_another_policy_gives(example, threshold):
    dataset, policy = example
    here = compare(dataset, policy)
    there = compare(dataset, Policy(confidence_threshold=threshold, label_level=policy.label_level))
    said, predicted_negative = answers(
        here.score, here.asked, dataset.images["min_confidence"].to_numpy(), threshold
    )
    assert (said == there.predicted_positive).all()
    assert (predicted_negative == there.predicted_negative).all()


def test_a_score_at_the_threshold_counts_as_said():
    images = pd.DataFrame({"image": ["a.jpg"], "predicted": ["7.0"], "min_confidence": [50.0]})
    labels = pd.DataFrame(
        [("a.jpg", "Alcohol", "predictions", 50.0)], columns=["image", "label", "source", "score"]
    )
    outcomes = compare(Dataset.from_tables(images, labels), Policy())
    assert outcomes.predicted_positive[0, outcomes.labels.index("Alcohol")]


def test_count_is_by_label_over_the_rows_asked_for():
    images = pd.DataFrame({"image": IMAGES, "predicted": "7.0", "min_confidence": 50.0})
    labels = pd.DataFrame(
        [(i, "Alcohol", "table", True) for i in IMAGES], columns=["image", "label", "source", "truth"]
    )
    outcomes = compare(Dataset.from_tables(images, labels), Policy())
    rows = pd.Series([True, False, True]).to_numpy()
    assert outcomes.count(Outcome.FALSE_NEGATIVE, rows)[outcomes.labels.index("Alcohol")] == 2


def test_goals_have_their_mistakes_and_what_balances_them():
    assert MISTAKE[Goal.FALSE_POSITIVES] is Outcome.FALSE_POSITIVE
    assert COUNTEREXAMPLE[Goal.FALSE_NEGATIVES] is Outcome.TRUE_NEGATIVE


@pytest.mark.parametrize(("level", "label"), [("1", "Alcohol"), ("all", "Drinking")])
def test_targets_follow_the_level_that_is_judged(level, label):
    targets = (Target("Drinking", Goal.FALSE_NEGATIVES),)
    assert targets_in_force(Policy(label_level=level, targets=targets), TAXONOMY) == (
        Target(label, Goal.FALSE_NEGATIVES),
    )


def test_two_targets_that_roll_up_to_one_are_one():
    targets = tuple(Target(name, Goal.FALSE_NEGATIVES) for name in ("Alcohol", "Drinking"))
    assert len(targets_in_force(Policy(targets=targets), TAXONOMY)) == 1


@pytest.mark.parametrize("level", ["1", "all"])
def test_a_target_of_another_taxonomy_is_refused_by_name(level):
    policy = Policy(label_level=level, targets=[Target("Nudity", Goal.FALSE_POSITIVES)])  # of version 6.1
    with pytest.raises(InputError, match="'Nudity' is not a label of taxonomy 7"):
        targets_in_force(policy, TAXONOMY)
