"""Several files of labels: each counts, none overrules another in silence."""

from __future__ import annotations

import json

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.ground_truth import effective_truth
from manifest_tools.findings.policy import Policy
from manifest_tools.rules.checking import check_dataset
from manifest_tools.sources.reading import attach_labels, read_images
from tests.pictures import save


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(["train/1.jpg", "train/2.jpg", "val/1.jpg"]):
        save(tmp_path / "images" / name, seed)
    return tmp_path


def table(folder, name, *rows):
    path = folder / name
    path.write_text("\n".join(["file,labels", *rows]) + "\n", encoding="utf-8")
    return path


def coco(folder, name, **labels):
    """Write a COCO file: the label of each image, by its number."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    categories = [{"id": number, "name": label} for number, label in enumerate(sorted({*labels.values()}))]
    ids = {category["name"]: category["id"] for category in categories}
    document = {
        "images": [{"id": number, "file_name": f"{number[1:]}.jpg"} for number in labels],
        "annotations": [{"image_id": number, "category_id": ids[label]} for number, label in labels.items()],
        "categories": categories,
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def known(dataset):
    """Return the labels that each image has, and those that it lacks."""
    truth = effective_truth(dataset, Policy())
    return {
        image: (
            {truth.labels[column] for column in truth.present[row].nonzero()[0]},
            {truth.labels[column] for column in truth.absent[row].nonzero()[0]},
        )
        for row, image in enumerate(dataset.images["image"])
    }


def test_files_that_speak_of_other_images_are_both_read(folder):
    files = [table(folder, "a.csv", "train/1.jpg,Alcohol"), table(folder, "b.csv", "val/1.jpg,Gambling")]
    dataset = read_images(folder / "images", labels=files)

    assert known(dataset) == {
        "train/1.jpg": ({"Alcohol"}, set()),
        "train/2.jpg": (set(), set()),
        "val/1.jpg": ({"Gambling"}, set()),
    }
    assert [dataset.sources[name]["scope"] for name in ("table", "table:2")] == [["Alcohol"], ["Gambling"]]


def test_what_one_table_says_stands_above_what_another_leaves_out(folder):
    files = [
        table(folder, "a.csv", "train/1.jpg,Alcohol", "train/2.jpg,Gambling"),
        table(folder, "b.csv", "train/1.jpg,Gambling"),
    ]
    for order in (files, files[::-1]):
        dataset = read_images(folder / "images", labels=order)
        assert known(dataset)["train/1.jpg"] == ({"Alcohol", "Gambling"}, set())
        assert not [f for f in check_dataset(dataset).findings if f.code == "review-disagreement"]


def test_tables_that_contradict_each_other_are_named_with_their_lines_and_neither_counts(folder):
    files = [
        table(folder, "a.csv", "train/1.jpg,Alcohol", "train/2.jpg,Safe"),
        table(folder, "b.csv", "train/2.jpg,Safe", "train/1.jpg,Safe"),
    ]
    report = check_dataset(read_images(folder / "images", labels=files))
    found = [finding for finding in report.findings if finding.code == "review-disagreement"]

    assert [(finding.location.image, finding.location.label) for finding in found] == [
        ("train/1.jpg", "Alcohol")
    ]
    assert f"{folder / 'a.csv'}:2" in found[0].message
    assert f"{folder / 'b.csv'}:3" in found[0].message
    assert found[0].message.endswith("neither counts")
    assert report.facts["left_out"]["label-contradiction"] == 1


def test_a_contradiction_in_one_table_names_its_lines(folder):
    labels = table(
        folder, "a.csv", "train/1.jpg,Alcohol", "train/2.jpg,Safe", "/x/train/1.jpg,", "train/1.jpg,Safe"
    )
    report = check_dataset(read_images(folder / "images", labels=labels))

    assert "lines 5 and 2" in next(f.message for f in report.findings if f.code == "label-contradiction")


def test_a_folder_of_files_of_one_export_is_read(folder):
    coco(folder, "ann/instances_train.json", _1="Alcohol", _2="Gambling")
    coco(folder, "ann/instances_val.json", _1="Violence")
    dataset = read_images(folder / "images", labels=folder / "ann")

    assert {image: present for image, (present, _) in known(dataset).items()} == {
        "train/1.jpg": {"Alcohol"}, "train/2.jpg": {"Gambling"}, "val/1.jpg": {"Violence"},
    }  # fmt: skip


@pytest.mark.parametrize("images", ["images/train", "flat"])
def test_the_same_name_in_another_part_is_another_picture(folder, images):
    save(folder / "flat" / "1.jpg", 1)
    save(folder / "flat" / "2.jpg", 2)
    files = [
        coco(folder, "ann/instances_train.json", _1="Alcohol", _2="Gambling"),
        coco(folder, "ann/instances_val.json", _1="Violence"),
    ]
    found = known(read_images(folder / images, labels=files))

    assert "Violence" not in set.union(*(present for present, _ in found.values()))
    assert found["1.jpg"][0] == ({"Alcohol"} if images != "flat" else set())


def test_files_of_two_people_may_write_the_path_in_two_ways(folder):
    files = [
        table(folder, "ann.csv", "train/1.jpg,Alcohol"),
        table(folder, "bob.csv", "C:\\pics\\train\\1.jpg,Alcohol"),
    ]

    assert len(read_images(folder / "images", labels=files).labels["image"].unique()) == 1


def test_one_file_replaces_several(folder):
    files = [table(folder, "a.csv", "train/1.jpg,Alcohol"), table(folder, "b.csv", "val/1.jpg,Gambling")]
    dataset = read_images(folder / "images", labels=files)
    again = attach_labels(dataset, table(folder, "c.csv", "train/2.jpg,Safe"))

    assert list(again.labels["label"]) == ["Safe"]
    assert "table:2" not in again.sources


def test_a_file_that_is_given_twice_is_read_once(folder):
    labels = table(folder, "a.csv", "train/1.jpg,Alcohol")
    assert len(read_images(folder / "images", labels=[labels, labels]).labels) == 1


def test_two_tables_of_decisions_about_one_picture_are_refused_and_about_others_are_read(folder):
    def queue(name, *rows):
        path = folder / name
        path.write_text("\n".join(["image,decision,reason,date", *rows]) + "\n", encoding="utf-8")
        return path

    first = queue("a.csv", "train/1.jpg,rejected,Alcohol,2026-01-01")
    same = queue("b.csv", "/srv/train/1.jpg,rejected,Gambling,2026-02-01")
    other = queue("c.csv", "train/2.jpg,rejected,Gambling,2026-02-01")

    with pytest.raises(InputError, match="put the rows of both into one file"):
        read_images(folder / "images", labels=[first, same])
    assert len(read_images(folder / "images", labels=[first, other]).labels) == 2
