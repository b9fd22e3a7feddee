"""The journal: what was answered survives, and becomes labels."""

from __future__ import annotations

import json
import multiprocessing
import warnings
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.core.commit import replacing_files, set_aside_with
from manifest_tools.core.errors import SurroundingsWarning
from manifest_tools.dataset.carry_over import carry_over
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import effective_truth
from manifest_tools.findings.policy import Policy
from manifest_tools.review.entries import Look, Remark, ReviewedImage, ReviewEntry, Said
from manifest_tools.review.journal import JOURNAL, ReviewJournal, merge_journal, with_answers
from tests.review.conftest import ALCOHOL, image_of, make_folder


def reviews(dataset):
    rows = dataset.labels[dataset.labels["source"].str.startswith("review:")]
    return sorted(
        zip(rows["image"], rows["label"], rows["source"], rows["truth"], rows["line"], strict=True), key=str
    )


def say(journal, image, label, *, truth, reviewer="ana", judged="scope"):
    return journal.append(reviewer, images=[ReviewedImage(image, "", judged)], answers=[Said(label, truth)])


REMARK = Remark("ad", "a beer's brand", 2.5)
names = st.text(st.characters(codec="utf-8"), max_size=20)
entries = st.builds(
    ReviewEntry,
    number=st.integers(1, 10**9),
    reviewer=names,
    images=st.lists(st.builds(ReviewedImage, names, names, names), min_size=1, max_size=3).map(tuple),
    answers=st.lists(st.builds(Said, names, st.none() | st.booleans()), min_size=1, max_size=3).map(tuple),
    id=names,
    at=names,
    look=st.sampled_from(Look),
    remark=st.builds(Remark, names, names, st.none() | st.floats(0, 1000)),
)


@given(entries)
def test_an_entry_reads_back(entry):
    assert ReviewEntry.from_record(json.loads(json.dumps(entry.to_record()))) == entry


@pytest.mark.parametrize("record", [{}, {"number": 1}, {"number": 1, "reviewer": "a", "images": [{}]}])
def test_what_is_no_entry_is_passed_over(record):
    assert ReviewEntry.from_record(record) is None


def test_answers_become_labels_and_merging_twice_changes_nothing(folder):
    journal = ReviewJournal.of(folder)
    say(journal, "000.png", ALCOHOL, truth=True)
    say(journal, "001.png", ALCOHOL, truth=None)
    merged = merge_journal(folder, save=True)
    assert [row[:3] for row in reviews(merged)] == [
        ("000.png", ALCOHOL, "review:ana"), ("001.png", ALCOHOL, "review:ana")]  # fmt: skip
    truth = effective_truth(merged, Policy())
    column = truth.labels.index(ALCOHOL)
    assert truth.present[0, column]
    assert truth.unsure[1, column]
    again = merge_journal(folder, save=True)
    assert again.fingerprint() == merged.fingerprint()
    assert len(again.history) == len(merged.history)


def test_an_undo_is_a_new_line_and_takes_the_answer_back(folder):
    before = Dataset.load(folder)
    journal = ReviewJournal.of(folder)
    say(journal, "003.png", "Safe", truth=True, judged="")
    assert merge_journal(folder, save=True).image("003.png")["judged"] == "all"
    journal.append("ana", undoes=1)
    after = merge_journal(folder, save=True)
    assert reviews(after) == []
    assert after.image("003.png")["judged"] == ""
    assert after.images.equals(before.images)
    assert len((folder / "dataset" / JOURNAL).read_bytes().splitlines()) == 2


def test_a_torn_last_line_is_passed_over_and_the_next_answer_stands(folder):
    journal = ReviewJournal.of(folder)
    say(journal, "000.png", ALCOHOL, truth=True)
    say(journal, "001.png", ALCOHOL, truth=True)
    path = folder / "dataset" / JOURNAL
    path.write_bytes(path.read_bytes()[:-20])  # as a killed writer leaves it
    with pytest.warns(SurroundingsWarning, match=f"{JOURNAL}:2: the last line"):
        journal = ReviewJournal.of(folder)
    assert [entry.number for entry in journal.entries] == [1]
    say(journal, "002.png", ALCOHOL, truth=False)
    assert [entry.images[0].image for entry in ReviewJournal.of(folder).entries] == ["000.png", "002.png"]
    assert [entry.number for entry in ReviewJournal.of(folder).entries] == [1, 2]


