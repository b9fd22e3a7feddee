"""What the model said, in the wrappers that people have around it."""

from __future__ import annotations

import csv
import gzip
import json

import pandas as pd
import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.sources.formats.detect import read_labels
from manifest_tools.sources.predictions import attach_predictions

IMAGES = ("a.jpg", "b.jpg", "c.jpg")
DATASET = Dataset.from_tables(pd.DataFrame({"image": list(IMAGES)}), destination="s3://bucket/in")
EXPECTED = {("a.jpg", "Alcohol"): 81.5, ("b.jpg", "Alcohol"): 60.25, ("b.jpg", "Violence"): 99.0}


def answer(labels, **more):
    said = [
        {"Confidence": score, "Name": name, "ParentName": "", "TaxonomyLevel": 1}
        for name, score in labels.items()
    ]
    return {
        "ModerationLabels": said,
        "ModerationModelVersion": "7.0",
        "ContentTypes": [{"Confidence": 99.0, "Name": "Illustrated"}],
        "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {"content-length": "300"}},
        **more,
    }


ANSWERS = {
    "a.jpg": answer({"Alcohol": 81.5}),
    "b.jpg": answer({"Alcohol": 60.25, "Violence": 99.0}),
    "c.jpg": answer({}),
}


def lower(value):
    """Spell members as some of Amazon's services do."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: lower(item) for key, item in value.items()}
    return [lower(item) for item in value] if isinstance(value, list) else value


def in_s3(name):
    return {"S3Object": {"Bucket": "bucket", "Name": f"in/{name}"}}


def human_loop(name, said):
    task = "AWS/Rekognition/DetectModerationLabels/Image/V3"
    reported = lower(ANSWERS[name])
    return {
        "awsManagedHumanLoopRequestSource": task,
        "humanAnswers": [
            {
                "answerContent": {
                    task: {"moderationLabels": [{"name": label, "parentName": ""} for label in labels]}
                }
            }
            for labels in said
        ],
        "inputContent": {
            "aiServiceRequest": {"image": lower(in_s3(name))},
            "aiServiceResponse": reported,
            "selectedAiServiceResponse": reported,
        },
    }


JSON_LINES = {
    "beside the image": [{"image": name, **said} for name, said in ANSWERS.items()],
    "own wrapper": [{"id": i, "file": n, "response": said} for i, (n, said) in enumerate(ANSWERS.items())],
    "deep wrapper": [
        {"job": {"path": f"photos/{n}"}, "out": {"result": said}} for n, said in ANSWERS.items()
    ],
    "request kept": [
        {"request": {"Image": in_s3(n), "MinConfidence": 50}, "response": said} for n, said in ANSWERS.items()
    ],
    "labels alone": [{"key": n, "labels": said["ModerationLabels"]} for n, said in ANSWERS.items()],
    "other capitals": [{"image": n, "answer": lower(said)} for n, said in ANSWERS.items()],
}


def scores(dataset):
    rows = dataset.labels[dataset.labels["source"] == "predictions"]
    return dict(zip(zip(rows["image"], rows["label"], strict=True), rows["score"], strict=True))


def attached(path, **options):
    dataset = attach_predictions(DATASET, path, **options)
    assert list(dataset.images["predicted"] != "") == [True] * 3
    return dataset


@pytest.mark.parametrize("records", JSON_LINES.values(), ids=JSON_LINES)
@pytest.mark.parametrize("form", ["lines", "list", "pretty list", "one member", "gzip"])
def test_json_in_any_wrapper(tmp_path, records, form):
    path = tmp_path / "answers.json"
    lines = "".join(json.dumps(record) + "\n" for record in records)
    path.write_bytes(
        {
            "lines": lines.encode(),
            "list": json.dumps(records).encode(),
            "pretty list": json.dumps(records, indent=1).encode("utf-16"),
            "one member": json.dumps({"when": "today", "results": records}).encode(),
            "gzip": gzip.compress(lines.encode()),
        }[form]
    )
    assert scores(attached(path)) == EXPECTED


@pytest.mark.parametrize(
    "by_name",
    [
        ANSWERS,
        {"answers": ANSWERS},
        {name: said["ModerationLabels"] for name, said in ANSWERS.items()},
        {name.removesuffix(".jpg"): {"response": said} for name, said in ANSWERS.items()},
    ],
    ids=["answers", "one deeper", "labels", "without endings"],
)
def test_an_object_by_name(tmp_path, by_name):
    path = tmp_path / "answers.json"
    path.write_text(json.dumps(by_name))
    assert scores(attached(path)) == EXPECTED


@pytest.mark.parametrize("ending", [".json", ".jpg.json", ".json.gz"])
def test_a_folder_with_a_file_for_each_image(tmp_path, ending):
    folder = tmp_path / "answers"
    folder.mkdir()
    for name, said in ANSWERS.items():
        data = json.dumps(said, indent=2).encode()
        file = folder / (name.removesuffix(".jpg") + ending)
        file.write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    (folder / "notes.json").write_text('{"who": "me"}')
    dataset = attached(folder)
    assert scores(dataset) == EXPECTED
    assert list(dataset.images["predicted"]) == ["7.0"] * 3
    assert dataset.sources["predictions"]["unread"] == 1


def test_a_folder_with_the_output_of_a_media_analysis_job(tmp_path):
    lines = [
        {"source-ref": f"s3://bucket/in/{n}", "detect-moderation-labels": said} for n, said in ANSWERS.items()
    ]
    (tmp_path / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "manifest-summary.json").write_text(
        '{"version": "1.0", "statistics": {"total-json-lines": 3}}'
    )
    assert scores(attached(tmp_path)) == EXPECTED


def table(path, header, rows):
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def test_flattened_answers(tmp_path):
    header = ["image", "Name", "ParentName", "Confidence", "TaxonomyLevel"]
    rows = [["a.jpg", "Alcohol", "", 81.5, 1], ["b.jpg", "Alcohol", "", 60.25, 1]]
    rows += [["b.jpg", "Violence", "", 99, 1], ["c.jpg", "", "", "", ""]]
    assert scores(attached(table(tmp_path / "flat.csv", header, rows))) == EXPECTED
    dotted = ["file", *(f"response.{name}" for name in header[1:])]
    assert scores(attached(table(tmp_path / "dotted.csv", dotted, rows))) == EXPECTED


@pytest.mark.parametrize("spelt", [json.dumps, str], ids=["JSON", "Python"])
def test_answers_in_a_cell(tmp_path, spelt):
    rows = [[name, spelt(said["ModerationLabels"]), "7.0"] for name, said in ANSWERS.items()]
    path = table(tmp_path / "t.csv", ["image", "ModerationLabels", "ModerationModelVersion"], rows)
    assert scores(attached(path)) == EXPECTED


def test_augmented_ai_holds_both_words(tmp_path):
    for number, (name, said) in enumerate(
        {"a.jpg": [["Alcohol"]], "b.jpg": [[], []], "c.jpg": [["Violence"]]}.items()
    ):
        folder = tmp_path / "2026" / f"loop-{number}"
        folder.mkdir(parents=True)
        (folder / "output.json").write_text(json.dumps(human_loop(name, said)))
    assert scores(attached(tmp_path)) == EXPECTED
    said = read_labels(tmp_path)
    assert said.format == "augmented-ai"
    assert said.open_world  # nobody was asked about other labels
    assert {(row.reference[-5:], row.label, row.truth) for row in said.rows} == {
        ("a.jpg", "Alcohol", True),
        ("b.jpg", "Alcohol", False),
        ("b.jpg", "Violence", False),
        ("c.jpg", "Violence", True),
    }


def test_reviewers_of_augmented_ai_who_are_divided(tmp_path):
    path = tmp_path / "output.json"
    path.write_text(json.dumps(human_loop("b.jpg", [["Alcohol"], [], ["Alcohol"], ["Violence"]])))
    truths = {row.label: row.truth for row in read_labels(path).rows}
    assert truths == {"Alcohol": None, "Violence": False}
    assert [item.code for item in read_labels(path).findings] == ["review-disagreement"] * 2


def test_calls_that_failed_are_counted_and_not_taken_for_answers(tmp_path):
    path = tmp_path / "answers.jsonl"
    records = [
        *JSON_LINES["own wrapper"][:2],
        {"id": 3, "file": "c.jpg", "response": {"Error": {"Code": "Throttling"}}},
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    dataset = attach_predictions(DATASET, path)
    assert list(dataset.images["predicted"]) == ["7.0", "7.0", ""]
    assert dataset.sources["predictions"]["unread"] == 1


def test_the_same_answer_twice_says_nothing_new(tmp_path):
    path = tmp_path / "answers.json"
    path.write_text(json.dumps(JSON_LINES["beside the image"] * 2))
    assert scores(attached(path)) == EXPECTED


VIDEO = {
    "JobStatus": "SUCCEEDED",
    "VideoMetadata": {"Codec": "h264"},
    "ModerationLabels": [{"Timestamp": 0, "ModerationLabel": {"Confidence": 97.1, "Name": "Alcohol"}}],
}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (VIDEO, "about a video"),
        (
            {"image": "a.jpg", **answer({"Alcohol": 90}, ProjectVersion="arn:aws:rekognition:x")},
            "answer of an adapter",
        ),
        ([answer({"Alcohol": 90})], "nothing names the image (members: ModerationLabels"),
        (
            [{"image": "a.jpg", "one": answer({"Alcohol": 90}), "two": answer({"Alcohol": 80})}],
            "two answers, at /one",
        ),
        (
            [{"image": "a.jpg", **answer({"Alcohol": 90})}, {"image": "a.jpg", **answer({})}],
            "two different answers",
        ),
        (
            [{"in": {"file": "a.jpg"}, "job": {"file": "b.jpg"}, "out": answer({})}],
            "several members may name",
        ),
        ([{"image": "a.jpg", **answer({"Alcohol": "high"})}], "confidence is 'high'"),
        (
            [
                {
                    "image": "a.jpg",
                    "Labels": [{"Name": "Beer", "Confidence": 99, "Instances": [], "Parents": []}],
                }
            ],
            "need the columns",
        ),
        ({"version": "1.0"}, "need the columns"),
    ],
)
def test_what_is_no_answer_about_an_image_is_refused(tmp_path, value, told):
    path = tmp_path / "answers.json"
    path.write_text(json.dumps(value))
    with pytest.raises(InputError) as error:
        attach_predictions(DATASET, path)
    assert told in str(error.value)


@pytest.mark.parametrize(
    "records", [*JSON_LINES.values(), ANSWERS, VIDEO], ids=[*JSON_LINES, "by name", "video"]
)
def test_answers_are_no_labels(tmp_path, records):
    path = tmp_path / "answers.json"
    path.write_text(json.dumps(records))
    with pytest.raises(InputError, match="give it as --predictions"):
        read_labels(path)
    if isinstance(records, list):
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        with pytest.raises(InputError, match="give it as --predictions"):
            read_labels(path)


def test_a_folder_and_a_table_of_answers_are_no_labels(tmp_path):
    flat = table(
        tmp_path / "flat.csv", ["image", "Name", "Confidence", "ParentName"], [["a.jpg", "Alcohol", 97, ""]]
    )
    with pytest.raises(InputError, match="give it as --predictions"):
        read_labels(flat)
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(ANSWERS["a.jpg"]))
    with pytest.raises(InputError, match="give it as --predictions"):
        read_labels(folder)


def test_labels_with_a_confidence_of_people_stay_labels(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text('{"image": "a.jpg", "labels": ["Alcohol"], "name": "Ann"}\n')
    assert [row.label for row in read_labels(path).rows] == ["Alcohol"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (gzip.compress(b"\n" * 30_000_000), "bytes unpacked"),
        (gzip.compress(json.dumps(ANSWERS).encode())[:-20], "cut off"),
        (b"\x1f\x8b" + b"no gzip at all", "damaged"),
    ],
)
def test_gzip_that_swells_or_is_damaged(tmp_path, data, told):
    path = tmp_path / "answers.json.gz"
    path.write_bytes(data)
    with pytest.raises(InputError, match=told):
        attach_predictions(DATASET, path)
