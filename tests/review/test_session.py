"""The desk: what comes first, what is asked, and what answers change."""

from __future__ import annotations

import pandas as pd
import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Goal, Policy, Target
from manifest_tools.review.entries import Said
from manifest_tools.review.journal import merge_journal
from manifest_tools.review.queue import Filter
from manifest_tools.review.session import ReviewSession
from manifest_tools.rules.checking import check_dataset
from tests.review.conftest import ALCOHOL, GAMBLING, VIOLENCE, image_of, make_folder


def test_what_pays_most_comes_first(folder):
    review = ReviewSession(folder, "ana")
    assert review.queue(Filter()) == [
        1,
        0,
        2,
        3,
    ]  # unchecked by score, unconfirmed, unlabelled; 4 needs nothing
    assert review.queue(Filter(everything=True)) == [1, 0, 2, 3, 4]


def test_targets_come_before_other_unconfirmed_predictions(tmp_path):
    labels = []
    for name, label, score in (("000.png", VIOLENCE, 99.0), ("001.png", GAMBLING, 60.0)):
        labels += [(name, label, "table", True, None), (name, label, "predictions", None, score)]
    folder = make_folder(tmp_path, [image_of(0), image_of(1)], labels)
    policy = Policy(targets=(Target(GAMBLING, Goal.FALSE_POSITIVES),))
    dataset = Dataset.load(folder)
    dataset.step("policy", policy=policy.to_dict()).save(folder)
    assert ReviewSession(folder, "ana").queue(Filter()) == [1, 0]


def test_look_alikes_that_disagree_wait_and_are_answered_together(tmp_path):
    images = [image_of(n, group="000.png", predicted="") for n in range(3)] + [image_of(3, predicted="")]
    labels = [(f"{n:03}.png", VIOLENCE, "table", n == 1, None) for n in range(4)]
    review = ReviewSession(make_folder(tmp_path, images, labels), "ana")
    assert review.queue(Filter()) == [0, 1, 2]
    assert review.item(0)["alike"] == 2
    assert review.item(0)["questions"][0]["conflict"]
    review.answer(0, [Said(VIOLENCE, False)], together=True)
    assert review.queue(Filter()) == []
    assert review.undo()["images"] == [0, 1, 2]
    assert review.queue(Filter()) == [0, 1, 2]


def test_an_answer_moves_counts_and_undo_moves_them_back(folder):
    review = ReviewSession(folder, "ana")
    before = review.progress()
    review.answer(1, [Said(ALCOHOL, False)])
    after = review.progress()
    alcohol = next(row for row in after["labels"] if row["label"] == ALCOHOL)
    assert (alcohol["fp"], after["left"], after["answered"]) == (1, before["left"] - 1, 1)
    assert review.item(1)["known"][0] == {"label": ALCOHOL, "truth": False, "source": "review:ana"}
    review.undo()
    assert review.progress() == before
    assert review.undo() is None


def test_counts_after_answers_are_those_of_a_fresh_start(folder):
    review = ReviewSession(folder, "ana")
    review.answer(0, [Said("Alcoholic Beverages", True)])
    review.answer(1, [Said(ALCOHOL, None)])
    review.answer(3, [Said("Safe", True)])
    assert review.progress() == ReviewSession(folder, "ana").progress()
    assert review.queue(Filter()) == [2]


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (Filter(label=ALCOHOL), [1, 0]),
        (Filter(outcome="true-positives"), [2]),
        (Filter(label=VIOLENCE, outcome="true-negatives"), [1, 0, 4]),
        (Filter(split="test"), []),
        (Filter(finding="image-unlabelled"), [3]),
    ],
)
def test_filters(folder, wanted, rows):
    assert ReviewSession(folder, "ana").queue(wanted) == rows


