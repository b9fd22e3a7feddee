from __future__ import annotations

import json

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats import decisions
from manifest_tools.sources.formats.detect import read_labels
from tests.sources.rows import said

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


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("3/13/2026 16:20", "3/14/2026 9:05"),
        ("3/13/2026 4:20:00 PM", "3/14/2026 9:05:00 AM"),
        ("3/14/2026 11:59 am", "3/14/2026 12:01 p.m."),
        ("3/14/2026 12:30 AM", "3/14/2026 1:00 AM"),
        ("13.03.2026 16:20", "14.03.2026 9:05"),
        ("3/13/26 16:20", "3/14/26 9:05"),
        ("13/03/26", "14/03/26"),
        ("13-03-2026 23:59", "14-03-2026 0:01"),
        ("2026-03-13 16:20", "2026-03-14 9:05"),
        ("2026/3/9", "2026/3/10"),
        ("46094.68", "46095.378"),
        ("13-Mar-26", "14-Mar-26"),
        ("9 March 2026", "10 March 2026 08:00"),
        ("Mar 9, 2026 4:20 PM", "Mar 10, 2026 9:05 AM"),
        ("Fri, 13 Mar 2026 16:20:00 GMT", "Sat, 14 Mar 2026 09:05:00 +0000"),
        ("2026-03-14 09:05 UTC", "2026-03-14T09:05:01Z"),
        ("14.03.2026 23:00 +02:00", "14.03.2026 22:00 Z"),
    ],
)
def test_dates_as_spreadsheets_show_them(tmp_path, older, newer):
    rows = [f'a.jpg,rejected,Alcohol,"{newer}",x', f'a.jpg,approved,,"{older}",x']
    for content in ("\n".join(rows), "\n".join(reversed(rows))):
        assert [row.label for row in read(tmp_path, content).rows] == ["Alcohol"]


@pytest.mark.parametrize(
    "date", ["yesterday", "3/14/2026 25:00", "14:00", "31/02/2026", "13/13/2026", "99999999999999", ""]
)
def test_a_date_that_cannot_be_read_is_refused_where_it_decides(tmp_path, date):
    other = f"a.jpg,rejected,Alcohol,2026-03-01,x\na.jpg,approved,,{date},x\n"
    with pytest.raises(InputError, match=r"queue.csv:3: .*which is the newest cannot be told"):
        read(tmp_path, other)

    alone = other.replace("a.jpg,approved", "b.jpg,approved")
    assert said(read(tmp_path, alone)) == [("a.jpg", "Alcohol", True), ("b.jpg", "approved", True)]
    agreed = other.replace("approved,", "rejected,Alcohol")
    assert said(read(tmp_path, agreed)) == [("a.jpg", "Alcohol", True)]


def test_day_and_month_are_told_by_the_whole_column(tmp_path):
    twice = "a.jpg,approved,,03/04/2026,x\na.jpg,rejected,Alcohol,05/02/2026,x\n"

    assert said(read(tmp_path, twice + "b.jpg,approved,,13/02/2026,x\n"))[0] == ("a.jpg", "approved", True)
    assert said(read(tmp_path, twice + "b.jpg,approved,,02/13/2026,x\n"))[0] == ("a.jpg", "Alcohol", True)
    with pytest.raises(
        InputError, match="the date '03/04/2026' cannot be read"
    ):  # the column contradicts itself
        read(tmp_path, twice + "b.jpg,approved,,13/02/2026,x\nc.jpg,approved,,02/13/2026,x\n")


def test_an_order_that_is_the_same_in_both_readings_is_no_question(tmp_path):
    queue = read(tmp_path, "a.jpg,approved,,01/02/2026,x\na.jpg,rejected,Alcohol,03/04/2026,x\n")

    assert [row.label for row in queue.rows] == ["Alcohol"]


def test_of_two_decisions_of_one_moment_the_lower_line_counts_and_is_not_called_newer(tmp_path):
    queue = read(tmp_path, "a.jpg,approved,,2026-03-01,x\na.jpg,rejected,Alcohol,2026-03-01,y\n")

    assert [row.label for row in queue.rows] == ["Alcohol"]
    assert {finding.data["winner"] for finding in queue.findings} == {"the one further down"}


def test_a_decision_about_no_image_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"queue.csv:3: .*'image'.* is empty"):
        read(tmp_path, "a.jpg,approved,,2026-03-01,x\n,rejected,Alcohol,2026-03-01,x\n")


def test_words_for_missing_are_neither_reasons_nor_decisions(tmp_path):
    queue = read(
        tmp_path,
        "a.jpg,rejected,N/A,2026-03-01,x\nb.jpg,None,None,2026-03-01,x\nc.jpg,rejected,Alcohol,-,x\n",
    )

    assert said(queue) == [("a.jpg", "rejected", True), ("c.jpg", "Alcohol", True)]


def test_columns_that_are_not_read_are_told(tmp_path):
    queue = read(
        tmp_path,
        "a.jpg,approved,,2026-03-01,x,fine,7\n",
        "image,decision,reason,decided_at,moderator,remark,ticket\n",
    )

    assert queue.unread == ("remark", "ticket")


def detected(tmp_path, content, **options):
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8")
    return read_labels(path, **options)


QA = "file,labels,status,reviewer\na.jpg,Alcohol,accepted,ann\nb.jpg,Gambling,rejected,ann\n"


def test_a_status_that_may_be_a_decision_or_a_check_of_the_labels_is_asked_about(tmp_path):
    with pytest.raises(
        InputError, match=r"table.csv:2: .*--labels-format table or --labels-format decisions"
    ):
        detected(tmp_path, QA)
    assert said(detected(tmp_path, QA, labels_format="table")) == [
        ("a.jpg", "Alcohol", True),
        ("b.jpg", "Gambling", True),
    ]
    assert said(detected(tmp_path, QA, labels_format="decisions")) == [
        ("a.jpg", "accepted", True),
        ("b.jpg", "Gambling", True),
    ]


def test_a_reason_beside_another_label_is_asked_about(tmp_path):
    table = "file,label,outcome,policy\na.jpg,Alcohol,flagged,guidelines v3\n"

    with pytest.raises(InputError, match="'Alcohol' in column 'label' stands beside 'guidelines v3'"):
        detected(tmp_path, table)


@pytest.mark.parametrize(
    "more", ["status,updated_at", "status,reviewer", "action,user", "moderation_status,created_at"]
)
def test_how_far_the_work_is_does_not_make_labels_decisions(tmp_path, more):
    read = detected(tmp_path, f"file,labels,{more}\na.jpg,Alcohol,completed,x\nb.jpg,Safe,in progress,y\n")

    assert read.format == "table"
    assert said(read) == [("a.jpg", "Alcohol", True), ("b.jpg", "Safe", True)]
    assert read.unread == tuple(more.split(","))


@pytest.mark.parametrize(
    "table",
    [
        "image,decision,reviewer\na.jpg,approved,ann\nb.jpg,rejected,ann\n",
        "image,label,decision,reviewer\na.jpg,,approved,ann\nb.jpg,Alcohol,rejected,ann\n",
        "image,label,decision,reviewer\na.jpg,Safe,approved,ann\nb.jpg,Alcohol,rejected,ann\n",
        "image,label,decision,reason,reviewer\nb.jpg,Alcohol,rejected,Alcohol,ann\n",
    ],
)
def test_decisions_that_can_only_be_meant_so_are_not_asked_about(tmp_path, table):
    assert detected(tmp_path, table).format == "decisions"


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
