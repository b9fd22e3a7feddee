"""Rows that are laid over no image: what they say, and whether they count against the manifests."""

from __future__ import annotations

import json

import pytest

from manifest_tools.rules.checking import check_dataset
from manifest_tools.sources.predictions import attach_predictions
from manifest_tools.sources.reading import read_images
from tests.pictures import save


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(["cam1/0.jpg", "cam1/1.jpg", "cam2/1.jpg", "park/tree.jpg"]):
        save(tmp_path / "images" / name, seed)
    return tmp_path


def table(folder, *rows):
    path = folder / "labels.csv"
    path.write_text("\n".join(["file,labels", *rows]) + "\n", encoding="utf-8")
    return path


def orphans(folder, labels):
    """Return variant, reference and whether it does no harm, of each finding about a row without an image."""
    report = check_dataset(read_images(folder / "images", labels=labels))
    return [
        (found.data.get("variant", ""), found.data["reference"], found.left_out)
        for found in report.findings
        if found.code == "label-orphan"
    ]


def test_a_row_without_a_name_counts_against_the_manifests(folder):
    export = folder / "boxes.csv"
    export.write_text("image,xmin,label\ncam1/0.jpg,1,Alcohol\n,1,Gambling\n", encoding="utf-8")

    assert orphans(folder, export) == [("nameless", "", False)]


def test_rows_about_files_that_are_not_here_do_no_harm(folder):
    rows = ["cam1/0.jpg,Alcohol", "cam3/0.jpg,Gambling", "cam3/9.jpg,Safe", "gone.jpg,Safe"]
    assert orphans(folder, table(folder, *rows)) == [
        ("elsewhere", "cam3/0.jpg", True),
        ("", "cam3/9.jpg", True),
        ("", "gone.jpg", True),
    ]


def test_a_name_of_several_images_matters_where_one_of_them_is_labelled(folder):
    assert orphans(folder, table(folder, "cam1/0.jpg,Safe", "1.jpg,Gambling")) == [("several", "1.jpg", True)]
    rows = ["cam1/1.jpg,Safe", "cam2/1.jpg,Safe", "1.jpg,Gambling"]
    assert orphans(folder, table(folder, *rows)) == [("several", "1.jpg", False)]


def test_the_message_names_the_image_that_comes_near_and_the_other_reference(folder):
    report = check_dataset(
        read_images(folder / "images", labels=table(folder, "park/tree.jpg,Safe", "wood/tree.jpg,Alcohol"))
    )
    found = next(found for found in report.findings if found.code == "label-orphan")

    assert (found.location.line, found.location.label) == (3, "Alcohol")
    assert "'wood/tree.jpg'" in found.message
    assert "'park/tree.jpg'" in found.message


def test_predictions_of_another_folder_are_passed_over(folder):
    dataset = read_images(folder / "images")
    answers = folder / "answers.csv"
    answers.write_text(
        "image,label,confidence\npark/tree.jpg,,\nwood/tree.jpg,Alcohol,99\n", encoding="utf-8"
    )
    dataset = attach_predictions(dataset, answers)

    assert dataset.sources["predictions"]["unmatched"] == 1
    assert list(dataset.labels["label"]) == []


@pytest.mark.parametrize("images", ["images", "images/cam1"])
def test_labelme_files_are_about_the_image_of_their_own_folder(folder, images):
    for camera in ("cam1", "cam2"):
        for number in "01":
            file = folder / "labelme" / camera / f"{number}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            shape = {"label": "Alcohol" if camera == "cam1" else "Gambling", "points": []}
            document = {"shapes": [shape], "flags": {}, "imagePath": f"{number}.jpg"}
            file.write_text(json.dumps(document), encoding="utf-8")

    rows = read_images(folder / images, labels=folder / "labelme").labels
    here = {"cam1/0.jpg", "cam1/1.jpg"} if images == "images" else {"0.jpg", "1.jpg"}

    assert set(rows.loc[rows["label"] == "Alcohol", "image"]) == here
    assert set(rows.loc[rows["label"] == "Gambling", "image"]) == {"cam2/0.jpg", "cam2/1.jpg"}


def test_voc_files_in_folders_of_annotations_are_about_the_images_beside_them(folder):
    for camera in ("cam1", "cam2"):
        file = folder / "voc" / camera / "Annotations" / "1.xml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            f"<annotation><filename>1.jpg</filename><object><name>{camera}</name></object></annotation>",
            encoding="utf-8",
        )

    rows = read_images(folder / "images", labels=folder / "voc").labels

    assert list(zip(rows["image"], rows["label"], strict=True)) == [
        ("cam1/1.jpg", "cam1"),
        ("cam2/1.jpg", "cam2"),
    ]


def test_images_of_one_name_in_two_tasks_of_a_project_are_two_pictures(folder):
    tags = [("1", "Alcohol"), ("2", "Gambling")]
    images = "".join(
        f'<image id="{task}" name="{name}.jpg" subset="default" task_id="{task}"><tag label="{label}"/></image>'
        for task, label in tags
        for name in ("tree", f"only{task}")
    )
    cvat = folder / "project.xml"
    cvat.write_text(f"<annotations>{images}</annotations>", encoding="utf-8")
    save(folder / "images" / "only1.jpg", 9)

    assert orphans(folder, cvat)[:2] == [
        ("rivals", "default/task 1/tree.jpg", True),
        ("rivals", "default/task 2/tree.jpg", True),
    ]
    rows = read_images(folder / "images", labels=cvat).labels
    assert ("only1.jpg", "Alcohol") in set(zip(rows["image"], rows["label"], strict=True))


def test_images_of_one_name_in_a_coco_file_are_told_apart_by_their_paths_or_not_matched(folder):
    def read(**paths):
        images = [{"id": number, "file_name": "1.jpg", **paths.get(f"_{number}", {})} for number in (1, 2)]
        document = {
            "images": images,
            "categories": [{"id": 1, "name": "Alcohol"}, {"id": 2, "name": "Gambling"}],
            "annotations": [{"image_id": number, "category_id": number} for number in (1, 2)],
        }
        (folder / "coco.json").write_text(json.dumps(document), encoding="utf-8")
        rows = read_images(folder / "images", labels=folder / "coco.json").labels
        return dict(zip(rows["image"], rows["label"], strict=True))

    told = read(_1={"path": "/datasets/cam1/1.jpg"}, _2={"path": "/datasets/cam2/1.jpg"})
    assert told == {"cam1/1.jpg": "Alcohol", "cam2/1.jpg": "Gambling"}
    assert read() == {"id 1/1.jpg": "Alcohol", "id 2/1.jpg": "Gambling"}


def test_decisions_about_one_picture_under_two_names_are_weighed_against_each_other(folder):
    queue = folder / "queue.csv"
    queue.write_text(
        "image,decision,reason,date\n"
        "park/tree.jpg,rejected,Alcohol,2026-01-01\ntree.jpg,rejected,Gambling,2026-02-01\n",
        encoding="utf-8",
    )
    dataset = read_images(folder / "images", labels=queue)

    assert list(dataset.labels["label"]) == ["Gambling"]
    assert {item["code"] for item in dataset.sources["table"]["findings"]} == {"review-disagreement"}
