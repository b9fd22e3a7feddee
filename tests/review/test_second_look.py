"""The second look: who gets it, that it is blind, and how a disagreement is closed."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import effective_truth
from manifest_tools.dataset.outcomes import compare
from manifest_tools.findings.policy import Policy
from manifest_tools.review.entries import Look, Said
from manifest_tools.review.journal import ReviewJournal, merge_journal
from manifest_tools.review.queue import Filter
from manifest_tools.review.second_look import SecondLook
from manifest_tools.review.session import ReviewSession
from manifest_tools.rules.checking import check_dataset
from tests.review.conftest import ALCOHOL, GAMBLING, VIOLENCE, image_of, make_folder

ALL = ("1",)


@pytest.fixture(scope="module")
def ten(tmp_path_factory):
    """Return a folder of ten images, each with one unchecked prediction; tests copy it."""
    images = [image_of(number, judged="") for number in range(10)]
    labels = [(f"{n:03}.png", ALCOHOL, "predictions", None, 99.0 - n) for n in range(10)]
    return make_folder(tmp_path_factory.mktemp("ten"), images, labels)


@pytest.fixture
def folder(ten, tmp_path):
    Dataset.load(ten).save(tmp_path / "out")
    return tmp_path / "out"


def desk(folder, name, *plan, **options):
    return ReviewSession(folder, name, second_look=plan, **options)


def truth(folder, label=ALCOHOL, row=0):
    told = effective_truth(merge_journal(folder), Policy())
    column = told.labels.index(label)
    states = {"present": told.present, "absent": told.absent, "unsure": told.unsure}
    return {name for name, mask in states.items() if mask[row, column]}


def codes(folder):
    return Counter(finding.code for finding in check_dataset(merge_journal(folder)).findings)


# Which images


def many(count=300, grouped=1, **facts):
    keys = [f"{n:03}.png" for n in range(count)]
    groups = [keys[n - n % grouped] if grouped > 1 else "" for n in range(count)]
    images = pd.DataFrame(
        {"image": keys, "group": groups, "predicted": "7.0", "min_confidence": 50.0, **facts}
    )
    labels = [(key, (ALCOHOL, VIOLENCE)[n % 2], "predictions", 60.0) for n, key in enumerate(keys)]
    return Dataset.from_tables(images, pd.DataFrame(labels, columns=["image", "label", "source", "score"]))


def chosen(dataset, *texts, policy=None):
    policy = policy or Policy()
    plan = SecondLook.parse(texts, Taxonomy.load())
    return plan.chosen(dataset, policy, compare(dataset, policy))


@pytest.mark.parametrize(("texts", "count"), [
    ([], 0), (["0"], 0), (["0.1"], 30), (["1"], 300), (["0.001"], 1), (["Alcohol=0.2"], 30), (["Alcohol=0.2", "Violence=0.4"], 90),
    (["Gambling=1"], 0), (["Alcoholic Beverages=0.2"], 30), (["readiness"], 300),
])  # fmt: skip
def test_as_many_images_as_asked(texts, count):
    assert chosen(many(), *texts).sum() == count


def test_look_alikes_are_chosen_together():
    found = chosen(many(grouped=3), "0.1").reshape(-1, 3)
    assert found.any(axis=1).sum() == found.all(axis=1).sum() == 10


def test_the_targets_decide_what_readiness_means_and_the_test_set_does_not_count():
    policy = Policy(targets=("Alcohol:false-positives",))
    assert list(chosen(many(4), "readiness", policy=policy)) == [True, False, True, False]
    policy = Policy(targets=("Alcohol:false-negatives",))
    sides = ["train", "train", "train", "test"]
    assert list(chosen(many(4, split=sides), "readiness", policy=policy)) == [False, True, False, False]


def test_the_choice_depends_on_no_answer(folder):
    before = desk(folder, "ana", "0.3").assignment.chosen.copy()
    ana = desk(folder, "ana")
    for row in range(10):
        ana.answer(row, [Said(ALCOHOL, row % 2 == 0)])
    assert list(desk(folder, "ben").assignment.chosen) == list(before)
    assert before.sum() == 3


@pytest.mark.parametrize("text", ["x", "1.1", "-0.1", "nan", "Alchohol=0.1", "Alcohol=", "=1", "Alcohol=2"])
def test_what_is_no_share_is_refused_and_nothing_is_written(folder, text):
    with pytest.raises(InputError, match="--second-look"):
        desk(folder, "ana", text)
    assert ReviewJournal.of(folder).entries == []


# Who is handed what


def test_the_first_never_gets_it_again_and_one_other_does(folder):
    ana, ben, cem = (desk(folder, name, *ALL) for name in ("ana", "ben", "cem"))
    row = ana.queue(Filter())[0]
    ana.answer(row, [Said(ALCOHOL, True)])
    for each in (ana, ben, cem):
        each.progress()
    everything = Filter(everything=True)
    assert row not in ana.queue(Filter()) + ana.queue(everything)
    assert row in ben.queue(Filter())
    assert row in cem.queue(Filter())
    ben.answer(row, [Said(ALCOHOL, True)])
    for each in (ana, ben, cem):
        each.progress()
        assert row not in each.queue(Filter())
    looks = [entry.look for entry in ReviewJournal.of(folder).standing]
    assert looks == [Look.FIRST, Look.SECOND]


def test_images_that_were_not_chosen_are_asked_about_once(folder):
    ana, ben = desk(folder, "ana", "0.3"), desk(folder, "ben")
    for row in ana.queue(Filter()):
        ana.answer(row, [Said(ALCOHOL, False)])
    ben.progress()
    assert sorted(ben.queue(Filter())) == sorted(ana.assignment.chosen.nonzero()[0])
    for row in ben.queue(Filter()):
        ben.answer(row, [Said(ALCOHOL, False)])
    assert desk(folder, "cem").queue(Filter()) == desk(folder, "ana").queue(Filter()) == []


def test_all_sessions_of_a_folder_keep_to_what_one_of_them_said(folder):
    running = desk(folder, "ben")
    desk(folder, "ana", "0.3")
    assert desk(folder, "cem").assignment.chosen.sum() == 3
    running.progress()
    assert running.assignment.chosen.sum() == 3
    desk(folder, "ana", "0")
    assert not desk(folder, "cem").assignment.chosen.any()
    assert len(ReviewJournal.of(folder).entries) == 2


def test_a_second_look_does_not_show_the_first(folder):
    untouched = desk(folder, "ben", *ALL)
    blank = [untouched.item(row) for row in range(10)], untouched.progress(), untouched.catalogue()
    before = {key: untouched.queue(wanted) for key, wanted in FILTERS.items()}
    ana = desk(folder, "ana")
    for row in range(5):
        ana.answer(row, [Said(ALCOHOL, row % 2 == 0), Said(GAMBLING, True)])
    for ben in (untouched, desk(folder, "ben")):
        assert ([ben.item(row) for row in range(10)], ben.progress(), ben.catalogue()) == blank
        assert {key: ben.queue(wanted) for key, wanted in FILTERS.items()} == before


FILTERS = {
    "open": Filter(), "all": Filter(everything=True), "label": Filter(label=ALCOHOL),
    **{name: Filter(outcome=name, everything=True) for name in ("false-positives", "true-positives", "unknown")},
}  # fmt: skip


def test_look_alikes_do_not_tell_either(tmp_path):
    images = [image_of(n, judged="", group="000.png") for n in range(3)]
    labels = [(f"{n:03}.png", ALCOHOL, "predictions", None, 90.0) for n in range(3)]
    folder = make_folder(tmp_path, images, labels)
    blank = desk(folder, "ben", *ALL)
    before = [blank.item(row) for row in range(3)]
    ana = desk(folder, "ana")
    ana.answer(0, [Said(ALCOHOL, False)])
    assert [desk(folder, "ben").item(row) for row in range(3)] == before
    # the second one of 000, the first one of the others
    desk(folder, "ben").answer(0, [Said(ALCOHOL, False)], together=True)
    cem = desk(folder, "cem")
    assert sorted(cem.queue(Filter())) == [1, 2]
    assert cem.item(1)["known"] == []
    assert [len(entry.images) for entry in ReviewJournal.of(folder).standing] == [1, 3]


def test_the_score_of_chosen_images_is_hidden_from_all_and_so_is_its_order(folder):
    ana = desk(folder, "ana", *ALL)
    assert ana.queue(Filter()) != list(range(10))  # by falling score
    assert all(ana.item(row)["questions"][0]["score"] is None for row in range(10))
    plain = desk(folder, "ana", "0")
    assert plain.queue(Filter()) == list(range(10))
    assert plain.item(0)["questions"][0]["score"] == 99.0


def test_after_an_undo_somebody_else_may_be_second(folder):
    ana, ben = desk(folder, "ana", *ALL), desk(folder, "ben")
    ana.answer(0, [Said(ALCOHOL, True)])
    ben.answer(0, [Said(ALCOHOL, False)])
    ben.undo()
    assert truth(folder) == {"present"}
    cem = desk(folder, "cem")
    assert 0 in cem.queue(Filter())
    assert cem.item(0)["known"] == []


# What counts


@pytest.mark.parametrize(("first", "second", "differ"), [
    ([Said(ALCOHOL, True)], [Said(ALCOHOL, False)], True),
    ([Said(ALCOHOL, True)], [Said(ALCOHOL, True)], False),
    ([Said(ALCOHOL, None)], [Said(ALCOHOL, True)], True),
    ([Said(ALCOHOL, None)], [Said(ALCOHOL, None)], False),
    ([Said("Safe", True)], [Said(ALCOHOL, True)], True),
    ([Said(ALCOHOL, True)], [Said("Safe", True)], True),
    ([Said("Safe", True)], [Said(ALCOHOL, False)], False),
    ([Said("Alcoholic Beverages", True)], [Said(ALCOHOL, False)], True),
    ([Said("Alcoholic Beverages", True)], [Said(ALCOHOL, True)], False),
    ([Said(ALCOHOL, True), Said(GAMBLING, True)], [Said(ALCOHOL, True)], False),
])  # fmt: skip
def test_where_two_looks_differ_nobody_s_word_counts_until_a_third_person_settles_it(
    folder, first, second, differ
):
    desk(folder, "ana", *ALL).answer(0, first)
    desk(folder, "ben").answer(0, second)
    cem = desk(folder, "cem", adjudicating=True)
    assert cem.queue(Filter()) == ([0] if differ else [])
    assert ("unsure" in truth(folder)) == (differ or first[0].truth is None)
    assert codes(folder)["review-disagreement"] == 0
    if differ:
        (question,) = cem.item(0)["questions"]
        assert question["label"] == ALCOHOL
        assert len(question["differ"]) == 2
        cem.answer(0, [Said(ALCOHOL, False)])
        assert truth(folder) == {"absent"}
        assert codes(folder)["label-unsure"] == 0
        assert cem.queue(Filter()) == []
        assert len(ReviewJournal.of(folder).standing) == 3


def test_an_adjudicated_answer_counts_over_later_ones(folder):
    desk(folder, "ana", *ALL).answer(0, [Said(ALCOHOL, True)])
    desk(folder, "ben").answer(0, [Said(ALCOHOL, False)])
    desk(folder, "cem", adjudicating=True).answer(0, [Said(ALCOHOL, True)])
    for name, said in (
        ("ben", Said(ALCOHOL, False)),
        ("dora", Said("Safe", True)),
        ("ana", Said(ALCOHOL, None)),
    ):
        desk(folder, name).answer(0, [said])
        assert truth(folder) == {"present"}
    desk(folder, "cem", adjudicating=True).answer(0, [Said(ALCOHOL, False)])
    assert truth(folder) == {"absent"}


def test_who_answered_does_not_adjudicate_alone(folder):
    desk(folder, "ana", *ALL).answer(0, [Said(ALCOHOL, True)])
    desk(folder, "ben").answer(0, [Said(ALCOHOL, False)])
    for name in ("ana", "ben"):
        alone = desk(folder, name, adjudicating=True)
        assert alone.queue(Filter(everything=True)) == []
        with pytest.raises(InputError, match="both together"):
            alone.answer(0, [Said(ALCOHOL, True)])
    both = desk(folder, "ben + ana", adjudicating=True)
    assert both.queue(Filter()) == [0]
    both.answer(0, [Said(ALCOHOL, False)])
    assert truth(folder) == {"absent"}
    with pytest.raises(InputError, match="not"):
        both.answer(1, [Said(ALCOHOL, True)])  # nothing to settle


def test_a_disagreement_is_open_again_when_the_adjudication_is_taken_back(folder):
    desk(folder, "ana", *ALL).answer(0, [Said(ALCOHOL, True)])
    desk(folder, "ben").answer(0, [Said(ALCOHOL, False)])
    cem = desk(folder, "cem", adjudicating=True)
    cem.answer(0, [Said(ALCOHOL, True)])
    cem.undo()
    assert truth(folder) == {"unsure"}
    assert cem.queue(Filter()) == [0]


def test_disagreements_of_people_who_saw_each_other_are_as_before(folder):
    desk(folder, "ana").answer(0, [Said(ALCOHOL, True)])
    desk(folder, "ben").answer(0, [Said(ALCOHOL, False)])
    assert truth(folder) == {"absent"}
    assert codes(folder)["review-disagreement"] == 1
    assert desk(folder, "cem", adjudicating=True).queue(Filter()) == []


def test_looks_follow_an_image_that_was_renamed(folder):
    dataset = Dataset.load(folder)
    desk(folder, "ana", *ALL).answer(0, [Said(ALCOHOL, True)])
    images, labels = (
        table.replace({"image": {"000.png": "zoo.png"}}) for table in (dataset.images, dataset.labels)
    )
    dataset.step("rename", images=images, labels=labels).save(folder)
    row = desk(folder, "ben").state.position["zoo.png"]
    assert row not in desk(folder, "ana").queue(Filter(everything=True))
    desk(folder, "ben").answer(row, [Said(ALCOHOL, False)])
    assert truth(folder, row=row) == {"unsure"}
    assert desk(folder, "cem", adjudicating=True).queue(Filter()) == [row]
