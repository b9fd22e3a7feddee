"""Exports laid over a data set: what is present, what was looked for, and what is left open."""

from __future__ import annotations

import json

import pytest

from manifest_tools.dataset.ground_truth import effective_truth
from manifest_tools.findings.policy import Policy
from manifest_tools.rules.checking import check_dataset
from manifest_tools.sources.reading import attach_labels, read_images
from tests.pictures import save

CATEGORIES = [{"id": 1, "name": "beer"}, {"id": 2, "name": "Violence"}, {"id": 3, "name": "cat"}]


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(["pint.jpg", "gun.jpg", "cat.jpg", "empty.jpg", "unnamed.jpg"]):
        save(tmp_path / "images" / "deep" / name, seed)
    (tmp_path / "mapping.csv").write_text("category,label\nbeer,Alcohol\ncat,ignore\n", encoding="utf-8")
    images = [
        {"id": 1, "file_name": r"D:\work\deep\pint.jpg"},
        {"id": 2, "file_name": "https://example.org/up/gun.jpg?x=1"},
        {"id": 3, "file_name": "cat.jpg"},
        {"id": 4, "file_name": "empty.jpg"},
        {"id": 5, "file_name": "gone.jpg"},
    ]
    annotations = [
        {"image_id": number, "category_id": category} for number, category in ((1, 1), (2, 2), (3, 3), (5, 1))
    ]
    document = {"images": images, "annotations": annotations, "categories": CATEGORIES}
    (tmp_path / "coco.json").write_text(json.dumps(document), encoding="utf-8")
    return tmp_path


def known(dataset):
    """Return what is known of each image, by its base name."""
    truth = effective_truth(dataset, Policy())
    return {
        image.rpartition("/")[2]: {
            "present": {truth.labels[column] for column in truth.present[row].nonzero()[0]},
            "absent": {truth.labels[column] for column in truth.absent[row].nonzero()[0]},
            "judged": bool(truth.judged[row]),
            "unresolved": bool(truth.unresolved[row]),
        }
        for row, image in enumerate(dataset.images["image"])
    }


def test_boxes_say_nothing_of_what_was_not_drawn(folder):
    dataset = read_images(folder / "images", labels=folder / "coco.json", mapping=folder / "mapping.csv")
    images = known(dataset)

    assert images["pint.jpg"] == {
        "present": {"Alcohol"},
        "absent": set(),
        "judged": True,
        "unresolved": False,
    }
    assert images["gun.jpg"]["present"] == {"Violence"}
    assert [name for name, facts in images.items() if not facts["judged"]] == [
        "cat.jpg",
        "empty.jpg",
        "unnamed.jpg",
    ]
    assert dataset.scope == ()


def test_checked_labels_make_unmarked_images_free_of_them_and_other_images_stay_open(folder):
    dataset = read_images(
        folder / "images",
        labels=folder / "coco.json",
        mapping=folder / "mapping.csv",
        checked_labels=["Alcohol", "Violence"],
    )
    images = known(dataset)

    assert images["pint.jpg"]["absent"] == {"Violence"}
    assert images["empty.jpg"] == {
        "present": set(),
        "absent": {"Alcohol", "Violence"},
        "judged": True,
        "unresolved": False,
    }
    assert images["cat.jpg"]["absent"] == {"Alcohol", "Violence"}
    assert not images["unnamed.jpg"]["judged"]


def test_an_unmapped_category_leaves_its_image_unresolved(folder):
    images = known(read_images(folder / "images", labels=folder / "coco.json"))

    assert images["pint.jpg"]["unresolved"]
    assert images["cat.jpg"]["unresolved"]
    assert not images["gun.jpg"]["unresolved"]


def test_what_does_not_resolve_stays_as_it_was_written(folder):
    dataset = read_images(folder / "images", labels=folder / "coco.json", mapping=folder / "mapping.csv")

    assert set(dataset.labels["image"]) - set(dataset.images["image"]) == {"gone.jpg"}


def test_folder_names_are_mapped_too(folder):
    save(folder / "images" / "beer" / "x.jpg", 9)
    dataset = read_images(folder / "images", labels="folders", mapping=folder / "mapping.csv")

    assert known(dataset)["x.jpg"]["present"] == {"Alcohol"}


