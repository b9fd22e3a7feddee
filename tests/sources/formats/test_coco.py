from __future__ import annotations

import json

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats import coco
from tests.sources.rows import said


def write(tmp_path, document):
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


DOCUMENT = {
    "images": [
        {"id": 3, "file_name": "bar/pint.jpg"},
        {"id": 4, "file_name": "empty.jpg"},
        {"id": "5", "file_name": "number as text.jpg"},
    ],
    "categories": [{"id": 1, "name": "beer"}, {"id": 2, "name": "gun"}, {"id": 9, "name": "unused"}],
    "annotations": [
        {"id": 1, "image_id": 3, "category_id": 1, "bbox": [0, 0, 5, 5]},
        {"id": 2, "image_id": 3, "category_id": 1, "bbox": [5, 5, 5, 5]},
        {"id": 3, "image_id": 5, "category_id": 2},
    ],
}


def test_boxes_say_that_their_category_is_there_and_nothing_else(tmp_path):
    read = coco.read(write(tmp_path, DOCUMENT))

    assert said(read) == [("bar/pint.jpg", "beer", True), ("number as text.jpg", "gun", True)]
    assert read.references == ("bar/pint.jpg", "empty.jpg", "number as text.jpg")
    assert read.categories == ("beer", "gun", "unused")
    assert read.open_world
    assert not read.findings


def test_an_annotation_of_no_image_is_a_finding_and_one_of_no_category_leaves_its_image_open(tmp_path):
    annotations = [{"image_id": 77, "category_id": 1}, {"image_id": 4, "category_id": 77}]

    read = coco.read(write(tmp_path, DOCUMENT | {"annotations": annotations}))

    assert said(read) == [("empty.jpg", "category 77", True)]
    assert [(finding.location.field, finding.data["reason"]) for finding in read.findings] == [
        ("/annotations/0", "no image has the id 77"),
        ("/annotations/1", "no category has the id 77"),
    ]


def test_panoptic_segments_name_their_categories(tmp_path):
    annotation = {
        "image_id": 3,
        "file_name": "pint.png",
        "segments_info": [{"category_id": 1}, {"category_id": 2}],
    }

    read = coco.read(write(tmp_path, DOCUMENT | {"annotations": [annotation]}))

    assert said(read) == [("bar/pint.jpg", "beer", True), ("bar/pint.jpg", "gun", True)]


def test_captions_are_refused(tmp_path):
    captions = {"images": DOCUMENT["images"], "annotations": [{"image_id": 3, "caption": "a pint"}]}

    with pytest.raises(InputError, match="captions"):
        coco.read(write(tmp_path, captions))


def test_not_a_number_is_let_pass_as_python_writes_it(tmp_path):
    path = tmp_path / "nan.json"
    path.write_text(json.dumps(DOCUMENT).replace("[0, 0, 5, 5]", "[NaN, 0, 5, 5]"), encoding="utf-8")

    assert len(coco.read(path).rows) == 2


def test_an_infinite_number_is_refused_with_its_place(tmp_path):
    path = tmp_path / "inf.json"
    path.write_text(json.dumps(DOCUMENT).replace("[0, 0, 5, 5]", "[NaN, 0, 5, Infinity]"), encoding="utf-8")

    with pytest.raises(InputError, match="not valid JSON at line 1, column"):
        coco.read(path)


def test_a_file_that_was_cut_off_says_so(tmp_path):
    path = tmp_path / "cut.json"
    path.write_text(json.dumps(DOCUMENT, indent=1)[:300], encoding="utf-8")

    with pytest.raises(InputError, match=r"cut\.json: not valid JSON at line \d+, column \d+"):
        coco.read(path)
