"""A folder is published as it was checked: its tables, manifests and report are of one run, or it is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from manifest_tools import check_dataset, write_manifests
from manifest_tools.aws.publishing.prepared_folder import read_prepared
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.reports import report_json
from tests import tampering
from tests.tampering import tried

Prepare = Callable[..., Path]
WriteFolder = Callable[[Dataset, Path], None]
PREFIX = "s3://pictures/in"


@pytest.mark.parametrize("name", ["report.json", "train.manifest"])
def test_files_that_somebody_tampered_with_are_refused_in_a_sentence(prepare: Prepare, name: str) -> None:
    out = prepare(["a.jpg", "b.jpg", "c.jpg"], PREFIX)
    change = tampering.of_json if name.endswith(".json") else tampering.of_lines
    refused = 0
    for content in change((out / name).read_bytes()):
        (out / name).write_bytes(content)
        refused += bool(tried(lambda: read_prepared(out)))
    assert refused > 40


def test_files_of_two_generations_are_refused(prepare: Prepare, write_folder: WriteFolder) -> None:
    out = prepare(["a.jpg", "b.jpg", "c.jpg", "d.jpg"], PREFIX)
    dataset = Dataset.load(out)
    report = check_dataset(dataset.step("split", options={"seed": 1}))
    (out / "report.json").write_text(report_json(replace(report, passed=True)))
    with pytest.raises(InputError, match=r"report\.json tells of another state of the data set"):
        read_prepared(out)

    other = dataset.images.assign(split=dataset.images["split"].map({"train": "test", "test": "train"}))
    write_folder(replace(dataset, images=other), out)
    whole = (out / "train.manifest").read_bytes()
    assert read_prepared(out).bucket == "pictures"
    write_manifests(dataset, out)
    with pytest.raises(
        InputError, match=r"train\.manifest does not belong to the data set beside it, from line 1"
    ):
        read_prepared(out)
    (out / "train.manifest").write_bytes(whole)
    with pytest.raises(InputError, match=r"test\.manifest does not belong"):
        read_prepared(out)
