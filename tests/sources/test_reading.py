"""Reading images with what people said: what was looked for, what is safe, and what nobody said."""

from __future__ import annotations

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.findings.policy import Policy
from manifest_tools.rules.checking import check_dataset
from manifest_tools.sources.reading import attach_labels, read_images
from tests.pictures import save


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(("a.jpg", "b.jpg", "c.jpg", "d.jpg")):
        save(tmp_path / "images" / name, number)
    return tmp_path / "images"


def table(folder, text: str):
    path = folder.parent / "labels.csv"
    path.write_text(text)
    return path


def judged(dataset) -> dict[str, str]:
    return dict(zip(dataset.images["image"], dataset.images["judged"], strict=True))


def test_what_people_looked_for_is_told_apart(folder):
    dataset = read_images(folder, labels=table(folder, "file,labels\na.jpg,Alcohol\nb.jpg,Safe\nc.jpg,\n"))
    assert judged(dataset) == {"a.jpg": "scope", "b.jpg": "all", "c.jpg": "", "d.jpg": ""}
    assert dataset.scope == ("Alcohol",)


def test_labels_stay_as_found_with_source_and_line(folder):
    dataset = read_images(folder, labels=table(folder, "file,labels\na.jpg,alcohol ;Pills\nb.jpg,safe\n"))
    rows = dataset.labels[["image", "label", "source", "truth", "line"]]
    assert rows.values.tolist() == [
        ["a.jpg", "Pills", "table", True, 2],
        ["a.jpg", "alcohol", "table", True, 2],
        ["b.jpg", "safe", "table", True, 3],
    ]
    assert judged(dataset)["b.jpg"] == "all"


def test_a_wide_table_without_a_single_1_still_names_its_scope(folder):
    dataset = read_images(folder, labels=table(folder, "file,Alcohol,Violence\na.jpg,0,0\nb.jpg,1,0\n"))
    assert dataset.scope == ("Alcohol", "Violence")
    assert judged(dataset)["a.jpg"] == "scope"


def test_checked_labels_replace_the_scope(folder):
    path = table(folder, "file,labels\na.jpg,Alcohol\n")
    assert read_images(folder, labels=path, checked_labels=["violence"]).scope == ("Violence",)
    assert len(read_images(folder, labels=path, checked_labels=["all"]).scope) == 10


def test_checked_labels_that_do_not_exist_are_refused(folder):
    with pytest.raises(InputError, match="nearest: Alcohol"):
        read_images(folder, labels=table(folder, "file,labels\na.jpg,Alcohol\n"), checked_labels=["Alchohol"])


def test_other_safe_names_are_taken(folder):
    path = table(folder, "file,labels\na.jpg,OK\nb.jpg,Safe\n")
    dataset = read_images(folder, labels=path, policy=Policy(safe_names=("ok",)))
    assert judged(dataset)["a.jpg"] == "all"
    assert judged(dataset)["b.jpg"] == "scope"


def test_a_row_that_matches_no_image_stays_as_written(folder):
    dataset = read_images(folder, labels=table(folder, "file,labels\na.jpg,Alcohol\nnone.jpg,Violence\n"))
    assert list(dataset.labels["image"]) == ["a.jpg", "none.jpg"]
    assert dataset.scope == ("Alcohol", "Violence")


def test_folder_names_are_labels(tmp_path):
    for name in ("Alcohol/a.jpg", "Safe/b.jpg", "c.jpg"):
        save(tmp_path / name, 1)
    dataset = read_images(tmp_path, labels="folders")
    assert judged(dataset) == {"Alcohol/a.jpg": "scope", "Safe/b.jpg": "all", "c.jpg": ""}
    assert dataset.scope == ("Alcohol",)


def test_a_second_table_replaces_the_first(folder):
    first = read_images(folder, labels=table(folder, "file,labels\na.jpg,Alcohol\n"))
    second = attach_labels(first, table(folder, "file,labels\na.jpg,Violence\n"))
    assert list(second.labels["label"]) == ["Violence"]
    assert second.scope == ("Violence",)


def test_a_folder_without_images_is_refused_with_what_is_there(tmp_path):
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(InputError, match=r"holds no images \(1 other file\)"):
        read_images(tmp_path)


@pytest.mark.parametrize("name", ["Alcohol", "alcohol", "ALCOHOL "])
def test_what_was_judged_is_told_by_image_whatever_the_spelling(tmp_path, name):
    for number in range(3):
        save(tmp_path / "images" / f"{number}.jpg", number)
    table = tmp_path / "labels.csv"
    table.write_text(f"file,labels\n0.jpg,{name}\n1.jpg,Safe\n", encoding="utf-8")
    scope = check_dataset(read_images(tmp_path / "images", labels=table)).facts["scope"]

    assert scope["judged_for"] == ["Alcohol"]
    assert scope["in_part"]["Violence"] == 1
    assert len(scope["not_judged"]) == 9


def test_decisions_are_judged_for_nothing_that_only_some_images_were_judged_for(tmp_path):
    for number in range(3):
        save(tmp_path / "images" / f"{number}.jpg", number)
    table = tmp_path / "queue.csv"
    table.write_text(
        "image,decision,reason,date\n0.jpg,rejected,Alcohol,2026-01-01\n1.jpg,rejected,Violence,2026-01-01\n",
        encoding="utf-8",
    )
    scope = check_dataset(read_images(tmp_path / "images", labels=table)).facts["scope"]

    assert scope["judged_for"] == []
    assert scope["in_part"] == {"Violence": 1, "Alcohol": 1}
