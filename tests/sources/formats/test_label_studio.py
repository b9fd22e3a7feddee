from __future__ import annotations

import csv
import json

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats import label_studio
from tests.sources.rows import reasons, said


def result(kind, *names):
    return {"type": kind, "to_name": "image", "from_name": "what", "value": {kind: list(names)}}


def annotation(number, *results, **more):
    return {"id": number, "result": list(results), "updated_at": f"2025-01-{number:02}T00:00:00Z"} | more


def task(*annotations, image="/data/upload/1/0a1b2c3d-pint.jpg", **more):
    return {
        "id": 1,
        "data": {"image": image, "note": "x"},
        "annotations": list(annotations),
        "predictions": [],
    } | more


def read(tmp_path, document, name="export.json"):
    path = tmp_path / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return label_studio.read(path)


def test_choices_are_a_closed_list(tmp_path):
    export = read(tmp_path, [task(annotation(1, result("choices", "Alcohol", "Gambling")))])

    image = "/data/upload/1/0a1b2c3d-pint.jpg"
    assert said(export) == [(image, "Alcohol", True), (image, "Gambling", True)]
    assert not export.open_world


def test_of_a_path_through_a_taxonomy_the_last_step_counts(tmp_path):
    export = read(
        tmp_path, [task(annotation(1, result("taxonomy", ["Unsafe", "Alcohol"], ["Unsafe", "Gambling"])))]
    )

    assert [row.label for row in export.rows] == ["Alcohol", "Gambling"]


def test_rectangles_leave_the_world_open(tmp_path):
    export = read(
        tmp_path, [task(annotation(1, result("rectanglelabels", "beer"), result("rectanglelabels", "beer")))]
    )

    assert [row.label for row in export.rows] == ["beer"]
    assert export.open_world


def test_of_several_people_the_newest_counts_and_the_others_are_findings(tmp_path):
    export = read(
        tmp_path,
        [task(annotation(2, result("choices", "Alcohol")), annotation(1, result("choices", "Safe")))],
    )

    assert [row.label for row in export.rows] == ["Alcohol"]
    assert [(f.code, f.location.label, f.data["winner"]) for f in export.findings] == [
        ("review-disagreement", "Alcohol", "annotation 2"),
        ("review-disagreement", "Safe", "annotation 2"),
    ]


def test_ground_truth_counts_before_the_newest(tmp_path):
    first = annotation(1, result("choices", "Alcohol"), ground_truth=True)

    export = read(tmp_path, [task(first, annotation(2, result("choices", "Safe")))])

    assert [row.label for row in export.rows] == ["Alcohol"]


def test_people_who_agree_are_no_finding(tmp_path):
    both = [annotation(number, result("choices", "Alcohol")) for number in (1, 2)]

    assert read(tmp_path, [task(*both)]).findings == ()


def test_skipped_tasks_predictions_and_drafts_say_nothing(tmp_path):
    skipped = annotation(1, result("choices", "Alcohol"), was_cancelled=True)
    predicted = {"result": [result("choices", "Gambling")]}

    export = read(tmp_path, [task(skipped), task(predictions=[predicted], drafts=[predicted], image="b.jpg")])

    assert said(export) == []
    assert export.references == ()


def test_what_a_reviewer_rejected_is_not_known(tmp_path):
    reviews = [
        {"accepted": True, "created_at": "2025-02-01"},
        {"accepted": False, "created_at": "2025-02-02"},
    ]

    export = read(tmp_path, [task(annotation(1, result("choices", "Alcohol"), reviews=reviews))])

    assert [row[1:3] for row in export.rows] == [("Alcohol", None)]
    assert export.findings[0].data["winner"] == "the reviewer"


def test_old_exports_call_annotations_completions(tmp_path):
    old = task() | {"completions": [annotation(1, result("choices", "Alcohol"))]}
    del old["annotations"]

    assert [row.label for row in read(tmp_path, [old]).rows] == ["Alcohol"]


def test_the_image_is_found_under_another_key(tmp_path):
    odd = task(annotation(1, result("choices", "Alcohol")))
    odd["data"] = {"title": "a pint", "asset": "https://cdn.example.org/pint.JPG?sig=1"}

    assert read(tmp_path, [odd]).references == ("https://cdn.example.org/pint.JPG?sig=1",)


