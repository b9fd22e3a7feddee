"""Frames of videos, from made files to frames.csv and what `prepare` makes of it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from hashlib import sha256

import av
import numpy as np
import pytest
from PIL import Image

from manifest_tools.core.errors import InputError, MissingExtraError, OutputError
from manifest_tools.parallel.worker_main import Lost
from manifest_tools.pipeline import frames
from manifest_tools.pipeline.frames import take_frames
from tests import ROOT
from tests.videos import make_video


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    return folder


def rows(out):
    with (out / "frames.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def times(out):
    return [row["time"] for row in rows(out)]


def codes(taken):
    return {(found.code, found.data.get("variant"), found.location.file) for found in taken.report.findings}


def digests(out):
    return {
        path.relative_to(out).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.suffix in (".jpg", ".csv")
    }


def grey(path):
    with Image.open(path) as image:
        return image.convert("L").getpixel((image.width // 2, image.height // 2))


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mov", "libx264"),
        ("a.mkv", "libx264"),
        ("a.webm", "libvpx"),
        ("a.avi", "mpeg4"),
    ],
)
def test_every_container_gives_a_frame_in_two_seconds(videos, tmp_path, name, codec):
    make_video(videos / name, codec=codec)
    taken = take_frames(videos, tmp_path / "out")
    assert taken.report.passed
    assert [row["video"] for row in rows(tmp_path / "out")] == [name] * 3
    for row in rows(tmp_path / "out"):
        with Image.open(tmp_path / "out" / row["file"]) as image:
            assert (image.format, image.size) == ("JPEG", (160, 120))


@pytest.mark.parametrize("keyframes", [5, 7, 1000])
def test_a_frame_is_the_one_that_is_shown_at_its_time(videos, tmp_path, keyframes):
    make_video(videos / "a.mp4", keyframes=keyframes)
    take_frames(videos, tmp_path / "out", every=1)
    found = rows(tmp_path / "out")
    assert len(found) == 5
    for row in found:
        number = round(float(row["time"].rsplit(":", 1)[1]) * 10)
        assert abs(grey(tmp_path / "out" / row["file"]) - number * 4) <= 3
    assert all(int(row["time"][6:8]) == step for step, row in enumerate(found))  # one in each step


@pytest.mark.parametrize(
    ("rotation", "size", "corner"),
    [
        (0, (160, 120), (8, 8)),
        (90, (120, 160), (8, 151)),
        (180, (160, 120), (151, 111)),
        (-90, (120, 160), (111, 8)),
    ],
)
def test_a_turned_video_gives_upright_frames(videos, tmp_path, rotation, size, corner):
    make_video(videos / "a.mp4", rotation=rotation)
    taken = take_frames(videos, tmp_path / "out")
    assert codes(taken) == ({("video-adapted", "rotated", "a.mp4")} if rotation else set())
    with Image.open(tmp_path / "out" / rows(tmp_path / "out")[0]["file"]) as image:
        assert image.size == size
        assert image.convert("L").getpixel(corner) > 240
        assert image.convert("L").getpixel((size[0] // 2, size[1] // 2)) < 20


def test_colours_are_those_that_the_video_names(videos, tmp_path):
    """The same samples mean other colours in BT.709 than in BT.601, and other tones in full range."""

    def told(space, full):
        def prepare(stream):
            stream.codec_context.colorspace = space
            stream.codec_context.color_range = 2 if full else 1

        return prepare

    for name, space, full in (("601.mp4", 5, False), ("709.mp4", 1, False), ("full.mp4", 5, True)):
        make_video(videos / name, frames=2, shade=lambda _: 100, prepare=told(space, full))
    take_frames(videos, tmp_path / "out")
    tones = {row["video"]: grey(tmp_path / "out" / row["file"]) for row in rows(tmp_path / "out")}
    assert abs(tones["601.mp4"] - 100) <= 2
    assert abs(tones["709.mp4"] - 100) <= 2
    assert abs(tones["full.mp4"] - 102) <= 2  # the samples of 100 in limited range, read as full range


def test_unusual_videos_are_told_and_give_frames(videos, tmp_path):
    make_video(videos / "deep.mp4", pix_fmt="yuv420p10le")
    make_video(
        videos / "wide.mp4", prepare=lambda stream: setattr(stream.codec_context, "sample_aspect_ratio", 2)
    )
    make_video(
        videos / "varies.mp4", frames=20, times=[n if n < 10 else 10 + (n - 10) * 5 for n in range(20)]
    )
    taken = take_frames(videos, tmp_path / "out", every=1)
    assert taken.report.passed
    assert codes(taken) == {
        ("video-adapted", "deep", "deep.mp4"),
        ("video-adapted", "pixels", "wide.mp4"),
        ("video-adapted", "variable-rate", "varies.mp4"),
    }
    with Image.open(next((tmp_path / "out" / "wide.mp4").iterdir())) as image:
        assert image.size == (320, 120)
    assert sum(row["video"] == "varies.mp4" for row in rows(tmp_path / "out")) == 6


def test_hdr_is_brought_to_the_tones_of_a_screen(videos, tmp_path):
    def prepare(stream):
        stream.codec_context.color_trc, stream.codec_context.color_primaries = 16, 9
        stream.codec_context.colorspace = 9

    make_video(videos / "hdr.mp4", frames=2, pix_fmt="yuv420p10le", shade=lambda _: 148, prepare=prepare)
    taken = take_frames(videos, tmp_path / "out")
    assert codes(taken) == {("video-adapted", "hdr", "hdr.mp4")}
    (row,) = rows(tmp_path / "out")
    # diffuse white of PQ is white, below what is brighter
    assert 200 < grey(tmp_path / "out" / row["file"]) < 245


def test_videos_without_frames_are_findings_and_the_others_are_taken(videos, tmp_path):
    good = make_video(videos / "good.mp4")
    (videos / "zero.mp4").write_bytes(b"")
    (videos / "text.mp4").write_text("no video\n" * 100)
    (videos / "cut.mp4").write_bytes(good.read_bytes()[:2000])  # without its index, which stands at the end
    (videos / "list.mkv").write_text("#EXTM3U\n#EXTINF:1,\ngood.mp4\n#EXT-X-ENDLIST\n")
    secret = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "0" * 32, "encryption_kid": "1" * 32}
    make_video(videos / "secret.mp4", muxing=secret)
    (videos / "gone.mp4").symlink_to(videos / "nowhere")
    taken = take_frames(videos, tmp_path / "out")
    assert not taken.report.passed
    assert codes(taken) == {
        ("video-unreadable", "broken", "cut.mp4"),
        ("video-unreadable", "broken", "gone.mp4"),
        ("video-unreadable", "broken", "list.mkv"),
        ("video-unreadable", "broken", "text.mp4"),
        ("video-unreadable", "empty", "zero.mp4"),
        ("video-unreadable", "encrypted", "secret.mp4"),
    }
    assert {row["video"] for row in rows(tmp_path / "out")} == {"good.mp4"}
    assert taken.unreadable == ("cut.mp4", "gone.mp4", "list.mkv", "secret.mp4", "text.mp4", "zero.mp4")


def test_a_video_that_was_cut_short_gives_the_frames_that_are_there(videos, tmp_path):
    whole = make_video(videos / "a.mp4", muxing={"movflags": "faststart"}).read_bytes()
    (videos / "a.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    taken = take_frames(videos, tmp_path / "out", every=0.5)
    assert codes(taken) == {("video-damaged", None, "a.mp4")}
    assert 3 <= len(rows(tmp_path / "out")) < 10


def test_sound_alone_is_told(videos, tmp_path):
    with av.open(str(videos / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert codes(take_frames(videos, tmp_path / "out")) == {("video-unreadable", "no-picture", "a.mp4")}


def test_a_title_in_another_encoding_does_no_harm(videos, tmp_path):
    path = make_video(videos / "a.mp4", metadata={"title": "caxxxx"})
    path.write_bytes(path.read_bytes().replace(b"caxxxx", b"caf\xe9 \xff"))
    assert take_frames(videos, tmp_path / "out").report.passed
    assert len(rows(tmp_path / "out")) == 3


def test_a_worker_that_hears_nothing_of_its_work_ends_itself():
    script = (
        "import time\nfrom manifest_tools.sources.videos import task\ntask.STUCK = 0.1\n"
        "with task._watched() as beat:\n    time.sleep(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=50, cwd=ROOT)
    assert done.returncode == 1


def test_names_of_any_kind(videos, tmp_path):
    for name in ("a,b;'=1 ü%20#.mp4", "concat:x.mp4", "-v.MP4"):
        make_video(videos / name)
    os.mkfifo(videos / "pipe.mp4")
    taken = take_frames(videos, tmp_path / "out")
    assert taken.report.passed
    assert sorted({row.video for row in taken.rows}) == ["-v.MP4", "a,b;'=1 ü%20#.mp4", "concat:x.mp4"]


def test_near_identical_neighbours_are_skipped_and_scenes_found(videos, tmp_path):
    make_video(videos / "still.mp4", shade=lambda _: 80)
    make_video(videos / "cut.mp4", shade=lambda number: 80 if number < 25 else 160)
    make_video(videos / "slow.mp4", shade=lambda number: 80 + number // 2)
    take_frames(videos, tmp_path / "every", every=1)
    found = {}
    for row in rows(tmp_path / "every"):
        found.setdefault(row["video"], []).append((row["time"], row["until"]))
    assert found["still.mp4"] == [("00:00:00.000", "00:00:04.000")]
    assert found["cut.mp4"] == [("00:00:00.000", "00:00:02.000"), ("00:00:03.000", "00:00:04.000")]
    assert len(found["slow.mp4"]) == 5
    take_frames(videos, tmp_path / "scenes", scenes=True)
    assert [(row["video"], row["time"]) for row in rows(tmp_path / "scenes")] == [
        ("cut.mp4", "00:00:00.000"),
        ("cut.mp4", "00:00:03.000"),
        ("slow.mp4", "00:00:00.000"),
        ("slow.mp4", "00:00:03.000"),
        ("still.mp4", "00:00:00.000"),
    ]


def test_a_limit_keeps_frames_evenly_and_says_so(videos, tmp_path):
    make_video(videos / "a.mp4")
    taken = take_frames(videos, tmp_path / "out", every=0.5, limit=2)
    assert times(tmp_path / "out") == ["00:00:01.000", "00:00:03.500"]
    assert codes(taken) == {("video-adapted", "limit", "a.mp4")}
    assert len(list((tmp_path / "out").rglob("*.jpg"))) == 2


def test_moments_of_moderators(videos, tmp_path):
    make_video(videos / "a.mp4")
    (videos / "sub").mkdir()
    make_video(videos / "sub" / "b.mp4")
    (tmp_path / "at.csv").write_text("video,time\na.mp4,2.34\nb,0:01\nc.mp4,1\na.mp4,99\n")
    taken = take_frames(videos, tmp_path / "out", at=tmp_path / "at.csv")
    assert [(row["file"], row["time"]) for row in rows(tmp_path / "out")] == [
        ("a.mp4/00-00-02.300.jpg", "00:00:02.300"),
        ("sub/b.mp4/00-00-01.000.jpg", "00:00:01.000"),
    ]
    assert codes(taken) == {
        ("video-orphan", None, str(tmp_path / "at.csv")),
        ("video-orphan", "after-end", "a.mp4"),
    }


def test_a_result_of_rekognition_gives_flagged_frames_and_as_many_others(videos, tmp_path):
    make_video(videos / "a.mp4", frames=100)
    label = {"Name": "Violence", "ParentName": "", "Confidence": 90.0}
    answer = {
        "JobStatus": "SUCCEEDED",
        "Video": {"S3Object": {"Bucket": "b", "Name": "in/a.mp4"}},
        "ModerationLabels": [{"Timestamp": ms, "ModerationLabel": label} for ms in (1000, 1000, 2000)],
    }
    (tmp_path / "answer.json").write_text(json.dumps(answer, indent=1))
    take_frames(videos, tmp_path / "out", at=tmp_path / "answer.json")
    assert times(tmp_path / "out")[:2] == ["00:00:01.000", "00:00:02.000"]
    assert len(times(tmp_path / "out")) == 4
    assert all(time >= "00:00:04.000" for time in times(tmp_path / "out")[2:])
    answer["ModerationLabels"][0]["Timestamp"] = "1 s"
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    with pytest.raises(InputError, match=r"ModerationLabels\[0\].Timestamp is '1 s'"):
        take_frames(videos, tmp_path / "out", at=tmp_path / "answer.json")


def test_labels_hold_only_where_somebody_looked(videos, tmp_path):
    make_video(videos / "a.mp4")
    (tmp_path / "labels.csv").write_text(
        "video,start,end,labels\na.mp4,0,00:02,Alcohol\na.mp4,1s,2,Gambling\na.mp4,2,3,Safe\na.mp4,3,4,\n"
    )
    take_frames(videos, tmp_path / "out", every=1, labels=tmp_path / "labels.csv")
    assert [row["labels"] for row in rows(tmp_path / "out")] == [
        "Alcohol",
        "Alcohol;Gambling",
        "Safe",
        "",
        "",
    ]
    (tmp_path / "labels.csv").write_text("video,start,end,labels\na.mp4,3,2,Alcohol\n")
    with pytest.raises(InputError, match=r"labels.csv:2: the range ends at 2 s, before it starts at 3 s"):
        take_frames(videos, tmp_path / "out", labels=tmp_path / "labels.csv")


def test_the_same_call_gives_the_same_bytes_and_does_nothing_twice(videos, tmp_path, monkeypatch):
    make_video(videos / "a.mp4", frames=400, keyframes=20)
    make_video(videos / "b.webm", codec="libvpx")
    take_frames(videos, tmp_path / "one", every=0.5, workers=1)
    take_frames(videos, tmp_path / "two", every=0.5, workers=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    victim = tmp_path / "one" / rows(tmp_path / "one")[3]["file"]
    victim.unlink()
    told = []
    take_frames(videos, tmp_path / "one", every=0.5, progress=lambda done, total: told.append((done, total)))
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert told == [(1, 1)]  # the portion of the frame that was gone


def test_a_run_that_was_stopped_goes_on(videos, tmp_path):
    make_video(videos / "a.mp4", frames=800, keyframes=20)

    def stop(done, total):
        if total > 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_frames(videos, tmp_path / "out", every=0.5, workers=1, progress=stop)
    assert not (tmp_path / "out" / "frames.csv").exists()
    told = []
    take_frames(videos, tmp_path / "out", every=0.5, progress=lambda _, total: told.append(total))
    take_frames(videos, tmp_path / "fresh", every=0.5)
    assert digests(tmp_path / "out") == digests(tmp_path / "fresh")
    assert len(told) < 6  # of a look and five portions


def test_another_call_replaces_the_frames_of_the_last_one(videos, tmp_path):
    make_video(videos / "a.mp4")
    take_frames(videos, tmp_path / "out", every=0.5)
    take_frames(videos, tmp_path / "out", every=2)
    take_frames(videos, tmp_path / "fresh", every=2)
    assert digests(tmp_path / "out") == digests(tmp_path / "fresh")
    take_frames(videos, tmp_path / "out", every=0.5)
    take_frames(videos, tmp_path / "half", every=0.5)
    assert digests(tmp_path / "out") == digests(tmp_path / "half")


def test_a_folder_of_other_files_is_left_alone(videos, tmp_path):
    make_video(videos / "a.mp4")
    with pytest.raises(OutputError, match="is not empty"):
        take_frames(videos, videos)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no video"):
        take_frames(tmp_path / "empty", tmp_path / "out")


def test_without_the_extra_one_sentence_says_what_installs_it(videos, tmp_path, monkeypatch):
    make_video(videos / "a.mp4")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        MissingExtraError, match=r"^frames of videos need an extra: pip install 'manifest-tools\[video\]'$"
    ):
        take_frames(videos, tmp_path / "out")


def test_a_decoder_that_dies_costs_its_video(videos, tmp_path, monkeypatch):
    """What a crash or hang leaves is the same finding; here the worker is told to see no sign of life."""
    make_video(videos / "a.mp4")
    make_video(videos / "b.mp4")
    real = frames.isolated_map

    def dying(task, items, **options):
        for message in real(task, items, **options):
            yield [
                (n, Lost("crashed", "exit code 1") if "b.mp4" in items[n][0].path else answer)
                for n, answer in message
            ]

    monkeypatch.setattr(frames, "isolated_map", dying)
    taken = take_frames(videos, tmp_path / "out")
    assert codes(taken) == {("video-unreadable", "stuck", "b.mp4")}
    assert {row["video"] for row in rows(tmp_path / "out")} == {"a.mp4"}
