"""Findings, the collector and the report: exact counts, bounded lists, stable order."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.catalogue import CATALOGUE, finding, look_up
from manifest_tools.errors import InputError
from manifest_tools.findings import Finding, FindingCollector, Report, Severity


def blank(image: str, **data: object) -> Finding:
    return finding("image-blank", image=image, **data)


def test_every_entry_says_what_it_means_and_where_it_comes_from():
    for code, entry in CATALOGUE.items():
        assert entry.code == code
        assert all((entry.meaning, entry.message, entry.fix, entry.source))
        for variant in entry.variants.values():
            assert variant.message
            assert variant.fix


def test_templates_use_plain_names_only():
    for entry in CATALOGUE.values():
        for text in (
            entry.message,
            entry.fix,
            *(t for v in entry.variants.values() for t in (v.message, v.fix)),
        ):
            names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
            assert all(name.isidentifier() for name in names), text


def test_an_unknown_code_is_refused_with_the_nearest_ones():
    with pytest.raises(InputError, match="label-unknown"):
        look_up("label-unknwon")


def test_a_finding_survives_json():
    one = finding("label-unknown", file="labels.csv", line=7, image="a.jpg", label="Alchohol",
                  taxonomy="7", suggestions=["Alcohol"])  # fmt: skip
    assert Finding.from_dict(one.to_dict()) == one
    assert one.message == "'Alchohol' is not a label of taxonomy 7; nearest: Alcohol"
    assert "image" in one.to_dict()["location"]
    assert "field" not in one.to_dict()["location"]


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 10))
def test_counts_stay_exact_however_few_are_kept(left_out, limit):
    collector = FindingCollector(limit)
    collector.extend(
        blank(f"{i}.jpg", **({"left_out": True} if out else {})) for i, out in enumerate(left_out)
    )
    report = collector.report()
    assert sum(code.count for code in report.codes) == len(left_out)
    assert sum(code.left_out for code in report.codes) == sum(left_out)
    assert len(report.findings) == min(limit, len(left_out))


@pytest.mark.parametrize(
    ("fail_on", "passed"), [("error", True), ("warning", False), ("note", False), ("never", True)]
)
def test_the_least_severity_that_fails_is_chosen(fail_on, passed):
    collector = FindingCollector()
    collector.add(blank("a.jpg"))
    assert collector.report(fail_on=fail_on).passed is passed


def test_findings_about_left_out_images_never_fail_a_report():
    collector = FindingCollector()
    collector.add(finding("image-empty", image="a.jpg", left_out=True))
    assert collector.report().passed
    assert collector.report().counts["error"] == 1
    collector.add(finding("image-empty", image="b.jpg"))
    assert not collector.report().passed


def test_the_policy_changes_a_severity():
    collector = FindingCollector(severities={"image-blank": Severity.ERROR})
    collector.add(blank("a.jpg"))
    report = collector.report()
    assert not report.passed
    assert report.findings[0].severity is Severity.ERROR


def test_findings_are_sorted_by_severity_code_and_place():
    collector = FindingCollector()
    collector.extend([blank("b.jpg"), finding("image-empty", image="z.jpg"), blank("a.jpg")])
    found = [(f.code, f.location.image) for f in collector.report().findings]
    assert found == [("image-empty", "z.jpg"), ("image-blank", "a.jpg"), ("image-blank", "b.jpg")]


def test_a_report_survives_json():
    collector = FindingCollector()
    collector.extend([blank("b.jpg"), finding("image-empty", image="z.jpg", left_out=True)])
    report = collector.report(labels=[{"label": "Alcohol"}], facts={"images": {"found": 2}})
    assert Report.from_dict(report.to_dict()) == report
