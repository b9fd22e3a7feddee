"""Judging and choosing in a saved folder: the same as with the whole data set in hand, whatever the data set."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.core import arrays
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.chunks import DatasetWriter
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.judged import load_judged, load_labels
from manifest_tools.findings.policy import Policy
from manifest_tools.pipeline.check_folder import check_folder
from manifest_tools.pipeline.select import select_images
from manifest_tools.pipeline.select_folder import select_folder
from manifest_tools.review.entries import ReviewedImage, Said
from manifest_tools.review.journal import ReviewJournal, merge_journal
from manifest_tools.rules import PAIR_RULES, evidence
from manifest_tools.rules.checking import check_dataset, check_evidence, check_images
from manifest_tools.rules.evidence import Evidence
from tests.rules.awkward import awkward, policies
from tests.rules.samples import codes, data, mixture

SETS = st.builds(awkward, st.integers(0, 10_000), st.sampled_from((1, 8, 20)))
TABLES = ("images.parquet", "labels.parquet", "dataset.json")


def saved(dataset: Dataset, folder, rows=7):
    """Save a data set with small row groups."""
    with DatasetWriter(folder, piece_rows=rows) as writer:
        writer.write(dataset.images, dataset.labels)
        writer.finish(dataset)
    return folder


@pytest.mark.slow
@given(SETS, policies(), st.sampled_from((0, 1, 2, 1000)))
@settings(max_examples=15, deadline=None)
def test_the_same_report_as_of_the_whole_data_set(tmp_path_factory, dataset, policy, limit):
    folder = saved(dataset, tmp_path_factory.mktemp("saved"))
    wanted = check_dataset(dataset, policy=policy, max_findings=limit)
    assert check_folder(folder, policy=policy, max_findings=limit) == wanted


@pytest.mark.slow
@given(SETS, policies(), st.sampled_from((1, 3, 7)))
@settings(max_examples=10, deadline=None)
def test_the_same_report_however_many_rows_are_looked_at_together(dataset, policy, rows):
    wanted = [
        check_dataset(dataset, policy=policy),
        check_dataset(dataset, policy=policy, rules=PAIR_RULES),
        check_images(dataset, policy=policy),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "BLOCK_ROWS", rows)
        found = [
            check_dataset(dataset, policy=policy),
            check_dataset(dataset, policy=policy, rules=PAIR_RULES),
            check_images(dataset, policy=policy),
        ]
    assert found == wanted


@pytest.mark.slow
@given(SETS, policies(), st.integers(1, 20), st.integers(0, 3))
@settings(max_examples=8, deadline=None)
def test_the_same_choice(tmp_path_factory, dataset, policy, limit, seed):
    folder = tmp_path_factory.mktemp("saved")
    saved(dataset, folder / "out")
    select_images(dataset, limit=limit, policy=policy, seed=seed).save(folder / "wanted")
    select_folder(folder / "out", limit=limit, policy=policy, seed=seed)
    for name in TABLES:
        assert (folder / "out/dataset" / name).read_bytes() == (folder / "wanted/dataset" / name).read_bytes()
    select_folder(folder / "wanted", limit=limit, out=folder / "small", policy=policy, seed=seed)
    small, whole = Dataset.load(folder / "small"), Dataset.load(folder / "out")
    assert set(small.images["image"]) <= set(whole.images.loc[whole.images["set_aside"] == "", "image"])
    assert len(small) + small.sources["select"]["left_behind"] == len(dataset)


def test_rows_of_a_table_in_any_order_are_judged_alike():
    dataset = awkward(7, 30)
    shuffled = Dataset(dataset.images, dataset.labels.sample(frac=1, random_state=1), scope=dataset.scope)
    in_order = Dataset(dataset.images, dataset.labels, scope=dataset.scope)
    wanted = check_dataset(in_order)
    assert check_dataset(shuffled) == wanted


def test_findings_that_nobody_keeps_are_not_made(monkeypatch):
    made = []
    finding = evidence.finding
    monkeypatch.setattr(
        evidence, "finding", lambda code, **known: made.append(code) or finding(code, **known)
    )
    report = check_dataset(awkward(3, 40), max_findings=1)
    assert max(report.codes, key=lambda code: code.count).count > 10
    assert max(map(made.count, made)) <= 3


def test_what_was_compared_is_not_kept(tmp_path):
    folder = saved(awkward(3, 40), tmp_path)
    dataset = load_judged(folder)
    known = Evidence.of(dataset, Policy(), read_labels=lambda: load_labels(folder))
    assert not {"phash", "views", "sketch"} & set(dataset.images)
    assert "group" not in known.images
    assert "image" not in known.labels
    assert check_evidence(known) == check_dataset(Dataset.load(folder), policy=Policy())


def test_the_first_image_leads_a_group_whose_own_leader_is_elsewhere():
    images = {name: {"group": "elsewhere.jpg", "sha256": name} for name in ("a.jpg", "b.jpg", "c.jpg")}
    labels = [(name, "Safe", True) for name in images]
    near = [f for f in check_dataset(data(images, labels)).findings if f.code == "duplicate-near"]
    assert [(f.location.image, f.data["other"]) for f in near] == [("b.jpg", "a.jpg"), ("c.jpg", "a.jpg")]


@pytest.mark.parametrize("undone", [False, True])
def test_answers_in_the_journal_count_before_they_are_merged(tmp_path, undone):
    dataset = mixture(fp=3, tn=4)
    folder = saved(Dataset.from_tables(dataset.images, dataset.labels, scope=dataset.scope), tmp_path)
    before = [(folder / "dataset" / name).read_bytes() for name in TABLES]
    journal = ReviewJournal.of(folder)
    journal.append("ann", images=[ReviewedImage("fp001.jpg")], answers=[Said("Alcohol", truth=None)])
    journal.append("bob", images=[ReviewedImage("tn001.jpg")], answers=[Said("Violence", truth=True)])
    if undone:
        journal.append("ann", undoes=1)
    report = check_folder(folder)
    assert [(folder / "dataset" / name).read_bytes() for name in TABLES] == before
    assert ("label-unsure" in codes(report)) is not undone
    wanted = check_dataset(merge_journal(folder))
    assert (report.findings, report.codes, report.labels) == (wanted.findings, wanted.codes, wanted.labels)


def test_a_selection_takes_the_answers_of_the_journal_with_it(tmp_path):
    dataset = mixture(fp=3, tn=4)
    folder = saved(Dataset.from_tables(dataset.images, dataset.labels, scope=dataset.scope), tmp_path / "out")
    ReviewJournal.of(folder).append(
        "ann", images=[ReviewedImage("fp001.jpg")], answers=[Said("Alcohol", truth=None)]
    )
    selected = select_folder(folder, limit=6, out=tmp_path / "small")
    assert selected.facts["found"] == 6  # a reviewer could not say of one
    assert "fp001.jpg" not in set(Dataset.load(tmp_path / "small").images["image"])


def test_the_chosen_images_lead_their_own_groups(tmp_path):
    select_folder(saved(awkward(11, 60), tmp_path / "out", 20), limit=5, out=tmp_path / "small")
    small = Dataset.load(tmp_path / "small")
    images = small.images[small.images["group"] != ""]
    assert set(images["group"]) <= set(images["image"])
    assert (images.groupby("group")["image"].min().to_numpy() == images["group"].sort_values().unique()).all()
    assert small.sources["select"]["left_behind"] == 60 - len(small)
    assert set(small.images["set_aside"]) <= {""}
    assert set(small.labels["image"]) <= set(small.images["image"])


def test_images_that_nobody_labelled_can_be_chosen_for_the_reviewers(tmp_path):
    keys = [f"{number:02}.jpg" for number in range(20)]
    images = pd.DataFrame({"image": keys, "format": "JPEG", "width": 640, "height": 480})
    images["group"] = [keys[number - number % 2] for number in range(20)]
    Dataset.from_tables(images).save(tmp_path / "out")
    selected = select_folder(tmp_path / "out", limit=10, out=tmp_path / "small")
    assert "manifest-tools split" in selected.missing
    small = Dataset.load(tmp_path / "small")
    assert len(small) == 10
    assert small.images["group"].is_unique
    assert (tmp_path / "small/report.json").is_file()
    assert not (tmp_path / "small/train.manifest").exists()


def test_a_data_set_without_images(tmp_path):
    empty = Dataset.from_tables(awkward(0, 1).images.iloc[:0])
    empty.save(tmp_path)
    assert check_folder(tmp_path) == check_dataset(empty)
    select_folder(tmp_path, limit=1)
    assert len(Dataset.load(tmp_path)) == 0


def test_a_limit_that_cannot_be_meant(tmp_path):
    with pytest.raises(InputError, match="at least 1"):
        select_folder(tmp_path, limit=0)


def test_a_folder_without_a_data_set(tmp_path):
    with pytest.raises(InputError, match="holds no data set"):
        check_folder(tmp_path)


def test_the_policy_of_the_data_set_is_obeyed(tmp_path):
    dataset = awkward(1, 20)
    policy = Policy(fail_on="never").to_dict()
    assert check_folder(
        saved(Dataset.from_tables(dataset.images, dataset.labels, policy=policy), tmp_path)
    ).passed
