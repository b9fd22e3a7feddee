from __future__ import annotations

import json

import numpy as np
import pytest

from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.dataset.ground_truth import effective_truth
from manifest_tools.findings.policy import Policy
from manifest_tools.sources.export import write_imagefolder, write_labels, write_table
from manifest_tools.sources.reading import read_images
from tests.pictures import save

LABELS = """file,labels
a.jpg,Alcohol;Weapons
b.jpg,Safe
"c, d.jpg",Gambling
ü#.jpg,Alchohol
empty.jpg,
"""


@pytest.fixture
def dataset(tmp_path):
    for seed, name in enumerate(["a.jpg", "b.jpg", "c, d.jpg", "ü#.jpg", "empty.jpg", "none.jpg"]):
        save(tmp_path / "images" / name, seed)
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    return read_images(tmp_path / "images", labels=tmp_path / "labels.csv")


@pytest.mark.parametrize(
    ("write", "name"),
    [(write_table, "out.csv"), (write_imagefolder, "metadata.jsonl"), (write_imagefolder, "out.jsonl")],
)
@pytest.mark.parametrize("level", ["1", "all"])
def test_what_is_written_reads_back_as_the_same_truth(dataset, tmp_path, write, name, level):
    written = write(dataset, tmp_path / name)
    again = read_images(tmp_path / "images", labels=tmp_path / name)
    before, after = (effective_truth(data, Policy(label_level=level)) for data in (dataset, again))
    whole = ~before.unresolved

    assert written == 6
    np.testing.assert_array_equal(before.present, after.present)
    np.testing.assert_array_equal(before.unresolved, after.unresolved)
    np.testing.assert_array_equal(before.judged, after.judged)
    top = [
        column
        for column, label in enumerate(before.labels)
        if level == "1" or label in ("Alcohol", "Violence")
    ]
    np.testing.assert_array_equal(before.absent[whole][:, top], after.absent[whole][:, top])


def test_the_table_has_a_column_for_each_label_that_anything_is_known_of(dataset, tmp_path):
    write_table(dataset, tmp_path / "out.csv")
    header, *rows = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()

    assert header.startswith("file,split,")
    assert header.endswith(",Alchohol")
    assert "Weapons" in header
    assert rows[-1] == "ü#.jpg,," + "," * (header.count(",") - 2) + "1"
    assert rows[1].split(",")[2:].count("0") == 11  # safe: level 1, and Weapons, which another image has


def test_hugging_face_gets_null_where_nobody_said_anything(dataset, tmp_path):
    write_imagefolder(dataset, tmp_path / "metadata.jsonl")
    lines = [
        json.loads(line) for line in (tmp_path / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    labels = {line["file_name"]: line["labels"] for line in lines}

    assert labels == {
        "a.jpg": ["Violence", "Weapons", "Alcohol"],
        "b.jpg": [],
        "c, d.jpg": ["Gambling"],
        "empty.jpg": None,
        "none.jpg": None,
        "ü#.jpg": ["Alchohol"],
    }


@pytest.mark.parametrize("write", [write_table, write_imagefolder])
def test_a_place_that_cannot_be_written_is_a_clear_error(dataset, tmp_path, write):
    with pytest.raises(OutputError, match="cannot write"):
        write(dataset, tmp_path / "no such folder" / "out")


def test_the_name_says_which_form_is_meant(dataset, tmp_path):
    write_labels(dataset, tmp_path / "out.CSV")
    write_labels(dataset, tmp_path / "metadata.jsonl")

    assert (tmp_path / "out.CSV").read_text(encoding="utf-8").startswith("file,split")
    assert (tmp_path / "metadata.jsonl").read_text(encoding="utf-8").startswith('{"file_name"')
    with pytest.raises(InputError, match="a manifest needs --kind"):
        write_labels(dataset, tmp_path / "out.manifest")
