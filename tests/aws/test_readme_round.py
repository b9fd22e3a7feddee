"""The rounds in the README: a project file, then commands without an argument, against the local stand-ins."""

from __future__ import annotations

import re
import shlex
import shutil
from contextlib import suppress

from typer.testing import CliRunner

from manifest_tools.cli import app
from manifest_tools.testing import from_predictions, local_rekognition
from tests import ROOT

SAMPLE = ROOT / "sample_data"
PAID = {
    "publish": ["--yes"],
    "predict": ["--yes"],
    "train": ["--yes", "--poll", "0.01"],
}  # nobody is there to ask


def test_two_rounds_from_an_empty_folder_to_a_proven_adapter(s3, client, tmp_path, monkeypatch):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    sessions = re.findall(r"```console\n(.*?)```", text.partition("## The round")[2], re.DOTALL)[:2]
    shutil.copytree(SAMPLE, tmp_path / "sample_data")
    monkeypatch.chdir(tmp_path)
    with suppress(client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
        client.create_bucket(Bucket="example-bucket")
    answer = from_predictions(SAMPLE / "predictions.manifest", SAMPLE / "images")
    with local_rekognition(s3=s3, answer=answer) as server:
        runner = CliRunner(env={**s3.environment, **server.environment})
        first, second = (_play(runner, session) for session in sessions)
    assert first == ["init", "prepare", "predict", "publish", "train", "evaluate"]
    assert second == ["sed", "prepare", "publish", "train", "evaluate"]


def _play(runner, session):
    """Run each command of a session and see that it prints what is shown; return their names."""
    names = []
    for part in re.split(r"^\$ ", session.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
        line, *shown = part.strip().splitlines()
        program, *arguments = shlex.split(line, comments=True)
        if program == "sed":  # a person mends a spelling
            labels = SAMPLE.__class__("sample_data/labels.csv")
            labels.write_text(
                labels.read_text(encoding="utf-8").replace("Alchohol", "Alcohol"), encoding="utf-8"
            )
            names.append(program)
            continue
        names.append(arguments[0])
        done = runner.invoke(app, [*arguments, *PAID.get(arguments[0], [])])
        assert done.exit_code == 0, done.output
        assert [text for text in shown if text not in done.output] == [], done.output
    return names
