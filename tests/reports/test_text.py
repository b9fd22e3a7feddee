"""The text says the same as the JSON, and nothing in it steers the terminal."""

from __future__ import annotations

import json

import jsonschema
import pytest
from rich.cells import cell_len

from manifest_tools.core.resources import load_json
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.collector import FindingCollector
from manifest_tools.findings.findings import Report, Severity
from manifest_tools.findings.policy import Goal, Policy, Target
from manifest_tools.pipeline.select import select_images
from manifest_tools.reports import findings_jsonl, render_text, report_json, write_report
from manifest_tools.reports.definitions import DEFINITIONS_TITLE, definitions
from manifest_tools.reports.html import render_html
from manifest_tools.reports.summary import printable
from manifest_tools.rules.checking import check_dataset
from tests.rules.samples import ASKED, check, data, mixture, together

NAMES = [
    "a b.jpg",
    "ünï.jpg",
    "שלום.jpg",
    "👨‍👩‍👧.jpg",
    "\x1b[31mred\x07.jpg",
    "line\nfeed.jpg",
    "evil\u202egpj.exe",
    "x" * 300,
]


def collected(*findings, **options) -> Report:
    collector = FindingCollector(**options)
    collector.extend(findings)
    return collector.report()


class TestVerdict:
    def test_ready(self):
        text = render_text(check(mixture(fp=20, tn=30, split="")))
        assert text.startswith("Ready to train\n  - Alcohol: 20 false positives (20 needed)")

    def test_not_ready_says_why_first(self):
        first, why = render_text(check(mixture(fp=13, split=""))).splitlines()[:2]
        assert first == "Not ready to train"
        assert "13 false positives" in why

    def test_open(self):
        text = render_text(check(mixture(tp=60, tn=30, split="", asked=False)))
        assert text.startswith("Not known yet whether it is ready to train")

    def test_no_usable_image_is_the_first_reason(self):
        report = check(data({"a.jpg": {"format": "GIF"}}, [("a.jpg", "Safe", True)]))
        assert "The only image cannot be used" in render_text(report).splitlines()[1]
        assert "There are no images" in render_text(check(data([]))).splitlines()[1]

    def test_a_policy_that_never_fails_is_named(self):
        report = check(mixture(fp=2, split=""), fail_on="never")
        assert report.passed
        assert str(report.verdict) == "not-ready"
        text = render_text(report)
        assert text.startswith("Not ready to train")
        assert "The policy lets it pass all the same" in text

    def test_a_minimum_that_is_only_a_warning_is_not_ready_either(self):
        severities = {"too-few-false-positives": Severity.WARNING, "too-few-test-images": Severity.WARNING}
        report = check(mixture(fp=2), severities=severities, targets=("Alcohol:false-positives",))
        assert report.passed
        assert str(report.verdict) == report.facts["readiness"]["state"] == "not-ready"
        assert "The minimum is not reached: at least one target has 20 false positives" in render_text(report)

    def test_figures_about_the_manifests_and_about_left_out_images_stand_apart(self):
        split = mixture(fp=20, tp=20)
        images = split.images.assign(mode="CMYK")
        images.loc[:2, ["decode_error", "format"]] = "missing", ""
        report = check(split.step("x", images=images))
        assert report.counts["error"] == 2  # too few false positives, no test set
        assert report.counts_left_out["error"] == 3
        document = json.loads(report_json(report))
        assert (document["counts"], document["counts_left_out"]) == (report.counts, report.counts_left_out)
        assert "; 3 errors, 3 warnings about images that are left out)" in " ".join(
            render_text(report).split()
        )

    def test_failing_on_warnings_names_the_warnings(self):
        split = mixture(fp=20, tp=20, split="")
        split = split.step("x", images=split.images.assign(mode="CMYK"))
        assert "40 x image-color-mode" in render_text(check(split, fail_on="warning"))

    def test_reports_of_other_commands(self):
        assert render_text(Report(passed=True)).startswith("Passed\n  - Nothing found.")
        bad = collected(finding("image-missing", image="a.jpg", uri="a.jpg"))
        assert render_text(bad).startswith("Did not pass\n  - the file does not exist: a.jpg")


