"""Commands on a folder that is said to be too large for memory: the same results, piece by piece."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from manifest_tools.cli import app
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.review.journal import ReviewedImage, ReviewJournal, Said
from manifest_tools.rules.chunked import is_large, workers
from tests.rules.samples import mixture, together

LITTLE = ("--memory", "1KB")
FILES = ("train.manifest", "test.manifest", "findings.jsonl", "dataset/dataset.json")


@pytest.fixture
def folder(tmp_path):
    """A prepared folder of 65 training and 25 test images, some of them broken."""
    dataset = together(mixture(fp=25, tn=40), mixture(tn=25, split="test", prefix="t/"))
    images = dataset.images.assign(decode_error=["corrupt"] * 3 + [""] * 87)
    Dataset.from_tables(images, dataset.labels, scope=dataset.scope, destination="s3://bucket/in").save(
        tmp_path / "out"
    )
    return tmp_path / "out"


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_check_says_the_same(folder):
    at_once = run("check", folder, "--format", "json")
    in_pieces = run("check", folder, "--format", "json", *LITTLE)
    assert in_pieces.exit_code == at_once.exit_code
    assert in_pieces.stdout == at_once.stdout


def test_select_writes_the_same_files(folder, tmp_path):
    Dataset.load(folder).save(tmp_path / "twin")
    at_once = run("select", tmp_path / "twin", "--limit", 30)
    in_pieces = run("select", folder, "--limit", 30, *LITTLE)
    assert in_pieces.exit_code == at_once.exit_code == 0
    assert in_pieces.output == at_once.output
    for name in FILES:
        assert (folder / name).read_bytes() == (tmp_path / "twin" / name).read_bytes(), name
    reports = (json.loads((where / "report.json").read_bytes()) for where in (folder, tmp_path / "twin"))
    assert next(reports) == next(reports)


def test_another_folder_gets_the_chosen_images_alone(folder, tmp_path):
    before = (folder / "dataset/images.parquet").read_bytes()
    result = run("select", folder, "--limit", 30, "--out", tmp_path / "small", *LITTLE)
    assert result.exit_code == 0
    small = Dataset.load(tmp_path / "small")
    assert small.images["split"].value_counts().to_dict() == {"train": 30, "test": 25}
    assert small.sources["select"]["left_behind"] == 35
    assert len((tmp_path / "small/train.manifest").read_text(encoding="utf-8").splitlines()) == 30
    assert (folder / "dataset/images.parquet").read_bytes() == before
    assert run("check", tmp_path / "small").exit_code == 0


def test_images_that_nobody_labelled_can_be_chosen_for_the_reviewers(tmp_path):
    keys = [f"{number:02}.jpg" for number in range(20)]
    images = pd.DataFrame({"image": keys, "format": "JPEG", "width": 640, "height": 480})
    images["group"] = [keys[number - number % 2] for number in range(20)]
    Dataset.from_tables(images).save(tmp_path / "run")
    result = run("select", tmp_path / "run", "--limit", 10, "--out", tmp_path / "small", *LITTLE)
    assert "manifest-tools split" in result.output
    small = Dataset.load(tmp_path / "small")
    assert len(small) == 10
    assert small.images["group"].is_unique
    assert (tmp_path / "small/report.json").is_file()


def test_what_is_large(folder, monkeypatch):
    assert not is_large(folder)
    assert is_large(folder, 1000)
    monkeypatch.setattr(workers, "LARGE", 89)
    assert is_large(folder)
    assert not is_large(folder / "nothing")


def test_answers_in_the_journal_are_not_passed_over(folder):
    ReviewJournal.of(folder).append(
        "ann", images=[ReviewedImage("fp003.jpg")], answers=[Said("Alcohol", truth=None)]
    )
    assert "label-unsure" in run("check", folder, *LITTLE).output


def test_an_amount_that_is_none(folder):
    assert "such as 6GB" in str(run("check", folder, "--memory", "much").exception)
