"""The two rounds of docs/rounds.md work as they are printed."""

from __future__ import annotations

import csv
import json
import re
import shlex

import pytest
from typer.testing import CliRunner

from manifest_tools.cli import app
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.round_sets import named_sets
from manifest_tools.testing import local_rekognition
from tests import ROOT
from tests.pictures import save

DOCS = (ROOT / "docs" / "rounds.md").read_text(encoding="utf-8")
BEERS = range(40, 62)


def commands():
    for block in re.findall(r"```sh\n(.*?)```", DOCS, re.DOTALL):
        yield from (shlex.split(line)[1:] for line in block.splitlines())


def answer(picture):
    """The base model sees alcohol everywhere, the adapter in a part of the pictures."""
    return {} if picture.adapter and picture.sha256[0] in "01234567" else {"Alcohol": 90.0}


def fill_in(sheet):
    """Say no to every question, as people would who see no alcohol."""
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["label"] for row in rows} == {"Alcohol"}
    with sheet.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(row | {"answer": "no"} for row in rows)
    return len(rows)


@pytest.mark.slow
def test_two_rounds(s3, client, prefix, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder, numbers in (("photos", range(62)), ("traffic", range(100, 220))):
        for number in numbers:
            save(tmp_path / folder / f"{number}.png", number)
    lines = [f"{n}.png,{'Alcohol' if n in BEERS else 'Safe'}" for n in range(62)]
    (tmp_path / "labels.csv").write_text("image,labels\n" + "\n".join(lines) + "\n")
    arns: list[str] = []
    frozen = answered = 0
    with local_rekognition(s3=s3, answer=answer) as rekognition:
        run = CliRunner(env={**s3.environment, **rekognition.environment})
        for command in commands():
            words = {f"ARN{number}": arn for number, arn in enumerate(arns, 1)} | {
                "s3://example-bucket/demo": prefix
            }
            done = run.invoke(app, [words.get(word, word) for word in command])
            unknown = command[0] == "prepare" and not (tmp_path / "demo" / "predictions.manifest").exists()
            assert done.exit_code in ((0, 1, 2) if unknown else (0,)), (command, done.output, done.exception)
            if "--export" in command:
                answered = fill_in(tmp_path / "sheet.csv")
            if command[0] == "train":
                listed = json.loads(run.invoke(app, ["adapters", "list", "--format", "json"]).stdout)
                arns += [one["arn"] for one in listed if one["arn"] not in arns]
                frozen = frozen or (tmp_path / "demo" / "test.manifest").read_bytes()
    assert len(arns) == 2
    assert answered > 40
    assert (tmp_path / "demo" / "test.manifest").read_bytes() == frozen
    dataset = Dataset.load(tmp_path / "demo")
    sets = named_sets(dataset.images)
    assert len(dataset) == 62 + answered
    assert sets["test-2.manifest"] > 0
    assert (
        f"Compared on the {sets['test.manifest']} test images that all of them were tested on" in done.stdout
    )
    keys = [item["Key"] for item in client.list_objects_v2(Bucket="pictures", Prefix=prefix[14:])["Contents"]]
    assert sum("/train-" in key for key in keys) == 2
    assert (tmp_path / "first.html").is_file()
    assert (tmp_path / "second.html").is_file()
