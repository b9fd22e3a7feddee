"""Opening a video file, and saying in a word why it cannot be used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError, MissingExtraError

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})
# Containers that hold their video themselves: playlists and scripts would make FFmpeg read other files and addresses.
_CONTAINERS = "mov,matroska,avi,mpegts,mpeg,flv,asf,ogg"
MOST_PIXELS = 100_000_000  # of a frame: three bytes of each, twice, are held at a time


class VideoError(Exception):
    """A video cannot be used; `variant` is that of the finding ``video-unreadable``."""

    def __init__(self, variant: str, reason: str = "") -> None:
        super().__init__(variant, reason)
        self.variant, self.reason = variant, reason


@dataclass(frozen=True)
class Opened:
    """An open video."""

    container: Any
    stream: Any
    start: float  # seconds: the time that players call zero

    def seconds(self, timestamp: int) -> float:
        """Return the time of a timestamp of the stream."""
        return float(timestamp * self.stream.time_base) - self.start

    def timestamp(self, seconds: float) -> int:
        """Return the timestamp of a time."""
        return round((seconds + self.start) / float(self.stream.time_base))


def require_pyav() -> None:
    """Raise MissingExtraError where PyAV is not installed."""
    try:
        import av  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        msg = "frames of videos need an extra: pip install 'manifest-tools[video]'"
        raise MissingExtraError(msg) from error


def list_videos(source: str | Path) -> list[tuple[str, Path]]:
    """Return the videos of a folder, at any depth, or the one file: key (path from the folder) and path, sorted.

    Hidden files and folders are passed over, and so are pipes and devices. A single file is taken whatever its name.

    Raises
    ------
    InputError
        There is no such file or folder, or the folder holds no video.
    """
    root = Path(source)
    if root.is_file():
        return [(root.name, root)]
    if not root.is_dir():
        msg = f"{source} does not exist; expected a video or a folder of videos"
        raise InputError(msg)
    found = []
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if not name.startswith(".")]
        place = Path(folder)
        found += [
            (path.relative_to(root).as_posix(), path)
            for name in files
            if not name.startswith(".") and (path := place / name).suffix.lower() in VIDEO_SUFFIXES
            and (path.is_file() or path.is_symlink())
        ]  # fmt: skip
    if not found:
        msg = f"{source} holds no video; expected files such as {', '.join(sorted(VIDEO_SUFFIXES))}"
        raise InputError(msg)
    return sorted(found)


@contextmanager
def opened(path: str | Path) -> Iterator[Opened]:
    """Open a video; its decoder works in one thread, since videos are worked on side by side.

    Raises
    ------
    VideoError
        The file is empty or no video.
    """
    import av  # noqa: PLC0415 - an extra
    from av.error import FFmpegError  # noqa: PLC0415

    place = Path(path).absolute()
    try:
        if place.stat().st_size == 0:
            raise VideoError("empty")
        container: Any = av.open(
            os.fspath(place),
            options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"},
            metadata_errors="replace",  # titles and the like in other encodings do no harm
        )
    except (FFmpegError, OSError, ValueError) as error:  # FFmpeg's errors tell no more than that
        raise VideoError("broken", _words(error)) from error
    with container:
        streams = [stream for stream in container.streams.video if not _is_cover(stream)]
        if not streams:
            raise VideoError("no-picture")
        stream: Any = streams[0]
        context = stream.codec_context
        if context is None:
            raise VideoError("broken", "its codec is not known")
        if context.width * context.height > MOST_PIXELS:
            raise VideoError("too-large", f"{context.width} x {context.height} pixels")
        context.thread_count = 1
        context.options = {"max_pixels": str(MOST_PIXELS)}
        start = container.start_time
        yield Opened(container, stream, 0.0 if start is None else start / 1_000_000)


def _is_cover(stream: Any) -> bool:
    """Whether a stream is a still, such as the cover of an album."""
    return bool(getattr(stream.disposition, "value", 0) & 0x400)  # AV_DISPOSITION_ATTACHED_PIC


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
