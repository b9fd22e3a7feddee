"""``manifest-tools select``: from a prepared folder to smaller manifests, and back."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from manifest_tools.cli import app
from manifest_tools.dataset.dataset import Dataset
from tests.rules.samples import mixture, together


@pytest.fixture
def folder(tmp_path):
    """A prepared folder of 65 training and 25 test images."""
    dataset = together(mixture(fp=25, tn=40), mixture(tn=25, split="test", prefix="t/"))
    dataset = Dataset.from_tables(
        dataset.images, dataset.labels, scope=dataset.scope, destination="s3://bucket/in"
    )
    dataset.save(tmp_path)
    return tmp_path


def select(folder, *options):
    return CliRunner().invoke(app, ["select", str(folder), *options])


def lines(folder, side):
    return [
        json.loads(line) for line in (folder / f"{side}.manifest").read_text(encoding="utf-8").splitlines()
    ]


def test_the_manifests_shrink_and_the_report_says_what_was_set_aside(folder):
    result = select(folder, "--limit", "30")
    assert result.exit_code == 0
    assert "30 of 65 images kept (25 mistakes, 5 others)" in result.output
    assert (len(lines(folder, "train")), len(lines(folder, "test"))) == (30, 25)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["facts"]["left_out"] == {"image-set-aside": 35}
    assert select(folder, "--limit", "65").exit_code == 0
    assert len(lines(folder, "train")) == 65


def test_another_folder_leaves_the_first_alone(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("other")
    # too few mistakes now
    assert select(folder, "--limit", "10", "--out", str(out), "--quiet").exit_code == 1
    assert (len(lines(out, "train")), len(lines(out, "test"))) == (10, 25)
    small = Dataset.load(out)
    assert len(small) == 35
    assert set(small.images["set_aside"]) == {""}
    assert small.sources["select"]["left_behind"] == 55
    assert not (folder / "train.manifest").exists()


def test_before_a_split_no_manifests_are_written_and_the_reason_is_told(tmp_path):
    mixture(fp=3, tn=3, split="").save(tmp_path / "out")
    for where in ([], ["--out", str(tmp_path / "small")]):
        result = select(tmp_path / "out", "--limit", "3", *where)
        assert "nothing is split yet" in result.output
        folder = tmp_path / ("small" if where else "out")
        assert not (folder / "train.manifest").exists()
        assert (folder / "report.json").is_file()
    assert len(Dataset.load(tmp_path / "small")) == 3
    assert len(Dataset.load(tmp_path / "out")) == 6


def test_json_is_alone_on_standard_output(folder):
    result = select(folder, "--limit", "30", "--format", "json")
    assert json.loads(result.stdout)["passed"] is True


@pytest.mark.parametrize("limit", ["0", "many"])
def test_a_limit_that_cannot_be_meant(folder, limit):
    assert select(folder, "--limit", limit).exit_code == 2
