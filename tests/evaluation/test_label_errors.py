"""Given labels that are probably wrong: which are doubted, in which order, and which innocent ones are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from manifest_tools.dataset.outcomes import compare
from manifest_tools.evaluation.label_errors import Doubts
from manifest_tools.findings.policy import Policy
from manifest_tools.rules.checking import check_dataset
from tests.rules.samples import ASKED, data

LABELS = ("Alcohol", "Gambling", "Violence")


def made(present, score, groups=None, contents=None):
    """Return a data set in which images (rows) have labels (columns), with the model's scores; NaN: not reported."""
    keys = [f"{number:04}.jpg" for number in range(len(present))]
    groups = range(len(keys)) if groups is None else groups
    images = {
        key: {**ASKED, "group": keys[group], "sha256": f"{key if contents is None else contents[row]}"}
        for row, (key, group) in enumerate(zip(keys, groups, strict=True))
    }
    truth = [
        (key, LABELS[column], bool(present[row, column]))
        for row, key in enumerate(keys)
        for column in range(present.shape[1])
    ]
    scores = [
        (key, LABELS[column], float(score[row, column]))
        for row, key in enumerate(keys)
        for column in range(present.shape[1])
        if not np.isnan(score[row, column])
    ]
    return data(images, truth, scores, scope=LABELS[: present.shape[1]])


def doubts_of(dataset, groups=None):
    outcomes = compare(dataset, Policy())
    rows = np.arange(len(dataset.images))
    return Doubts.of(outcomes, rows if groups is None else np.asarray(groups), rows), outcomes


def column_of(outcomes, label="Alcohol"):
    return outcomes.labels.index(label)


def scored(present, random, *, above=50.0):
    """Return scores of a good model that knows nothing of calibration and is silent below a confidence."""
    odds = np.where(present, random.normal(2.5, 1.2, present.shape), random.normal(-4.0, 2.0, present.shape))
    score = 100 / (1 + np.exp(-odds - (1.5, 0.0, -1.5)))
    return np.where(score >= above, score, np.nan)


def suspects(dataset, *args):
    return doubts_of(dataset)[0].suspects(*args)


@pytest.mark.parametrize("above", [0.0, 50.0], ids=["every score", "silence below 50"])
@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_flipped_labels_rank_at_least_as_by_self_confidence(rate, above):
    random = np.random.default_rng(7)
    y = random.random((400, 3)) < (0.3, 0.1, 0.05)
    score = scored(y, random, above=above)
    flipped = random.random(y.shape) < rate
    doubts, outcomes = doubts_of(made(y ^ flipped, score))
    chance = np.stack([doubts.chance(column_of(outcomes, label)) for label in LABELS], axis=1)
    share = np.nan_to_num(score) / 100
    self_confidence = np.where(y ^ flipped, share, 1 - share)
    ours = average_precision_score(flipped.ravel(), chance.ravel())
    assert ours >= average_precision_score(flipped.ravel(), -self_confidence.ravel())
    assert ours > 0.8
    told = doubts.suspects()
    right = [flipped[suspect.row, LABELS.index(suspect.told["label"])] for suspect in told]
    assert np.mean(right) > 0.8
    assert len(told) > flipped.sum() / 3
    assert [suspect.chance for suspect in told] == sorted((item.chance for item in told), reverse=True)


class TestInnocent:
    def test_right_labels_of_a_good_model(self):
        random = np.random.default_rng(1)
        y = random.random((300, 1)) < 0.3
        assert len(suspects(made(y, np.where(y, 95.0, np.nan)))) == 0

    def test_a_model_that_misses_two_fifths(self):
        y = np.arange(300)[:, None] < 100
        score = np.where(y, 90.0 + np.arange(300)[:, None] % 9, np.nan)
        score[:40] = np.nan
        assert suspects(made(y, score)) == []

    def test_a_model_that_is_often_wrong_at_a_high_score(self):
        y = np.arange(300)[:, None] < 60
        score = np.where(y, 90.0 + np.arange(300)[:, None] % 9, np.nan)
        score[60:100, 0] = 90.0 + np.arange(40) % 9
        assert suspects(made(y, score)) == []

    def test_too_few_images_to_say(self):
        y = np.arange(40)[:, None] < 4
        score = np.where(y, 99.0, np.nan)
        score[39] = 99.0
        assert suspects(made(y, score)) == []

    def test_a_model_that_was_not_asked(self):
        y = np.arange(40)[:, None] < 20
        assert suspects(made(y, np.full(y.shape, np.nan))) == []
        dataset = data([f"{n}.jpg" for n in range(9)], [(f"{n}.jpg", "Alcohol", n < 4) for n in range(9)])
        assert suspects(dataset) == []


def one_wrong(given: bool):
    """Return 200 images, 80 with the label, of which the last or the first with it is labelled otherwise."""
    y = np.arange(200)[:, None] < 80
    score = np.where(y, 90.0 + np.arange(200)[:, None] % 9, np.nan)
    labelled = y.copy()
    labelled[150 if given else 7] = given
    return labelled, score


@pytest.mark.parametrize("given", [True, False])
def test_one_wrong_label_is_told_with_its_reason_and_stays_as_it_is(given):
    labelled, score = one_wrong(given)
    report = check_dataset(made(labelled, score))
    [found] = [finding for finding in report.findings if finding.code == "label-suspect"]
    assert found.severity == "note"
    assert (found.location.image, found.location.label) == (f"{150 if given else 7:04}.jpg", "Alcohol")
    if given:
        assert "does not report it" in found.message
    else:
        assert "says it with 97.0 %" in found.message
    [alcohol] = [row for row in report.labels if row["label"] == "Alcohol"]
    assert alcohol["images"] == labelled.sum()


def test_what_a_reviewer_said_is_not_doubted():
    labelled, score = one_wrong(given=False)
    dataset = made(labelled, score)
    answers = dataset.labels.iloc[[0]].assign(image="0007.jpg", source="review:ann", truth=False, line=1)
    labels = pd.concat([dataset.labels, answers], ignore_index=True)
    report = check_dataset(dataset.step("review", labels=labels))
    assert "label-suspect" not in {finding.code for finding in report.findings}


class TestLookAlikes:
    def groups(self, *, copies=False):
        """Return 300 images in threes with one label each way, where one of three is labelled otherwise."""
        threes = np.arange(300) // 3
        y = (threes % 3 == 0)[:, None]
        score = np.where(y & (threes % 2 == 1)[:, None], 90.0, np.nan)  # the model misses every other one
        labelled = y.copy()
        labelled[1] = False
        contents = ["same" if copies and row in (0, 2) else str(row) for row in range(300)]
        return made(labelled, score, threes * 3, contents)

    def test_that_say_otherwise_are_a_second_witness(self):
        found = [item for item in check_dataset(self.groups()).findings if item.code == "label-suspect"]
        assert [item.location.image for item in found] == ["0001.jpg"]
        assert found[0].message == "'Alcohol' is said to be absent; 2 look-alikes say otherwise"

    def test_copies_of_one_content_speak_once(self):
        found = [
            item for item in check_dataset(self.groups(copies=True)).findings if item.code == "label-suspect"
        ]
        assert not [item for item in found if item.data["otherwise"] > 1]
