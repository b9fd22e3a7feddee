"""What is read of other tools takes memory and time in proportion to its bytes."""

from __future__ import annotations

import gzip
import time

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.detect import read_labels
from manifest_tools.sources.formats.json_files import refuse_swelling, unpacked
from manifest_tools.sources.formats.tables import MAX_COLUMNS

SECONDS = 10.0


def refused(path) -> str:
    began = time.process_time()
    with pytest.raises(InputError) as error:
        read_labels(path)
    assert time.process_time() - began < SECONDS
    assert len(str(error.value)) < 3_000
    return str(error.value)


@pytest.mark.parametrize("rows", [1, 20])
def test_a_table_of_very_many_columns_is_refused_at_once(tmp_path, rows):
    header = ",".join(f"c{number}" for number in range(100_000))
    (tmp_path / "t.csv").write_text("image," + header + "\n" + "a.jpg,1\n" * rows)
    assert f"more than {MAX_COLUMNS:,} columns" in refused(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text(header + "\n" + "0,1\n" * rows)
    assert f"more than {MAX_COLUMNS:,} columns" in refused(tmp_path / "t.csv")


def test_short_rows_of_many_columns_are_refused_and_a_ragged_table_is_read(tmp_path):
    header = "image," + ",".join(f"c{number}" for number in range(9_000))
    (tmp_path / "t.csv").write_text(header + "\n" + "a,1\n" * 100_000)
    assert "hardly any cell" in refused(tmp_path / "t.csv")
    header = "image," + ",".join(f"c{number}" for number in range(100))
    (tmp_path / "t.csv").write_text(header + "\n" + "".join(f"{n}.jpg,1\n" for n in range(500)))
    assert len(read_labels(tmp_path / "t.csv").rows) == 500


def test_json_lines_that_all_have_columns_of_their_own_are_refused(tmp_path):
    (tmp_path / "t.jsonl").write_text("".join(f'{{"image": "a", "c{n}": 1}}\n' for n in range(50_000)))
    assert "hardly any cell" in refused(tmp_path / "t.jsonl")


def test_json_that_swells_is_refused_before_it_is_parsed(tmp_path):
    path = tmp_path / "empty.json"
    with pytest.raises(InputError, match="GB in memory"):
        refuse_swelling(b"[" + b"[]," * 12_000_000 + b"[]]", path)
    refuse_swelling(b"[" + b"[]," * 1_000_000 + b"[]]", path)  # small enough whatever it is
    box = b'{"id": 1, "image_id": 2, "category_id": 3, "bbox": [1.5, 2.5, 3.5, 4.5]},'
    refuse_swelling(b"[" + box * 1_000_000 + b"1]", path)  # an export of 75 MB
    path.write_bytes(b"[" + b"[]," * 1_000_000 + b"[]]")
    refused(path)


@pytest.mark.parametrize("depth", [100, 300, 900, 1000, 5_000])
@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x.csv"])
def test_deep_json_is_one_sentence(tmp_path, depth, name):
    deep = "[" * depth + "]" * depth
    for content in (
        deep,
        f'{{"image": "a.jpg", "label": {deep}}}',
        f'[{{"image": {deep}}}]',
        f'{{"images": {deep}}}',
    ):
        (tmp_path / name).write_text(content)
        try:
            read_labels(tmp_path / name)
        except InputError as error:
            said = str(error)
            assert said.startswith(str(tmp_path / name))
            assert "\n" not in said
            assert len(said) < 3_000


def test_gzip_that_swells_is_refused(tmp_path):
    with pytest.raises(InputError, match="bytes unpacked"):
        unpacked(gzip.compress(bytes(100_000_000)), tmp_path / "x")
    assert len(unpacked(gzip.compress(bytes(10_000_000)), tmp_path / "x")) == 10_000_000
