"""Hugging Face Parquet with the images inside, from the file to the manifests."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from manifest_tools.core.errors import InputError
from manifest_tools.pipeline.inspect import inspect
from manifest_tools.pipeline.prepare import prepare
from manifest_tools.sources.formats.detect import read_labels
from tests.sources.rows import said

TO = "s3://some-bucket/set"


def picture(seed: int) -> bytes:
    out = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 255, (80, 80, 3), dtype=np.uint8)
    Image.fromarray(noise).save(out, "PNG")
    return out.getvalue()


def write(path, images, labels, *, names=None, kind="ClassLabel", label="label"):
    """Write a data set as Hugging Face does: images as bytes and path, names of the classes in the schema."""
    feature = {"names": names, "_type": "ClassLabel"}
    features = {
        "image": {"_type": "Image"},
        label: feature if kind == "ClassLabel" else {"feature": feature, "_type": kind},
    }
    table = pa.table({"image": images, label: labels})
    if names:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


def rows(number, path="{}.png"):
    return [{"bytes": picture(seed), "path": path.format(seed)} for seed in range(number)]


def written(out):
    lines = [
        json.loads(line)
        for name in ("train.manifest", "test.manifest")
        for line in (out / name).read_text(encoding="utf-8").splitlines()
    ]
    return {
        line["source-ref"]: [
            label["Name"] for label in line["content-moderation-groundtruth"]["ModerationLabels"]
        ]
        for line in lines
    }


def test_images_and_labels_of_one_file(tmp_path):
    data = write(tmp_path / "data.parquet", rows(3), [0, 1, -1], names=["Safe", "Alcohol"])

    prepare(data, to=TO, out=tmp_path / "out")

    assert written(tmp_path / "out") == {f"{TO}/0.png": [], f"{TO}/1.png": ["Alcohol"]}
    assert (tmp_path / "out" / "images" / "2.png").read_bytes() == picture(2)


def test_running_it_again_gives_the_same_and_writes_nothing_twice(tmp_path):
    data = write(tmp_path / "data.parquet", rows(3), ["Safe", "Alcohol", "Safe"])
    prepare(data, to=TO, out=tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "images").iterdir()}
    manifest = (tmp_path / "out" / "train.manifest").read_bytes()

    prepare(data, to=TO, out=tmp_path / "out")

    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "images").iterdir()} == before
    assert (tmp_path / "out" / "train.manifest").read_bytes() == manifest
    write(data, rows(2), ["Safe", "Alcohol"])
    prepare(data, to=TO, out=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out" / "images").iterdir()) == ["0.png", "1.png"]


def test_several_files_of_a_folder_have_a_folder_each(tmp_path):
    for part in ("train", "test"):
        write(
            tmp_path / "data" / f"{part}-0.parquet",
            rows(2),
            [[1], []],
            names=["Safe", "Alcohol"],
            kind="Sequence",
        )

    prepare(tmp_path / "data", labels=tmp_path / "data", to=TO, out=tmp_path / "out")

    assert said(read_labels(tmp_path / "data"))[:2] == [
        ("test-0/0.png", "Alcohol", True),
        ("test-0/1.png", "", None),
    ]
    assert sorted(path.parent.name for path in (tmp_path / "out" / "images").rglob("*.png")) == [
        "test-0", "test-0", "train-0", "train-0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (None, ["000000.png", "000001.png"]),
        ("same.png", ["same-000001.png", "same.png"]),
        ("../../{}.png", ["0.png", "1.png"]),
        ("/etc/{}.png", ["etc/0.png", "etc/1.png"]),
        ("c:\\x\\{}.png", ["c:/x/0.png", "c:/x/1.png"]),
        ("x" * 300 + "{}.png", ["000000.png", "000001.png"]),
        (".hidden{}.png", ["000000.png", "000001.png"]),
    ],
)
def test_names_are_those_of_the_data_set_where_they_can_be(tmp_path, path, names):
    images = [{"bytes": picture(seed), "path": path and path.format(seed)} for seed in range(2)]
    data = write(tmp_path / "data.parquet", images, ["Safe", "Alcohol"])

    inspect(data, out=tmp_path / "out")

    folder = tmp_path / "out" / "images"
    assert sorted(found.relative_to(folder).as_posix() for found in folder.rglob("*.png")) == names
    assert sorted(row[0] for row in said(read_labels(data))) == names


def test_other_labels_may_be_given(tmp_path):
    data = write(tmp_path / "data.parquet", rows(1), ["Safe"])
    (tmp_path / "labels.csv").write_text("file,label\n0.png,Gambling\n", encoding="utf-8")

    prepare(data, labels=tmp_path / "labels.csv", to=TO, out=tmp_path / "out")

    assert written(tmp_path / "out") == {f"{TO}/0.png": ["Gambling"]}


def test_parquet_of_labels_alone_is_a_table(tmp_path):
    pq.write_table(
        pa.table({"file": ["a.jpg", "b.jpg"], "labels": [["Alcohol"], None]}), tmp_path / "labels.parquet"
    )

    read = read_labels(tmp_path / "labels.parquet")

    assert (read.format, said(read)) == ("table", [("a.jpg", "Alcohol", True), ("b.jpg", "", None)])
    with pytest.raises(InputError, match="without images inside"):
        prepare(tmp_path / "labels.parquet", to=TO, out=tmp_path / "out")


def test_what_cannot_be_read_is_refused(tmp_path):
    data = write(tmp_path / "data.parquet", rows(1), ["Safe"])
    with pytest.raises(InputError, match="give --out"):
        inspect(data)
    data.write_bytes(data.read_bytes()[:200])
    with pytest.raises(InputError, match="a Parquet file that cannot be read"):
        prepare(data, to=TO, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
