"""``manifest-tools frames``: images out of videos."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import exit_with, finding_line, printable, progress_bar, say, show
from manifest_tools.cli.next_line import next_line
from manifest_tools.core.text import counted, to_json

_LEAST_STEP = 0.01


def seconds(text: str) -> float:
    """Return the seconds that an option such as ``--every 2s`` gives."""
    from manifest_tools.sources.videos.times import parse_time

    try:
        found = parse_time(text)
    except ValueError:
        found = 0.0
    if found < _LEAST_STEP:
        raise typer.BadParameter(
            f"{text!r}: expected a time of at least {_LEAST_STEP} s, such as 2s, 500ms or 1:30"
        )
    return found


Every = Annotated[
    float | None,
    typer.Option(
        "--every", metavar="TIME", help="One frame in so much time, such as 2s or 500ms.", parser=seconds
    ),
]


def frames(
    videos: Annotated[str, typer.Argument(metavar="VIDEOS", help="A video, or a folder of videos.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the frames and frames.csv go.")],
    every: Every = None,
    scenes: Annotated[
        bool, typer.Option("--scenes", help="A frame where the scene changes, looked for every second.")
    ] = False,
    at: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Moments: a table of video and time, or a GetContentModeration result, which adds as many frames that were not flagged.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="The most frames of a video, evenly spread.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Labels by time range: video, start, end, labels.")
    ] = None,
    workers: options.Workers = None,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Take frames out of videos (MP4, MOV, MKV, WebM, AVI), for adapters know images alone.

    Without --every, --scenes or --at: one frame in two seconds. Near-identical neighbours are skipped. Frames are
    upright JPEGs in DIR/VIDEO/; DIR/frames.csv has file, video, time, until (the video looks the same up to there)
    and labels, and is what `prepare DIR --labels DIR/frames.csv --group-by video` reads. The same command again goes on where it was
    stopped. Needs: pip install 'manifest-tools[video]'.
    """
    from manifest_tools.core.errors import InputError
    from manifest_tools.pipeline.frames import FRAMES, take_frames
    from manifest_tools.pipeline.next_step import NextStep

    if (every is not None) + scenes + (at is not None) > 1:
        raise InputError("--every, --scenes and --at exclude each other; give one of them")
    with progress_bar("Frames", quiet=quiet) as progress:
        taken = take_frames(
            videos, out, every=every, scenes=scenes, at=at, labels=labels, limit=limit, workers=workers,
            progress=progress,
        )  # fmt: skip
    if format is options.OutputFormat.JSON:
        show(to_json({"frames": len(taken.rows), **taken.report.to_dict()}, indent=1))
    else:
        for found in taken.report.findings:
            say(printable(finding_line(found, found.location.file)))
        read = len(taken.videos) - len(set(taken.videos) & set(taken.unreadable))
        show(printable(f"{counted(len(taken.rows), 'frame')} of {counted(read, 'video')}, in {out / FRAMES}"))
        arguments = shlex.join([str(out), "--labels", str(out / FRAMES), "--group-by", "video"])
        filled = (
            f"once {FRAMES} says what each frame shows"
            if labels is None and at is None
            else f"{FRAMES} says what each frame shows"
        )
        show(next_line(NextStep("prepare", f"{arguments} --to s3://BUCKET/PREFIX --out DIR", filled)))
    exit_with(taken.report)
