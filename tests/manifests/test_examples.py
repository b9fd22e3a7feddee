"""Every file of accepted/ is judged clean and recognised; every file of rejected/ is rejected at the right places."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from manifest_tools.findings.catalogue import manifests as catalogue
from manifest_tools.manifests.reading import read_manifest
from manifest_tools.manifests.validation.validate import validate_manifest

HERE = Path(__file__).parent
ACCEPTED = sorted((HERE / "accepted").glob("*/*.manifest"))
REJECTED = sorted((HERE / "rejected").glob("*/*.manifest"))
NO_FILE = {"manifest-too-large", "manifest-too-many-lines"}  # too large to keep; tested with other limits
ONLY_CONVERTING = {"label-uncertain", "nothing-chosen"}


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_accepted(path):
    report = validate_manifest(path)
    assert report.passed
    assert report.findings == ()
    assert report.facts["files"][0]["kind"] == path.parent.name
    assert len(read_manifest(path)) == report.facts["files"][0]["lines"]


@pytest.mark.parametrize("path", REJECTED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_rejected(path):
    code = path.parent.name
    wanted = json.loads((path.parent / "expected.json").read_text())[path.stem]
    found = [finding for finding in validate_manifest(path).findings if finding.code == code]
    assert sorted({finding.location.line for finding in found}, key=str) == sorted(
        {w.get("line") for w in wanted}, key=str
    )
    for expectation in wanted:
        assert any(_meets(finding, expectation) for finding in found), (
            expectation,
            [f.to_dict() for f in found],
        )
    assert all(finding.location.file == str(path) for finding in found)


def _meets(finding, expectation):
    values = {"line": finding.location.line, "field": finding.location.field, "variant": None, **finding.data}
    return all(values.get(key) == value for key, value in {"variant": None, **expectation}.items())


def test_every_code_about_manifests_has_a_file():
    codes = {entry.code for entry in catalogue.ENTRIES} - NO_FILE - ONLY_CONVERTING
    assert codes <= {path.parent.name for path in REJECTED}


def test_every_expectation_has_a_file():
    for folder in (HERE / "rejected").iterdir():
        names = set(json.loads((folder / "expected.json").read_text()))
        assert names == {path.stem for path in folder.glob("*.manifest")}
