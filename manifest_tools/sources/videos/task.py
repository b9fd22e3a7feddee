"""What worker processes do with videos: look at one, and write some of its frames. Neither can hang for ever."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from manifest_tools.core.files import replacing
from manifest_tools.sources.videos.opening import VideoError, opened
from manifest_tools.sources.videos.picture import display_matrix, is_hdr, jpeg, sketch, upright_pixels
from manifest_tools.sources.videos.sampling import Sampler, Target, last_moment
from manifest_tools.sources.videos.times import clock

PORTION = 32  # targets that are worked on at a time, where keyframes part them
MOST_TARGETS = 100_000  # of one video: two days at one frame in two seconds
STUCK = 60.0  # seconds without a sign of life after which a worker ends itself
MOST_SECONDS = 2 * 3600.0  # for one portion, as the last resort
_DEEP = 8  # bits of a colour in a JPEG
_VARIES = 0.02  # by which two rates of a video differ before its rate counts as variable


@dataclass(frozen=True)
class VideoFacts:
    """What a look at a video told.

    `trouble` is the variant of ``video-unreadable`` with its reason, or ("", ""); `remarks` are variants of
    ``video-adapted``; `portions` are the numbers of the targets at which the work is parted.
    """

    duration: float = 0.0
    remarks: tuple[str, ...] = ()
    trouble: tuple[str, str] = ("", "")
    portions: tuple[int, ...] = ()


class Look(NamedTuple):
    """A video to look at; `step` is the seconds between frames, None for given moments."""

    path: str
    step: float | None


class Portion(NamedTuple):
    """Frames to write into `folder`, named by their times."""

    path: str
    folder: str
    duration: float
    targets: Sequence[Target]


@dataclass(frozen=True)
class Written:
    """The frames of a portion: thousandths of a second, and the small grey copy of each."""

    frames: tuple[tuple[int, bytes], ...] = ()
    trouble: str = field(default="")


def step_targets(duration: float, step: float) -> list[Target]:
    """Return a target for each step of a video; any keyframe of a step will do."""
    count = max(1, min(math.ceil(duration / step - 1e-9), MOST_TARGETS))
    return [Target(number * step, (number + 1) * step) for number in range(count)]


def work(item: Look | Portion) -> VideoFacts | Written:
    """Look at a video, or write the frames of a portion: one task, so that the same processes do both."""
    return _look(item) if isinstance(item, Look) else _write(item)


def _look(item: Look) -> VideoFacts:
    with _watched() as beat:
        try:
            duration, remarks = _facts(item.path, beat)
            return VideoFacts(duration, remarks, portions=_portions(item, duration, beat))
        except VideoError as error:
            return VideoFacts(trouble=(error.variant, error.reason))


def _write(item: Portion) -> Written:
    try:
        return _written(item)
    except VideoError as error:  # it was changed since the look
        return Written(trouble=error.reason or error.variant)


def _written(item: Portion) -> Written:
    frames: dict[int, bytes] = {}
    folder = Path(item.folder)
    with _watched() as beat, Sampler(item.path, item.duration, beat) as sampler:
        for shown in sampler.frames(item.targets):
            moment = 0 if shown is None else max(0, round(shown.seconds * 1000))
            if shown is None or moment in frames:
                continue
            folder.mkdir(parents=True, exist_ok=True)
            data = jpeg(upright_pixels(shown.frame, sampler.ratio))
            with replacing(folder / frame_name(moment), sweep=False) as temporary:
                temporary.write_bytes(data)
            frames[moment] = sketch(shown.frame)
            beat()
        return Written(tuple(sorted(frames.items())), sampler.trouble)


def frame_name(milliseconds: int) -> str:
    """Return the name of the frame of a moment.

    >>> frame_name(90_500)
    '00-01-30.500.jpg'
    """
    return clock(milliseconds).replace(":", "-") + ".jpg"


def _facts(path: str, beat: Any) -> tuple[float, tuple[str, ...]]:
    with opened(path) as video:
        stream = video.stream
        encrypted = _is_encrypted(video.container, stream)
        if encrypted:
            raise VideoError("encrypted")
        seconds = (
            float(stream.duration * stream.time_base)
            if stream.duration
            else (video.container.duration or 0) / 1_000_000
        )
        rates = stream.average_rate, stream.base_rate
        ratio = stream.sample_aspect_ratio
    # many say too little, and some nothing
    duration = max(seconds, last_moment(path, max(0.0, seconds), beat))
    if duration <= 0:
        raise VideoError("broken", "it holds no frame")
    with Sampler(path, duration, beat) as sampler:
        first = next(sampler.frames([Target(0.0, 0.0)]))
        if first is None:
            raise VideoError("broken", sampler.trouble or "no frame of it can be decoded")
        frame = first.frame
    remarks = {
        "rotated": display_matrix(frame) != (1 << 16, 0, 0, 1 << 16)
        and display_matrix(frame) != (1, 0, 0, 1),
        "deep": not is_hdr(frame) and max(part.bits for part in frame.format.components) > _DEEP,
        "hdr": is_hdr(frame),
        "pixels": bool(ratio) and ratio != 1,
        "variable-rate": all(rates) and abs(float(rates[0] / rates[1]) - 1) > _VARIES,
    }
    return duration, tuple(name for name, holds in remarks.items() if holds)


def _is_encrypted(container: Any, stream: Any) -> bool:
    """Whether the first packet says how it is encrypted."""
    from av.error import FFmpegError  # noqa: PLC0415 - an extra

    try:
        for packet in container.demux(stream):
            return any(packet.has_sidedata(name) for name in ("encryption_info", "encryption_init_info"))
    except FFmpegError:
        return False
    return False


def _portions(item: Look, duration: float, beat: Any) -> tuple[int, ...]:
    """Return where the targets of a video are parted: only where a keyframe lies since the last part."""
    if item.step is None:
        return ()
    if duration / item.step > MOST_TARGETS:
        raise VideoError("too-long", f"{duration:,.0f} s in steps of {item.step:g} s")
    targets = step_targets(duration, item.step)
    bounds = [0]
    with Sampler(item.path, duration, beat) as sampler:
        for number in range(PORTION, len(targets), PORTION):
            key = sampler.keyframe_before(targets[number].start)
            if key is not None and key > targets[bounds[-1]].start:
                bounds.append(number)
    return (*bounds, len(targets))


@contextmanager
def _watched() -> Iterator[Any]:
    """End this process if nothing is heard of its work for a while; what hangs is FFmpeg, which no one can interrupt."""
    last = [time.monotonic()]
    done = threading.Event()

    def beat() -> None:
        last[0] = time.monotonic()

    def watch() -> None:
        while not done.wait(1.0):
            if time.monotonic() - last[0] > STUCK:
                os._exit(1)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield beat
    finally:
        done.set()
        thread.join()
