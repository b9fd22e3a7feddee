"""The output folder: only ours is written to, and it changes in one go."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from manifest_tools.core.commit import alone, remove_with, replacing_files, set_aside_with
from manifest_tools.core.errors import OutputError
from manifest_tools.core.output_folder import claim, claimed
from manifest_tools.dataset.dataset import Dataset


def test_a_new_folder_is_made_when_there_is_something_to_put_into_it(tmp_path):
    folder = claim(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    with replacing_files(folder) as stage:
        (stage / "report.json").write_text("new")
    assert [path.name for path in folder.iterdir()] == ["report.json"]


def test_a_folder_without_a_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="empty name"):
        claim("")


def test_a_name_that_no_file_system_takes_is_refused(tmp_path):
    with pytest.raises(OutputError, match="too long"):
        claim(tmp_path / ("x" * 300) / "out")


@pytest.mark.parametrize("moves", range(5))
def test_what_a_run_killed_while_it_moved_its_results_left_is_put_in_place(tmp_path, monkeypatch, moves):
    names = ["a.html", "dataset/images.parquet", "dataset/labels.parquet", "dataset/dataset.json"]
    for name in [*names, "dataset/reviews.jsonl", "old.manifest"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("old")
    replace, done = Path.replace, []

    def killed(self, target):
        if len(done) == moves:
            raise KeyboardInterrupt
        done.append(self)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with suppress(KeyboardInterrupt), replacing_files(tmp_path) as stage:
        (stage / "dataset").mkdir()
        for name in names:
            (stage / name).write_text("new")
        remove_with(stage, ["old.manifest"])
        set_aside_with(stage, "dataset/reviews.jsonl")
    monkeypatch.undo()
    assert claim(tmp_path) == tmp_path
    found = {
        path.relative_to(tmp_path).as_posix(): path.read_text()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert found == dict.fromkeys(names, "new") | {"dataset/reviews-1.jsonl": "old"}


def test_one_process_at_a_time_works_in_a_folder(tmp_path):
    folder = tmp_path / "out"
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as other:
        with claimed(folder):
            assert other.submit(refusal, folder).result().startswith("another manifest-tools is at work")
            with alone(folder):
                pass
        assert other.submit(refusal, folder).result() == ""
    assert not folder.exists()


def refusal(folder):
    try:
        with claimed(folder):
            return ""
    except OutputError as error:
        return str(error)


def test_the_file_that_makes_a_folder_count_as_prepared_comes_last(tmp_path, monkeypatch):
    order = []
    replace = Path.replace

    def noting(self, target):
        order.append(self.name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", noting)
    with replacing_files(tmp_path) as stage:
        for name in ("dataset/dataset.json", "dataset/images.parquet", "train.manifest"):
            (stage / name).parent.mkdir(exist_ok=True)
            (stage / name).write_text("")
    assert order[-1] == "dataset.json"


def test_a_folder_of_ours_may_be_used_again(tmp_path):
    Dataset.from_tables(pd.DataFrame({"image": ["a.jpg"]})).save(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    claim(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_other_peoples_folders_are_refused_and_stay_as_they_are(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match=r"not made by manifest-tools.*thesis\.txt"):
        claim(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        claim(tmp_path / "file")
    with pytest.raises(OutputError, match="cannot write"):
        claim(tmp_path / "file" / "below")


def test_a_read_only_folder_is_refused(tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    if os.access(locked, os.W_OK):  # root may write anywhere but there
        locked = Path("/proc")
    with pytest.raises(OutputError, match="cannot write"):
        claim(locked)


def test_results_appear_together_or_not_at_all(tmp_path):
    (tmp_path / "report.json").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_and_interrupt(tmp_path)
    assert (tmp_path / "report.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    with replacing_files(tmp_path) as stage:
        (stage / "dataset").mkdir()
        (stage / "dataset" / "x.json").write_text("{}")
        (stage / "report.json").write_text("new")
    assert (tmp_path / "report.json").read_text() == "new"
    assert (tmp_path / "dataset" / "x.json").read_text() == "{}"


def write_and_interrupt(folder):
    with replacing_files(folder) as stage:
        (stage / "report.json").write_text("new")
        raise KeyboardInterrupt


def test_what_a_killed_run_left_is_swept_away(tmp_path):
    (tmp_path / ".manifest-tools-making-abc").mkdir()
    with replacing_files(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
