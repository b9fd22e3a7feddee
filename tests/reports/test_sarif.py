"""SARIF against the standard's schema, and against the rules that Microsoft's and GitHub's checkers have beside it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest

from manifest_tools.findings.catalogue import CATALOGUE, finding
from manifest_tools.findings.findings import Report
from manifest_tools.manifests.validation.validate import validate_manifest
from manifest_tools.reports.sarif import render_sarif

SCHEMA = json.loads((Path(__file__).parent / "sarif-2.1.0.reduced.schema.json").read_text())
GOOD = b'{"source-ref":"s3://acme-mod/a.jpg","content-moderation-groundtruth":{"ModerationLabels":[]}}\n'
BAD = (
    b"\xef\xbb\xbf" + GOOD + b"\n" + GOOD + b"{broken\n[1]\n"
    b'{"source-ref":"http://x/a.jpg","content-moderation-groundtruth":{"ModerationLabels":[{"Name":"Alchohol"},'
    b'{"Name":"alcohol"},{"Name":"Alcohol"},{"Name":"Drugs"}]}}\n{"a":1,"a":2}\n'
)


def checked(report):
    """Return the only run of a report's SARIF, after every rule that a file can be held against by itself."""
    document = json.loads(render_sarif(report))
    jsonschema.validate(document, SCHEMA)
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    for rule in rules:
        assert rule["name"] != rule["id"]  # SARIF1001
        assert urlsplit(rule["helpUri"]).netloc  # SARIF1005
        assert rule["fullDescription"]["text"].startswith(rule["shortDescription"]["text"])
        for text in ("shortDescription", "fullDescription"):
            assert rule[text]["text"].endswith(".")
            assert len(rule[text]["text"]) <= 1024  # what GitHub keeps
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]  # SARIF1009, SARIF1010
        assert result["message"]["text"].endswith(".")  # SARIF2001
        for location in result.get("locations", ()):
            uri = location["physicalLocation"]["artifactLocation"]["uri"]
            assert urlsplit(uri).scheme in ("", "file")  # GH1005
            assert not uri.startswith("file:") or "/../" not in uri  # SARIF1002
    return run


def uris(run):
    return {x["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for x in run["results"]}


@pytest.mark.parametrize("content", [BAD, GOOD, b"", b"\xff\xfe\x00", b'{"a":' * 2000, GOOD * 70])
def test_what_is_found_in_a_manifest_passes_the_checkers(tmp_path, content):
    path = tmp_path / "a.manifest"
    path.write_bytes(content)
    run = checked(validate_manifest(path))
    assert all(result["locations"][0]["physicalLocation"] for result in run["results"])  # GH1001, GH1003
    assert bool(run["results"]) == (content != GOOD)


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_of_the_catalogue_makes_a_sound_rule(code):
    entry = CATALOGUE[code]
    needed = {
        word.split("}")[0].split("!")[0].split(":")[0] for word in (entry.message + entry.fix).split("{")[1:]
    }
    values = dict.fromkeys(needed - {"file", "line", "image", "label", "field"}, 1)
    if "advice" in values:
        values["advice"] = "Add more."
    run = checked(Report(passed=False, findings=(finding(code, file="a.manifest", **values),)))
    assert run["tool"]["driver"]["rules"][0]["id"] == code


def test_a_page_that_a_rule_comes_from_is_its_help():
    found = (
        finding("json-not-object", file="a", line=1, found="a list"),
        finding("blank-line", file="a", line=2),
    )
    run = checked(Report(passed=False, findings=found))
    pages = {rule["id"]: rule["helpUri"] for rule in run["tool"]["driver"]["rules"]}
    assert pages == {code: CATALOGUE[code].source for code in ("blank-line", "json-not-object")}


def test_a_finding_about_a_whole_file_stands_at_its_first_line():
    run = checked(Report(passed=False, findings=(finding("manifest-empty", file="a.manifest"),)))
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


@pytest.mark.parametrize(
    "name", ["a b.manifest", "ü#?%41.manifest", "a:b.manifest", "sub/../a.manifest", "x\ny.manifest"]
)
@pytest.mark.parametrize("absolute", [False, True])
def test_every_name_of_a_file_becomes_a_reference_to_it(tmp_path, monkeypatch, name, absolute):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / name).write_bytes(b"{\n")
    (uri,) = uris(checked(validate_manifest(tmp_path / name if absolute else name)))
    assert uri.startswith("file:///") == absolute
    assert os.path.samefile(unquote(urlsplit(uri).path), tmp_path / name)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not text exist on Linux only")
def test_a_name_that_is_no_text_is_a_reference_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"\xff.manifest")
    Path(name).write_bytes(b"{\n")
    assert uris(checked(validate_manifest(name))) == {"%FF.manifest"}
