"""Data sets a piece at a time: the same rows, and the same bytes, as in one go."""

from __future__ import annotations

import pickle

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.chunks import DatasetWriter, SavedDataset
from manifest_tools.dataset.dataset import Dataset

FILES = ("images.parquet", "labels.parquet", "dataset.json")
KEYS = st.sampled_from(
    [f"{letter}{number}" for letter in ("a", "é", "\U0001f600", "￮") for number in range(9)]
)
OPTIONS = {"seed": 1}


@st.composite
def datasets(draw):
    images = draw(st.sets(KEYS, min_size=1))
    rows = draw(st.lists(st.tuples(KEYS, st.sampled_from(("Alcohol", "Safe", "x\ny")), st.booleans())))
    return Dataset.from_tables(
        pd.DataFrame({"image": sorted(images), "width": range(len(images)), "note": "theirs"}),
        pd.DataFrame(rows, columns=["image", "label", "truth"]).assign(source="table"),
        scope=("Alcohol",),
    )


def write(dataset, folder, rows, portion):
    """Write a data set in portions; orphans go with the portion that their key would be in."""
    keys, labels = list(dataset.images["image"]), dataset.labels
    with DatasetWriter(folder, piece_rows=rows) as writer:
        for at in range(0, len(keys), portion):
            here = labels["image"] >= keys[at] if at else labels["image"].notna()
            if at + portion < len(keys):
                here &= labels["image"] < keys[at + portion]
            writer.write(dataset.images.iloc[at : at + portion], labels[here])
        writer.finish(dataset, "read", OPTIONS)


@given(datasets(), st.integers(1, 9), st.integers(1, 40))
@settings(max_examples=12, deadline=None)
def test_pieces_together_are_the_whole(tmp_path_factory, dataset, rows, portion):
    folder = tmp_path_factory.mktemp("pieces")
    write(dataset, folder, rows, portion)
    saved = SavedDataset.open(folder)
    pieces = [saved.piece(number, columns=None) for number in range(saved.pieces)]
    assert [len(piece) for piece in pieces[:-1]] == [rows] * (len(pieces) - 1)
    for name in ("images", "labels"):
        together = pd.concat([getattr(piece, name) for piece in pieces], ignore_index=True)
        pd.testing.assert_frame_equal(together, getattr(dataset, name), check_dtype=len(together) > 0)
    assert Dataset.load(folder).history == dataset.step("read", options=OPTIONS).history


@given(datasets(), st.integers(1, 40))
@settings(max_examples=8, deadline=None)
def test_the_same_bytes_as_in_one_go(tmp_path_factory, dataset, portion):
    folder = tmp_path_factory.mktemp("pieces")
    write(dataset, folder / "pieces", 65_536, portion)
    dataset.step("read", options=OPTIONS).save(folder / "whole")
    for name in FILES:
        made, wanted = (folder / way / "dataset" / name for way in ("pieces", "whole"))
        assert made.read_bytes() == wanted.read_bytes(), name


def test_a_data_set_without_images(tmp_path):
    empty = Dataset.from_tables(pd.DataFrame({"image": []}))
    with DatasetWriter(tmp_path) as writer:
        writer.finish(empty)
    assert SavedDataset.open(tmp_path).pieces == 0
    assert Dataset.load(tmp_path).fingerprint() == empty.fingerprint()


def test_several_steps_are_remembered(tmp_path):
    with DatasetWriter(tmp_path) as writer:
        writer.write(pd.DataFrame({"image": ["a"]}))
        fingerprint = writer.finish(
            Dataset.from_tables(pd.DataFrame({"image": []}), root="/pictures"),
            "group",
            {"distance": 3},
            steps=[("read", {}), ("inspect", {"quick": False})],
        )
    loaded = Dataset.load(tmp_path)
    assert [entry["step"] for entry in loaded.history] == ["read", "inspect", "group"]
    assert loaded.history[-1]["fingerprint"] == fingerprint == loaded.fingerprint()
    assert loaded.root == "/pictures"


def write_keys(folder, *keys):
    """Write images one by one, and forget to finish."""
    with DatasetWriter(folder) as writer:
        for key in keys:
            writer.write(pd.DataFrame({"image": [key]}))


def test_nothing_appears_unless_the_block_succeeds(tmp_path):
    Dataset.from_tables(pd.DataFrame({"image": ["before"]})).save(tmp_path)
    with pytest.raises(InputError):
        write_keys(tmp_path, "b", "a")
    with pytest.raises(RuntimeError, match="not finished"):
        write_keys(tmp_path, "a", "b")
    assert list(Dataset.load(tmp_path).images["image"]) == ["before"]
    assert sorted(path.name for path in (tmp_path / "dataset").iterdir()) == sorted(FILES)


def test_keys_come_in_order(tmp_path):
    with pytest.raises(InputError, match="order of their keys"):
        write_keys(tmp_path, "b", "a")


def test_a_file_that_is_not_sorted_is_refused(tmp_path):
    dataset = Dataset.from_tables(pd.DataFrame({"image": ["a", "b"]}))
    dataset.save(tmp_path)
    dataset.images.iloc[::-1].to_parquet(tmp_path / "dataset" / "images.parquet", row_group_size=1)
    with pytest.raises(InputError, match="not sorted"):
        SavedDataset.open(tmp_path)


def test_it_may_be_sent_to_another_process(tmp_path):
    Dataset.from_tables(pd.DataFrame({"image": ["a", "b"]})).save(tmp_path)
    saved = SavedDataset.open(tmp_path)
    assert list(saved.images(0)["image"]) == ["a", "b"]
    assert list(pickle.loads(pickle.dumps(saved)).images(0)["image"]) == ["a", "b"]
