"""What the test set can show is told per target; a test set that can show nothing is a warning."""

from __future__ import annotations

import pytest

from manifest_tools.reports.html import render_html
from manifest_tools.reports.text import render_text
from tests.rules.samples import ASKED, check, codes, data, mixture, one, together

TARGET = ("Alcohol:false-negatives",)


def both_sides(fn, *, groups=None, **training):
    """A ready training set, and `fn` misses of the base model among 30 test images."""
    test = mixture(fn=fn, tp=5, tn=25 - fn, split="test", prefix="test/")
    if groups:
        images = test.images.assign(group=test.images["image"].map(groups))
        test = type(test).from_tables(images, test.labels, scope=test.scope)
    return together(mixture(fn=50, tn=50, **training), test)


def test_too_few_mistakes_are_a_warning_that_says_how_many_more():
    finding = one(check(both_sides(6), targets=TARGET), "test-too-small")
    assert str(finding.severity) == "warning"
    assert (finding.data["count"], finding.data["limit"], finding.data["missing"]) == (6, 7, 1)
    assert "--prove Alcohol:false-negatives=0.5" in finding.fix


def test_enough_mistakes_are_left_in_peace_and_the_figures_stand_in_the_report():
    report = check(both_sides(7), targets=TARGET)
    assert "test-too-small" not in codes(report)
    (told,) = report.facts["power"]
    assert (told["label"], told["goal"], told["images"], told["mistakes"]) == (
        "Alcohol",
        TARGET[0][8:],
        30,
        7,
    )
    assert 0.8 < told["detectable"] < 0.9
    assert [share["more"] for share in told["shares"]] == [18, 8, 3]


def test_look_alikes_count_once():
    report = check(both_sides(12, groups=lambda key: "fn" if "fn" in key else key), targets=TARGET)
    assert one(report, "test-too-small").data["count"] == 1
    (told,) = report.facts["power"]
    assert (told["images"], told["mistakes"], told["detectable"]) == (19, 1, None)


def test_what_is_not_known_yet_may_still_be_enough():
    unasked = mixture(fn=7, split="test", prefix="later/", asked=False)
    report = check(together(both_sides(0), unasked), targets=TARGET)
    assert "test-too-small" not in codes(report)
    assert report.facts["power"][0]["unknown"] == 7


@pytest.mark.parametrize("targets", [(), TARGET])
def test_nothing_is_said_before_a_split(targets):
    report = check(mixture(fn=60, tn=60, split=""), targets=targets)
    assert report.facts["power"] == []
    assert "test-too-small" not in codes(report)


def test_without_targets_what_is_ready_is_judged_and_nothing_else():
    report = check(both_sides(3, fp=19))
    assert [(told["label"], told["goal"]) for told in report.facts["power"]] == [("Alcohol", TARGET[0][8:])]
    assert codes(report)["test-too-small"] == 1
    asked = data(
        {"a.jpg": {"split": "train", **ASKED}, "b.jpg": {"split": "test", **ASKED}}, [("a.jpg", "Safe", True)]
    )
    assert "test-too-small" not in codes(check(asked))


def test_text_and_page_say_it_in_words():
    report = check(both_sides(7), targets=TARGET)
    for form in (render_text(report), render_html(report)):
        words = " ".join(form.split())
        assert "What the test set can show" in words
        assert "7 of 30 test images: a repair of 89 % of them would show" in words
        assert "70 % (3 more), 50 % (8 more), 30 % (18 more)" in words
    assert "no repair would show, however complete" in render_html(check(both_sides(5), targets=TARGET))
