"""Moderate videos: sample frames, ask the adapter about them, and say what that means for each video."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import orjson

from manifest_tools.aws.moderation.decision_policy import Decisions
from manifest_tools.aws.moderation.moderate import JOURNAL, RESULTS, ModerationResult, moderate
from manifest_tools.aws.moderation.videos import SampledFrame, write_video_results
from manifest_tools.core.errors import InputError
from manifest_tools.core.output_folder import claim
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Policy
from manifest_tools.pipeline import frames
from manifest_tools.sources.reading import read_images
from manifest_tools.sources.videos.opening import VIDEO_SUFFIXES

_FRAMES = "frames"  # the folder of the sampled frames, in that of the results


class SampledVideos(NamedTuple):
    """Sampled frames as a data set, and where they are from."""

    dataset: Dataset
    frames: frames.Frames
    step: float


def is_video(source: str) -> bool:
    """Whether a source is one video file, by its name."""
    path = Path(source)
    return path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()


def sample_videos(
    source: str | Path, out: str | Path, *, every: float | None = None, progress: Progress | None = None
) -> SampledVideos:
    """Take one frame in `every` seconds (2 by default) into ``out/frames``; near-identical neighbours are taken once.

    Raises
    ------
    InputError
        There is no video, or no frame of any.
    """
    step = every or frames.EVERY
    mark = JOURNAL if (Path(out) / JOURNAL).is_file() else f"{_FRAMES}/{frames.JOURNAL}"
    folder = claim(out, mark=mark) / _FRAMES
    taken = frames.take_frames(source, folder, every=step, progress=progress)
    if not taken.rows:
        first = next(iter(taken.report.findings))
        raise InputError(f"no frame could be taken: {first.location.file}: {first.message}")
    return SampledVideos(read_images(folder), taken, step)


def moderate_videos(
    sampled: SampledVideos,
    adapter: str,
    out: str | Path,
    *,
    decisions: Decisions | None = None,
    **asking: Any,
) -> tuple[ModerationResult, dict[str, int]]:
    """Ask an adapter about sampled frames; return what came of the frames, and the videos by decision.

    ``out/segments.csv`` says from when to when which label is seen, ``out/videos.jsonl`` what is decided on each video.

    Parameters
    ----------
    sampled : SampledVideos
        From :func:`sample_videos`.
    adapter, out, decisions, **asking
        As in :func:`manifest_tools.aws.moderation.moderate.moderate`.
    """
    result = moderate(sampled.dataset, adapter, out, decisions=decisions, **asking)
    if not result.passed:
        return result, {}
    threshold = Policy.from_dict(sampled.dataset.policy).confidence_threshold
    rows = [orjson.loads(line) for line in (Path(out) / RESULTS).read_bytes().splitlines()]
    taken = sampled.frames
    counts = write_video_results(
        Path(out),
        [SampledFrame(row.file, row.video, row.moment, row.until) for row in taken.rows],
        rows,
        decisions or Decisions.usual(threshold),
        step=sampled.step,
        unreadable=taken.unreadable,
    )
    return result, counts
