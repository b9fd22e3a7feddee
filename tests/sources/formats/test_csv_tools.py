from __future__ import annotations

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats import csv_tools
from tests.sources.rows import reasons, said


def write(tmp_path, content, name="boxes.csv"):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "header",
    [
        '"image","xmin","ymin","xmax","ymax","label"',
        "filename,xmin,ymin,width,height,class",
        "file,x1,y1,x2,y2,category",
    ],
)
def test_a_box_says_that_its_label_is_there(tmp_path, header):
    read = csv_tools.read(
        write(tmp_path, header + "\na.jpg,1,2,3,4,beer\na.jpg,2,3,4,5,beer\nb.jpg,1,1,1,1,\n,1,1,1,1,dice\n")
    )

    assert said(read) == [("a.jpg", "beer", True), ("", "dice", True)]
    assert read.open_world
    assert reasons(read) == ["a box has no label"]
    assert [finding.location.line for finding in read.findings] == [4]


def test_a_table_of_labels_is_not_taken_for_boxes():
    assert csv_tools.recognise(["file", "labels"]) == ""
    assert csv_tools.recognise(["file", "left", "right"]) == ""


OPEN_IMAGES = "ImageID,Source,LabelName,Confidence\na,verification,/m/01,1\nb,verification,/m/01,0\nc,machine,/m/02,0.7\n"


def test_open_images_says_present_and_absent_and_machines_say_nothing(tmp_path):
    read = csv_tools.read(write(tmp_path, OPEN_IMAGES))

    assert said(read) == [("a", "/m/01", True), ("b", "/m/01", False), ("c", "/m/02", None)]
    assert reasons(read) == ["the confidence '0.7' is a machine's, not a person's 0 or 1"]


@pytest.mark.parametrize("header", ["", "LabelName,DisplayName\n"])
def test_open_images_takes_names_from_the_descriptions_beside_it(tmp_path, header):
    write(tmp_path, header + "/m/01,Beer\n", "oidv6-class-descriptions.csv")

    assert csv_tools.read(write(tmp_path, OPEN_IMAGES)).categories == ("Beer", "/m/02")


def test_open_images_boxes_are_present(tmp_path):
    read = csv_tools.read(write(tmp_path, "ImageID,LabelName,Confidence,XMin\na,/m/01,0.4,0.1\n"))

    assert said(read) == [("a", "/m/01", True)]


def test_class_names_of_open_images_are_refused(tmp_path):
    with pytest.raises(InputError, match="it names no images"):
        csv_tools.read(write(tmp_path, "LabelName,DisplayName\n/m/01,Beer\n"))
