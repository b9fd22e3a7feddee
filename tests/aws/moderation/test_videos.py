"""Answers about frames become segments and one decision for each video."""

from __future__ import annotations

import csv
import json

import pytest

from manifest_tools.aws.moderation.decision_policy import Decisions
from manifest_tools.aws.moderation.videos import SampledFrame, decide_videos, segments
from manifest_tools.core.errors import InputError
from manifest_tools.pipeline.moderate_videos import moderate_videos, sample_videos
from manifest_tools.testing import local_rekognition
from tests.videos import make_video

POLICY = Decisions.from_dict({"labels": {"Violence": {"review": 40, "block": 90}}, "failed": "review"})


def frames(*moments, video="v.mp4", until=None):
    return [SampledFrame(f"{video}/{ms}.jpg", video, ms, until or ms) for ms in moments]


def said(seen):
    return {
        image: [
            {"Name": name, "ParentName": "", "Confidence": confidence} for name, confidence in labels.items()
        ]
        for image, labels in seen.items()
    }


def joined(seen, taken, step=2.0):
    return [tuple(segment[1:]) for segment in segments(taken, said(seen), POLICY, step=step)]


@pytest.mark.parametrize(
    ("seen_at", "expected"),
    [
        ((0, 2000), [(0, 2000)]),  # neighbours
        ((0, 4000), [(0, 4000)]),  # one frame without the label is bridged
        ((0, 6000), [(0, 0), (6000, 6000)]),  # two are not
        ((2000,), [(2000, 2000)]),
        ((), []),
    ],
)
def test_one_missed_frame_is_bridged_and_two_are_not(seen_at, expected):
    taken = frames(0, 2000, 4000, 6000)
    seen = {f"v.mp4/{ms}.jpg": {"Violence": 50.0} for ms in seen_at}
    assert [(start, end) for start, end, *_ in joined(seen, taken)] == expected


def test_a_frame_stands_for_the_time_in_which_nothing_changes():
    taken = [SampledFrame("a", "v.mp4", 0, 60_000), SampledFrame("b", "v.mp4", 62_000, 62_000)]
    assert joined({"a": {"Violence": 50.0}, "b": {"Violence": 70.0}}, taken) == [
        (0, 62_000, "Violence", 70.0)
    ]


def test_a_label_counts_from_the_confidence_that_the_policy_names():
    taken = frames(0)
    assert not joined({"v.mp4/0.jpg": {"Violence": 39.9, "Alcohol": 49.9}}, taken)
    assert [row[2] for row in joined({"v.mp4/0.jpg": {"Violence": 40.0, "Alcohol": 50.0}}, taken)] == [
        "Alcohol",
        "Violence",
    ]


def test_segments_never_reach_over_videos():
    taken = [*frames(0, video="a.mp4"), *frames(0, video="b.mp4")]
    seen = {"a.mp4/0.jpg": {"Violence": 50.0}, "b.mp4/0.jpg": {"Violence": 50.0}}
    assert [row.video for row in segments(taken, said(seen), POLICY, step=2.0)] == ["a.mp4", "b.mp4"]


def test_the_severest_frame_decides_and_a_video_without_frames_is_not_let_through():
    rows = {
        "v.mp4/0.jpg": {
            "decision": "review",
            "reasons": [{"label": "Violence", "confidence": 50.0}],
            "labels": [],
        },
        "v.mp4/2000.jpg": {
            "decision": "block",
            "reasons": [{"label": "Violence", "confidence": 91.0}],
            "labels": [],
        },
        "w.mp4/0.jpg": {"decision": "review", "failure": {"code": "x", "message": "y"}},
    }
    taken = [*frames(0, 2000), *frames(0, video="w.mp4")]
    found = {line["video"]: line for line in decide_videos(taken, rows, POLICY, ["broken.mp4"])}
    assert found["v.mp4"]["decision"] == "block"
    assert found["v.mp4"]["reasons"] == [{"label": "Violence", "confidence": 91.0, "time": "00:00:02.000"}]
    assert (found["w.mp4"]["decision"], found["w.mp4"]["failed"]) == ("review", 1)
    assert (found["broken.mp4"]["decision"], found["broken.mp4"]["frames"]) == ("review", 0)


@pytest.fixture
def server():
    with local_rekognition(answer=lambda _: {"Violence": 95.0}) as running:
        yield running


@pytest.fixture
def arn(server, make_adapter):
    return make_adapter(server)


def test_a_folder_of_videos_is_sampled_asked_and_decided(server, arn, tmp_path):
    folder, out = tmp_path / "videos", tmp_path / "out"
    folder.mkdir()
    make_video(folder / "a.mp4")
    make_video(folder / "still.mp4", shade=lambda _: 80)
    (folder / "zero.mp4").write_bytes(b"")
    for _ in range(2):  # the second time nothing is asked again
        sampled = sample_videos(folder, out, every=1)
        assert len(sampled.dataset) == 6  # five of one, one of the other, which never changes
        result, counts = moderate_videos(
            sampled, arn, out, decisions=POLICY, client=server.client(), tps=5000.0
        )
    assert result.passed
    assert counts == {"allow": 0, "review": 1, "block": 2}
    assert server.calls["DetectModerationLabels"] == 6
    with (out / "segments.csv").open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["video", "start", "end", "label", "confidence"],
            ["a.mp4", "00:00:00.000", "00:00:04.000", "Violence", "95"],
            ["still.mp4", "00:00:00.000", "00:00:04.000", "Violence", "95"],
        ]
    lines = [json.loads(line) for line in (out / "videos.jsonl").read_bytes().splitlines()]
    assert [(line["video"], line["decision"]) for line in lines] == [
        ("a.mp4", "block"),
        ("still.mp4", "block"),
        ("zero.mp4", "review"),
    ]


def test_videos_without_any_frame_are_refused(tmp_path):
    (tmp_path / "zero.mp4").write_bytes(b"")
    with pytest.raises(InputError, match=r"no frame could be taken: zero.mp4: the file is empty"):
        sample_videos(tmp_path / "zero.mp4", tmp_path / "out")
