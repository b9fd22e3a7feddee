"""``manifest-tools review`` as a command: sheets, names, and what is missing."""

from __future__ import annotations

import csv
import json
import sys

import pytest

from manifest_tools.review.entries import Said
from manifest_tools.review.session import ReviewSession
from tests.review.conftest import ALCOHOL, folder  # noqa: F401 - a fixture


def test_a_sheet_goes_out_is_filled_and_check_uses_it(folder, tmp_path, manifest_tools):  # noqa: F811
    sheet = tmp_path / "sheet.csv"
    before = manifest_tools("check", folder)
    assert "label-unchecked" in before.out
    done = manifest_tools("review", folder, "--export", sheet, "--reviewer", "ana")
    assert done.code == 0
    assert done.out.startswith(f"4 rows in {sheet}\nnext        manifest-tools prepare ")
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["answer"] = "no" if row["label"] == ALCOHOL else ""
    with sheet.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, rows[0])
        table.writeheader()
        table.writerows(rows)
    assert manifest_tools("review", folder, "--import", sheet).out.startswith(f"2 new answers from {sheet}\n")
    assert manifest_tools("review", folder, "--import", sheet).out.startswith(f"0 new answers from {sheet}\n")
    assert "label-unchecked" not in manifest_tools("check", folder).out


def test_a_folder_that_is_none_of_ours_is_refused(tmp_path, manifest_tools):
    done = manifest_tools("review", tmp_path, "--export", tmp_path / "sheet.csv")
    assert done.code == 2
    assert "holds no data set" in done.err


def test_a_reviewer_has_a_name(folder, manifest_tools):  # noqa: F811
    done = manifest_tools("review", folder, "--reviewer", "a\x1bb")
    assert done.code == 2
    assert "--reviewer" in done.err


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_the_message_names_what_installs_it(folder, manifest_tools, monkeypatch, missing):  # noqa: F811
    for name in list(sys.modules):
        if name.startswith(("manifest_tools.review.server", "manifest_tools.review.guard", missing)):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    done = manifest_tools("review", folder, "--no-browser")
    assert done.code == 2
    assert "pip install 'manifest-tools[review]'" in done.err


def test_check_uses_answers_that_no_session_merged(folder, manifest_tools):  # noqa: F811
    review = ReviewSession(folder, "ana")
    for row in (0, 1):
        review.answer(row, [Said(ALCOHOL, False)])
    assert "label-unchecked" not in manifest_tools("check", folder).out


def test_a_second_look_by_sheets_and_its_adjudication(folder, tmp_path, manifest_tools):  # noqa: F811
    sheet = tmp_path / "sheet.csv"
    for name, answer in (("ana", "yes"), ("ben", "no"), ("cem", "yes")):
        more = ["--adjudicate"] if name == "cem" else []
        options = ["--second-look", "1"] if name == "ana" else []
        assert (
            manifest_tools("review", folder, "--export", sheet, "--reviewer", name, *options, *more).code == 0
        )
        with sheet.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert [row["score"] for row in rows] == [""] * len(rows)
        assert not any(row["reviewer"] for row in rows)  # nobody else's answers
        assert ("present, absent" in {row["so_far"] for row in rows}) == (name == "cem")
        rows = [row | {"answer": answer if row["label"] == ALCOHOL else ""} for row in rows]
        assert sum(row["answer"] == answer for row in rows) == 2
        with sheet.open("w", encoding="utf-8", newline="") as stream:
            table = csv.DictWriter(stream, rows[0])
            table.writeheader()
            table.writerows(rows)
        filled = manifest_tools("review", folder, "--import", sheet, "--reviewer", name, *more)
        assert filled.out.startswith("2 new answers")
        unsure = "label-unsure" in manifest_tools("check", folder).out
        assert unsure == (name == "ben")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--with", "ben"], "--adjudicate"),
        (["--reviewer", "ana + ben"], "expected a name"),
        (["--adjudicate", "--with", " "], "expected a name"),
        (["--second-look", "2"], "expected a share"),
        (["--opt-out", "Violence"], "hold on the page alone"),
        (["--daily-looks", "5"], "hold on the page alone"),
    ],
)
def test_what_cannot_be_meant_is_refused(folder, tmp_path, manifest_tools, options, told):  # noqa: F811
    done = manifest_tools("review", folder, "--export", tmp_path / "sheet.csv", *options)
    assert done.code == 2
    assert told in done.err


def test_an_audit_says_by_its_exit_code_whether_the_journal_was_changed(folder, tmp_path, manifest_tools):  # noqa: F811
    table = tmp_path / "audit.csv"
    assert manifest_tools("review", folder, "--for", "audit").code == 2
    for row in (0, 1):
        ReviewSession(folder, "ana").answer(row, [Said(ALCOHOL, False)])
    done = manifest_tools("review", folder, "--export", table, "--for", "audit")
    assert (done.code, done.out.startswith(f"2 rows in {table}; journal ")) == (0, True)
    journal = folder / "dataset" / "reviews.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"false", b"true", 1))
    done = manifest_tools("review", folder, "--export", table, "--for", "audit")
    assert done.code == 1
    assert "reviews.jsonl:1: this line" in done.err


def test_a_sheet_for_each_of_several_people(folder, tmp_path, manifest_tools):  # noqa: F811
    sheet = tmp_path / "sheet.csv"
    done = manifest_tools("review", folder, "--export", sheet, "--split", "ana,ben", "--second-look", "1")
    assert done.out == f"4 rows in {tmp_path / 'sheet-ana.csv'}\n4 rows in {tmp_path / 'sheet-ben.csv'}\n"
    for options in (
        ["--import", sheet],
        ["--export", sheet, "--for", "audit"],
        [],
        ["--export", sheet, "--adjudicate"],
    ):
        assert manifest_tools("review", folder, "--split", "2", *options).code == 2


def test_tasks_for_label_studio_and_its_export(folder, tmp_path, manifest_tools):  # noqa: F811
    tasks = tmp_path / "tasks.json"
    done = manifest_tools("review", folder, "--export", tasks, "--for", "label-studio")
    assert done.out.startswith(f"4 tasks in {tasks}; labelling configuration in {tmp_path / 'tasks.xml'}\n")
    document = json.loads(tasks.read_text())
    at = "2026-03-09T22:16:08Z"
    document[0]["annotations"] = [{"id": 1, "completed_by": 3, "result": [], "created_at": at}]
    tasks.write_text(json.dumps(document))
    assert manifest_tools("review", folder, "--import", tasks).out.startswith(f"1 new answer from {tasks}\n")
