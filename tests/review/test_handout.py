"""Several people on one folder: nobody is handed what another one has open, or has answered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from manifest_tools.core.errors import OutputError
from manifest_tools.review.entries import Said
from manifest_tools.review.handout import Handout, Wish
from manifest_tools.review.queue import Filter
from manifest_tools.review.session import ReviewSession
from tests.review.conftest import ALCOHOL, image_of, make_folder


class Person:
    """One reviewer's process: a session, and what it hands out."""

    def __init__(self, folder, name, *plan):
        self.review = ReviewSession(folder, name, second_look=plan)
        self.hands = Handout(self.review, folder)
        self.load()

    def load(self):
        told = self.hands.queue(Filter())
        self.order, self.since = told["order"], told["since"]

    def open(self, *images, again=False, tab="1"):
        images = list(images) or self.order
        return self.hands.open(Wish(tab, images, self.since, again=again))

    def next(self):
        item = self.open()["item"]
        return item and item["index"]

    def say(self, row, *, truth=True, together=False):
        self.review.answer(row, [Said(ALCOHOL, truth)], together=together)


@pytest.fixture
def folder(tmp_path):
    images = [image_of(number, judged="") for number in range(6)]
    labels = [(f"{n:03}.png", ALCOHOL, "predictions", None, 99.0 - n) for n in range(6)]
    return make_folder(tmp_path, images, labels)


def test_nobody_is_handed_what_another_has_open(folder):
    ana, ben, cem = (Person(folder, name) for name in ("ana", "ben", "cem"))
    assert [each.next() for each in (ana, ben, cem)] == [0, 1, 2]
    assert ben.open(0, 1) == {"item": ben.review.item(1), "others": 1}
    ana.say(0)
    assert ana.next() == 3
    assert ben.next() == 1, "the first one was answered"
    assert ana.open(1, 2, again=True) == {"item": None, "others": 2}
    cem.hands.close()
    assert ana.next() == 2


def test_what_was_answered_meanwhile_is_passed_over_and_an_undo_brings_it_back(folder):
    ana, ben = Person(folder, "ana"), Person(folder, "ben")
    ben.say(0)
    ben.say(1)
    assert ana.next() == 2
    ben.review.undo()
    assert ana.next() == 1
    assert ana.open(0)["item"] is None
    assert ana.open(0, again=True)["item"]["index"] == 0, "who asks for it may look back"
    ana.load()
    assert 0 not in ana.order


def test_look_alikes_are_held_together_and_answered_once(tmp_path):
    images = [image_of(n, judged="", group="000.png" if n < 3 else "") for n in range(5)]
    labels = [(f"{n:03}.png", ALCOHOL, "predictions", None, 99.0 - n) for n in range(5)]
    folder = make_folder(tmp_path, images, labels)
    ana, ben = Person(folder, "ana"), Person(folder, "ben")
    assert [ana.next(), ben.next()] == [0, 3]
    ana.say(0, together=True)
    assert [ana.next(), ben.next()] == [4, 3]


def test_a_second_look_is_due_though_it_was_answered_meanwhile(folder):
    ana, ben = Person(folder, "ana", "1"), Person(folder, "ben")
    first = ana.next()
    ana.say(first)
    assert ana.open(first)["item"] is None
    assert ben.open(first)["item"]["index"] == first
    ben.say(first, truth=False)
    for each in (ana, ben, Person(folder, "cem")):
        assert each.open(first, again=True)["item"] is None


def test_tabs_of_one_person_do_not_lock_each_other_out(folder):
    ana, ben = Person(folder, "ana"), Person(folder, "ben")
    for tab, image in (("1", 0), ("2", 0), ("2", 1)):
        assert ana.open(image, tab=tab)["item"]["index"] == image
    assert ben.next() == 2
    ana.hands.open(Wish("2", []))  # the tab was closed
    assert ben.next() == 1
    for tab in range(20):
        ana.open(2 + tab % 3, tab=str(tab))
    assert ben.open(0)["item"] is not None, "of many tabs, the oldest lets go"


@pytest.mark.parametrize("wish", [Wish("1", [-1, 99, 10**9]), Wish("1", [])])
def test_what_is_not_there_is_not_handed_out(folder, wish):
    assert Person(folder, "ana").hands.open(wish) == {"item": None, "others": 0}


OPEN = """
import sys, time
from pathlib import Path
from manifest_tools.review.open_images import OpenImages
print(OpenImages(Path(sys.argv[1]) / "dataset").take("1", [0], lambda row: ["000.png"]), flush=True)
time.sleep(60)
"""


def test_a_killed_process_lets_go_and_leaves_no_name_behind(folder):
    ana = Person(folder, "ana")
    with subprocess.Popen(
        [sys.executable, "-c", OPEN, str(folder)], stdout=subprocess.PIPE, text=True
    ) as other:
        try:
            assert other.stdout.readline() == "(0, 0)\n"
            assert ana.next() == 1
            left = b"".join(path.read_bytes() for path in (folder / "dataset" / ".open").iterdir())
            assert b"png" not in left
        finally:
            other.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    assert ana.next() == 0
    assert len(list((folder / "dataset" / ".open").iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_said(folder):
    (folder / "dataset" / ".open").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        Person(folder, "ana").next()
