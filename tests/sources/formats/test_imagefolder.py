from __future__ import annotations

import json

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats import imagefolder
from tests.sources.rows import said


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_labels_are_names_or_lists_of_names(tmp_path):
    path = write(
        tmp_path / "metadata.jsonl",
        {"file_name": "a.jpg", "labels": ["Alcohol", "Gambling"]},
        {"file_name": "b.jpg", "labels": "Safe"},
        {"file_name": "c.jpg", "labels": []},
    )

    read = imagefolder.read(path)

    assert said(read) == [("a.jpg", "Alcohol", True), ("a.jpg", "Gambling", True), ("b.jpg", "Safe", True)]
    assert not read.open_world


def test_what_was_looked_for_and_not_there_is_read_back(tmp_path):
    path = write(tmp_path / "metadata.jsonl", {"file_name": "a.jpg", "labels": [], "absent": ["Alcohol"]})

    assert said(imagefolder.read(path)) == [("a.jpg", "Alcohol", False)]


def test_several_folders_have_a_metadata_file_each(tmp_path):
    write(tmp_path / "train" / "metadata.jsonl", {"file_name": "a.jpg", "label": "Alcohol"})
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "metadata.csv").write_text("file_name,label\nsub/b.jpg,Safe\n", encoding="utf-8")

    assert said(imagefolder.read(tmp_path)) == [
        ("test/sub/b.jpg", "Safe", True),
        ("train/a.jpg", "Alcohol", True),
    ]


def test_objects_leave_the_world_open(tmp_path):
    objects = {"bbox": [[1, 2, 3, 4], [1, 1, 1, 1]], "categories": ["beer", "beer"]}
    path = write(
        tmp_path / "metadata.jsonl", {"file_name": "a.jpg", "objects": objects}, {"file_name": "b.jpg"}
    )

    read = imagefolder.read(path)

    assert said(read) == [("a.jpg", "beer", True)]
    assert read.references == ("a.jpg", "b.jpg")
    assert read.open_world


def test_a_column_for_each_label(tmp_path):
    path = tmp_path / "metadata.csv"
    path.write_text("file_name,Alcohol,Gambling\na.jpg,1,0\n", encoding="utf-8")

    assert said(imagefolder.read(path)) == [("a.jpg", "Alcohol", True), ("a.jpg", "Gambling", False)]


def test_labels_of_no_image_are_refused(tmp_path):
    path = write(tmp_path / "metadata.jsonl", {"file_name": "a.jpg", "label": "Safe"}, {"label": "Alcohol"})

    with pytest.raises(InputError, match=r"metadata.jsonl:2: .*'file_name'.* is empty"):
        imagefolder.read(path)


def test_class_numbers_without_names_are_categories_for_a_mapping(tmp_path):
    path = write(
        tmp_path / "metadata.jsonl", {"file_name": "a.jpg", "label": 3}, {"file_name": "b.jpg", "label": 0}
    )

    assert said(imagefolder.read(path)) == [("a.jpg", "3", True), ("b.jpg", "0", True)]


def card(*names):
    """Return the card of a data set with a configuration for each list of names."""
    kinds = [{"class_label": {"names": dict(enumerate(of_one))}} for of_one in names]
    infos = [{"features": [{"name": "label", "dtype": kind}]} for kind in kinds]
    return f"---\n{json.dumps({'license': 'cc0-1.0', 'dataset_info': infos}, indent=1)}\n---\n# Photographs\n"


@pytest.mark.parametrize(("folder", "name"), [(".", "metadata.jsonl"), ("train", "metadata.csv")])
def test_the_card_names_class_numbers(tmp_path, folder, name):
    (tmp_path / "README.md").write_text(card(["fine", "Alcohol"]), encoding="utf-8")
    (tmp_path / folder).mkdir(exist_ok=True)
    path = tmp_path / folder / name
    if name.endswith("csv"):
        path.write_text("file_name,label\na.jpg,1\nb.jpg,0\nc.jpg,7\n", encoding="utf-8")
    else:
        numbers = {"a.jpg": 1, "b.jpg": 0, "c.jpg": 7}
        write(path, *({"file_name": image, "label": number} for image, number in numbers.items()))

    assert said(imagefolder.read(path)) == [
        ("a.jpg", "Alcohol", True),
        ("b.jpg", "fine", True),
        ("c.jpg", "7", True),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "# About\n\nfor people alone\n",
        "---\n{[\n---\n",
        "---\n" + "[" * 5000 + "\n---\n",
        "---\ndataset_info: [1, {features: 3}]\n---\n",
        card(["fine", 3]),
        card(["fine", "Alcohol"], ["Alcohol", "fine"]),
    ],
)
def test_a_card_that_names_no_classes_or_contradicts_itself_names_none(tmp_path, text):
    (tmp_path / "README.md").write_text(text, encoding="utf-8")

    path = write(tmp_path / "metadata.jsonl", {"file_name": "a.jpg", "label": 0})
    assert said(imagefolder.read(path)) == [("a.jpg", "0", True)]


def test_lists_of_0_and_1_that_cannot_be_class_numbers_have_a_category_for_each_place(tmp_path):
    path = write(
        tmp_path / "metadata.jsonl",
        {"file_name": "a.jpg", "labels": [0, 0]},
        {"file_name": "b.jpg", "labels": [1, 0]},
    )

    assert said(imagefolder.read(path)) == [
        ("a.jpg", "labels[0]", False),
        ("a.jpg", "labels[1]", False),
        ("b.jpg", "labels[0]", True),
        ("b.jpg", "labels[1]", False),
    ]


def test_class_numbers_of_boxes_without_names_are_refused(tmp_path):
    row = {"file_name": "a.jpg", "objects": {"categories": [0, 1]}}
    with pytest.raises(InputError, match="class numbers"):
        imagefolder.read(write(tmp_path / "metadata.jsonl", row))


def test_columns_that_are_not_read_are_told(tmp_path):
    path = write(tmp_path / "metadata.jsonl", {"file_name": "a.jpg", "label": "Safe", "caption": "a cat"})

    assert imagefolder.read(path).unread == ("caption",)


def test_metadata_without_file_names_is_refused(tmp_path):
    with pytest.raises(InputError, match="no column 'file_name'"):
        imagefolder.read(write(tmp_path / "metadata.jsonl", {"image": "a.jpg", "label": "x"}))
