"""The round: prepare, review, prepare again."""

from __future__ import annotations

import json

from manifest_tools import prepare
from manifest_tools.policy import Policy
from manifest_tools.review.desk import Desk
from manifest_tools.review.queue import Filter
from manifest_tools.reviews import Said, merge_journal
from tests.pictures import save
from tests.review.conftest import ALCOHOL


def test_what_was_answered_is_in_the_next_manifests(tmp_path):
    names = [f"{number}.png" for number in range(6)]
    for number, name in enumerate(names):
        save(tmp_path / "photos" / name, number)
    (tmp_path / "labels.csv").write_text("file,labels\n" + "".join(f"{name},Safe\n" for name in names[:5]))
    options = {"out": tmp_path / "out", "to": "s3://bucket", "labels": tmp_path / "labels.csv", "workers": 1}
    prepare(tmp_path / "photos", policy=Policy(), **options)

    desk = Desk(tmp_path / "out", "ana")
    assert desk.queue(Filter()) == [5]  # nobody labelled it
    desk.answer(5, [Said(ALCOHOL, True)])
    merge_journal(tmp_path / "out", save=True)

    prepared = prepare(tmp_path / "photos", policy=Policy(), **options)
    assert "image-unlabelled" not in {finding.code for finding in prepared.report.findings}
    written = "".join((tmp_path / "out" / f"{side}.manifest").read_text() for side in ("train", "test"))
    line = next(json.loads(text) for text in written.splitlines() if "5.png" in text)
    assert ALCOHOL in json.dumps(line)
    assert Desk(tmp_path / "out", "ana").queue(Filter()) == []
