"""Manifests into data sets, and back."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.manifests.reading import read_manifest, read_predictions
from manifest_tools.manifests.validation.validate import validate_manifest
from manifest_tools.manifests.writing import write_manifests, write_moderation
from tests.manifests.lines import answer, as_bytes, multi, single

TOP = Taxonomy.load("7").top


def said(dataset):
    rows = dataset.labels[dataset.labels["source"] == "manifest"]
    return {
        (row.image, row.label): (None if pd.isna(row.truth) else bool(row.truth)) for row in rows.itertuples()
    }


def judged(dataset):
    return dict(zip(dataset.images["image"], dataset.images["judged"], strict=True))


def test_an_empty_list_is_an_explicit_safe_and_nothing_else_is():
    dataset = read_manifest(
        as_bytes(
            {"source-ref": "s3://b/safe.jpg", "content-moderation-groundtruth": {"ModerationLabels": []}},
            {
                "source-ref": "s3://b/beer.jpg",
                "content-moderation-groundtruth": {"ModerationLabels": [{"Name": "beer"}]},
            },
            {"source-ref": "s3://b/list.jpg"},
            {
                "source-ref": "s3://b/broken.jpg",
                "content-moderation-groundtruth": {"ModerationLabels": [{"name": "x"}]},
            },
            multi("s3://b/none.jpg", []),
            single("s3://b/none-class.jpg", "none"),
        )
    )
    assert judged(dataset) == {
        "s3://b/beer.jpg": "scope",
        "s3://b/broken.jpg": "",
        "s3://b/list.jpg": "",
        "s3://b/none-class.jpg": "scope",
        "s3://b/none.jpg": "scope",
        "s3://b/safe.jpg": "all",
    }
    assert said(dataset) == {
        ("s3://b/safe.jpg", "Safe"): True,
        ("s3://b/beer.jpg", "beer"): True,
        ("s3://b/none-class.jpg", "none"): True,
    }
    assert dataset.scope == ("Alcohol", "Violence", "beer")


def test_failed_jobs_and_unsure_labels_say_nothing():
    failed = single("s3://b/a.jpg", "beer", **{"failure-reason": "ClientError"})
    no_label = multi("s3://b/b.jpg", [0])
    del no_label["unsafe"]
    low = multi("s3://b/c.jpg", [0, 3], {"0": 0.9, "3": 0.2})
    dataset = read_manifest(as_bytes(failed, no_label, low), label_confidence=0.5)
    assert judged(dataset) == {"s3://b/a.jpg": "", "s3://b/b.jpg": "", "s3://b/c.jpg": "scope"}
    assert said(dataset) == {("s3://b/c.jpg", "Alcohol"): True, ("s3://b/c.jpg", "Violence"): None}


def test_an_adjustment_replaces_what_it_adjusted_and_other_jobs_add():
    chained = single("s3://b/a.jpg", "beer") | {
        "fixed": 2,
        "fixed-metadata": {
            "class-name": "wine",
            "type": "groundtruth/image-classification",
            "adjustment-status": "adjusted",
        },
        "verdict": 0,
        "verdict-metadata": {"class-name": "good", "type": "groundtruth/label-verification"},
    }
    pairs = single("s3://b/b.jpg", "Alcohol", "Alcohol") | single("s3://b/b.jpg", "Gambling", "Gambling")
    assert said(read_manifest(as_bytes(chained, pairs))) == {
        ("s3://b/a.jpg", "wine"): True,
        ("s3://b/b.jpg", "Alcohol"): True,
        ("s3://b/b.jpg", "Gambling"): True,
    }


def test_unreadable_lines_are_counted():
    data = b'{"source-ref": "s3://b/a.jpg"}\n{broken\n\n[1]\n{"source-ref": ""}\n'
    dataset = read_manifest(data)
    assert len(dataset) == 1
    assert dataset.sources["manifest"]["lines_left_out"] == 3
    assert dataset.sources["manifest"]["first_lines_left_out"] == [2, 4, 5]


def test_line_numbers_and_steps_are_kept():
    dataset = read_manifest(as_bytes({"source-ref": "s3://b/z.jpg"}, single("s3://b/a.jpg", "beer")))
    assert dataset.labels["line"].tolist() == [2]
    assert [entry["step"] for entry in dataset.history] == ["read"]


def test_predictions_of_a_training_output_are_the_base_models():
    line = {
        "source-ref": "s3://b/a.jpg",
        "content-moderation-groundtruth": {"ModerationLabels": []},
        "detect-moderation-labels": answer(("Alcohol", 12.5), ProjectVersion="arn"),
        "detect-moderation-labels-base-model": answer(("Alcohol", 88.0), ("Gambling", 6.0)),
    }
    dataset = read_predictions(as_bytes(line))
    assert dataset.images[["image", "predicted", "min_confidence"]].to_numpy().tolist() == [
        ["s3://b/a.jpg", "7.0", 5.0]
    ]
    assert dataset.labels[["label", "source", "score"]].to_numpy().tolist() == [
        ["Alcohol", "predictions", 88.0],
        ["Gambling", "predictions", 6.0],
    ]
    assert dataset.labels["truth"].isna().all()


@pytest.mark.parametrize(
    ("scores", "given", "wanted"),
    [((88.0,), None, 50.0), ((31.5, 60.0), None, 31.5), ((88.0,), 20.0, 20.0), ((), None, 50.0)],
)
def test_a_bulk_analysis_does_not_say_what_was_asked_for(scores, given, wanted):
    line = {
        "source-ref": "s3://b/a.jpg",
        "detect-moderation-labels": answer(*((TOP[i], s) for i, s in enumerate(scores))),
    }
    dataset = read_predictions(as_bytes(line), min_confidence=given)
    assert dataset.images["min_confidence"].tolist() == [wanted]


def test_an_adapters_answers_are_not_the_base_models():
    line = {
        "source-ref": "s3://b/a.jpg",
        "detect-moderation-labels": answer(("Alcohol", 88.0), ProjectVersion="arn"),
    }
    with pytest.raises(InputError, match="no line has a prediction of the base model"):
        read_predictions(as_bytes(line))


names = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda n: n.strip("/")
)


@given(st.dictionaries(names, st.lists(st.sampled_from(TOP), unique=True), min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_what_is_written_reads_back(tmp_path_factory, wanted):
    path = tmp_path_factory.mktemp("round") / "x.manifest"
    rows = [(f"s3://acme-mod/{name}", labels) for name, labels in wanted.items()]
    assert write_moderation(path, rows) == len(rows)
    dataset = read_manifest(path)
    assert said(dataset) == {(uri, label): True for uri, labels in rows for label in labels or ["Safe"]}
    report = validate_manifest(path)
    assert {finding.code for finding in report.findings} <= {"source-ref-uri"}  # keys may look URL-encoded
    assert report.passed


def prepared(**options):
    images = pd.DataFrame(
        {
            "image": ["a b.jpg", "é#%.png", "c.jpg", "unlabelled.jpg", "later.jpg"],
            "judged": ["scope", "all", "scope", "", "scope"],
            "split": ["train", "test", "train", "train", ""],
        }
    )
    labels = pd.DataFrame(
        {
            "image": ["a b.jpg", "é#%.png", "c.jpg", "later.jpg"],
            "label": ["Weapons", "Safe", "alcohol", "Alcohol"],
            "source": "table",
            "truth": True,
        }
    )
    return Dataset.from_tables(images, labels, scope=("Violence", "Alcohol"), **options)


def test_written_manifests_hold_usable_images_rolled_up(tmp_path):
    assert write_manifests(prepared(), tmp_path, to="s3://bucket/pre fix/") == {"train": 2, "test": 1}
    assert (tmp_path / "train.manifest").read_text(encoding="utf-8").splitlines() == [
        '{"source-ref":"s3://bucket/pre fix/a b.jpg","content-moderation-groundtruth":{"ModerationLabels":[{"Name":"Violence"}]}}',
        '{"source-ref":"s3://bucket/pre fix/c.jpg","content-moderation-groundtruth":{"ModerationLabels":[{"Name":"Alcohol"}]}}',
    ]
    assert (tmp_path / "test.manifest").read_text(encoding="utf-8").splitlines() == [
        '{"source-ref":"s3://bucket/pre fix/é#%.png","content-moderation-groundtruth":{"ModerationLabels":[]}}'
    ]


@pytest.mark.parametrize("kind", ["multi-label", "image-classification", "moderation"])
def test_every_labelled_kind_is_valid_and_reads_back_the_same(tmp_path, kind):
    dataset = prepared(destination="s3://bucket/pre")
    write_manifests(dataset, tmp_path, kind=kind)
    first = {side: (tmp_path / f"{side}.manifest").read_bytes() for side in ("train", "test")}
    write_manifests(dataset, tmp_path, kind=kind)
    assert first == {side: (tmp_path / f"{side}.manifest").read_bytes() for side in ("train", "test")}
    for content in first.values():
        assert validate_manifest(content, kind=kind).findings == ()
    assert said(read_manifest(first["train"])) == {
        ("s3://bucket/pre/a b.jpg", "Violence"): True,
        ("s3://bucket/pre/c.jpg", "Alcohol"): True,
    }
    assert judged(read_manifest(first["test"])) == {"s3://bucket/pre/é#%.png": "all"}


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(InputError, match="no place in S3"):
        write_manifests(prepared(), tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="cannot be written from labels"):
        write_manifests(prepared(destination="s3://bucket/x"), tmp_path, kind="object-detection")
    with pytest.raises(InputError, match="no split"):
        write_manifests(Dataset.from_tables(pd.DataFrame({"image": ["a.jpg"], "judged": ["all"]})), tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot make"):
        write_manifests(prepared(destination="s3://bucket/x"), tmp_path / "file")


def test_scores_that_are_no_numbers_are_left_out():
    line = {
        "source-ref": "s3://b/a.jpg",
        "detect-moderation-labels": {"ModerationLabels": [{"Name": "Alcohol", "Confidence": "9"}, 5]},
    }
    dataset = read_predictions(as_bytes(line))
    assert dataset.labels.empty
    assert not math.isnan(dataset.images["min_confidence"].item())