def test_filter_by_content_type(tmp_path):
    types = ("Illustrated", "none", "Animated; Illustrated", "")
    images = [image_of(n, judged="", content_types=cell) for n, cell in enumerate(types)]
    images.append(image_of(4, judged="", predicted=""))
    review = ReviewSession(make_folder(tmp_path, images, []), "ana")
    counts = {"Animated": 1, "Illustrated": 2, "none": 1, "not asked": 1, "not told": 1}
    assert review.catalogue()["content_types"] == counts
    assert review.queue(Filter(content_type="Illustrated")) == [0, 2]
    assert review.queue(Filter(content_type="not told")) == [3]
    assert review.queue(Filter(content_type="Animated", split="test")) == []
    with pytest.raises(InputError, match="no image has the content type 'Drawn'"):
        review.queue(Filter(content_type="Drawn"))


@pytest.mark.parametrize("wanted", [Filter(label="Nothing"), Filter(outcome="x"), Filter(finding="x")])
def test_a_filter_for_what_is_not_there_is_refused(folder, wanted):
    with pytest.raises(InputError):
        ReviewSession(folder, "ana").queue(wanted)


@pytest.mark.parametrize(
    ("row", "answers"),
    [(0, []), (0, [Said("Nothing", True)]), (-1, [Said(ALCOHOL, True)]), (5, [Said(ALCOHOL, True)])],
)
def test_what_cannot_be_answered_is_refused_and_nothing_is_written(folder, row, answers):
    review = ReviewSession(folder, "ana")
    with pytest.raises(InputError):
        review.answer(row, answers)
    assert review.state.journal.entries == []


def test_two_reviewers_see_each_other_and_disagreement_is_a_finding(folder):
    ana, ben = ReviewSession(folder, "ana"), ReviewSession(folder, "ben")
    ana.answer(1, [Said(ALCOHOL, True)])
    assert ben.progress()["left"] == ana.progress()["left"]
    ben.answer(1, [Said(ALCOHOL, False)])
    assert ben.undo()["number"] == 2  # one's own answers only
    assert ben.undo() is None
    ben.answer(1, [Said(ALCOHOL, False)])
    report = check_dataset(merge_journal(folder))
    assert "review-disagreement" in {finding.code for finding in report.findings}


def test_images_that_cannot_be_shown_are_not_asked_about(tmp_path):
    images = [image_of(0, judged="", decode_error="truncated"), image_of(1, judged="")]
    assert ReviewSession(make_folder(tmp_path, images, []), "ana").queue(Filter()) == [1]


def test_an_empty_folder_has_nothing_to_ask(tmp_path):
    Dataset.from_tables(pd.DataFrame({"image": []})).save(tmp_path)
    review = ReviewSession(tmp_path, "ana")
    assert review.queue(Filter()) == []
    assert review.progress()["left"] == 0


def test_what_others_answer_is_seen(folder):
    ana, ben = ReviewSession(folder, "ana"), ReviewSession(folder, "ben")
    ben.answer(1, [Said(ALCOHOL, True)])
    assert 1 in ana.queue(Filter())
    ana.progress()
    assert 1 not in ana.queue(Filter())


@pytest.fixture
def doubted(tmp_path):
    """Return a folder of 40 confirmed pictures, of which two are probably labelled wrongly: one each way."""
    images, labels = [image_of(n, sha256=f"{n:064}") for n in range(40)], []
    for number in range(40):
        violent, key = number < 20, f"{number:03}.png"
        labels.append((key, VIOLENCE, "table", violent != (number in (7, 30)), None))
        if violent:
            labels.append((key, VIOLENCE, "predictions", None, 80.0 + number % 8))
    return make_folder(tmp_path, images, labels)


