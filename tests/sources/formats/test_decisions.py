from __future__ import annotations

import json

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats import decisions
from tests.sources.rows import reasons, said

HEADER = "image,decision,reason,decided_at,moderator\n"


def read(tmp_path, content, header=HEADER):
    path = tmp_path / "queue.csv"
    path.write_text(header + content, encoding="utf-8")
    return decisions.read(path)


def test_the_reason_is_the_category_and_without_one_the_decision(tmp_path):
    queue = read(
        tmp_path,
        "a.jpg,rejected,Alcohol,2025-03-01,ann\n"
        "b.jpg,approved,looks fine,2025-03-01,ann\n"
        "c.jpg,escalated,,2025-03-01,ann\n"
        "d.jpg,,,,\n",
    )

    assert said(queue) == [
        ("a.jpg", "Alcohol", True),
        ("b.jpg", "approved", True),
        ("c.jpg", "escalated", True),
    ]
    assert queue.open_world


def test_the_newest_decision_counts_and_the_older_is_a_finding(tmp_path):
    queue = read(
        tmp_path,
        "a.jpg,approved,,2025-03-02T09:00:00+02:00,bob\n"
        "a.jpg,rejected,Alcohol,2025-03-02 08:30:00,ann\n"
        "a.jpg,rejected,Alcohol,2025-03-02T07:00:00Z,cyd\n",
    )

    assert said(queue) == [("a.jpg", "Alcohol", True)]
    assert [(f.location.label, f.location.line, f.data["other_value"]) for f in queue.findings] == [
        ("Alcohol", 2, "absent"),
        ("approved", 2, "present"),
    ]


def test_one_decision_may_have_several_reasons_in_one_cell_or_in_several_rows(tmp_path):
    queue = read(
        tmp_path,
        "a.jpg,rejected,Alcohol;Gambling,2025-03-01,ann\na.jpg,rejected,Violence,2025-03-01,ann\n",
    )

    assert [row.label for row in queue.rows] == ["Alcohol", "Gambling", "Violence"]
    assert queue.findings == ()


def test_categories_of_superseded_decisions_are_known_too(tmp_path):
    queue = read(tmp_path, "a.jpg,rejected,Alcohol,2025-03-01,x\na.jpg,approved,,2025-03-02,x\n")

    assert queue.categories == ("Alcohol", "approved")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("28/02/2025", "01/03/2025"),
        ("02/28/2025", "03/01/2025 10:15"),
        ("28.02.2025", "1.3.2025"),
        ("2025/02/28", "2025/03/01"),
        ("1740700800", "1740873600"),
        ("1740700800000", "1740873600000"),
        ("2025-02-28T23:30:00-02:00", "2025-03-01T02:00:00Z"),
    ],
)
def test_dates_are_read_as_people_write_them(tmp_path, older, newer):
    queue = read(tmp_path, f"a.jpg,rejected,Alcohol,{newer},x\na.jpg,rejected,Violence,{older},x\n")

    assert [row.label for row in queue.rows] == ["Alcohol"]


def test_dates_that_can_be_read_in_two_ways_are_refused_where_it_matters(tmp_path):
    twice = "a.jpg,approved,,03/04/2025,x\na.jpg,rejected,Alcohol,05/02/2025,x\n"

    with pytest.raises(InputError, match=r"'03/04/2025' can be read in two ways"):
        read(tmp_path, twice)
    assert len(read(tmp_path, twice.replace("a.jpg,rej", "b.jpg,rej")).rows) == 2


def test_a_date_that_cannot_be_read_is_a_finding_and_the_oldest(tmp_path):
    queue = read(tmp_path, "a.jpg,rejected,Alcohol,2025-03-01,x\na.jpg,approved,,yesterday,x\n,approved,,,\n")

    assert [row.label for row in queue.rows] == ["Alcohol"]
    assert reasons(queue) == [
        "the date 'yesterday' cannot be read; it counts as the oldest",
        "a decision has no image",
    ]


def test_without_dates_the_last_row_counts(tmp_path):
    queue = read(
        tmp_path, "a.jpg,approved,,x\na.jpg,rejected,Alcohol,y\n", "image,decision,reason,reviewer\n"
    )

    assert [row.label for row in queue.rows] == ["Alcohol"]


def test_json_lines(tmp_path):
    path = tmp_path / "queue.jsonl"
    row = {
        "file": "a.jpg",
        "verdict": "rejected",
        "violations": ["Alcohol", "Gambling"],
        "timestamp": 1740873600,
    }
    path.write_text(json.dumps(row), encoding="utf-8")

    assert [row.label for row in decisions.read(path).rows] == ["Alcohol", "Gambling"]


@pytest.mark.parametrize("columns", [["file", "labels"], ["file", "label", "status"], ["decision", "reason"]])
def test_a_table_of_labels_is_not_taken_for_decisions(columns):
    assert decisions.recognise(columns) is None
