"""The round: prepare, review, prepare again."""

from __future__ import annotations

import json

from manifest_tools import prepare
from manifest_tools.review.entries import Said
from manifest_tools.review.queue import Filter
from manifest_tools.review.session import ReviewSession
from tests.pictures import save
from tests.review.conftest import ALCOHOL


def photos(place):
    """Write six pictures, five of them labelled Safe, and return the arguments of the main job."""
    names = [f"{number}.png" for number in range(6)]
    for number, name in enumerate(names):
        save(place / "photos" / name, number)
    (place / "labels.csv").write_text("file,labels\n" + "".join(f"{name},Safe\n" for name in names[:5]))
    return {
        "images": place / "photos", "out": place / "out", "to": "s3://bucket", "labels": place / "labels.csv", "workers": 1,
    }  # fmt: skip


def codes(report):
    return {finding.code for finding in report.findings}


def test_what_was_answered_is_in_the_next_manifests(tmp_path):
    options = photos(tmp_path)
    prepare(**options)
    review = ReviewSession(tmp_path / "out", "ana")
    assert review.queue(Filter()) == [5]  # nobody labelled it
    review.answer(5, [Said(ALCOHOL, True)])  # and then the process is killed: nothing is merged

    prepared = prepare(**options)
    assert "image-unlabelled" not in codes(prepared.report)
    written = "".join((tmp_path / "out" / f"{side}.manifest").read_text() for side in ("train", "test"))
    line = next(json.loads(text) for text in written.splitlines() if "5.png" in text)
    assert ALCOHOL in json.dumps(line)
    assert ReviewSession(tmp_path / "out", "ana").queue(Filter()) == []


def test_a_fresh_start_forgets_the_answers_and_keeps_the_old_journal(tmp_path):
    options = photos(tmp_path)
    prepare(**options)
    ReviewSession(tmp_path / "out", "ana").answer(5, [Said(ALCOHOL, True)])
    assert "image-unlabelled" in codes(prepare(**options, fresh=True).report)
    assert ReviewSession(tmp_path / "out", "ana").queue(Filter()) == [5]
    assert (tmp_path / "out" / "dataset" / "reviews-1.jsonl").exists()
