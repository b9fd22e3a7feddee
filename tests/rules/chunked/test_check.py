"""Piece by piece and in memory: the same report and the same choice, whatever the data set."""

from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.dataset.chunks import DatasetWriter, SavedDataset
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Policy
from manifest_tools.pipeline.select import select_images
from manifest_tools.pipeline.select_chunked import select_saved
from manifest_tools.rules import PAIR_RULES, evidence
from manifest_tools.rules.checking import check_dataset, check_images
from manifest_tools.rules.chunked import check_images_saved, check_saved
from manifest_tools.rules.chunked.workers import size_in_bytes
from tests.rules.chunked.awkward import awkward, policies

SETS = st.builds(awkward, st.integers(0, 10_000), st.sampled_from((1, 8, 20)))


def in_pieces(dataset: Dataset, folder, rows=7):
    """Save a data set in small pieces."""
    with DatasetWriter(folder, piece_rows=rows) as writer:
        writer.write(dataset.images, dataset.labels)
        writer.finish(dataset)
    return folder


@pytest.mark.slow
@given(SETS, policies(), st.sampled_from((3, 7)), st.sampled_from((0, 1, 2, 1000)))
@settings(max_examples=15, deadline=None)
def test_the_same_report(tmp_path_factory, dataset, policy, rows, limit):
    folder = in_pieces(dataset, tmp_path_factory.mktemp("large"), rows)
    wanted = check_dataset(dataset, policy=policy, max_findings=limit)
    assert check_saved(folder, policy=policy, max_findings=limit, workers=1) == wanted


@pytest.mark.slow
@given(SETS, policies())
@settings(max_examples=5, deadline=None)
def test_the_same_report_about_images_alone_and_about_pairs(tmp_path_factory, dataset, policy):
    folder = in_pieces(dataset, tmp_path_factory.mktemp("large"))
    assert check_images_saved(folder, policy=policy, workers=1) == check_images(dataset, policy=policy)
    wanted = check_dataset(dataset, policy=policy, rules=PAIR_RULES)
    assert check_saved(folder, policy=policy, rules=PAIR_RULES, workers=1) == wanted


@pytest.mark.slow
@given(SETS, policies(), st.integers(1, 20), st.integers(0, 3))
@settings(max_examples=8, deadline=None)
def test_the_same_choice(tmp_path_factory, dataset, policy, limit, seed):
    folder = tmp_path_factory.mktemp("large")
    in_pieces(dataset, folder / "before")
    chosen = select_saved(
        folder / "before", limit=limit, policy=policy, seed=seed, whole=folder / "after", workers=1
    )
    wanted = select_images(dataset, limit=limit, policy=policy, seed=seed)
    wanted.save(folder / "wanted")
    for name in ("images.parquet", "labels.parquet", "dataset.json"):
        assert (folder / "after/dataset" / name).read_bytes() == (
            folder / "wanted/dataset" / name
        ).read_bytes()
    assert set(chosen.images["image"]) <= set(wanted.images.loc[wanted.images["set_aside"] == "", "image"])
    assert len(chosen) + chosen.sources["select"]["left_behind"] == len(dataset)


def test_the_same_report_with_several_workers(tmp_path):
    dataset = awkward(5, 30)
    folder = in_pieces(dataset, tmp_path)
    assert SavedDataset.open(folder).pieces > 4
    steps = []
    report = check_saved(folder, workers=2, progress=lambda done, total: steps.append((done, total)))
    assert report == check_dataset(dataset)
    assert steps[-1][0] == steps[-1][1] == len(steps)


def test_a_piece_does_not_make_what_nobody_keeps(tmp_path, monkeypatch):
    made = []
    finding = evidence.finding
    monkeypatch.setattr(evidence, "finding", lambda code, **data: made.append(code) or finding(code, **data))
    report = check_saved(in_pieces(awkward(3, 40), tmp_path, 20), max_findings=1, workers=1)
    assert max(report.codes, key=lambda code: code.count).count > 10
    assert max(map(made.count, made)) <= 3


def test_the_chosen_images_lead_their_own_groups(tmp_path):
    chosen = select_saved(in_pieces(awkward(11, 60), tmp_path, 20), limit=5, workers=1)
    images = chosen.images[chosen.images["group"] != ""]
    assert set(images["group"]) <= set(images["image"])
    assert (images.groupby("group")["image"].min().to_numpy() == images["group"].sort_values().unique()).all()
    assert chosen.sources["select"]["left_behind"] == 60 - len(chosen)


def test_a_data_set_without_images(tmp_path):
    empty = Dataset.from_tables(awkward(0, 1).images.iloc[:0])
    empty.save(tmp_path)
    assert check_saved(tmp_path) == check_dataset(empty)
    assert len(select_saved(tmp_path, limit=1)) == 0


def test_a_limit_that_cannot_be_meant(tmp_path):
    with pytest.raises(InputError, match="at least 1"):
        select_saved(tmp_path, limit=0)


@pytest.mark.parametrize(
    ("text", "size"), [("6GB", 6 * 10**9), ("500 mb", 5 * 10**8), ("1.5G", 15 * 10**8), ("7", 7)]
)
def test_amounts_of_memory(text, size):
    assert size_in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "GB", "six", "-1GB", "0", "nan", "inf"])
def test_amounts_that_are_none(text):
    with pytest.raises(InputError, match="such as 6GB"):
        size_in_bytes(text)


def test_the_policy_of_the_data_set_is_obeyed(tmp_path):
    dataset = awkward(1, 20)
    folder = in_pieces(
        Dataset.from_tables(dataset.images, dataset.labels, policy=Policy(fail_on="never").to_dict()),
        tmp_path,
    )
    assert check_saved(folder, workers=1).passed


def test_a_full_disk_is_told_before_the_work_begins(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = in_pieces(awkward(1, 20), tmp_path)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OutputError, match=r"No space left on device.*TMPDIR"):
        check_saved(folder, workers=1)
