"""The tour in docs/aws.md works as it is printed."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from typer.testing import CliRunner

from manifest_tools.aws.moderation.decision_policy import Decisions
from manifest_tools.cli import app
from manifest_tools.testing import from_predictions, local_rekognition, local_s3
from tests import ROOT

SAMPLE = ROOT / "sample_data"
DOCS = (ROOT / "docs" / "aws.md").read_text(encoding="utf-8")


def commands():
    block = re.search(r"```sh\n(.*?)```", DOCS, re.DOTALL)
    return [shlex.split(line)[1:] for line in block[1].splitlines()]


@pytest.mark.slow
def test_the_tour(s3, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample_data").symlink_to(SAMPLE)
    answer = from_predictions(SAMPLE / "predictions.manifest", SAMPLE / "images")
    with local_s3(buckets=["example-bucket"]) as own, local_rekognition(s3=own, answer=answer) as rekognition:
        run = CliRunner(env={**own.environment, **rekognition.environment})
        arn = ""
        for command in commands():
            arguments = [arn if word == "ARN" else word for word in command]
            # Where nobody has asked the base model yet, prepare may well say so and exit with 1.
            expected = (
                (0, 1)
                if command[0] == "prepare" and not (tmp_path / "demo-out" / "predictions.manifest").exists()
                else (0,)
            )
            done = run.invoke(app, arguments)
            assert done.exit_code in expected, (command, done.output, done.exception)
            if command[0] == "train":
                arn = json.loads(run.invoke(app, ["adapters", "list", "--format", "json"]).stdout)[0]["arn"]
    assert (tmp_path / "moderated" / "moderation.jsonl").is_file()


def test_the_decision_policy_in_the_docs_is_one(tmp_path):
    (tmp_path / "decisions.toml").write_text(re.search(r"```toml\n(.*?)```", DOCS, re.DOTALL)[1])
    assert len(Decisions.from_toml(tmp_path / "decisions.toml").labels) == 3