def test_tasks_without_images_are_refused_with_what_they_have(tmp_path):
    text = {"id": 1, "data": {"text": "hello", "author": "x"}, "annotations": []}

    with pytest.raises(InputError, match=r"tasks without images \(their data: author, text\)"):
        read(tmp_path, [text])


def test_one_task_without_an_image_is_a_finding(tmp_path):
    text = {"id": 7, "data": {"text": "hello"}, "annotations": []}

    assert reasons(read(tmp_path, [task(annotation(1, result("choices", "Safe"))), text])) == [
        "task 7 has no image"
    ]


def test_predictions_alone_are_refused(tmp_path):
    with pytest.raises(InputError, match="predictions without their tasks"):
        read(tmp_path, [{"model_version": "yolo", "result": [result("rectanglelabels", "person")]}])


MINIMAL = {
    "id": 1,
    "annotator": 1,
    "annotation_id": 5,
    "lead_time": 3.2,
    "updated_at": "2025-01-01T00:00:00Z",
}


@pytest.mark.parametrize(
    ("answer", "labels", "open_world"),
    [
        ("Alcohol", ["Alcohol"], False),
        ({"choices": ["Alcohol", "Gambling"]}, ["Alcohol", "Gambling"], False),
        ([["Unsafe", "Alcohol"]], ["Alcohol"], False),
        (
            [{"x": 1, "rectanglelabels": ["beer"]}, {"x": 2, "rectanglelabels": ["dice"]}],
            ["beer", "dice"],
            True,
        ),
    ],
    ids=["one choice", "several choices", "taxonomy", "rectangles"],
)
def test_minimal_json_has_answers_of_every_shape(tmp_path, answer, labels, open_world):
    export = read(tmp_path, [MINIMAL | {"image": "/data/upload/1/pint.jpg", "moderation": answer}])

    assert [row.label for row in export.rows] == labels
    assert export.open_world is open_world


def test_csv_has_answers_as_text_and_as_json(tmp_path):
    path = tmp_path / "export.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "id", "choice", "annotator", "annotation_id", "lead_time", "note"])
        writer.writerow(["a.jpg", 1, "Alcohol", "x@example.org", 4, 1.5, "what a picture"])
        writer.writerow(["b.jpg", 2, '{"choices":["Alcohol","Gambling"]}', "x@example.org", 5, 1.5, ""])

    export = label_studio.read(path)

    assert said(export) == [
        ("a.jpg", "Alcohol", True),
        ("b.jpg", "Alcohol", True),
        ("b.jpg", "Gambling", True),
    ]


def test_answers_that_may_stand_in_any_of_several_columns_are_refused(tmp_path):
    row = MINIMAL | {"image": "a.jpg", "mood": "Alcohol", "title": "a pint"}

    with pytest.raises(InputError, match="any of mood, title may hold the answers"):
        read(tmp_path, [row])


@pytest.mark.parametrize(
    "data",
    [
        {"left": "a.jpg", "right": "b.jpg"},
        {"images": ["a.jpg", "b.jpg"]},
        {"image1": "s3://b/a.jpg", "image2": "s3://b/b.jpg"},
    ],
)
def test_tasks_of_several_images_are_refused(tmp_path, data):
    with pytest.raises(InputError, match=r"task 1 has several images .* cannot be told"):
        read(
            tmp_path, [{"id": 1, "data": data, "annotations": [annotation(1, result("choices", "Alcohol"))]}]
        )


def test_labels_attached_to_several_images_of_a_task_are_refused(tmp_path):
    results = [{**result("choices", "Alcohol"), "to_name": name} for name in ("image", "other")]
    with pytest.raises(InputError, match="several images"):
        read(
            tmp_path,
            [
                {
                    "id": 1,
                    "data": {"image": "a.jpg", "other": "b.jpg"},
                    "annotations": [annotation(1, *results)],
                }
            ],
        )


@pytest.mark.parametrize(
    "data",
    [
        {"image": "a.jpg", "thumbnail": "t.jpg"},
        {"photo_of_it": "a.jpg", "text": "x"},
        {"image": "a.jpg", "page": "a.jpg"},
        {"image": "a.jpg", "similar": ["b.jpg", "c.jpg"]},
    ],
)
def test_one_image_beside_other_data_is_read(tmp_path, data):
    tasks = [{"id": 1, "data": data, "annotations": [annotation(1, result("choices", "Alcohol"))]}]

    assert said(read(tmp_path, tasks)) == [("a.jpg", "Alcohol", True)]
