"""One verdict in every form: text, JSON, SARIF and the exit code."""

from __future__ import annotations

import json

import pytest

from manifest_tools.reports.sarif import render_sarif
from tests.rules.samples import check, for_testing, mixture, together

UNASKED = together(mixture(tp=60, asked=False), mixture(tp=20, split="test", prefix="t/", asked=False))


@pytest.mark.parametrize(
    ("split", "options", "expected"),
    [
        (together(mixture(fp=20, tp=20), for_testing()), [], ("ready", 0)),
        (together(mixture(fp=2), for_testing()), [], ("not-ready", 1)),
        (together(mixture(fp=2), for_testing()), ["--fail-on", "never"], ("not-ready", 0)),
        (UNASKED, [], ("unknown", 0)),  # nobody asked the base model yet: that is the next step
        (UNASKED, ["--fail-on", "warning"], ("not-ready", 1)),
        (together(mixture(tp=60, asked=False), for_testing()), [], ("unknown", 1)),  # asked about some
        (together(mixture(tp=60, asked=False), for_testing()), ["--fail-on", "never"], ("unknown", 0)),
    ],
)
def test_headline_json_and_exit_code_agree(manifest_tools, tmp_path, split, options, expected):
    split.save(tmp_path / "out")
    done = manifest_tools("check", tmp_path / "out", "--format", "json", *options)
    document = json.loads(done.out)
    verdict, code = expected
    assert document["verdict"] == document["facts"]["readiness"]["state"] == verdict
    assert done.code == code


def test_sarif_has_the_verdict():
    (run,) = json.loads(render_sarif(check(UNASKED)))["runs"]
    assert run["properties"]["verdict"] == "unknown"
