"""The review sheet: out, filled in, and back."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.review import csv_sheet
from manifest_tools.review.entries import Look, Said
from manifest_tools.review.journal import ReviewJournal
from manifest_tools.review.queue import Filter
from manifest_tools.review.session import ReviewSession
from manifest_tools.review.split_sheets import export_split, people_of
from tests.review.conftest import ALCOHOL, VIOLENCE, image_of, make_folder


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def write(path, rows, delimiter=","):
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, csv_sheet.COLUMNS, delimiter=delimiter)
        table.writeheader()
        table.writerows(rows)
    return path


def test_out_and_back_unchanged_adds_nothing_and_loses_nothing(folder, tmp_path):
    review = ReviewSession(folder, "ana")
    review.answer(1, [Said(ALCOHOL, True)])
    review.answer(3, [Said("Safe", True)])
    review.answer(0, [Said(ALCOHOL, None)])
    path = tmp_path / "sheet.csv"
    assert csv_sheet.export_sheet(review, path) == 4
    before = review.progress()
    assert csv_sheet.import_sheet(ReviewSession(folder, "ben"), path) == 0
    assert ReviewSession(folder, "ana").progress() == before


def test_each_question_says_what_its_label_means(folder, tmp_path):
    review = ReviewSession(folder, "ana")
    csv_sheet.export_sheet(review, tmp_path / "sheet.csv")
    rows = rows_of(tmp_path / "sheet.csv")
    assert [row["definition"] for row in rows] == [
        review.definition(row["label"]) if row["label"] else "" for row in rows
    ]
    assert rows[0]["definition"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_filled_rows_become_answers(folder, tmp_path, delimiter):
    path = tmp_path / "sheet.csv"
    csv_sheet.export_sheet(ReviewSession(folder, "ana"), path)
    rows = rows_of(path)
    assert [(row["image"], row["label"], row["score"]) for row in rows] == [
        ("001.png", ALCOHOL, "90.0"), ("000.png", ALCOHOL, "60.0"), ("002.png", VIOLENCE, "99.0"), ("003.png", "", "")]  # fmt: skip
    for row, answer in zip(rows, ("Yes", "no", "unsure", "safe"), strict=True):
        row["answer"] = answer
    rows[1]["add_labels"] = "Gambling; Violence"
    review = ReviewSession(folder, "ben")
    assert csv_sheet.import_sheet(review, write(path, rows, delimiter)) == 6
    said = {
        (seen.image, *answer)
        for entry in ReviewJournal.of(folder).standing
        for seen in entry.images
        for answer in entry.answers
    }
    assert said == {
        ("001.png", ALCOHOL, True), ("000.png", ALCOHOL, False), ("000.png", "Gambling", True),
        ("000.png", "Violence", True), ("002.png", VIOLENCE, None), ("003.png", "Safe", True)}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"answer": "maybe"}, "expected yes, no, unsure or safe"),
        ({"answer": "yes", "label": "Alchohol"}, "nearest: Alcohol"),
        ({"answer": "yes", "label": ""}, "names no label"),
        ({"answer": "yes", "image": "other.png", "sha256": ""}, "no image 'other.png'"),
        ({"add_labels": "Nonsense words"}, "not a label"),
    ],
)
def test_a_row_that_cannot_be_understood_refuses_the_whole_sheet(folder, tmp_path, change, told):
    path = tmp_path / "sheet.csv"
    csv_sheet.export_sheet(ReviewSession(folder, "ana"), path)
    rows = rows_of(path)
    rows[0]["answer"] = "yes"
    rows[1] |= change
    with pytest.raises(InputError, match=told) as raised:
        csv_sheet.import_sheet(ReviewSession(folder, "ana"), write(path, rows))
    assert "line 3" in str(raised.value)
    assert ReviewJournal.of(folder).entries == []


def test_a_mangled_name_is_found_by_content(folder, tmp_path):
    path = tmp_path / "sheet.csv"
    csv_sheet.export_sheet(ReviewSession(folder, "ana"), path)
    rows = rows_of(path)
    rows[0] |= {"answer": "yes", "image": "1"}
    assert csv_sheet.import_sheet(ReviewSession(folder, "ana"), write(path, rows)) == 1


def test_awkward_names_come_back(tmp_path):
    names = ["=1+1.png", "'quoted'.png", 'a,b "c".png', "new\nline.png", "-ümlaut 🙂.png"]
    images = [image_of(number, name, judged="") for number, name in enumerate(names)]
    folder = make_folder(tmp_path, images, [])
    path = tmp_path / "sheet.csv"
    csv_sheet.export_sheet(ReviewSession(folder, "ana"), path)
    rows = rows_of(path)
    assert not any(row["image"].startswith(("=", "-")) for row in rows)
    for row in rows:
        row["answer"] = "safe"
        row["sha256"] = ""
    assert csv_sheet.import_sheet(ReviewSession(folder, "ana"), write(path, rows)) == 5


@pytest.mark.parametrize("content", [b"", b"image,label\n", b"\xff\xfe"])
def test_what_is_no_sheet_is_refused(folder, tmp_path, content):
    path = tmp_path / "sheet.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected"):
        csv_sheet.import_sheet(ReviewSession(folder, "ana"), path)
    assert ReviewJournal.of(folder).entries == []


def test_a_place_that_cannot_be_written_is_said(folder, tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        csv_sheet.export_sheet(ReviewSession(folder, "ana"), tmp_path / "no" / "sheet.csv")


def filled(folder, tmp_path):
    path = tmp_path / "sheet.csv"
    csv_sheet.export_sheet(ReviewSession(folder, "ana"), path)
    rows = rows_of(path)
    for row, answer in zip(rows, ("yes", "no", "no", "safe"), strict=True):
        row["answer"] = answer
    return path, rows


def test_a_column_that_was_sorted_by_itself_refuses_the_whole_sheet(folder, tmp_path):
    path, rows = filled(folder, tmp_path)
    names = sorted(row["image"] for row in rows)
    mixed = [row | {"image": name} for row, name in zip(rows, names, strict=True)]
    with pytest.raises(
        InputError, match=r"line 2: image and sha256 belong to different pictures, '000.png' and '001"
    ):
        csv_sheet.import_sheet(ReviewSession(folder, "ana"), write(path, mixed))
    assert ReviewJournal.of(folder).entries == []


def test_labels_that_were_sorted_by_themselves_refuse_the_whole_sheet(folder, tmp_path):
    path, rows = filled(folder, tmp_path)
    rows[0]["label"], rows[1]["label"] = "Gambling", ""
    with pytest.raises(InputError, match="line 2: label is 'Gambling', and definition is that of 'Alcohol'"):
        csv_sheet.import_sheet(ReviewSession(folder, "ana"), write(path, rows))
    assert ReviewJournal.of(folder).entries == []


def test_definitions_that_were_deleted_or_reworded_are_no_matter(folder, tmp_path):
    path, rows = filled(folder, tmp_path)
    rows[0]["definition"], rows[1]["definition"] = "", "what we call alcohol"
    assert csv_sheet.import_sheet(ReviewSession(folder, "ana"), write(path, rows)) == 4


def test_rows_without_an_answer_are_compared_too(folder, tmp_path):
    path, rows = filled(folder, tmp_path)
    rows[3] |= {"answer": "", "sha256": rows[0]["sha256"]}
    with pytest.raises(InputError, match="line 5: image and sha256"):
        csv_sheet.import_sheet(ReviewSession(folder, "ana"), write(path, rows))
    assert ReviewJournal.of(folder).entries == []


def test_a_picture_that_was_changed_since_is_said(folder, tmp_path):
    path, rows = filled(folder, tmp_path)
    rows[1]["sha256"] = "0" * 64
    with pytest.raises(
        InputError, match=r"line 3: the sha256 is not that of '000.png', or the picture was changed"
    ):
        csv_sheet.import_sheet(ReviewSession(folder, "ana"), write(path, rows))


def test_whole_rows_that_were_sorted_are_taken(folder, tmp_path):
    path, rows = filled(folder, tmp_path)
    rows.sort(key=lambda row: row["image"])
    rows[0]["sha256"] = rows[0]["sha256"].upper()
    assert csv_sheet.import_sheet(ReviewSession(folder, "ana"), write(path, rows)) == 4


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_what_spreadsheets_save_as_text_is_read(folder, tmp_path, encoding):
    path, rows = filled(folder, tmp_path)
    text = write(path, rows, "\t").read_text(encoding="utf-8")
    mark = "\ufeff" if encoding.endswith("e") else ""
    path.write_bytes((mark + text).encode(encoding))
    assert csv_sheet.import_sheet(ReviewSession(folder, "ana"), path) == 4


@pytest.mark.parametrize("answers", [("1.0", "0.0", "0", "safe"), ("1,0", "0,00", "0,0", "Safe")])
def test_numbers_as_data_frames_write_them_are_answers(folder, tmp_path, answers):
    path, rows = filled(folder, tmp_path)
    for row, answer in zip(rows, answers, strict=True):
        row["answer"] = answer
    csv_sheet.import_sheet(ReviewSession(folder, "ana"), write(path, rows, ";"))
    said = {
        seen.image: answer.truth
        for entry in ReviewJournal.of(folder).standing
        for seen in entry.images
        for answer in entry.answers
    }
    assert said == {"001.png": True, "000.png": False, "002.png": False, "003.png": True}


@pytest.mark.parametrize("room", [100, 400, 700])
def test_a_full_disk_takes_nothing_in(folder, tmp_path, room):
    """A limit on the size of files stands for the disk: the write breaks off in the middle."""
    resource = pytest.importorskip("resource")
    path, rows = filled(folder, tmp_path)
    write(path, rows)
    review = ReviewSession(folder, "ana")
    review.answer(0, [Said(ALCOHOL, True)])
    size = (folder / "dataset" / "reviews.jsonl").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, before[1]))
    try:
        with pytest.raises(OutputError):
            csv_sheet.import_sheet(review, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(ReviewJournal.of(folder).entries) == 1
    assert csv_sheet.import_sheet(ReviewSession(folder, "ben"), path) == 4
    assert len(ReviewJournal.of(folder).entries) == 5


def split(folder, tmp_path, people, *plan):
    desks = [ReviewSession(folder, name, second_look=plan) for name in people_of(people)]
    written = export_split(desks, tmp_path / "sheet.csv")
    assert [len(rows_of(path)) for path, _ in written] == [count for _, count in written]
    return [path for path, _ in written]


def images_in(path):
    return [row["image"] for row in rows_of(path)]


def test_three_people_get_a_sheet_each_and_second_looks_go_to_two_of_them(many, tmp_path):
    paths = split(many, tmp_path, "3", "0.1")
    assert [path.name for path in paths] == ["sheet-1.csv", "sheet-2.csv", "sheet-3.csv"]
    assert [len(images_in(path)) for path in paths] == [11, 11, 11]
    counts = Counter(image for path in paths for image in images_in(path))
    assert sorted(counts.values()) == [1] * 27 + [2] * 3
    for number, path in enumerate(paths, start=1):
        rows = rows_of(path)
        assert {row["reviewer"] for row in rows} == {f"reviewer {number}"}
        for row in rows:
            row["answer"] = "yes" if number < 3 else "no"
        assert csv_sheet.import_sheet(ReviewSession(many, "lead"), write(path, rows)) == 11
    standing = ReviewJournal.of(many).standing
    assert len({(entry.reviewer, entry.images[0].image) for entry in standing}) == 33
    assert sum(entry.look is Look.SECOND for entry in standing) == 3
    assert ReviewSession(many, "dora").queue(Filter()) == []


def test_who_looked_first_finds_the_image_in_no_sheet_and_nobody_another_s_answers(many, tmp_path):
    ana = ReviewSession(many, "ana", second_look=["1"])
    for row in range(10):
        ana.answer(row, [Said(ALCOHOL, True)])
    first, second, third = split(many, tmp_path, "ana, ben,c/ém")
    assert third.name == "sheet-c-ém.csv"
    early = {f"{row:03}.png" for row in range(10)}
    assert early.isdisjoint(images_in(first))
    assert Counter([*images_in(second), *images_in(third)])["000.png"] == 1
    rows = rows_of(second) + rows_of(third)
    assert {(row["so_far"], row["answer"], row["score"]) for row in rows} == {("unknown", "", "")}


def test_look_alikes_go_to_one_person(tmp_path):
    images = [image_of(n, judged="", group=f"{n - n % 3:03}.png") for n in range(12)]
    labels = [(f"{n:03}.png", ALCOHOL, "predictions", None, 90.0 + n) for n in range(12)]
    paths = split(make_folder(tmp_path, images, labels), tmp_path, "2")
    groups = [{int(image[:3]) // 3 for image in images_in(path)} for path in paths]
    assert groups[0].isdisjoint(groups[1])
    assert [len(each) for each in groups] == [2, 2]


@pytest.mark.parametrize(
    "people", ["1", "0", "101", "ana", "ana,", "ana,ana", "Ana,ana", "a b,a-b", "", "-1", "2.5"]
)
def test_people_who_cannot_be_told_apart_are_refused(people):
    with pytest.raises(InputError, match="--split"):
        people_of(people)
