"""Videos for tests, made by PyAV: their brightness tells the frame, a white corner tells which way is up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

SIZE = (160, 120)


def picture(
    number: int, *, size: tuple[int, int] = SIZE, shade: Callable[[int], int] | None = None
) -> np.ndarray:
    """Return the pixels of a frame: grey by its number, the upper left corner white."""
    width, height = size
    grey = (number * 4) % 200 if shade is None else shade(number)
    pixels = np.full((height, width, 3), grey, np.uint8)
    pixels[: height // 4, : width // 4] = 255
    return pixels


def make_video(
    path: Path,
    *,
    frames: int = 50,
    rate: int = 10,
    size: tuple[int, int] = SIZE,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    keyframes: int = 10,
    rotation: int = 0,
    times: Sequence[int] | None = None,
    shade: Callable[[int], int] | None = None,
    muxing: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    prepare: Callable[[Any], None] = lambda _: None,
) -> Path:
    """Write a video; `times` are the ticks of the frames where their rate varies."""
    with av.open(str(path), "w", options=muxing or {}) as container:
        options = {"libx264": {"sc_threshold": "0"}, "libvpx": {"deadline": "realtime", "cpu-used": "8"}}.get(
            codec, {}
        )
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.codec_context.gop_size = keyframes
        if rotation:
            stream.set_display_rotation(rotation)
        prepare(stream)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number, size=size, shade=shade), format="rgb24")
            if times is not None:
                frame.pts = times[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
