"""How far reviewers agree, from their answers to the report."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from manifest_tools.pipeline.check_folder import check_folder
from manifest_tools.reports.html import render_html
from manifest_tools.reports.json_form import report_json
from manifest_tools.reports.text import render_text
from manifest_tools.review.agreement import reviewer_agreement
from manifest_tools.review.entries import Remark, Said
from manifest_tools.review.session import ReviewSession
from tests import ROOT
from tests.review.conftest import ALCOHOL, VIOLENCE, image_of, make_folder


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """Return a folder of eight images that ann and bob judged, of which they differ in two, one of them settled by cy."""
    images = [image_of(number, judged="") for number in range(9)]
    labels = [(f"{n:03}.png", ALCOHOL, "predictions", None, 99.0 - n) for n in range(9)]
    folder = make_folder(tmp_path_factory.mktemp("answered"), images, labels)
    for name, differ in (("ann", ()), ("bob", (2, 5))):
        desk = ReviewSession(folder, name, second_look=("1",))
        for row in range(8):
            desk.answer(row, [Said(ALCOHOL, (row < 4) != (row in differ))], remark=Remark(seconds=4.0 + row))
    ReviewSession(folder, "cy", adjudicating=True).answer(2, [Said(ALCOHOL, True)])
    return folder


def test_figures_of_labels_and_of_reviewers(answered):
    found = reviewer_agreement(answered)
    [alcohol] = found["labels"]
    assert (found["images"], found["blind"]) == (8, 8)
    assert (alcohol["label"], alcohol["images"], alcohol["people"]) == (ALCOHOL, 8, 2)
    assert (alcohol["raw"], alcohol["kappa"], alcohol["positives"]) == (0.75, 0.5, 0.5)
    ann, bob = found["reviewers"]
    assert (ann["reviewer"], ann["answers"], ann["compared"], ann["overruled"]) == ("ann", 8, 1, 0)
    assert (bob["reviewer"], bob["answers"], bob["compared"], bob["overruled"]) == ("bob", 8, 1, 1)
    assert bob["overruled_interval"]["low"] < 1.0
    assert ann["seconds"] == 7.5
    assert found == reviewer_agreement(answered)


def test_the_report_has_them_in_every_form(answered):
    report = check_folder(answered)
    text, page, document = render_text(report), render_html(report), json.loads(report_json(report))
    for form in (text, page):
        assert "How far the reviewers agree" in form
        assert "75.0 %" in form
        assert "0.50" in form
        assert "1 of 1 adjudicated" in form
    assert document["facts"]["people"] == json.loads(json.dumps(reviewer_agreement(answered)))
    schema = json.loads((ROOT / "schemas" / "report.schema.json").read_text())
    Draft202012Validator(schema).validate(document)


def test_one_person_alone_has_nobody_to_agree_with(folder):
    assert "people" not in check_folder(folder).facts
    ReviewSession(folder, "ann").answer(1, [Said(ALCOHOL, True)])
    found = check_folder(folder).facts["people"]
    assert (found["images"], found["labels"]) == (0, [])
    assert "No image was judged by two people" in render_text(check_folder(folder))


def test_safe_and_unsure_and_look_alikes(tmp_path):
    images = [image_of(n, group="000.png" if n < 3 else f"{n:03}.png", judged="") for n in range(6)]
    labels = [(f"{n:03}.png", ALCOHOL, "predictions", None, 90.0) for n in range(6)]
    folder = make_folder(tmp_path, images, labels)
    ann, bob = ReviewSession(folder, "ann"), ReviewSession(folder, "bob")
    ann.answer(0, [Said(ALCOHOL, True)], together=True)
    bob.answer(0, [Said(ALCOHOL, False)], together=True)
    for row, truth in ((3, True), (4, True), (5, None)):
        ann.answer(row, [Said(ALCOHOL, truth)])
        bob.answer(row, [Said("Safe", True)] if row == 3 else [Said(ALCOHOL, True), Said(VIOLENCE, True)])
    found = {row["label"]: row for row in reviewer_agreement(folder)["labels"]}
    assert found[ALCOHOL]["images"] == 3  # three look-alikes were looked at once; who is unsure says nothing
    assert found[ALCOHOL]["raw"] == pytest.approx(1 / 3)
    assert VIOLENCE not in found  # nobody answered it twice
