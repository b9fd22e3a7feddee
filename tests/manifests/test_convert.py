"""Converting, comparing and repairing manifests, and the commands for it."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from manifest_tools.cli.convert import convert
from manifest_tools.cli.diff import diff
from manifest_tools.cli.validate import validate
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.convert import convert_manifest
from manifest_tools.manifests.diff import Change, compare_manifests
from manifest_tools.manifests.repair import repair_manifest
from manifest_tools.manifests.validation.validate import validate_manifest
from manifest_tools.reports.lines import render_lines
from manifest_tools.reports.sarif import render_sarif
from tests.manifests.lines import answer, as_bytes, moderation, multi, single


def converted(tmp_path, *lines, **options):
    report = convert_manifest(as_bytes(*lines), tmp_path / "out.manifest", **options)
    return [json.loads(line) for line in (tmp_path / "out.manifest").read_text().splitlines()], report


def codes(report):
    return [(finding.location.line, finding.code, finding.left_out) for finding in report.findings]


def test_jobs_become_an_adapters_manifest(tmp_path):
    box = {
        "source-ref": "s3://acme-mod/d.jpg",
        "box": {
            "image_size": [{"width": 800, "height": 600, "depth": 3}],
            "annotations": [{"class_id": 0, "left": 1, "top": 1, "width": 9, "height": 9}] * 2,
        },
        "box-metadata": {
            "class-map": {"0": "Weapons", "1": "Gambling"},
            "type": "groundtruth/object-detection",
        },
    }
    lines, report = converted(
        tmp_path,
        single("s3://acme-mod/a.jpg", "alcohol") | {"batch": 3},
        single("s3://acme-mod/b.jpg", "Safe"),
        multi("s3://acme-mod/c.jpg", [3, 0]),
        box,
        kind="moderation",
    )
    assert lines == [
        moderation("s3://acme-mod/a.jpg", "Alcohol"),
        moderation("s3://acme-mod/b.jpg"),
        moderation("s3://acme-mod/c.jpg", "Violence", "Alcohol"),
        moderation("s3://acme-mod/d.jpg", "Violence"),
    ]
    assert codes(report) == [(1, "label-spelling", False)]


def test_nothing_is_invented_for_what_nobody_said(tmp_path):
    failed = single("s3://acme-mod/d.jpg", "Alcohol", **{"failure-reason": "ClientError"})
    lines, report = converted(
        tmp_path,
        {"source-ref": "s3://acme-mod/a.jpg"},
        multi("s3://acme-mod/b.jpg", []),
        multi("s3://acme-mod/c.jpg", [0, 3], {"0": 0.9, "3": 0.2}),
        failed,
        single("s3://acme-mod/e.jpg", "beer"),
        moderation("s3://acme-mod/f.jpg", "Alcohol", "Safe") | {"detect-moderation-labels": answer()},
        moderation("s3://acme-mod/g.jpg", "Alcohol"),
        kind="moderation",
        label_confidence=0.5,
    )
    assert lines == [moderation("s3://acme-mod/g.jpg", "Alcohol")]
    assert sorted(codes(report)) == [
        (1, "image-unlabelled", True),
        (2, "nothing-chosen", True),
        (3, "label-uncertain", True),
        (4, "job-failed", True),
        (5, "label-unknown", True),
        (6, "label-contradiction", True),
    ]
    assert report.passed
    assert report.facts["lines_left_out"] == 6


def test_options_decide_what_stays(tmp_path):
    lines, report = converted(
        tmp_path,
        single("s3://acme-mod/a.jpg", "beer"),
        single("s3://acme-mod/b.jpg", "sky"),
        multi("s3://acme-mod/c.jpg", []),
        single("s3://acme-mod/d.jpg", "Weapons"),
        kind="moderation",
        mapping={"beer": ("Alcohol", "Gambling"), "sky": ("Safe",)},
        empty_is_safe=True,
        policy=Policy(label_level="all"),
    )
    assert lines == [
        moderation("s3://acme-mod/a.jpg", "Alcohol", "Gambling"),
        moderation("s3://acme-mod/b.jpg"),
        moderation("s3://acme-mod/c.jpg"),
        moderation("s3://acme-mod/d.jpg", "Weapons"),
    ]
    assert report.findings == ()


def test_lines_of_the_kind_keep_their_bytes(tmp_path):
    text = '{ "x": 1.0, "source-ref" : "s3://acme-mod/\\u00e9.jpg", "content-moderation-groundtruth": {"ModerationLabels": []}}'
    convert_manifest(f"{text}\n\n{text}".encode(), tmp_path / "out", kind="moderation")
    assert (tmp_path / "out").read_text() == f"{text}\n{text}\n"


@pytest.mark.parametrize("kind", ["multi-label", "image-classification"])
def test_labels_survive_a_journey_through_other_layouts(tmp_path, kind):
    lines = [
        moderation("s3://acme-mod/a.jpg", "Violence", "Alcohol"),
        moderation("s3://acme-mod/b.jpg"),
        moderation("s3://acme-mod/c.jpg", "Hate Symbols"),
    ]
    convert_manifest(as_bytes(*lines), tmp_path / "there", kind=kind)
    report = validate_manifest(tmp_path / "there", kind=kind)
    assert report.findings == ()
    back, _ = converted(
        tmp_path, *map(json.loads, (tmp_path / "there").read_text().splitlines()), kind="moderation"
    )
    assert back == lines


def test_other_members_pass_through(tmp_path):
    lines, _ = converted(
        tmp_path, multi("s3://acme-mod/a.jpg", [0]) | {"batch": {"n": 1}}, kind="image-classification"
    )
    assert lines[0]["batch"] == {"n": 1}
    assert "unsafe" not in lines[0]
    lines, _ = converted(tmp_path, *lines, kind="image-list")
    assert lines == [{"source-ref": "s3://acme-mod/a.jpg", "batch": {"n": 1}}]


def test_predictions_of_the_base_model_become_a_bulk_analysis(tmp_path):
    output = moderation("s3://acme-mod/a.jpg", "Alcohol") | {
        "detect-moderation-labels-base-model": answer(("Alcohol", 7.0))
    }
    lines, report = converted(tmp_path, output, {"source-ref": "s3://acme-mod/b.jpg"}, kind="bulk-analysis")
    assert lines == [
        {"source-ref": "s3://acme-mod/a.jpg", "detect-moderation-labels": answer(("Alcohol", 7.0))}
    ]
    assert codes(report) == [(2, "manifest-kind", True)]


def test_broken_lines_are_left_out_and_an_empty_result_fails(tmp_path):
    report = convert_manifest(
        b'{"source-ref": "s3://acme-mod/a.jpg", "source-ref": "s3://acme-mod/b.jpg"}\n{',
        tmp_path / "out",
        kind="moderation",
    )
    assert {finding.code for finding in report.findings} == {
        "json-duplicate-key",
        "json-syntax",
        "manifest-empty",
    }
    assert not report.passed
    with pytest.raises(InputError, match="name the kind"):
        convert_manifest(b"", tmp_path / "out", kind="auto")


def test_differences(tmp_path):
    old = as_bytes(
        moderation("s3://b/a.jpg", "Alcohol"),
        moderation("s3://b/b.jpg"),
        moderation("s3://b/c.jpg"),
        moderation("s3://b/e.jpg"),
    )
    new = as_bytes(
        moderation("s3://b/a.jpg", "Violence"),
        {"source-ref": "s3://b/c.jpg"},
        moderation("s3://b/d.jpg", "Alcohol"),
        moderation("s3://b/e.jpg"),
    )
    comparison = compare_manifests(old, new)
    assert comparison.added == (Change("s3://b/d.jpg", None, ("Alcohol",)),)
    assert comparison.removed == (Change("s3://b/b.jpg", (), None),)
    assert comparison.relabelled == (
        Change("s3://b/a.jpg", ("Alcohol",), ("Violence",)),
        Change("s3://b/c.jpg", (), None),
    )
    assert comparison.same == 1
    assert compare_manifests(old, old).equal


def test_a_data_set_is_compared_by_its_effective_labels(tmp_path):
    images = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "judged": ["scope", "all"]})
    labels = pd.DataFrame(
        {"image": ["a.jpg", "b.jpg"], "label": ["Weapons", "Safe"], "source": "table", "truth": True}
    )
    dataset = Dataset.from_tables(images, labels, scope=("Violence",), destination="s3://b/x")
    dataset.save(tmp_path)
    manifest = as_bytes(moderation("s3://b/x/a.jpg", "Violence"), moderation("s3://b/x/b.jpg"))
    assert compare_manifests(dataset, manifest).equal
    assert compare_manifests(tmp_path, manifest).equal


BAD = (
    b"\xef\xbb\xbf" + as_bytes(moderation("s3://acme-mod/a.jpg", "alcohol", "Alcohol", "Drugs"))
    + b"\n\n" + as_bytes(moderation("s3://acme-mod/a.jpg", "Drugs & Tobacco", "Alcohol"), moderation("s3://acme-mod/b.jpg", "Alchohol"))
    + b'\n{broken\n{"source-ref": "s3://acme-mod/c.jpg", "n": 1.50 }'
)  # fmt: skip


def test_only_safe_repairs_are_made(tmp_path):
    out = tmp_path / "fixed.manifest"
    repairs = repair_manifest(BAD, out)
    assert out.read_bytes().split(b"\n") == [
        b'{"source-ref":"s3://acme-mod/a.jpg","content-moderation-groundtruth":{"ModerationLabels":[{"Name":"Alcohol"},{"Name":"Drugs & Tobacco"}]}}',
        as_bytes(moderation("s3://acme-mod/b.jpg", "Alchohol")),
        b"{broken",
        b'{"source-ref": "s3://acme-mod/c.jpg", "n": 1.50 }',
        b"",
    ]
    assert repairs.counts == {
        "blank-line": 1,
        "duplicate-source-ref": 1,
        "encoding": 1,
        "label-duplicate": 1,
        "label-old-taxonomy": 1,
        "label-spelling": 1,
    }
    assert "-\n" in repairs.diff()
    again = repair_manifest(out, tmp_path / "again.manifest")
    assert again.counts == {}
    assert (tmp_path / "again.manifest").read_bytes() == out.read_bytes()


def test_contradictions_and_long_lines_are_not_repaired(tmp_path):
    lines = as_bytes(moderation("s3://acme-mod/a.jpg", "Alcohol"), moderation("s3://acme-mod/a.jpg"))
    assert repair_manifest(lines, tmp_path / "out").counts == {}
    with pytest.raises(InputError, match="more than can be repaired"):
        repair_manifest(b"x" * 1_000_000, tmp_path / "out2")
    assert not (tmp_path / "out2").exists()


def test_utf_16_is_recoded(tmp_path):
    text = json.dumps(moderation("s3://acme-mod/é.jpg"), ensure_ascii=False)
    repairs = repair_manifest((text + "\r\n").encode("utf-16"), tmp_path / "out")
    assert repairs.counts == {"encoding": 1}
    assert (tmp_path / "out").read_text(encoding="utf-8").strip() == text


def test_sarif_and_text(tmp_path):
    path = tmp_path / "bad name.manifest"
    path.write_bytes(BAD)
    report = validate_manifest(path)
    document = json.loads(render_sarif(report))
    (run,) = document["runs"]
    syntax = next(result for result in run["results"] if result["ruleId"] == "json-syntax")
    place = syntax["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 5, "startColumn": 2}
    assert place["artifactLocation"]["uri"].endswith("/bad%20name.manifest")
    text = render_lines(report)
    assert f"{path}:5:2: error json-syntax: " in text
    assert text.endswith("note.") or "Not passed: " in text


def test_text_is_bounded_and_counts_are_exact():
    data = as_bytes(*(moderation(f"s3://acme-mod/{i}.jpg", "Alchohol") for i in range(30)))
    text = render_lines(validate_manifest(data))
    assert text.count("error label-unknown") == 10
    assert "... 30 in all" in text


@pytest.fixture
def run():
    app = typer.Typer()
    for command in (validate, convert, diff):
        app.command(command.__name__)(command)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_commands(tmp_path, run):
    bad, good, out = tmp_path / "bad.manifest", tmp_path / "good.manifest", tmp_path / "out.manifest"
    bad.write_bytes(BAD)
    good.write_bytes(as_bytes(moderation("s3://acme-mod/a.jpg", "Alcohol")))
    assert run("validate", good).exit_code == 0
    assert run("validate", bad).exit_code == 1
    assert run("validate", bad, "--fail-on", "never").exit_code == 0
    assert json.loads(run("validate", bad, "--format", "json", "-q").stdout)["passed"] is False
    assert json.loads(run("validate", bad, "--format", "sarif", "-q").stdout)["version"] == "2.1.0"
    fixed = run("validate", bad, "--fix", out)
    assert "@@ line 1: label-spelling" in fixed.stdout
    assert out.exists()
    assert run("diff", good, good).exit_code == 0
    changed = run("diff", good, out)
    assert changed.exit_code == 1
    assert "~ s3://acme-mod/a.jpg  Alcohol -> Alcohol, Drugs & Tobacco" in changed.stdout
    assert json.loads(run("diff", good, out, "--format", "json").stdout)["equal"] is False
    assert run("convert", good, tmp_path / "list.manifest", "--kind", "image-list").exit_code == 0
    assert (tmp_path / "list.manifest").read_text() == '{"source-ref":"s3://acme-mod/a.jpg"}\n'
