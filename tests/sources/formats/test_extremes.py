"""Cells longer than the csv module takes, and dates that no calendar has: read, or refused in a sentence."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from tests.cli.running import run

LONG = "x" * 300_000
TABLES = {
    "a cell": f"file,label,note\na.jpg,Alcohol,{LONG}\nb.jpg,Safe,\n",
    "a quoted cell": f'file,label,note\na.jpg,Alcohol,"{LONG}"\nb.jpg,Safe,\n',
    "a header": f"file,label,{LONG}\na.jpg,Alcohol,\nb.jpg,Safe,\n",
    "a label": f"file,label\na.jpg,{LONG}\nb.jpg,Safe\n",
    "an image": f"file,label\n{LONG},Alcohol\nb.jpg,Safe\n",
    "an open quote": f'file,label\na.jpg,"{LONG}\nb.jpg,Safe\n',
    "an answer": f"file,label,answer\na.jpg,Alcohol,{LONG}\n",
    "a decision": f"file,decision,reason\na.jpg,{LONG},alcohol\n",
}


@pytest.fixture
def images(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "images" / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", TABLES)
def test_very_long_cells_are_read_or_refused_in_a_short_sentence(images, capsys, monkeypatch, name):
    (images / "labels.csv").write_text(TABLES[name])
    (images / "mapping.csv").write_text(f"category,label,{LONG}\n{LONG},Alcohol,\nx,Safe,\n")
    commands = [["prepare", "images", "--labels", "labels.csv", "--to", "s3://bucket/in", "--out", "out"],
                ["map", "labels.csv", "--out", "draft.csv"],
                ["prepare", "images", "--labels", "labels.csv", "--map", "mapping.csv", "--to", "s3://bucket/in", "--out", "b"],
                ["prepare", "images", "--predictions", "labels.csv", "--to", "s3://bucket/in", "--out", "c"]]  # fmt: skip
    for command in commands if name == "a header" else commands[:1]:
        done = run(capsys, monkeypatch, *command)
        assert done.code in (0, 1, 2)
        assert max(map(len, done.err.splitlines()), default=0) < 10_000


MOMENTS = [
    pa.array([2**62, -(2**62)], pa.timestamp("us")),
    pa.array([2**45, -(2**45)], pa.timestamp("s", tz="UTC")),
    pa.array([2**31 - 1, -(2**31)], pa.date32()),
    pa.array(["99999-01-01", "0000-00-00"]),
    pa.array([1e300, float("inf")]),
    pa.array([[2**62], None], pa.list_(pa.timestamp("us"))),
]


@pytest.mark.parametrize("values", MOMENTS, ids=lambda values: str(values.type))
def test_dates_beyond_the_calendar_do_not_tell_which_decision_is_newer(images, values):
    from manifest_tools import read_images  # noqa: PLC0415

    table = {
        "file": ["a.jpg", "a.jpg"],
        "decision": ["reject", "approve"],
        "reason": ["alcohol", ""],
        "date": values,
    }
    pq.write_table(pa.table(table), "decisions.parquet")
    with pytest.raises(InputError, match="which is the newest cannot be told"):
        read_images("images", labels="decisions.parquet")


def test_dates_beyond_the_calendar_that_decide_nothing_are_kept_as_text(images):
    from manifest_tools import read_images  # noqa: PLC0415

    table = {
        "file": ["a.jpg", "b.jpg"],
        "label": ["Alcohol", "Safe"],
        "when": pa.array([2**62, 0], pa.timestamp("us")),
    }
    pq.write_table(pa.table(table), "labels.parquet")
    dataset = read_images("images", labels="labels.parquet", keep=["when"])
    assert isinstance(dataset, Dataset)
    assert dataset.images["when"].iloc[0] == f"beyond the calendar: {2**62}"
