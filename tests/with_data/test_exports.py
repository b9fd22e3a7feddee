"""Real exports, checked by hand against the files."""

from __future__ import annotations

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.detect import read_labels
from tests.with_data import DATA

EXPORTS = DATA / "exports"

CHESS = "black-king black-rook black-knight black-pawn black-bishop white-king white-pawn white-knight white-bishop white-queen"
READ = {
    "coco/data_dataset_coco__annotations.json": {
        "JPEGImages/2011_000003.jpg": "person bottle",
        "JPEGImages/2011_000025.jpg": "bus car",
        "JPEGImages/2011_000006.jpg": "person chair sofa",
    },
    "coco/instances_val.json": {"b.jpg": "a b"},
    "coco/labels_val.json": {"b.jpg": "a b"},
    "coco/test___annotations.coco.json": {
        "sharks_mp4-1_jpg.rf.67a6c341f8db2e9afc05334aad70889e.jpg": "primary shark"
    },
    "cvat/train.xml": {"img0.jpg": "label1", "img1.jpg": "label2"},
    "kaggle-csv/ann_wo_ext.csv": {
        "1": "dog", "2": "cat", "3": "person", "4": "dog cat", "5": "dog person", "6": "cat person",
    },
    "kaggle-csv/image_csv_multi_label__ann.csv": {
        "1.jpg": "dog", "2.jpg": "cat", "3.jpg": "person", "4.jpg": "dog cat", "5.jpg": "dog person",
        "6.jpg": "cat person",
    },
    "label-studio/data_polygons.json": {"/image2": "Airplane"},
    "label-studio/test_export_json_min__data.json": {"/data/upload/29/example.png": "Airplane"},
    "labelme/0001.json": {"0001.jpg": "cat"},
    "labelme/0002.json": {"0002.jpg": "dog"},
    "labelme/2011_000006.json": {"2011_000006.jpg": "person"},
    "open-images/oidv6-train-annotations-human-imagelabels.csv": {"a": "Generic_label_#0"},
    "pascal-voc/1be.xml": {"1be": "black-king black-pawn white-bishop white-king white-pawn black-bishop"},
    "pascal-voc/2007_000001.xml": {"2007_000001.jpg": "cat person"},
    "pascal-voc/c78.xml": {"c78": "black-knight"},
    "vott/train-export.csv": {"img0003.jpg": "helmet person", "img0004.jpg": "helmet"},
}  # fmt: skip
REFUSED = {
    "label-studio/csv_test2.json": "tasks without images",
    "label-studio/csv_test2_result.csv": "rows without images",
    "label-studio/label_config.xml": "labelling interface",
    "label-studio/test_keypoint_labels_1.json": "predictions without their tasks",
    "labelbox/classification_import.json": "import file",
    "open-images/oidv6-class-descriptions.csv": "names no images",
}
SEPARATELY = {
    "label-studio/csv_test.json",
    "pascal-voc/0af.xml",
    "roboflow-multilabel-csv/valid___classes.csv",
    "universal-data-tool/ImageClassification.json",
}


def present(name):
    images = {}
    for row in read_labels(EXPORTS / name).rows:
        if row.truth:
            images.setdefault(row.reference, set()).add(row.label.replace(" ", "_"))
    return images


def test_every_file_is_spoken_of_here():
    files = {path.relative_to(EXPORTS).as_posix() for path in EXPORTS.glob("*/*")}

    assert files == {*READ, *REFUSED, *SEPARATELY}


@pytest.mark.parametrize("name", READ)
def test_images_and_labels_are_the_files(name):
    assert present(name) == {image: set(labels.split()) for image, labels in READ[name].items()}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(name):
    with pytest.raises(InputError, match=REFUSED[name]):
        read_labels(EXPORTS / name)


def test_several_objects_of_several_kinds():
    assert present("pascal-voc/0af.xml") == {"0af.jpg": set(CHESS.split())}


def test_annotations_that_a_reviewer_rejected_are_not_known():
    read = read_labels(EXPORTS / "label-studio/csv_test.json")

    assert [(row.reference.rpartition("/")[2], row.label, row.truth) for row in read.rows] == [
        ("0030019819f25b28.jpg", "Car", None),
        ("00155094b7acc33b.jpg", "Car", None),
    ]
    assert [finding.code for finding in read.findings] == ["review-disagreement"] * 2


def test_a_real_table_of_multiple_labels():
    read = read_labels(EXPORTS / "roboflow-multilabel-csv/valid___classes.csv")

    assert len({row.reference for row in read.rows}) == 969
    assert len(read.rows) == 969 * 10
    assert read.categories[:2] == ("Acne", "Blackheads")
    assert not read.open_world


def test_tasks_that_nobody_has_answered_yet():
    read = read_labels(EXPORTS / "universal-data-tool/ImageClassification.json")

    assert (read.rows, read.references, read.categories) == ((), (), ("valid", "invalid"))
