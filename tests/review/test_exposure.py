"""What reviewers have looked at: noted once, over all sessions, within limits."""

from __future__ import annotations

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.review.entries import ReviewEntry, Said
from manifest_tools.review.exposure import Exposure, Looks
from manifest_tools.review.journal import ReviewJournal, merge_journal
from manifest_tools.review.queue import Filter
from manifest_tools.review.session import ReviewSession
from tests.review.conftest import ALCOHOL, VIOLENCE


def desk(folder, name="ana", **limits):
    review = ReviewSession(folder, name)
    return review, Exposure(review, **limits)


def test_looks_are_counted_once_a_session_by_label_and_day_over_all_sessions(folder):
    before = merge_journal(folder).fingerprint()
    _, exposure = desk(folder)
    for row in (1, 1, 2, 4):
        exposure.see(row)
    _, again = desk(folder)
    again.see(1)
    desk(folder, "bob")[1].see(0)
    told = again.told()
    assert (told.to_dict()["looks"], told.today) == (4, 4)
    assert told.labels == {ALCOHOL: 2, VIOLENCE: 1}
    assert str(told) == "4 pictures looked at, 4 today; said to show: Alcohol 2, Violence 1"
    journal = ReviewJournal.of(folder)
    assert journal.standing == []  # a look is no answer
    assert merge_journal(folder).fingerprint() == before


def test_days_are_told_apart():
    entries = [
        ReviewEntry(number, name, at=f"{day}T23:59:59+00:00", looked=("Violence",))
        for number, (name, day) in enumerate(
            [("ana", "2025-01-01"), ("ana", "2025-01-02"), ("bob", "2025-01-02")], 1
        )
    ]
    looks = Looks.of([*entries, ReviewEntry(4, "ana", at="2025-01-03T00:00:00+00:00")], "ana")
    assert looks.days == {"2025-01-01": 1, "2025-01-02": 1}
    assert looks.today == 0
    assert Looks.of(entries, "ana + bob").days == {"2025-01-01": 1, "2025-01-02": 2}


def test_an_entry_of_a_look_is_read_as_it_was_written():
    for labels in ((), ("Alcohol", "Violence")):
        entry = ReviewEntry(3, "ana", at="2025-01-01T00:00:00+00:00", looked=labels)
        assert ReviewEntry.from_record(entry.to_record()) == entry
    assert ReviewEntry.from_record({"number": 1, "reviewer": "ana", "looked": [1]}) is None


def test_a_day_ends_after_so_many_pictures_in_whatever_session(folder):
    _, exposure = desk(folder, daily=2)
    exposure.see(0)
    exposure.see(1)
    exposure.see(1)  # seen already
    for late in (exposure, desk(folder, daily=2)[1]):
        with pytest.raises(InputError, match="2 pictures today"):
            late.see(3)
    desk(folder, "bob", daily=2)[1].see(3)


def test_no_picture_of_a_label_is_handed_to_who_opts_out(folder):
    review, _ = desk(folder, opt_out=["Weapons"])  # of Violence
    assert review.queue(Filter()) == [1, 0, 3]
    assert review.queue(Filter(everything=True)) == [1, 0, 3, 4]
    with pytest.raises(InputError, match="nearest: Violence"):
        desk(folder, opt_out=["Violense"])


def test_undo_takes_back_answers_and_no_looks(folder):
    review, exposure = desk(folder)
    review.answer(1, [Said(ALCOHOL, False)])
    exposure.see(2)
    assert review.undo()["images"] == [1]
    assert exposure.told().today == 1