def numbers_and_warnings(folder):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = [entry.number for entry in ReviewJournal.of(folder).entries]
    assert all(each.category is SurroundingsWarning for each in told)
    return found, [str(each.message) for each in told]


def test_wherever_a_journal_is_cut_what_was_whole_stays_and_the_next_answer_stands(folder):
    journal, path, ends = ReviewJournal.of(folder), folder / "dataset" / JOURNAL, []
    for name in ("000.png", "001.png", "002.png"):
        say(journal, name, ALCOHOL, truth=True)
        ends.append(path.stat().st_size)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        left = sum(end - 1 <= size for end in ends)  # the line's end may be missing
        found, told = numbers_and_warnings(folder)
        assert found == list(range(1, left + 1))
        assert len(told) == (size not in {0, *ends, *(end - 1 for end in ends)})
        assert all(f"{JOURNAL}:{left + 1}: the last line" in text for text in told)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            say(ReviewJournal.of(folder), "003.png", ALCOHOL, truth=False)
        assert numbers_and_warnings(folder) == (list(range(1, left + 2)), [])


BAD = [
    b"x", b"[]", b"7", b"null", b"{", b"\xff\xfe", b'{"a": NaN}', b"{}", b"[" * 100_000, b'{"a":' * 100_000, b"\x00" * 50,
]  # fmt: skip
VALUES = [None, True, -1, 1.5, 2**63, 10**30, "", "x", [], [{}], {"image": "000.png"}]


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_line_is_named_and_no_answer_before_or_after_it_is_lost(folder, bad):
    path = folder / "dataset" / JOURNAL
    for name in ("000.png", "001.png"):
        say(ReviewJournal.of(folder), name, ALCOHOL, truth=True)
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + bad + b"\n" + second)
    found, told = numbers_and_warnings(folder)
    assert found == [1, 2]
    assert [f"{JOURNAL}:2: " in text for text in told] == [True]
    with pytest.warns(SurroundingsWarning):
        say(ReviewJournal.of(folder), "002.png", ALCOHOL, truth=True)
    with pytest.warns(SurroundingsWarning):
        assert [row[0] for row in reviews(merge_journal(folder, save=True))] == [
            "000.png",
            "001.png",
            "002.png",
        ]
    assert bad in path.read_bytes(), "what cannot be read is kept"


def places(value, path=()):
    """Yield the path of every value in a JSON document."""
    yield path
    for key, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(inner, (*path, key))


def test_every_value_of_a_line_may_be_anything(folder):
    path = folder / "dataset" / JOURNAL
    journal = ReviewJournal.of(folder)
    say(journal, "000.png", ALCOHOL, truth=True)
    journal.append_all(
        ReviewEntry(0, "ben", (ReviewedImage(name),), (Said(ALCOHOL, None),), look=Look.SECOND, remark=REMARK)
        for name in ("001.png", "002.png")
    )
    journal.append("ana", second_look=["0.1"])
    journal.append("ana", undoes=1)
    lines, dataset = path.read_bytes().splitlines(keepends=True), Dataset.load(folder)
    written = [(1,), (2, 3), (4,), (5,)]
    for number, line in enumerate(lines):
        for at, place in enumerate(places(json.loads(line))):
            for value in (*VALUES[at % 3 :: 3], "gone"):  # every value somewhere, not everywhere
                document = {"": json.loads(line)}
                *outer, last = ("", *place)
                inner = reduce(lambda each, key: each[key], outer, document)
                if value == "gone":
                    del inner[last]
                else:
                    inner[last] = value
                changed = json.dumps(document.get("")).encode() + b"\n"
                path.write_bytes(b"".join([*lines[:number], changed, *lines[number + 1 :]]))
                with warnings.catch_warnings(record=True) as told:
                    warnings.simplefilter("always")
                    found = ReviewJournal.of(folder)
                assert len(told) <= 1
                if not told:  # what is taken for an answer becomes a label
                    with_answers(dataset, found.entries, standing=found.standing)
                others = {1, 2, 3, 4, 5} - set(written[number])
                assert others <= {entry.number for entry in found.entries}


