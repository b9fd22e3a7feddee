"""Findings, the collector and the report: exact counts, bounded lists, stable order."""

from __future__ import annotations

import string
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.core.errors import InputError
from manifest_tools.findings.catalogue import CATALOGUE, finding, look_up
from manifest_tools.findings.collector import FindingCollector
from manifest_tools.findings.findings import Finding, LazyFindings, Report, Severity


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
    assert collector.report().counts["error"] == 0
    assert collector.report().counts_left_out["error"] == 1
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


PARTS = st.lists(st.lists(st.booleans(), max_size=6), max_size=4)


def many(part: int, left_out: list[bool], made: list[str]) -> LazyFindings:
    def make(number: int) -> Iterator[Finding]:
        for place in range(number):
            made.append(f"{part}-{place}.jpg")
            yield blank(made[-1], **({"left_out": True} if left_out[place] else {}))

    return LazyFindings("image-blank", Severity.WARNING, np.array(left_out, dtype=bool), make)


@given(PARTS, st.integers(0, 8), st.booleans())
def test_many_at_once_are_counted_as_one_by_one_and_made_only_as_far_as_they_are_kept(parts, limit, severe):
    severities = {"image-blank": Severity.ERROR} if severe else {}
    made: list[str] = []
    at_once = FindingCollector(limit, severities)
    one_by_one = FindingCollector(limit, severities)
    for number, part in enumerate(parts):
        at_once.extend([many(number, part, made)])
        one_by_one.extend(many(number, part, []).make(len(part)))
    assert at_once.report() == one_by_one.report()
    assert len(made) == len(at_once.report().findings)


@given(PARTS, st.integers(0, 8), st.booleans())
def test_collectors_of_parts_merge_to_the_one_of_the_whole(parts, limit, told):
    whole, merged = FindingCollector(limit), FindingCollector(limit)
    for number, part in enumerate(parts):
        found = many(number, part, [])
        whole.extend([found])
        own = FindingCollector(limit, kept_before=merged.kept if told else None)
        own.extend([found])
        merged.merge(own)
    assert merged.report() == whole.report()
