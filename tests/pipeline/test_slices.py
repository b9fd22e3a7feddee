"""Figures by slice: in the report, in the split, and where an adapter is measured."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from manifest_tools import prepare
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.evaluation import compare_evaluation
from manifest_tools.evaluation.text import text_lines
from manifest_tools.findings.policy import Policy
from manifest_tools.pipeline.split import split_folder
from manifest_tools.reports.evaluation_page import render_page
from manifest_tools.reports.text import render_text
from manifest_tools.rules.checking import check_dataset
from manifest_tools.sources.grouping import slice_by
from manifest_tools.splits.step import split_dataset
from tests.pictures import save
from tests.rules.samples import ASKED, data


def sliced(numbers=(60, 20), **more):
    """Return a data set of two countries, a third of each showing alcohol, which the base model misses in DE."""
    images, truth, scores = {}, [], []
    for country, number in zip(("FR", "DE"), numbers, strict=True):
        for n in range(number):
            key = f"{country}/{n:02}.jpg"
            images[key] = {"country": country, **ASKED, **more}
            truth.append((key, "Alcohol" if n % 3 == 0 else "Safe", True))
            scores += [(key, "Alcohol", 90.0)] if n % 3 == 0 and country == "FR" else []
    return slice_by(data(images, truth, scores, scope=("Alcohol",)), ["country"])


def test_the_split_keeps_slices_balanced():
    for seed in range(3):
        split = split_dataset(sliced(), test_size=0.2, min_test=1, seed=seed).images
        test = split[split["split"] == "test"]["country"].value_counts()
        assert test.to_dict() == {"FR": 12, "DE": 4}


def test_the_report_has_figures_of_each_slice_the_smallest_first():
    report = check_dataset(split_dataset(sliced(), min_test=1))
    small, large = report.facts["slices"]

    assert (small["value"], small["images"], small["labels"]) == ("DE", 20, {"Alcohol": 7})
    assert small["recall"]["share"] == 0
    assert small["recall"]["high"] > 0.3
    assert small["precision"] is None
    assert large["recall"] == {"share": 1.0, "low": 0.8389, "high": 1.0}
    text = render_text(report)
    assert text.index("country DE") < text.index("country FR")
    told = [item.message for item in report.findings if item.code == "slice-small"]
    assert told == ["country: 1 with fewer than 10 test images, the smallest first: DE (4)"]


def test_nothing_is_said_of_slices_unasked():
    report = check_dataset(split_dataset(data({"a.jpg": {"country": "DE"}}, [("a.jpg", "Safe", True)])))

    assert report.facts["slices"] == []
    assert "Slices" not in render_text(report)


def test_a_column_of_many_values_is_refused():
    images = {f"{n}.jpg": {"user": f"u{n}"} for n in range(60)}
    with pytest.raises(InputError, match="--slice user: 60 values; at most 50"):
        slice_by(data(images), ["user"])
    with pytest.raises(InputError, match="--slice country: no such column is kept"):
        slice_by(data(images), ["country"])


def test_slices_of_a_prepared_folder(tmp_path):
    rows = [
        (f"{n % 2}/{n:02}.png", "Alcohol" if n % 4 else "Safe", "DE" if n % 3 else "FR") for n in range(24)
    ]
    for seed, (name, *_) in enumerate(rows):
        save(tmp_path / "images" / name, seed)
    pd.DataFrame(rows, columns=["file", "labels", "country"]).to_csv(tmp_path / "labels.csv", index=False)
    done = prepare(
        tmp_path / "images",
        labels=tmp_path / "labels.csv",
        to="s3://bucket/in",
        out=tmp_path / "out",
        slices=["country", "folders", "sources"],
        policy=Policy(min_test_images=4),
        workers=1,
    )

    assert [(row["column"], row["value"], row["images"]) for row in done.report.facts["slices"]] == [
        ("country", "FR", 8),
        ("country", "DE", 16),
        ("folder", "0", 12),
        ("folder", "1", 12),
        ("label_file", "labels.csv", 24),
    ]
    assert "Slices" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    split_folder(tmp_path / "out", slices=["folders"])
    assert Dataset.load(tmp_path / "out").sources["slices"] == {"by": ["folder"]}


def test_an_adapter_is_compared_in_each_slice(tmp_path):
    dataset = sliced((60, 6), split="test")
    dataset = dataset.step("x", destination="s3://bucket/in")

    def seen(found):
        labels = (
            [{"Name": "Alcohol", "ParentName": "", "TaxonomyLevel": 1, "Confidence": 90.0}] if found else []
        )
        return {"ModerationLabels": labels, "ModerationModelVersion": "7.0"}

    lines = []
    for number, (uri, country) in enumerate(
        zip(source_refs(dataset), dataset.images["country"], strict=True)
    ):
        lines.append(
            {
                "source-ref": uri,
                "content-moderation-groundtruth": {"ModerationLabels": [{"Name": "Alcohol"}]},
                "detect-moderation-labels": seen(country == "FR" or number % 2),
                "detect-moderation-labels-base-model": seen(number % 2),
            }
        )
    (tmp_path / "out.manifest").write_text("\n".join(map(json.dumps, lines)))
    evaluation = compare_evaluation(tmp_path / "out.manifest", dataset=dataset)

    small, large = evaluation.adapters[0].slices
    assert (small.value, small.images, small.told) == ("DE", 6, "no difference can be told with n = 6")
    assert (large.value, large.images, large.told) == ("FR", 60, "")
    assert [one["value"] for one in evaluation.to_dict()["adapters"][0]["slices"]] == ["DE", "FR"]
    assert any("country DE: 6 test images" in line and "n = 6" in line for line in text_lines(evaluation))
    assert "no difference can be told with n = 6" in render_page(evaluation)