def test_the_same_id_is_written_once(folder):
    journal = ReviewJournal.of(folder)
    for _ in range(2):
        journal.append("ana", images=[ReviewedImage("000.png")], answers=[Said(ALCOHOL, True)], id="once")
    assert len(ReviewJournal.of(folder).entries) == 1


def _write_ten(folder, reviewer):
    journal = ReviewJournal.of(folder)
    for _ in range(10):
        say(journal, "000.png", ALCOHOL, truth=True, reviewer=reviewer)


def test_two_processes_do_not_overwrite_each_other(folder):
    start = multiprocessing.get_context("fork")
    writers = [start.Process(target=_write_ten, args=(folder, name)) for name in ("ana", "ben")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    numbers = [entry.number for entry in ReviewJournal.of(folder).entries]
    assert numbers == list(range(1, 21))


def set_aside_journal(folder):
    with replacing_files(folder) as stage:
        set_aside_with(stage, "dataset/reviews.jsonl")


def test_a_new_journal_counts_on_from_the_reviews_that_are_there(folder):
    say(ReviewJournal.of(folder), "000.png", ALCOHOL, truth=True)
    merged = merge_journal(folder, save=True)
    for _ in range(2):
        set_aside_journal(folder)
    assert [path.name for path in (folder / "dataset").glob("reviews*")] == ["reviews-1.jsonl"]
    journal = ReviewJournal.of(folder, merged.labels)
    say(journal, "001.png", ALCOHOL, truth=True)
    assert [row[4] for row in reviews(merge_journal(folder))] == [1, 2]


def test_answers_follow_an_image_that_was_renamed(folder):
    dataset = Dataset.load(folder)
    digest = dataset.image("000.png")["sha256"]
    ReviewJournal.of(folder).append(
        "ana", images=[ReviewedImage("000.png", digest, "scope")], answers=[Said(ALCOHOL, True)]
    )
    merged = merge_journal(folder, save=True)
    images = dataset.images.assign(image=dataset.images["image"].replace("000.png", "new name.png"))
    labels = dataset.labels.assign(image=dataset.labels["image"].replace("000.png", "new name.png"))
    renamed = carry_over(replace(dataset, images=images, labels=labels), merged, Policy())
    renamed.save(folder)
    assert [row[0] for row in reviews(merge_journal(folder))] == ["new name.png"]


def test_the_newest_answer_counts_and_reviewers_stay_apart(folder):
    journal = ReviewJournal.of(folder)
    say(journal, "000.png", ALCOHOL, truth=True)
    say(journal, "000.png", ALCOHOL, truth=False, reviewer="ben")
    say(journal, "000.png", ALCOHOL, truth=True)
    merged = merge_journal(folder)
    assert [(row[2], bool(row[3]), int(row[4])) for row in reviews(merged)] == [
        ("review:ana", True, 3), ("review:ben", False, 2)]  # fmt: skip
    truth = effective_truth(merged, Policy())
    assert truth.present[0, truth.labels.index(ALCOHOL)]


def test_awkward_names_are_found_again(tmp_path):
    names = ["a b#1%20.png", "ümlaut 🙂.png", "new\nline.png", "-dash.png"]
    folder = make_folder(tmp_path, [image_of(0, name) for name in names], [])
    journal = ReviewJournal.of(folder)
    for name in names:
        say(journal, name, ALCOHOL, truth=True)
    assert {row[0] for row in reviews(merge_journal(folder))} == set(names)


def test_what_a_later_table_looked_for_stays(folder):
    say(ReviewJournal.of(folder), "003.png", ALCOHOL, truth=True, judged="")
    merged = merge_journal(folder)
    later = merged.images.assign(judged="all")  # another source looked at everything since
    merged.step("read", images=later).save(folder)
    assert set(merge_journal(folder).images["judged"]) == {"all"}


def test_a_journal_that_is_set_aside_meanwhile_is_begun_anew(folder):
    journal = ReviewJournal.of(folder)
    for _ in range(3):
        say(journal, "000.png", ALCOHOL, truth=True)
    set_aside_journal(folder)
    (entry,) = say(journal, "001.png", ALCOHOL, truth=False)
    assert ReviewJournal.of(folder).entries == journal.entries == [entry]
