"""``frames`` as a user runs it, and ``prepare`` on what it wrote."""

from __future__ import annotations

import csv
import json
import shlex

import pytest

from manifest_tools.dataset.dataset import Dataset
from tests.videos import make_video


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    return folder


def rows(out):
    with (out / "frames.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_prepare_reads_the_frames(videos, tmp_path, manifest_tools):
    for number in range(4):
        make_video(videos / f"{number}.mp4", shade=lambda frame, number=number: 10 + number * 40 + frame // 2)
    (tmp_path / "labels.csv").write_text(
        "video,start,end,labels\n0,0,9,Alcohol\n1,0,9,Alcohol\n2,0,9,Safe\n3,0,2.5,Safe\n"
    )
    out, prepared = tmp_path / "out", tmp_path / "prepared"
    done = manifest_tools(
        "frames", videos, "--out", out, "--every", "1s", "--labels", tmp_path / "labels.csv"
    )
    assert done.code == 0
    assert "frames of 4 videos" in done.out
    said, why = done.out.splitlines()[-1].removeprefix("next        manifest-tools ").split("  (")
    assert why == "frames.csv says what each frame shows)"
    said = said.replace("s3://BUCKET/PREFIX", "s3://my-bucket/frames").replace("DIR", str(prepared))
    done = manifest_tools(*shlex.split(said))
    assert done.code in (0, 1), done.err
    dataset = Dataset.load(prepared)
    assert len(dataset) == len(rows(out))
    split = dataset.images[dataset.images["split"].isin(["train", "test"])]
    sides = split.groupby(split["image"].str.split("/").str[0])["split"].nunique()
    assert (sides == 1).all()  # a video is on one side
    truth = dataset.labels[dataset.labels["source"] == "table"].set_index(["image", "label"])["truth"]
    assert truth["0.mp4/00-00-00.000.jpg", "Alcohol"]
    assert not [image for image, _ in truth.index if image.startswith("3.mp4") and image > "3.mp4/00-00-02.6"]


def test_the_command_says_what_it_cannot_use(videos, tmp_path, manifest_tools):
    make_video(videos / "a.mp4")
    (videos / "zero.mp4").write_bytes(b"")
    done = manifest_tools("frames", videos, "--out", tmp_path / "out", "--format", "json")
    assert done.code == 1
    assert json.loads(done.out)["findings"][0]["code"] == "video-unreadable"
    done = manifest_tools("frames", videos, "--out", tmp_path / "out", "--every", "1", "--scenes")
    assert done.code == 2
    assert "exclude each other" in done.err
    assert manifest_tools("frames", videos, "--out", tmp_path / "out", "--every", "soon").code == 2


def test_where_images_are_wanted_videos_are_told_the_way(videos, tmp_path, manifest_tools):
    (videos / "a.mp4").write_bytes(b"0")
    done = manifest_tools("inspect", videos)
    assert done.code == 2
    assert "holds no images (1 other file)" in done.err
    assert "'manifest-tools frames'" in done.err
    (videos / "a.mp4").rename(videos / "a.txt")
    assert "frames" not in manifest_tools("inspect", videos).err
