"""Single frames of a video, decoding as little as it takes.

For a stretch of time in which any frame will do, a keyframe is found by seeking and decoded alone. For one moment the
decoder begins at the keyframe before it, or goes on where it stands if that is nearer, and leaves out frames that no
other frame needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self

from manifest_tools.sources.videos.opening import Opened, opened

_TICK = 0.0005  # seconds: times are told in thousandths
_NEAR = 1.0  # seconds that the decoder goes forward rather than look for a keyframe
# How long before the wanted moment no frame is left out any more: so long a frame may be shown.
_WHOLE_BEFORE_MOMENT = 10.0  # seconds
_WHOLE_BEFORE_STEP = 3  # frames, and no less than
_WHOLE_LEAST = 0.2  # seconds
_LOOKED_AT = 300  # packets after a seek in which the keyframe is looked for
_CUT_SHORT = 1.0  # seconds that may be missing at the end


class Target(NamedTuple):
    """A stretch of time of which one frame is wanted, in seconds; `until` equals `start` for one moment."""

    start: float
    until: float


class Shown(NamedTuple):
    """A decoded frame and its time in seconds."""

    frame: Any
    seconds: float


class Sampler:
    """Frames of one video, for targets in the order of time.

    Parameters
    ----------
    path : path
        The video.
    duration : float
        Seconds that it is said to have.
    beat : callable
        Called for every packet: a sign of life.

    Attributes
    ----------
    trouble : str
        What could not be decoded on the way; "" for nothing.
    """

    def __init__(self, path: str | Path, duration: float, beat: Callable[[], None]) -> None:
        self._path, self._duration, self._beat = path, duration, beat
        self.trouble = ""
        self._stack = ExitStack()
        self._seeker: Opened | None = None
        self._reader: _Reader | None = None
        self.ratio = 1.0

    def __enter__(self) -> Self:
        self._seeker = self._stack.enter_context(opened(self._path))
        self._seeker.stream.codec_context.skip_frame = "NONKEY"
        self.ratio = float(self._seeker.stream.sample_aspect_ratio or 1)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def frames(self, targets: Sequence[Target]) -> Iterator[Shown | None]:
        """Yield the frame of each target; None where there is none."""
        for target in targets:
            shown = self._keyframe(target) if target.until > target.start else None
            yield shown or self._moment(target)

    def keyframe_before(self, seconds: float) -> float | None:
        """Return the time of the last keyframe that is not after a moment; None where seeking does not work."""
        assert self._seeker is not None
        for packet in _packets(self._seeker, seconds, backward=True, beat=self._beat):
            return self._seeker.seconds(packet.pts)
        return None

    def _keyframe(self, target: Target) -> Shown | None:
        """Return the first keyframe of a stretch, decoded alone."""
        seeker = self._seeker
        assert seeker is not None
        packets = _packets(seeker, target.start, backward=False, beat=self._beat)
        for packet in islice(packets, _LOOKED_AT):
            seconds = seeker.seconds(packet.pts)
            if seconds >= target.until - _TICK:
                return None
            if packet.is_keyframe and seconds >= target.start - _TICK:
                return self._decoded_alone(seeker, packet)
        return None

    def _decoded_alone(self, seeker: Opened, packet: Any) -> Shown | None:
        from av.error import FFmpegError  # noqa: PLC0415 - an extra

        context = seeker.stream.codec_context
        context.flush_buffers()
        try:
            frames = [*context.decode(packet), *context.decode(None)]
        except FFmpegError as error:
            self.trouble = self.trouble or f"{error.strerror} at {seeker.seconds(packet.pts):.3f} s"
            return None
        finally:
            context.flush_buffers()
        good = [frame for frame in frames if frame.pts is not None and not frame.is_corrupt]
        return Shown(good[0], seeker.seconds(good[0].pts)) if good else None

    def _moment(self, target: Target) -> Shown | None:
        """Return the frame that is shown at the start of a target."""
        seconds = target.start
        if self._reader is None:
            self._reader = _Reader(self._stack.enter_context(opened(self._path)), self._beat)
        reader = self._reader
        if not reader.is_at_or_before(seconds) or self._is_nearer(reader, seconds):
            reader.seek(seconds)
        shown = reader.shown_at(seconds, exact=target.until == seconds)
        self.trouble = self.trouble or reader.trouble
        if reader.ended and seconds < self._duration and reader.end < self._duration - _CUT_SHORT:
            self.trouble = self.trouble or f"it ends at {reader.end:.3f} s of {self._duration:.3f} s"
        return shown

    def _is_nearer(self, reader: _Reader, seconds: float) -> bool:
        """Whether there is a keyframe between where the reader stands and a moment."""
        if seconds - reader.position < _NEAR:
            return False
        key = self.keyframe_before(seconds)
        return key is not None and reader.position < key <= seconds


class _Reader:
    """A decoder that goes forward."""

    def __init__(self, video: Opened, beat: Callable[[], None]) -> None:
        self._video, self._beat = video, beat
        self._last: Shown | None = None
        self._ahead: Shown | None = None
        self._decoded: Iterator[Shown] = iter(())
        self._whole_from = 0.0
        self.trouble, self.ended, self.end = "", False, 0.0

    @property
    def position(self) -> float:
        """The time of the last frame that came out."""
        return self._last.seconds if self._last else -1.0

    def is_at_or_before(self, seconds: float) -> bool:
        """Whether going forward leads to a moment."""
        return self._last is not None and self._last.seconds <= seconds + _TICK

    def seek(self, seconds: float) -> None:
        """Go to the keyframe before a moment."""
        self._video.stream.codec_context.flush_buffers()
        self._last = self._ahead = None
        self.ended = False
        self._decoded = self._frames(seconds)

    def shown_at(self, seconds: float, *, exact: bool) -> Shown | None:
        """Return the frame that is shown at a moment: the last one that is not after it.

        Where it need not be `exact` and the rate varies, it may be one a little earlier, with its own time.
        """
        rate = float(self._video.stream.average_rate or 0)
        near = max(_WHOLE_LEAST, _WHOLE_BEFORE_STEP / rate if rate else 0.0)
        self._whole_from = seconds - (_WHOLE_BEFORE_MOMENT if exact else near)
        while True:
            following = self._ahead or next(self._decoded, None)
            self._ahead = None
            if following is None:
                self.ended = True
                return self._last
            if following.seconds > seconds + _TICK:
                self._ahead = following
                return self._last or following
            self._last = following

    def _frames(self, seconds: float) -> Iterator[Shown]:
        from av.error import FFmpegError  # noqa: PLC0415 - an extra

        video = self._video
        context = video.stream.codec_context
        packets = _packets(video, seconds, backward=True, beat=self._beat, to_the_end=True)
        for packet in packets:
            if packet.pts is not None:
                time = video.seconds(packet.pts)
                length = float(packet.duration * video.stream.time_base) if packet.duration else 0.0
                self.end = max(self.end, time + length)
                context.skip_frame = "NONREF" if time < self._whole_from else "DEFAULT"
            try:
                frames = context.decode(packet)
            except FFmpegError as error:
                self.trouble = self.trouble or f"{error.strerror} at about {self.end:.3f} s"
                continue
            for frame in frames:
                if frame.pts is not None and not frame.is_corrupt:
                    yield Shown(frame, video.seconds(frame.pts))


def _packets(
    video: Opened, seconds: float, *, backward: bool, beat: Callable[[], None], to_the_end: bool = False
) -> Iterator[Any]:
    """Yield the packets from a moment on; with `to_the_end` also the one that empties the decoder."""
    from av.error import FFmpegError  # noqa: PLC0415 - an extra

    try:
        video.container.seek(max(0, video.timestamp(seconds)) if not video.start else video.timestamp(seconds),
                             backward=backward, stream=video.stream)  # fmt: skip
    except FFmpegError:
        if not to_the_end:  # no keyframe there
            return
    try:
        for packet in video.container.demux(video.stream):
            beat()
            if packet.pts is not None or to_the_end:
                yield packet
    except FFmpegError:  # the file ends in the middle of something
        return


def last_moment(path: str | Path, after: float, beat: Callable[[], None]) -> float:
    """Return the end of the last packet of a video, read from the keyframe before a moment; 0 if there is none."""
    with opened(path) as video:
        end = 0.0
        for packet in _packets(video, after, backward=True, beat=beat):
            end = max(end, video.seconds(packet.pts) + float((packet.duration or 0) * video.stream.time_base))
    return end
