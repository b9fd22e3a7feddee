"""Manifests as found in public repositories: recognised, and no false error."""

from __future__ import annotations

import csv

import pytest

from manifest_tools.manifests.reading import read_manifest
from manifest_tools.manifests.validation.validate import validate_manifest
from tests.with_data import DATA

HERE = DATA / "manifests-real"

KINDS = {
    "image-classification": "image-classification",
    "image-classification-multilabel": "multi-label",
    "object-detection": "object-detection",
    "input (no labels)": "image-list",
}
# What is wrong with the others: names that were blotted out, templates, lists of files, joined samples.
WRONG = {
    "amazon-lookout-for-vision__template": {"source-ref-uri"},
    "darknet__data_test": {"json-syntax"},
    "docs-rekognition__classification": {"duplicate-source-ref"},
    "docs-rekognition__validation-results-with-warnings": {"duplicate-source-ref"},
    "docs-sagemaker__input-manifest-malformed": {"json-syntax", "source-ref-uri"},
    "docs-sagemaker__object-detection-and-adjusted": {"source-ref-uri"},
    "ground-truth__manifest_train": {"source-ref-uri"},
    "ground-truth__manifest_validation": {"source-ref-uri"},
}


def index():
    with (HERE / "index.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def wanted_kinds(words):
    """The kinds that the index names, each with its number of lines: "a x3; b+c x1"."""
    for part in words.split("; "):
        types, _, count = part.rpartition(" x")
        found = [KINDS.get(name, "other") for name in types.split("+")]
        yield (
            min(
                found,
                key=["multi-label", "image-classification", "object-detection", "image-list", "other"].index,
            ),
            int(count),
        )


@pytest.mark.parametrize("row", index(), ids=lambda row: row["file"])
def test_real_manifests(row):
    report = validate_manifest(HERE / row["file"])
    (file,) = report.facts["files"]
    assert file["lines"] == int(row["lines"])
    errors = {code.code for code in report.codes if code.severity == "error"}
    assert errors == WRONG.get(row["file"].removesuffix(".manifest"), set())
    if row["kind"] != "not JSON":
        totals = {}
        for kind, count in wanted_kinds(row["kind"]):
            totals[kind] = totals.get(kind, 0) + count
        assert file["kinds"] == totals


@pytest.mark.parametrize("row", index(), ids=lambda row: row["file"])
def test_real_manifests_can_be_read(row):
    dataset = read_manifest(HERE / row["file"])
    assert dataset.labels["truth"].all()
    assert (dataset.images["judged"] != "all").all()  # none of them says that nothing is unsafe