def test_labels_that_are_probably_wrong_come_first_with_the_reason(doubted):
    review = ReviewSession(doubted, "ana")
    queue = review.queue(Filter())
    assert sorted(queue[:2]) == [7, 30]
    assert sorted(review.queue(Filter(finding="label-suspect"))) == [7, 30]
    [silent] = review.item(30)["questions"]
    assert (silent["label"], silent["said"], silent["truth"]) == (VIOLENCE, False, "present")
    assert "does not report it" in silent["doubt"]
    assert "87.0 %" in review.item(7)["questions"][0]["doubt"]
    assert review.item(3)["questions"][0]["doubt"] == ""
    review.answer(30, [Said(VIOLENCE, True)])  # confirmed: it is not doubted again
    assert review.queue(Filter())[0] == 7
    assert 30 not in review.queue(Filter())
    review.undo()
    assert 30 in review.queue(Filter())[:2]


def confirming(place, *, targets=(), aside=(), count=30, groups=None):
    """Return a folder of images that a table says are safe and the model takes for Violence; 20 are confirmed."""
    images = [
        image_of(n, split="train" if n < 25 else "test", set_aside="over the limit" if n in aside else "")
        for n in range(count)
    ]
    for image, group in zip(images, groups or (), strict=False):
        image["group"] = group
    labels = []
    for number in range(count):
        key = f"{number:03}.png"
        labels += [
            (key, VIOLENCE, "table", False, None),
            (key, VIOLENCE, "predictions", None, 60.0 + number),
        ]
    folder = make_folder(place, images, labels)
    policy = Policy(targets=targets, min_false_positives=5, min_false_negatives=5)
    Dataset.load(folder).step("policy", policy=policy.to_dict()).save(folder)
    return ReviewSession(folder, "ana")


def test_the_queue_stops_where_confirmed_mistakes_are_enough_and_offers_the_others(tmp_path):
    review = confirming(tmp_path)
    for row in range(4):
        review.answer(row, [Said(VIOLENCE, False)])
    assert len(review.queue(Filter())) == 26
    assert review.waiting.sum() == 26
    review.answer(4, [Said(VIOLENCE, False)])
    assert review.queue(Filter()) == []
    assert not review.waiting.any()
    assert review.progress()["held_back"] == {"enough": 25, "set_aside": 0, "alike": 0}
    assert len(review.queue(Filter(more=True))) == 25
    assert len(review.queue(Filter(label=VIOLENCE))) == 25
    review.undo()
    assert len(review.queue(Filter())) == 26


def test_targets_are_confirmed_on_the_test_side_all_the_same(tmp_path):
    review = confirming(tmp_path, targets=(Target(VIOLENCE, Goal.FALSE_POSITIVES),))
    for row in range(5):
        review.answer(row, [Said(VIOLENCE, False)])
    assert sorted(review.queue(Filter())) == [25, 26, 27, 28, 29]


def test_what_is_confirmed_as_right_does_not_make_enough(tmp_path):
    review = confirming(tmp_path)
    for row in range(6):
        review.answer(row, [Said(VIOLENCE, True)])
    assert len(review.queue(Filter())) == 24


def test_images_that_were_set_aside_are_not_asked_about(tmp_path):
    review = confirming(tmp_path, aside=(3, 8))
    queue = review.queue(Filter())
    assert len(queue) == 28
    assert not {3, 8} & {*queue}
    assert review.progress()["held_back"]["set_aside"] == 2
    assert {3, 8} <= {*review.queue(Filter(more=True))}


def test_look_alikes_are_asked_about_once(tmp_path):
    review = confirming(tmp_path, count=6, groups=["000.png"] * 3 + ["003.png"] * 3)
    assert review.queue(Filter()) == [5, 2]
    assert review.progress()["held_back"]["alike"] == 4
    assert review.queue(Filter(apart=True)) == [5, 4, 3, 2, 1, 0]
    review.answer(5, [Said(VIOLENCE, False)], together=True)
    assert review.queue(Filter()) == [2]
    review.answer(2, [Said(VIOLENCE, False)])  # for this one alone: the others are asked about for themselves
    assert review.queue(Filter()) == [1]