def test_approved_means_safe_only_if_the_mapping_says_so(folder):
    queue = folder / "queue.csv"
    queue.write_text("image,decision,date\npint.jpg,approved,2025-01-01\n", encoding="utf-8")
    without = known(read_images(folder / "images", labels=queue))
    (folder / "mapping.csv").write_text("category,label\napproved,Safe\n", encoding="utf-8")
    mapped = known(read_images(folder / "images", labels=queue, mapping=folder / "mapping.csv"))

    assert without["pint.jpg"]["unresolved"]
    assert len(mapped["pint.jpg"]["absent"]) == 10


def test_a_rejected_image_says_nothing_of_other_labels(folder):
    queue = folder / "queue.csv"
    queue.write_text(
        "image,decision,reason,date\npint.jpg,rejected,Alcohol,2025-01-01\ngun.jpg,rejected,Violence,2025-01-01\n",
        encoding="utf-8",
    )
    images = known(read_images(folder / "images", labels=queue))

    assert images["pint.jpg"] == {
        "present": {"Alcohol"},
        "absent": set(),
        "judged": True,
        "unresolved": False,
    }


def test_what_the_reader_noted_is_kept_with_the_images_key(folder):
    document = json.loads((folder / "coco.json").read_text())
    document["annotations"].append({"image_id": 4, "category_id": 99})
    (folder / "coco.json").write_text(json.dumps(document), encoding="utf-8")

    dataset = read_images(folder / "images", labels=folder / "coco.json", mapping=folder / "mapping.csv")

    assert [item["location"]["image"] for item in dataset.sources["table"]["findings"]] == ["deep/empty.jpg"]
    assert dataset.sources["table"]["format"] == "coco"


def test_reading_another_file_replaces_what_the_first_one_said(folder):
    dataset = read_images(folder / "images", labels=folder / "coco.json")
    table = folder / "labels.csv"
    table.write_text("file,labels\ngun.jpg,Safe\n", encoding="utf-8")

    again = attach_labels(dataset, table)

    assert list(again.labels["label"]) == ["Safe"]
    assert again.sources["table"]["findings"] == []


def test_an_empty_choice_of_a_closed_list_is_nobodys_answer(folder):
    tasks = [
        {"id": 1, "data": {"image": "pint.jpg"}, "annotations": [
            {"id": 1, "result": [{"type": "choices", "value": {"choices": ["Alcohol"]}}]}]},
        {"id": 2, "data": {"image": "gun.jpg"}, "annotations": [{"id": 2, "result": []}]},
    ]  # fmt: skip
    (folder / "studio.json").write_text(json.dumps(tasks), encoding="utf-8")

    plain = known(read_images(folder / "images", labels=folder / "studio.json"))
    checked = known(read_images(folder / "images", labels=folder / "studio.json", checked_labels=["Alcohol"]))

    assert not plain["gun.jpg"]["judged"]
    assert checked["gun.jpg"]["absent"] == {"Alcohol"}


def test_the_report_says_what_is_not_mapped_what_was_not_read_and_what_matches_no_image(folder):
    document = json.loads((folder / "coco.json").read_text())
    document["annotations"] += [{"image_id": 4, "category_id": 99}, {"image_id": 99, "category_id": 1}]
    (folder / "coco.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "mapping.csv").write_text("category,label\ncat,ignore\n", encoding="utf-8")

    report = check_dataset(
        read_images(folder / "images", labels=folder / "coco.json", mapping=folder / "mapping.csv")
    )
    found = {
        (f.code, f.location.image, f.location.label, f.left_out) for f in report.findings if "label" in f.code
    }
    unread = [
        (f.data["reason"], f.location.image, f.left_out) for f in report.findings if f.code == "source-entry"
    ]

    assert {item for item in found if item[0] != "image-unlabelled"} == {
        ("label-unknown", "deep/pint.jpg", "beer", True),
        ("label-unknown", "deep/empty.jpg", "category 99", True),
        ("label-orphan", None, "beer", True),
    }
    assert sorted(unread) == [
        ("no category has the id 99", "deep/empty.jpg", True),
        ("no image has the id 99", None, False),
    ]
    assert "is not mapped to the taxonomy" in next(
        f.message for f in report.findings if f.code == "label-unknown"
    )
