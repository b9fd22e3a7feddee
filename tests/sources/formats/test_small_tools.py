"""LabelMe, Labelbox, VoTT, CreateML, Universal Data Tool and Datumaro."""

from __future__ import annotations

import json

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats import labelbox, labelme, small_tools
from tests.sources.rows import reasons, said


@pytest.fixture
def write(tmp_path):
    def save(document, name="export.json"):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        return path

    return save


def test_labelme_shapes_are_there_and_flags_are_there_or_not(write):
    document = {
        "imagePath": "a.jpg",
        "shapes": [{"label": "beer"}, {"label": "beer"}, {"label": ""}],
        "flags": {"alcohol": True, "gambling": False, "__reviewed__": True, "odd": "x"},
    }

    read = labelme.read(write(document))

    assert said(read) == [("a.jpg", "beer", True), ("a.jpg", "alcohol", True), ("a.jpg", "gambling", False)]
    assert read.open_world
    assert reasons(read) == ["a shape has no label"]


def test_labelme_flags_alone_are_a_closed_list(write):
    assert not labelme.read(
        write({"imagePath": "a.jpg", "shapes": [], "flags": {"alcohol": False}})
    ).open_world


def test_labelme_folder_passes_over_what_is_flagged_to_be_ignored(write, tmp_path):
    write({"imagePath": "a.jpg", "shapes": [], "flags": {"__ignore__": True, "alcohol": True}}, "a.json")
    write({"imagePath": "b.jpg", "shapes": [], "flags": {"alcohol": True}}, "b.json")
    write('{"imagePath": "c.jpg", ', "c.json")

    read = labelme.read(tmp_path)

    assert said(read) == [("b.jpg", "alcohol", True)]
    assert [finding.severity for finding in read.findings] == ["note", "warning"]


def data_row(annotations, **more):
    label = {"label_details": {"created_by": "x@example.org"}, "annotations": annotations}
    row = {"id": "r", "external_id": "a.jpg", "row_data": "https://storage.example.org/9f"} | more
    return {"data_row": row, "projects": {"p": {"labels": [label]}}}


def test_labelbox_reads_answers_of_every_kind(write):
    annotations = {
        "objects": [],
        "classifications": [
            {"name": "unsafe?", "radio_answer": {"name": "Alcohol", "classifications": []}},
            {"name": "what", "checklist_answers": [{"name": "Gambling"}, {"name": "Violence"}]},
            {"name": "remark", "text_answer": {"content": "blurred"}},
        ],
    }

    read = labelbox.read(write(json.dumps(data_row(annotations)) + "\n", "export.ndjson"))

    assert [row.label for row in read.rows] == ["Alcohol", "Gambling", "Violence"]
    assert read.references == ("a.jpg",)
    assert not read.open_world


def test_labelbox_objects_leave_the_world_open_and_broken_lines_are_findings(write):
    row = json.dumps(data_row({"objects": [{"name": "beer", "bounding_box": {}}, {}]}))

    read = labelbox.read(write(f"{row}\n{row[:40]}\n", "export.ndjson"))

    assert said(read) == [("a.jpg", "beer", True)]
    assert read.open_world
    assert reasons(read) == ["the line is not valid JSON", "an annotation has no name"]
    assert read.findings[0].location.line == 2


def test_labelbox_of_before_is_read_too(write):
    rows = [
        {"ID": "1", "External ID": "a.jpg", "Labeled Data": "https://s.example.org/1", "Skipped": False,
         "Label": {"objects": [], "classifications": [{"title": "what", "answer": {"title": "Alcohol"}},
                                                      {"title": "and", "answers": [{"title": "Gambling"}]}]}},
        {"ID": "2", "External ID": "b.jpg", "Labeled Data": "https://s.example.org/2", "Skipped": True, "Label": {}},
    ]  # fmt: skip

    read = labelbox.read(write(rows))

    assert said(read) == [("a.jpg", "Alcohol", True), ("a.jpg", "Gambling", True)]
    assert read.references == ("a.jpg",)


def test_labelbox_imports_are_refused(write):
    with pytest.raises(InputError, match="import file"):
        labelbox.read(write([{"dataRow": {"id": "x"}, "schemaId": "y", "answer": "z"}]))


def test_vott(write):
    project = {
        "name": "bar",
        "tags": [{"name": "beer"}, {"name": "dice"}],
        "assets": {
            "1": {
                "asset": {"name": "a.jpg", "path": "file:C:/bar/a.jpg"},
                "regions": [{"tags": ["beer", "dice"]}],
            },
            "2": {"asset": {"name": "b.jpg"}, "regions": []},
            "3": {"asset": {}, "regions": [{"tags": ["beer"]}]},
        },
    }

    read = small_tools.read(write(project))

    assert said(read) == [("C:/bar/a.jpg", "beer", True), ("C:/bar/a.jpg", "dice", True)]
    assert read.references == ("C:/bar/a.jpg", "b.jpg")
    assert read.open_world
    assert reasons(read) == ["an asset has no path"]


def test_createml(write):
    read = small_tools.read(
        write([{"image": "a.jpg", "annotations": [{"label": "beer", "coordinates": {}}, {}]}])
    )

    assert said(read) == [("a.jpg", "beer", True)]
    assert reasons(read) == ["an annotation has no label"]


@pytest.mark.parametrize(
    ("kind", "answer", "labels", "open_world"),
    [
        ("image_classification", "Alcohol", ["Alcohol"], False),
        ("image_classification", ["Alcohol", "Gambling"], ["Alcohol", "Gambling"], False),
        ("image_segmentation", [{"regionType": "point", "classification": "beer"}], ["beer"], True),
    ],
)
def test_universal_data_tool(write, kind, answer, labels, open_world):
    document = {
        "interface": {"type": kind, "labels": ["Alcohol", "Gambling", "beer"]},
        "samples": [{"imageUrl": "https://example.org/a.jpg", "annotation": answer}, {"imageUrl": "b.jpg"}],
    }

    read = small_tools.read(write(document))

    assert [row.label for row in read.rows] == labels
    assert read.references == ("https://example.org/a.jpg",)
    assert read.categories == ("Alcohol", "Gambling", "beer")
    assert read.open_world is open_world


def test_universal_data_tool_of_text_is_refused(write):
    with pytest.raises(InputError, match="only image types"):
        small_tools.read(
            write({"interface": {"type": "text_classification"}, "samples": [{"document": "x"}]})
        )


def test_datumaro(write):
    document = {
        "categories": {"label": {"labels": [{"name": "beer"}, {"name": "dice"}]}},
        "items": [
            {"id": "a", "image": {"path": "a.jpg"}, "annotations": [{"type": "label", "label_id": 1}]},
            {"id": "b", "annotations": [{"type": "label", "label_id": 5}]},
        ],
    }

    read = small_tools.read(write(document))

    assert said(read) == [("a.jpg", "dice", True), ("b", "label 5", True)]
    assert not read.open_world
    assert reasons(read) == ["no label has the number 5"]


def test_two_datumaro_items_of_one_name_are_two_pictures(write):
    document = {
        "categories": {"label": {"labels": [{"name": "beer"}]}},
        "items": [
            {"id": "1", "attr": {"frame": 0}, "annotations": [{"type": "label", "label_id": 0}]},
            {"id": "1", "attr": {"frame": 1}, "annotations": []},
        ],
    }

    assert small_tools.read(write(document)).references == ("item 0/1", "item 1/1")
