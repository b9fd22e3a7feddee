"""What the base model says, attached to images: from manifests and from tables."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.sources.predictions import attach_predictions

DATASET = Dataset.from_tables(
    pd.DataFrame({"image": ["a b.jpg", "c.jpg", "d.jpg"]}), destination="s3://bucket/in"
)


def line(key: str, labels: dict[str, float]) -> str:
    said = [{"Name": name, "Confidence": score, "ParentName": ""} for name, score in labels.items()]
    answer = {"ModerationLabels": said, "ModerationModelVersion": "7.0", "ContentTypes": []}
    return json.dumps({"source-ref": key, "detect-moderation-labels": answer})


def scores(dataset: Dataset) -> dict[tuple[str, str], float]:
    rows = dataset.labels[dataset.labels["source"] == "predictions"]
    return dict(zip(zip(rows["image"], rows["label"], strict=True), rows["score"], strict=True))


def test_a_bulk_analysis_is_matched_by_the_images_future_place(tmp_path):
    path = tmp_path / "predictions.manifest"
    path.write_text(
        line("s3://bucket/in/a b.jpg", {"Alcohol": 81.5}) + "\n" + line("s3://bucket/in/c.jpg", {})
    )
    dataset = attach_predictions(DATASET, path)
    assert scores(dataset) == {("a b.jpg", "Alcohol"): 81.5}
    assert list(dataset.images["predicted"]) == ["7.0", "7.0", ""]
    assert list(dataset.images["min_confidence"])[:2] == [50.0, 50.0]
    assert math.isnan(dataset.images["min_confidence"].iloc[2])


def test_the_lowest_score_bounds_the_confidence_that_was_asked_for(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text("image,label,confidence\na b.jpg,Alcohol,12.5\nc.jpg,,\n")
    assert list(attach_predictions(DATASET, path).images["min_confidence"])[:2] == [12.5, 12.5]
    assert attach_predictions(DATASET, path, min_confidence=5).images["min_confidence"].iloc[0] == 5


def test_an_image_with_an_empty_label_was_asked_about(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text("image,label,confidence,model_version\nc.jpg,,,7.0\n")
    dataset = attach_predictions(DATASET, path)
    assert list(dataset.images["predicted"]) == ["", "7.0", ""]
    assert scores(dataset) == {}


def test_answers_about_other_images_are_counted(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text("image,label,confidence\n" + "".join(f"x{i}.jpg,Alcohol,60\n" for i in range(5)))
    origin = attach_predictions(DATASET, path).sources["predictions"]
    assert origin["unmatched"] == 5
    assert origin["examples"] == ["x0.jpg", "x1.jpg", "x2.jpg"]


def test_new_answers_replace_old_ones(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text("image,label,confidence\nc.jpg,Alcohol,60\n")
    once = attach_predictions(DATASET, path)
    path.write_text("image,label,confidence\nd.jpg,Violence,70\n")
    twice = attach_predictions(once, path)
    assert scores(twice) == {("d.jpg", "Violence"): 70}
    assert list(twice.images["predicted"]) == ["", "", "unknown"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("image,label\nc.jpg,Alcohol\n", "need the columns image, label and confidence"),
        ("image,label,confidence\nc.jpg,Alcohol,much\n", ":2: confidence is 'much'"),
        ("image,label,confidence\nc.jpg,Alcohol,101\n", "from 0 to 100"),
        ("image,label,confidence\nc.jpg,Alcohol,nan\n", "from 0 to 100"),
        (
            '{"source-ref": "s3://bucket/in/c.jpg"}\n',
            "need the columns image, label and confidence; found 'source-ref'",
        ),
    ],
)
def test_what_holds_no_predictions_is_refused(tmp_path, text, told):
    path = tmp_path / "predictions"
    path.write_text(text)
    with pytest.raises(InputError, match="predictions") as error:
        attach_predictions(DATASET, path)
    assert told in str(error.value)
