"""When an adapter expires: from what is documented and what was seen, and nothing beyond."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from typer.testing import CliRunner

from manifest_tools.aws.training.adapters import Adapter
from manifest_tools.aws.training.expiry import Window, expiry_findings, expiry_window, sightings
from manifest_tools.cli import app
from manifest_tools.testing import local_rekognition

ARN = "arn:aws:rekognition:us-east-1:111122223333:project/p/version/v/1730000000001"


def day(month, number):
    return datetime(2026, month, number, 12, tzinfo=UTC)


def adapter(status="TRAINING_COMPLETED"):
    return Adapter("p", "v", ARN, status, base_model="7.0", created="2026-03-01T00:00:00+00:00")


@pytest.mark.parametrize(
    ("seen", "first", "last"),
    [
        ([("7.0", day(6, 1))], None, None),
        ([("6.1", day(6, 1)), ("7.0", day(5, 1))], None, None),  # an older model is no release
        ([("8.0", day(7, 1))], None, date(2026, 9, 29)),
        ([("7.0", day(6, 1)), ("7.0", day(3, 1)), ("8.0", day(7, 1))], date(2026, 7, 31), date(2026, 9, 29)),
        ([("7.0", day(6, 1)), ("10.0", day(7, 1)), ("8.0", day(8, 1))], date(2026, 7, 31), date(2026, 9, 29)),
        ([("7.0", day(8, 1)), ("7.1", day(7, 1))], None, date(2026, 9, 29)),  # both answered for a while
    ],
    ids=["alone", "older", "newer", "between", "numbers", "mixed"],
)
def test_the_release_lies_between_the_last_and_the_first_sighting(seen, first, last):
    assert expiry_window("7.0", seen) == Window(first, last)


def test_what_is_told_of_the_end():
    window = Window(date(2026, 7, 31), date(2026, 9, 29))
    (found,) = expiry_findings(adapter(), window, today=date(2026, 7, 2))
    assert "between 2026-07-31 and 2026-09-29: in 29 to 89 days" in found.message
    (found,) = expiry_findings(adapter("DEPRECATED"), Window(None, window.last), today=date(2026, 10, 2))
    assert "between a day that is not known and 2026-09-29: in 0 to 0 days" in found.message
    (found,) = expiry_findings(adapter("DEPRECATED"), Window(None, None))
    assert "60 to 90 days after the release" in found.message
    (found,) = expiry_findings(adapter("EXPIRED"), window)
    assert str(found.severity) == "error"
    assert expiry_findings(adapter(), Window(None, None)) == ()
    assert expiry_findings(adapter("TRAINING_FAILED"), window) == ()
    assert expiry_window("", [("8.0", day(7, 1))]) == Window(None, None)


def test_canaries_and_adapters_are_what_is_seen(tmp_path):
    (tmp_path / "dataset").mkdir()
    answer = {"picture": "x", "image": "x.jpg", "model": "8.0", "scores": {}}
    record = {
        "at": "2026-07-01T12:00:00+00:00",
        "locked": False,
        "wanted": 1,
        "question": "q",
        "answers": [answer],
    }
    old = record | {
        "at": "2026-08-01T12:00:00+00:00",
        "locked": True,
    }  # when it was locked, not when it was answered
    lines = [json.dumps(line) + "\n" for line in (old, record)]
    (tmp_path / "dataset/canaries.jsonl").write_text("".join(lines))
    seen = list(sightings([adapter(), Adapter("p", "w", ARN, "TRAINING_FAILED")], tmp_path))
    assert seen == [("7.0", datetime(2026, 3, 1, tzinfo=UTC)), ("8.0", day(7, 1))]


def test_status_warns_and_exits_with_1_as_soon_as_a_newer_base_model_is_seen(make_adapter):
    with local_rekognition() as server:

        def status(arn, *more):
            return CliRunner(env=server.environment).invoke(app, ["adapters", "status", arn, *more])

        old = make_adapter(server, version="old")
        assert status(old).exit_code == 0
        server.set_base_model("8.0")
        told = status(old)
        assert told.exit_code == 1
        assert "60 to 90 days after the release" in told.output
        new = make_adapter(server, version="new")
        told = status(old)
        assert told.exit_code == 1
        assert "expires between" in told.output
        assert "in 60 to 90 days" in told.output
        assert status(new).exit_code == 0
        assert json.loads(status(old, "--format", "json").stdout)["findings"][0]["code"] == "adapter-expired"
