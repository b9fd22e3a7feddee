from __future__ import annotations

import json

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats import roboflow
from tests.sources.rows import said


def test_every_folder_is_read_and_files_are_beside_their_annotations(tmp_path):
    for name, content in (("train", "a.jpg, 1, 0"), ("valid", "a.jpg, 0, 1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "_classes.csv").write_text(
            f"filename, Alcohol, Gambling\n{content}\n", encoding="utf-8"
        )

    read = roboflow.read(tmp_path)

    assert [row for row in said(read) if row[2]] == [
        ("train/a.jpg", "Alcohol", True),
        ("valid/a.jpg", "Gambling", True),
    ]
    assert read.categories == ("Alcohol", "Gambling")
    assert not read.open_world


def test_boxes_leave_the_world_open(tmp_path):
    document = {
        "images": [{"id": 0, "file_name": "a.jpg"}, {"id": 1, "file_name": "b.jpg"}],
        "annotations": [{"image_id": 0, "category_id": 1}],
        "categories": [{"id": 1, "name": "beer"}],
    }
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "_annotations.coco.json").write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / "_annotations.csv").write_text("filename,class,xmin,ymin\nc.jpg,beer,1,1\n", encoding="utf-8")

    read = roboflow.read(tmp_path)

    assert said(read) == [("c.jpg", "beer", True), ("train/a.jpg", "beer", True)]
    assert read.references == ("c.jpg", "train/a.jpg", "train/b.jpg")
    assert read.open_world


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_another_place_is_refused(tmp_path, name):
    (tmp_path / "file").write_text("x")
    (tmp_path / "nothing").mkdir()

    with pytest.raises(InputError, match="as Roboflow exports it"):
        roboflow.read(tmp_path / name)
