"""Data frames, lists and mappings say what the CSV that they could be says."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from manifest_tools import Finding, Severity, check_dataset
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.combining import filter_images, merge_datasets
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.findings import Location
from manifest_tools.reports.html import render_html
from manifest_tools.reports.sarif import render_sarif
from manifest_tools.rules import RULES
from manifest_tools.sources.predictions import attach_predictions
from manifest_tools.sources.reading import attach_labels, read_images

NAMES = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]


@pytest.fixture
def images():
    return Dataset.from_tables(pd.DataFrame({"image": NAMES}), root="/nowhere")


def said(dataset):
    rows = dataset.labels
    return {(row.image, row.label) for row in rows.itertuples() if row.truth is not pd.NA and row.truth}


SAID = {("a.jpg", "Alcohol"), ("a.jpg", "Violence"), ("b.jpg", "Safe")}


@pytest.mark.parametrize(
    "labels",
    [
        pd.DataFrame({"image": ["a.jpg", "b.jpg", "c.jpg"], "labels": ["Alcohol;Violence", "Safe", None]}),
        pd.DataFrame({"image": ["a.jpg", "b.jpg"], "labels": [["Alcohol", "Violence"], ["Safe"]]}),
        pd.DataFrame(
            {"labels": ["Alcohol;Violence", "Safe"]}, index=pd.Index(["a.jpg", "b.jpg"], name="image")
        ),
        [
            {"image": "a.jpg", "label": "Alcohol"},
            {"image": "a.jpg", "label": "Violence"},
            {"image": "b.jpg", "label": "Safe"},
        ],
        [("a.jpg", "Alcohol"), ("a.jpg", "Violence"), ("b.jpg", "Safe")],
        {"a.jpg": {"Violence", "Alcohol"}, "b.jpg": ["Safe"]},
        [
            pd.DataFrame({"image": ["a.jpg"], "labels": ["Alcohol;Violence"]}),
            pd.DataFrame({"image": ["b.jpg"], "labels": ["Safe"]}),
        ],
    ],
    ids=["cells", "lists", "index", "records", "pairs", "mapping", "several"],
)
def test_labels(images, labels):
    assert said(attach_labels(images, labels)) == SAID


def test_a_column_for_each_label_of_truth_values(images):
    table = pd.DataFrame({"image": NAMES, "Alcohol": [True, False, True, False], "Violence": [0, 0, 1, 0]})
    assert said(attach_labels(images, table)) == {
        ("a.jpg", "Alcohol"),
        ("c.jpg", "Alcohol"),
        ("c.jpg", "Violence"),
    }


def test_the_same_table_gives_the_same_bytes_and_no_name_of_a_file_that_is_gone(images):
    table = pd.DataFrame({"image": ["a.jpg"], "labels": ["Alcohol"]})
    one, two = (attach_labels(images, table) for _ in range(2))
    assert one.equals(two)
    assert one.sources["table"]["file"] == "the table of labels"
    assert "/tmp" not in json.dumps([dict(one.sources), list(one.history)])


def test_what_cannot_be_read_is_told_by_the_tables_name(images):
    with pytest.raises(InputError, match=r"^the table of labels: no column names the image"):
        attach_labels(images, pd.DataFrame({"x": ["1"]}))
    with pytest.raises(InputError, match="the table of predictions"):
        attach_predictions(
            images, pd.DataFrame({"image": ["a.jpg"], "label": ["Alcohol"], "confidence": ["much"]})
        )


@pytest.mark.parametrize(
    "predictions",
    [
        pd.DataFrame({"image": ["a.jpg"], "label": ["Alcohol"], "confidence": [91.5]}),
        [{"image": "a.jpg", "label": "Alcohol", "confidence": 91.5}],
        [
            {
                "image": "a.jpg",
                "ModerationLabels": [{"Name": "Alcohol", "ParentName": "", "Confidence": 91.5}],
                "ModerationModelVersion": "7.0",
            }
        ],
    ],
    ids=["frame", "records", "answers"],
)
def test_predictions(images, predictions):
    dataset = attach_predictions(images, predictions)
    assert dataset.labels[["image", "label", "score"]].to_numpy().tolist() == [["a.jpg", "Alcohol", 91.5]]


def test_paths_stay_paths(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "labels.csv").write_text("image,labels\na.jpg,Alcohol\n")
    dataset = read_images(tmp_path, labels=[tmp_path / "labels.csv"])
    assert dataset.sources["table"]["file"].endswith("labels.csv")


def test_filtering_renames_groups_and_refuses_what_is_no_mask():
    table = pd.DataFrame({"image": NAMES, "group": ["a.jpg", "a.jpg", "a.jpg", "d.jpg"]})
    labels = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "label": "Alcohol", "source": "table", "truth": True})
    dataset = filter_images(Dataset.from_tables(table, labels), lambda images: images["image"] > "a.jpg")
    assert dataset.images["group"].tolist() == ["b.jpg", "b.jpg", "d.jpg"]
    assert dataset.labels["image"].tolist() == ["b.jpg"]
    with pytest.raises(InputError, match="expected 3 times true or false"):
        filter_images(dataset, [True])


def test_merging_keeps_what_each_says_and_refuses_two_pictures_of_one_name():
    def part(names, truth, **columns):
        table = pd.DataFrame(
            {"image": names, "uri": names, "sha256": [name * 8 for name in names], **columns}
        )
        rows = pd.DataFrame({"image": names, "label": "Alcohol", "source": "table", "truth": truth})
        return Dataset.from_tables(
            table, rows, root="/one", sources={"table": {"scope": ["Alcohol"]}}, scope=("Alcohol",)
        )

    one, other = part(["a", "b"], True, split="train", locked=True), part(["b", "c"], False)
    both = merge_datasets(one, other)
    assert both.images[["image", "uri", "split", "locked"]].to_numpy().tolist() == [
        ["a", "a", "train", True], ["b", "b", "train", True], ["c", "/one/c", "", False],
    ]  # fmt: skip
    assert both.labels[["image", "source"]].to_numpy().tolist() == [
        ["a", "table"], ["b", "table"], ["b", "table:2"], ["c", "table:2"],
    ]  # fmt: skip
    with pytest.raises(InputError, match="'b' is in both data sets, and not known to be the same"):
        merge_datasets(one, part(["b"], False).step("x", images=other.images.assign(sha256="other")))
    with pytest.raises(InputError, match=r"taxonomy 7 and 6\.1"):
        merge_datasets(one, Dataset.from_tables(one.images, taxonomy="6.1"))


def test_an_own_rule_judges_in_every_form():
    def rule(evidence):
        yield Finding(
            "acme-rule", Severity.ERROR, Location(image=evidence.images["image"].iloc[0]), "is odd", "Mend it"
        )

    dataset = Dataset.from_tables(pd.DataFrame({"image": NAMES}))
    report = check_dataset(dataset, rules=(*RULES, rule))
    assert not report.passed
    for text in (str(report), render_html(report), render_sarif(report)):
        assert "acme-rule" in text
