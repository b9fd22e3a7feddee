"""From an evaluation to a decision policy, by the commands."""

from __future__ import annotations

import pytest

from manifest_tools.aws.moderation.decision_policy import Decisions
from tests.evaluation.samples import line, manifest


@pytest.fixture
def held_out(tmp_path):
    lines = [line(f"beer-{n}.jpg", ["Alcohol"], {}, {"Alcohol": 90 - n / 2}) for n in range(100)]
    lines += [line(f"tea-{n}.jpg", [], {}, {"Alcohol": 50 - n / 4}) for n in range(100)]
    path = tmp_path / "output.manifest"
    path.write_bytes(manifest(lines))
    return path


def test_limits_become_a_file_of_thresholds(manifest_tools, held_out, tmp_path):
    file, page = tmp_path / "decisions.toml", tmp_path / "page.html"
    limits = ("--max-miss-rate", 0.05, "--max-false-block-rate", 0.05)
    done = manifest_tools("evaluate", held_out, "--write-decisions", file, "--html", page, *limits)
    assert done.code == 0
    assert "Alcohol: review from 41" in done.out
    assert "<svg" in page.read_text(encoding="utf-8")
    assert set(Decisions.from_toml(file).labels["Alcohol"]) == {"review", "block"}
    first = file.read_bytes()
    manifest_tools("evaluate", held_out, "--write-decisions", file, *limits)
    assert file.read_bytes() == first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--write-decisions", "d.toml"), "thresholds need a limit"),
        (("--max-miss-rate", 5), "expected a share between 0 and 1"),
        (("--max-miss-rate", 0.05, "--max-reviews-a-day", 5), "needs the traffic"),
        (("--max-miss-rate", 0.05, "--traffic", 5), "give one as guard"),
    ],
)
def test_what_cannot_be_meant_is_refused(manifest_tools, held_out, options, message):
    done = manifest_tools("evaluate", held_out, *options)
    assert done.code == 2
    assert message in done.err


def test_a_sample_of_traffic_tells_the_rates_there(manifest_tools, held_out, tmp_path):
    sample = tmp_path / "traffic.manifest"
    ordinary = [line(f"{n}.jpg", ["Alcohol"] if n < 4 else [], {}, {}) for n in range(400)]
    sample.write_bytes(manifest(ordinary))
    done = manifest_tools("evaluate", held_out, "--sample", sample, "--sample-width", 0.01)
    assert done.code == 0
    assert "Alcohol: in 1.0 % of the images" in done.out
    refused = manifest_tools("evaluate", held_out, "--sample-width", 0.01)
    assert refused.code == 2