class TestFindings:
    def test_ten_places_and_an_exact_count(self):
        many = [finding("image-missing", image=f"{n:02}.jpg", uri=f"{n:02}.jpg") for n in range(30)]
        text = render_text(collected(*many, limit=15))
        assert "image-missing  30" in text
        assert "09.jpg: " in text
        assert "10.jpg: " not in text
        assert "and 20 more" in text

    def test_what_counts_against_the_manifests_comes_before_what_is_left_out(self):
        about = [finding("image-missing", image=f"{n}.jpg", uri="", left_out=True) for n in range(9)]
        text = render_text(collected(*about, finding("image-bomb", image="b.jpg", reason="too much")))
        assert text.index("image-bomb") < text.index("image-missing")
        assert "9, about images that are left out" in text

    def test_one_fix_is_told_once_and_several_at_their_places(self):
        same = render_text(collected(*[finding("image-missing", image=f"{n}.jpg", uri="") for n in range(3)]))
        assert same.count("Fix: ") == 1
        report = check(together(mixture("Gambling", fp=3, prefix="g/"), mixture("Alcohol", fp=2)))
        assert render_text(report).count("Fix: Add images that the base model flags wrongly as") == 2


class TestTable:
    def test_what_is_needed(self):
        text = render_text(
            check(together(mixture("Gambling", fp=14, fn=2, prefix="g/"), mixture("Alcohol", fp=20)))
        )
        lines = {
            line.split()[0]: line for line in text.splitlines() if line.startswith(("Gambling ", "Alcohol "))
        }
        assert lines["Gambling"].endswith("6 FP or 48 FN")
        assert lines["Alcohol"].endswith("enough")

    def test_targets_are_marked_and_others_are_not_asked_for(self):
        split = together(mixture("Gambling", fp=14, prefix="g/"), mixture("Alcohol", fp=20, fn=1))
        report = check(split, targets=(Target("Alcohol", Goal.FALSE_NEGATIVES),))
        text = render_text(report)
        assert "Alcohol *" in text
        assert "49 FN" in text
        assert "no target" in text

    def test_outcomes_nobody_knows_are_no_zeros(self):
        line = next(
            x
            for x in render_text(check(mixture(tp=4, split="", asked=False))).splitlines()
            if x[:8] == "Alcohol "
        )
        assert line.split()[1:] == ["4", "4", "0", "?", "?", "?", "?", "not", "known"]


class TestAdvice:
    def test_what_only_the_base_model_can_tell_is_said_once(self):
        alike = {"asked": False, "split": ""}
        split = together(mixture(tp=9, **alike), mixture("Gambling", tp=9, tn=30, prefix="g/", **alike))
        text = render_text(check(split))
        assert text.count("Ask the base model first") == 1
        assert "collect: " not in text.replace("What to collect", "")

    def test_a_target_that_is_out_of_reach_is_told_all_the_same(self):
        report = check(
            mixture(tp=30, asked=False, split=""), targets=(Target("Alcohol", Goal.FALSE_NEGATIVES),)
        )
        text = " ".join(render_text(report, width=200).split())
        assert "0 of 50 in training, at most 30 once the base model is asked; 20 more needed" in text

    def test_what_is_missing_is_counted_with_the_share_of_the_test_set(self):
        report = check(together(mixture(fp=10, tn=70), mixture(tn=20, split="test", prefix="t/")))
        assert "10 of 20 in training; 10 more needed" in render_text(report)
        assert "collect: about 13, as a share goes to the test set" in render_text(report)

    def test_images_to_confirm_are_named_with_their_scores(self):
        split = data({"a b.jpg": ASKED}, [], [("a b.jpg", "Alcohol", 98.76)])
        assert "confirm first: a b.jpg (98.76 %)" in render_text(check(split))


@pytest.mark.parametrize("width", [1, 40, 72, 100, 200])
def test_prose_keeps_to_the_width(width):
    report = check(together(mixture("Gambling", fp=14, prefix="g/"), mixture("Alcohol", fp=2)))
    longest = max(cell_len(line) for line in render_text(report, width=width).splitlines() if "_" not in line)
    assert longest <= max(width, 75)


def test_colour_adds_nothing_but_colour():
    report = check(mixture(fp=3, split=""))
    plain, colored = render_text(report), render_text(report, color=True)
    for code in ("0", "1", "2", "31", "33", "36", "1;31", "1;32", "1;33"):
        colored = colored.replace(f"\x1b[{code}m", "")
    assert colored == plain


@pytest.mark.parametrize("name", NAMES)
def test_names_cannot_steer_the_terminal(name):
    text = render_text(collected(finding("image-missing", image=name, uri=name)))
    assert all(character.isprintable() or character in "\n\u200d" for character in text)
    assert printable(name) in text.replace("\n", " ")


def test_json_lines_hold_one_finding_each_whatever_the_names():
    report = collected(
        *[finding("image-missing", image=name, uri=name) for name in [*NAMES, "a\u2028b\x85c", "\udcff"]]
    )
    lines = list(findings_jsonl(report))
    assert all(line.endswith("\n") and len(line.splitlines()) == 1 for line in lines)
    assert [json.loads(line) for line in lines] == [item.to_dict() for item in report.findings]


