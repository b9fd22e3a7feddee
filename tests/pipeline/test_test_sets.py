"""A test set that an adapter was tested on stays as it is; new test images form another."""

from __future__ import annotations

import json
from io import BytesIO

import pandas as pd
import pytest

from manifest_tools.aws.publishing.prepared_folder import as_trained
from manifest_tools.aws.training.failure import trace_failure
from manifest_tools.core.commit import replacing_files
from manifest_tools.core.output_folder import manifests_in
from manifest_tools.dataset.carry_over import carry_over, keep_locked, lock_split
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.round_sets import frozen_sets, named_sets
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.writing import stage_manifests
from manifest_tools.pipeline.summaries import summary_of_split
from manifest_tools.splits.step import split_dataset

POLICY = Policy(min_test_images=2)
TRAINING = {"arn": "arn:x", "project_arn": "arn:p", "version": "v", "auto_split": False}


def images(numbers):
    names = [f"{number:03}.jpg" for number in numbers]
    table = pd.DataFrame({"image": names, "uri": names, "format": "JPEG", "width": 100, "height": 100})
    table["sha256"] = [f"{number:064x}" for number in numbers]
    table["bytes"], table["judged"] = 10_000, "scope"
    labels = pd.DataFrame({"image": names[::2], "label": "Alcohol", "source": "table", "truth": True})
    return Dataset.from_tables(table, labels, scope=("Alcohol",), destination="s3://bucket/demo")


def split(dataset, **options):
    return split_dataset(dataset, policy=POLICY, **options)


def trained(dataset, **options):
    return lock_split(dataset).step("train", options={**TRAINING, **options})


def next_round(earlier, count=80):
    return keep_locked(carry_over(images(range(count)), earlier, POLICY), earlier)


def in_set(dataset):
    return named_sets(dataset.images)


@pytest.fixture(scope="module")
def first():
    return split(images(range(40)))


def test_a_first_round_has_one_test_set_and_no_column_for_it(first):
    assert in_set(first) == {"test.manifest": 8}
    assert "test_set" not in first.images.columns
    assert summary_of_split(first) == "32 train, 8 test"


def test_once_trained_new_test_images_form_a_second_set(first, tmp_path):
    second = split(next_round(trained(first, test_sets=[1])))
    assert in_set(second) == {"test.manifest": 8, "test-2.manifest": 8}
    assert summary_of_split(second) == "64 train, 16 test (8 in test.manifest, 8 in test-2.manifest)"
    for name, dataset in (("one", first), ("two", second)):
        with replacing_files(tmp_path / name) as stage:
            stage_manifests(dataset, stage, tmp_path / name)
    one, two = ((tmp_path / name / "test.manifest").read_bytes() for name in ("one", "two"))
    assert one == two
    assert manifests_in(tmp_path / "two") == ("train.manifest", "test.manifest", "test-2.manifest")


def test_a_third_round_freezes_the_second_set_too(first):
    second = split(next_round(trained(first, test_sets=[1])))
    again = split(next_round(lock_split(second)))  # published and not trained: the set is still open
    assert in_set(again) == in_set(second)
    third = split(next_round(trained(second, test_sets=[1, 2]), 120))
    assert in_set(third) == {"test.manifest": 8, "test-2.manifest": 8, "test-3.manifest": 8}
    assert frozen_sets(third.history) == {1, 2}  # the rounds outlive a new preparation


@pytest.mark.parametrize(
    ("earlier", "freeze", "sets"),
    [
        (lock_split, None, {"test.manifest": 16}),  # nobody trained yet
        (lock_split, True, {"test.manifest": 8, "test-2.manifest": 8}),
        (trained, None, {"test.manifest": 8, "test-2.manifest": 8}),  # by a library that named no sets
        (trained, False, {"test.manifest": 16}),
        (
            lambda dataset: trained(dataset, auto_split=True),
            None,
            {"test.manifest": 16},
        ),  # on Amazon's choice
    ],
)
def test_when_the_test_set_is_frozen(first, earlier, freeze, sets):
    assert in_set(split(next_round(earlier(first)), freeze_test=freeze)) == sets


def test_the_same_round_twice_gives_the_same(first):
    once = split(next_round(trained(first)))
    assert split(next_round(once)).equals(once)


def test_the_manifest_of_a_set_that_is_no_more_goes(first, tmp_path):
    for dataset in (split(next_round(trained(first))), first):
        with replacing_files(tmp_path) as stage:
            stage_manifests(dataset, stage, tmp_path)
    assert manifests_in(tmp_path) == ("train.manifest", "test.manifest")


def test_the_sets_survive_saving(first, tmp_path):
    dataset = split(next_round(trained(first)))
    dataset.save(tmp_path)
    assert Dataset.load(tmp_path).equals(dataset)


def test_a_training_is_tested_on_all_sets_as_one():
    files = {"train.manifest": b"a\n", "test.manifest": b"b\n", "test-2.manifest": b"c\n"}
    assert as_trained(files) == {"train.manifest": b"a\n", "test.manifest": b"b\nc\n"}


def test_a_line_that_amazon_refuses_is_found_in_the_manifest_of_its_set(first, tmp_path):
    dataset = split(next_round(trained(first)))
    with replacing_files(tmp_path) as stage:
        stage_manifests(dataset, stage, tmp_path)
        dataset.save(stage)
    summary = json.dumps({"statistics": {"testing": {"error_line_indices": [3, 11]}}}).encode()

    class Client:
        def get_object(self, **_):
            return {"Body": BytesIO(summary)}

    description = {"ManifestSummary": {"S3Object": {"Bucket": "bucket", "Name": "summary.json"}}}
    found = trace_failure(description, tmp_path, client=Client())
    places = [(item.location.file, item.location.line) for item in found if item.location.line]
    assert places == [(str(tmp_path / "test-2.manifest"), 3), (str(tmp_path / "test.manifest"), 3)]
