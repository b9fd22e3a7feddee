"""Whatever somebody did to the files of a prepared folder: every command works, or says in a sentence what is wrong."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.tables import IMAGE_COLUMNS, LABEL_COLUMNS
from tests.cli.running import run
from tests.review.conftest import ALCOHOL, image_of, make_folder

TABLES = {"images": IMAGE_COLUMNS, "labels": LABEL_COLUMNS}
VALUES = {
    "a number": pa.array([7, 8, 9]),
    "a huge number": pa.array([2**62] * 3),
    "an infinity": pa.array([np.inf, -np.inf, np.nan]),
    "a text": pa.array(["x", "x", "x"]),
    "bytes": pa.array([b"\xff\xfe", b"", b"x"]),
    "lists": pa.array([[1], [], None]),
    "structs": pa.array([{"a": 1}, None, {"a": 2}]),
    "nothing": pa.nulls(3),
    "nulls": pa.array([None] * 3, pa.string()),
    "a far date": pa.array([2**60] * 3, pa.timestamp("us")),
    "a decimal": pa.array([1, 2, 3], pa.decimal128(38, 10)),
    "a dictionary": pa.array(["x", "y", "x"]).dictionary_encode(),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    names = ["000.png", "001.png", "002.png"]
    labels = [(name, ALCOHOL, "table", True, None) for name in names]
    return make_folder(tmp_path_factory.mktemp("made"), [image_of(0, name) for name in names], labels)


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "folder")


def tried(folder):
    """Load a folder; return what was said against it, or ""."""
    said = ""
    try:
        Dataset.load(folder)
    except InputError as error:
        said = str(error)
    assert "\n" not in said
    assert len(said) < 1000
    return said


def changed(folder, name, change):
    path = folder / "dataset" / f"{name}.parquet"
    pq.write_table(change(pq.read_table(path)), path)


COLUMNS = [(table, column) for table, columns in TABLES.items() for column in columns]


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_every_column_may_be_anything(folder, table, column):
    path = folder / "dataset" / f"{table}.parquet"
    sound = pq.read_table(path)
    place = sound.schema.names.index(column)
    for values in VALUES.values():
        pq.write_table(sound.set_column(place, column, values), path)
        tried(folder)
    pq.write_table(sound.remove_column(place), path)
    tried(folder)
    pq.write_table(sound.append_column(column, sound[column]), path)
    assert "several columns are called" in tried(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: pa.concat_tables([table, table]), "several rows have the image '000.png'"),
        (lambda table: table.drop_columns(["image"]), "no column 'image'"),
        (lambda table: table.slice(0, 2), "not those that its dataset.json was written with"),
        (
            lambda table: table.set_column(
                table.schema.get_field_index("split"), "split", pa.array(["west"] * 3)
            ),
            "holds 'west'; expected train or test",
        ),
    ],
)
def test_what_is_wrong_with_a_table_is_said(folder, change, said):
    changed(folder, "images", change)
    assert said in tried(folder)
    assert "--fresh" in tried(folder)


def test_a_file_that_hides_more_than_memory_holds_is_refused(folder):
    path = folder / "dataset" / "images.parquet"
    table = pa.table({"image": pa.nulls(50_000_000, pa.string())})
    pq.write_table(table, path, compression="zstd")
    assert path.stat().st_size < 1_000_000
    assert "are no table of ours" in tried(folder)
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, np.int32)), ["x" * (1 << 20)])
    keys = pa.array([str(number) for number in range(100_000)])
    pq.write_table(
        pa.table({"image": keys, "remarks": text}),
        path,
        compression="zstd",
        dictionary_pagesize_limit=64 << 20,
    )
    assert "holds texts of 1,048,576 bytes" in tried(folder)


def test_what_pandas_wrote_about_itself_is_ignored(folder):
    hostile = json.dumps({"index_columns": [{"kind": "range", "start": 0, "stop": 10**18, "step": 1}],
                          "columns": [{"name": None, "pandas_type": "x", "metadata": 7}], "column_indexes": 3})  # fmt: skip
    changed(folder, "images", lambda table: table.replace_schema_metadata({"pandas": hostile}))
    assert tried(folder) == ""


def test_columns_of_others_stay_what_they_are(folder):
    camera = pd.Series([1, None, 3], dtype="Int64")
    changed(folder, "images", lambda table: table.append_column("camera", pa.array(camera)))
    assert list(Dataset.load(folder).images["camera"].fillna(0)) == [1, 0, 3]


MEMBERS = ["format", "version", "root", "taxonomy", "scope", "destination", "keys", "policy", "sources",
           "history", "fingerprint"]  # fmt: skip
ANYTHING = [None, True, -1, 1e300, 10**30, "", "x", "\u202e\x1b[31m", [], ["x"], [[[]]], {}, {"x": None}, {"images": []},
            {"images": {"skipped": 3}}, {"predictions": {"unmatched": 3}}, {"split": {"gave_way": [3]}},
            {"split": {"gave_way": [{}]}}, {"round": {"gone": {"train": 3}}}, {"table": {"findings": [{}]}},
            {"table": {"findings": [{"code": "x", "severity": "x"}]}}, {"table": {"findings": [
                {"code": "x", "severity": "note", "location": {"x": 1}, "message": "", "fix": "", "data": {}}]}}, {"table": {"scope": 3}}, [{"step": "split"}],
            [{"step": "publish", "options": {}, "version": "", "fingerprint": "0" * 64}]]  # fmt: skip
TEXTS = ['{"a": Infinity}', '{"a": "\\ud800"}', "[" * 5000, "", "\x00", '{"format": 1e999}']


@pytest.mark.parametrize("member", MEMBERS)
def test_every_member_of_the_document_may_be_anything(folder, member, capsys, monkeypatch):
    """Every value stands in every member once, and each member meets every command."""
    path = folder / "dataset" / "dataset.json"
    sound = json.loads(path.read_text())
    first = MEMBERS.index(member)
    commands = (("check",), ("split", "--min-test", "1"), ("convert",))
    for number, value in enumerate([*ANYTHING, ...]):
        document = {name: old for name, old in sound.items() if name != member}
        path.write_text(json.dumps(document if value is ... else document | {member: value}))
        command = commands[(first + number) % len(commands)]
        more = (folder / f"{number}.csv",) if command[0] == "convert" else ()
        done = run(capsys, monkeypatch, command[0], folder, *command[1:], *more)
        assert done.code in (0, 1, 2)


@pytest.mark.parametrize("text", TEXTS)
def test_a_document_that_is_none_is_refused(folder, text):
    (folder / "dataset" / "dataset.json").write_text(text)
    assert "dataset.json" in tried(folder)