def test_the_json_form_reads_back_as_the_same_report():
    report = check_dataset(mixture(fp=13, fn=2, tp=4), policy=Policy())
    document = json.loads(report_json(report))
    assert list(document)[:4] == ["verdict", "passed", "counts", "counts_left_out"]
    assert Report.from_dict(document).to_dict() == report.to_dict()
    assert render_text(Report.from_dict(document)) == render_text(report)


@pytest.mark.parametrize(
    "dataset",
    [
        data([]),
        mixture(fp=13, fn=2, tp=4),
        mixture(tp=3, split="", asked=False),
        data(
            {"a.jpg": ASKED},
            [("a.jpg", "Nonsense", True)],
            [("a.jpg", "Violence", 99.0)],
            destination="s3://bucket/p",
        ),
    ],
    ids=["empty", "outcomes", "not asked", "odd"],
)
def test_reports_obey_their_schema(dataset):
    schema = load_json("report.schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    for targets in ((), (Target("Alcohol", Goal.FALSE_NEGATIVES),)):
        report = check(select_images(dataset, limit=2), targets=targets)
        faults = jsonschema.Draft202012Validator(schema).iter_errors(json.loads(report_json(report)))
        assert [fault.message for fault in faults] == []


def test_the_files_are_the_same_bytes_every_time(tmp_path):
    split = mixture(fp=13, fn=2, tp=4)
    report = check_dataset(split, policy=Policy())
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write_report(report, tmp_path / folder, dataset=split)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["findings.jsonl", "report.html", "report.json"]
    assert all(
        (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names
    )


class TestNotebooks:
    def test_findings_as_a_table(self):
        report = collected(
            finding("label-unknown", file="l.csv", line=7, label="x", suggestions=[], taxonomy="7")
        )
        table = report.to_frame()
        assert list(table.iloc[0][["code", "severity", "file", "line", "image", "label"]]) == [
            "label-unknown",
            Severity.ERROR,
            "l.csv",
            7,
            "",
            "x",
        ]
        assert Report(passed=True).to_frame().empty

    def test_a_report_shows_itself_by_its_verdict_and_counts(self):
        found = [
            finding("label-unknown", file="l.csv", line=7, label="x", suggestions=[], taxonomy="7"),
            finding("label-unknown", file="l.csv", line=8, label="y", suggestions=[], taxonomy="7"),
        ]
        report = collected(*found)
        assert repr(report).splitlines() == [
            "Report: did not pass, 2 errors, 0 warnings, 0 notes",
            "  error   label-unknown       2",
        ]
        assert repr(Report(passed=True)) == "Report: passed, 0 errors, 0 warnings, 0 notes"

    def test_html_of_a_report_and_a_data_set_escapes_names(self):
        split = data({"<img src=x onerror=alert(1)>.jpg": {}}, taxonomy="7")
        assert "<img" not in split._repr_html_()
        assert "1 image<" in split._repr_html_()
        assert "not ready" in check(split)._repr_html_()


class TestDefinitions:
    def test_told_where_answers_differ_the_most_disputed_first_and_own_rules_before_the_guides(self):
        report = check(
            together(mixture(fp=3, tn=30), mixture(fn=1, label="Violence", prefix="v/")),
            definitions={"Alcohol": "Beer brands on clothes count."},
        )
        found = definitions(report)
        assert [item[:2] for item in found] == [
            ("Alcohol", "3 mistakes of the base model"), ("Violence", "1 mistake of the base model"),
        ]  # fmt: skip
        assert found[0].definition.startswith("Beer brands on clothes count. ")
        text = render_text(report, width=1000)
        assert f"  - Alcohol (3 mistakes of the base model): {found[0].definition}" in text
        assert "<h3><bdi>Violence</bdi>" in render_html(report)

    def test_people_who_disagree(self):
        said = [("a.jpg", "Alcohol", True, "review:ana"), ("a.jpg", "Alcohol", False, "review:bo")]
        assert [item.why for item in definitions(check(data(["a.jpg"], said)))] == [
            "1 disagreement between people"
        ]

    def test_silent_where_all_agree(self):
        assert not definitions(check(mixture(tp=3, tn=30)))
        assert DEFINITIONS_TITLE not in render_text(check(mixture(tp=3, tn=30)))

    def test_the_text_names_the_rest(self):
        names = ("Alcohol", "Gambling", "Violence", "Rude Gestures", "Hate Symbols")
        report = check(together(*(mixture(fp=1, label=name, prefix=name) for name in names)))
        assert "and of Rude Gestures, Violence: 'manifest-tools taxonomy LABEL'" in render_text(report)
