"""Reasons and notes, and the journal as a table for an audit."""

from __future__ import annotations

import csv

import pytest

from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Policy
from manifest_tools.review import csv_sheet
from manifest_tools.review.audit import export_audit
from manifest_tools.review.entries import Remark, Said
from manifest_tools.review.journal import JOURNAL, ReviewJournal, merge_journal
from manifest_tools.review.session import LONGEST_NOTE, ReviewSession
from tests.review.conftest import ALCOHOL, GAMBLING
from tests.review.test_csv_sheet import rows_of, write


@pytest.fixture
def desk(folder):
    """Return a function that opens a session of the folder, whose policy names reasons."""
    policy = Policy(reasons={"ad": "an advertisement", "blurred": ""})
    Dataset.load(folder).step("policy", policy=policy.to_dict()).save(folder)
    return lambda name, *plan, **options: ReviewSession(folder, name, second_look=plan, **options)


def audited(folder, path):
    audit = export_audit(folder, path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert audit.rows == len(rows)
    return audit, rows


def test_an_answer_carries_a_reason_a_note_and_its_time(folder, desk):
    assert desk("ana").catalogue()["reasons"] == {"ad": "an advertisement", "blurred": ""}
    desk("ana").answer(0, [Said(ALCOHOL, True)], remark=Remark("ad", " a beer's\n brand ", 2.5))
    (entry,) = ReviewJournal.of(folder).standing
    assert entry.remark == Remark("ad", "a beer's brand", 2.5)


@pytest.mark.parametrize("remark", [Remark("Ad"), Remark("other"), Remark(note="x" * (LONGEST_NOTE + 1))])
def test_what_is_no_reason_of_the_user_s_is_refused(folder, desk, remark):
    with pytest.raises(InputError, match=r"known: ad, blurred|at most 500"):
        desk("ana").answer(0, [Said(ALCOHOL, True)], remark=remark)
    assert ReviewJournal.of(folder).entries == []


def test_reasons_and_notes_go_through_the_sheet(folder, desk, tmp_path):
    path = tmp_path / "sheet.csv"
    csv_sheet.export_sheet(desk("ana"), path)
    rows = rows_of(path)
    rows[0] |= {"answer": "yes", "reason": "blurred", "note": '=hardly, "seen"'}
    assert csv_sheet.import_sheet(desk("ana"), write(path, rows)) == 1
    csv_sheet.export_sheet(desk("ana"), path)
    (back,) = [row for row in rows_of(path) if row["reviewer"]]
    assert (back["reason"], back["note"]) == ("blurred", '\'=hardly, "seen"')
    assert csv_sheet.import_sheet(desk("ben"), path) == 0
    for change, told in (
        ({"answer": "no", "reason": "x"}, "line 2: 'x' is not one"),
        ({"note": "odd"}, "beside no answer"),
    ):
        with pytest.raises(InputError, match=told):
            csv_sheet.import_sheet(desk("ana"), write(path, [rows[1] | change]))


def test_who_adjudicates_sees_reasons_and_notes_but_no_names(folder, desk):
    desk("ana", "1").answer(0, [Said(ALCOHOL, True)], remark=Remark("ad", "on the shirt"))
    desk("ben").answer(0, [Said(ALCOHOL, False)], remark=Remark(note="a plain can"))
    item = desk("cem", adjudicating=True).item(0)
    assert item["remarks"] == ["a plain can", "ad: on the shirt"]
    assert "ana" not in repr(item)


def test_the_table_says_what_became_of_each_answer(folder, desk, tmp_path):
    ana = desk("ana", "1")
    ana.answer(0, [Said(ALCOHOL, True)], remark=Remark("ad", "on the shirt", 3))
    ana.answer(0, [Said(ALCOHOL, False)])
    ana.answer(1, [Said(ALCOHOL, True), Said(GAMBLING, False)])
    ana.undo()
    ana.answer(2, [Said(ALCOHOL, True)])
    for row, truth in ((0, True), (2, False)):
        desk("ben").answer(row, [Said(ALCOHOL, truth)])
    desk("cem", adjudicating=True).answer(0, [Said(ALCOHOL, True)])
    audit, rows = audited(folder, tmp_path / "audit.csv")
    assert audit.problems == ()
    assert {row["chain"] for row in rows} == {"whole"}
    assert [(row["number"], row["reviewer"], row["look"], row["image"], row["answer"], row["state"]) for row in rows] == [
        ("1", "ana", "", "", "", "second look: 1"),
        ("2", "ana", "", "000.png", "present", "replaced by 3"),
        ("3", "ana", "", "000.png", "absent", "overruled"),
        ("4", "ana", "", "001.png", "present", "taken back by 5"),
        ("4", "ana", "", "001.png", "absent", "taken back by 5"),
        ("5", "ana", "", "", "", "takes back 4"),
        ("6", "ana", "", "002.png", "present", "disputed"),
        ("7", "ben", "second", "000.png", "present", "stands"),
        ("8", "ben", "second", "002.png", "absent", "disputed"),
        ("9", "cem", "adjudication", "000.png", "present", "stands"),
    ]  # fmt: skip
    assert [rows[1][name] for name in ("reason", "note", "seconds")] == ["ad", "on the shirt", "3"]
    assert all(row["at"] and row["line"] for row in rows)


def test_a_later_change_shows_with_its_line(folder, desk, tmp_path):
    for row in (0, 1, 2):
        desk("ana").answer(row, [Said(ALCOHOL, True)])
    path = folder / "dataset" / JOURNAL
    whole = path.read_bytes()
    head = audited(folder, tmp_path / "audit.csv")[0].head
    lines = whole.splitlines(keepends=True)
    for changed, told in (
        (
            [lines[0], lines[1].replace(b"true", b"false"), lines[2]],
            [f"{JOURNAL}:2: this line, or one before it, is not"],
        ),
        ([lines[0], lines[2]], [f"{JOURNAL}:2: this line, or one before it, is not"]),
        (
            [lines[0], b"gone\n", lines[2]],
            [f"{JOURNAL}:2: this line has no hash", ":2: this line is no answer", ":3: "],
        ),
    ):
        path.write_bytes(b"".join(changed))
        audit, _ = audited(folder, tmp_path / "audit.csv")
        assert len(audit.problems) == len(told)
        assert all(text in problem for text, problem in zip(told, audit.problems, strict=True))
    path.write_bytes(whole)
    merge_journal(folder, save=True)
    path.write_bytes(b"".join(lines[:2]))
    audit, _ = audited(folder, tmp_path / "audit.csv")
    assert "its end was cut off" in audit.problems[0]
    assert audit.head != head


def test_journals_of_before_are_in_it_and_no_journal_is_said(folder, desk, tmp_path):
    with pytest.raises(InputError, match="nobody answered"):
        export_audit(folder, tmp_path / "audit.csv")
    old = folder / "dataset" / "reviews-1.jsonl"
    old.write_text('{"number":1,"at":"2026-01-01","reviewer":"ana","images":[{"image":"000.png"}],'
                   '"answers":[{"label":"Alcohol","truth":true}]}\n')  # fmt: skip
    audit, rows = audited(folder, tmp_path / "audit.csv")
    assert (audit.problems, rows[0]["file"], rows[0]["chain"], rows[0]["state"]) == (
        (),
        old.name,
        "none",
        "stands",
    )
    desk("ana").answer(0, [Said(ALCOHOL, True)])
    assert [row["file"] for row in audited(folder, tmp_path / "audit.csv")[1]] == [old.name, JOURNAL]
    with pytest.raises(OutputError, match="cannot write"):
        export_audit(folder, tmp_path / "no" / "audit.csv")
