"""Figures by content type: what the base model's answers say of animations and drawings."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from manifest_tools import attach_predictions, prepare
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.dataset.slices import slices_of
from manifest_tools.evaluation import compare_evaluation
from manifest_tools.findings.policy import Policy
from manifest_tools.pipeline.split import split_folder
from manifest_tools.sources.copies import share_among_copies
from manifest_tools.sources.grouping import slice_by
from tests.pictures import save
from tests.rules.samples import data

BOTH = {"Animated": 99.0, "Illustrated": 50.0}
WEAK = {"Illustrated": 49.9}


def answer(types):
    """Return an answer without labels; `types` None: one that does not tell of types."""
    told = {} if types is None else {"ContentTypes": [{"Name": n, "Confidence": c} for n, c in types.items()]}
    return {"ModerationLabels": [], "ModerationModelVersion": "7.0", **told}


def manifest(path, said):
    lines = [{"source-ref": name, "detect-moderation-labels": answer(types)} for name, types in said.items()]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def jsonl(path, said):
    lines = [{"image": name, **answer(types)} for name, types in said.items()]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def slices(dataset):
    found = slices_of(slice_by(dataset, ["content-types"]))
    return {value: list(dataset.images["image"][mask]) for (_, value), mask in found.items()}


@pytest.mark.parametrize("write", [manifest, jsonl])
def test_each_answer_puts_its_image_into_slices(write, tmp_path):
    said = {"a.jpg": BOTH, "b.jpg": {"Illustrated": 90.0}, "c.jpg": {}, "d.jpg": WEAK, "e.jpg": None}
    dataset = attach_predictions(data([*said, "f.jpg"]), write(tmp_path / "answers.jsonl", said))

    assert slices(dataset) == {
        "Animated": ["a.jpg"],
        "Illustrated": ["a.jpg", "b.jpg"],
        "none": ["c.jpg", "d.jpg"],
        "not told": ["e.jpg"],
        "not asked": ["f.jpg"],
    }


def test_a_table_of_labels_tells_of_no_types_rather_than_that_there_are_none(tmp_path):
    table = pd.DataFrame({"image": ["a.jpg"], "label": ["Alcohol"], "confidence": [90.0]})
    table.to_csv(tmp_path / "said.csv", index=False)
    dataset = attach_predictions(data(["a.jpg", "b.jpg"]), tmp_path / "said.csv")

    assert slices(dataset) == {"not told": ["a.jpg"], "not asked": ["b.jpg"]}


@pytest.mark.parametrize(
    "strange",
    ["Animated", [{"Name": "Animated"}], [{"Name": "", "Confidence": 90.0}], [3], {"Name": "Animated"}],
)
def test_types_that_cannot_be_read_are_not_told(strange, tmp_path):
    line = {"source-ref": "a.jpg", "detect-moderation-labels": {**answer(None), "ContentTypes": strange}}
    (tmp_path / "said.manifest").write_text(json.dumps(line), encoding="utf-8")

    assert slices(attach_predictions(data(["a.jpg"]), tmp_path / "said.manifest")) == {"not told": ["a.jpg"]}


def test_new_answers_replace_the_types_of_earlier_ones(tmp_path):
    dataset = attach_predictions(data(["a.jpg", "b.jpg"]), manifest(tmp_path / "1.manifest", {"a.jpg": BOTH}))
    dataset = attach_predictions(dataset, manifest(tmp_path / "2.manifest", {"b.jpg": {}}))

    assert slices(dataset) == {"none": ["b.jpg"], "not asked": ["a.jpg"]}


def test_copies_of_one_file_share_the_type(tmp_path):
    dataset = data({"a.jpg": {"sha256": "1"}, "b.jpg": {"sha256": "1"}})
    dataset = attach_predictions(dataset, manifest(tmp_path / "1.manifest", {"a.jpg": {"Animated": 80.0}}))

    assert slices(share_among_copies(dataset, Policy())) == {"Animated": ["a.jpg", "b.jpg"]}


def test_slices_of_a_prepared_folder_of_a_second_round_and_of_a_split(tmp_path):
    names = [f"{n:02}.png" for n in range(20)]
    for seed, name in enumerate(names):
        save(tmp_path / "images" / name, seed)
    rows = {"file": names, "labels": ["Alcohol" if n % 3 else "Safe" for n in range(20)]}
    pd.DataFrame(rows).to_csv(tmp_path / "labels.csv", index=False)
    said = {name: {"Illustrated": 90.0} if n < 8 else {} for n, name in enumerate(names[:16])}
    expected = [
        ("content_types", "not asked", 4),
        ("content_types", "Illustrated", 8),
        ("content_types", "none", 8),
    ]

    def figures(report):
        return [(row["column"], row["value"], row["images"]) for row in report.facts["slices"]]

    def prepared(**more):
        return prepare(
            tmp_path / "images",
            labels=tmp_path / "labels.csv",
            to="s3://bucket/in",
            out=tmp_path / "out",
            policy=Policy(min_test_images=4),
            workers=1,
            **more,
        ).report

    first = prepared(predictions=manifest(tmp_path / "said.manifest", said), slices=["content-types"])
    assert figures(first) == expected
    # answers of the first round are carried over
    assert figures(prepared(slices=["content-types"])) == expected
    assert figures(split_folder(tmp_path / "out", slices=["content-types"])) == expected
    assert Dataset.load(tmp_path / "out").sources["slices"] == {"by": ["content_types"]}


def test_an_adapter_is_compared_by_content_type(tmp_path):
    images = {f"{n:02}.jpg": {"split": "test"} for n in range(12)}
    dataset = data(images, [(key, "Alcohol", True) for key in images], scope=("Alcohol",))
    said = {key: {"Animated": 90.0} if n < 5 else {} for n, key in enumerate(images)}
    dataset = attach_predictions(dataset, manifest(tmp_path / "said.manifest", said))
    dataset = slice_by(dataset.step("x", destination="s3://bucket/in"), ["content-types"])
    seen = {"ModerationLabels": [{"Name": "Alcohol", "ParentName": "", "Confidence": 90.0}]}
    lines = [
        {
            "source-ref": uri,
            "content-moderation-groundtruth": {"ModerationLabels": [{"Name": "Alcohol"}]},
            "detect-moderation-labels": {**answer(None), **seen},
            "detect-moderation-labels-base-model": answer(None),
        }
        for uri in source_refs(dataset)
    ]
    (tmp_path / "out.manifest").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")

    compared = compare_evaluation(tmp_path / "out.manifest", dataset=dataset).adapters[0].slices
    assert [(part.column, part.value, part.images) for part in compared] == [
        ("content_types", "Animated", 5),
        ("content_types", "none", 7),
    ]
