"""From a decoded frame to the picture that a player would show: upright, square pixels, sRGB of eight bits."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

QUALITY = 92  # of every JPEG; what an encoder for video loses is more than what is lost here
SKETCH_SIDE = 8
_GREY_SIDE = 32
_BT709, _BT601, _BT2020 = 1, 5, 9  # colour spaces as FFmpeg numbers them
_FULL_RANGE, _LIMITED = 2, 1
_PQ, _HLG = 16, 18
_PQ_WHITE = 203.0  # cd/m2 of diffuse white, of which the picture's white is made (ITU-R BT.2408)
_PQ_MOST = 10_000.0
_MOST_RATIO = 4.0  # of a pixel's sides; what goes beyond is a mistake of the file


def is_hdr(frame: Any) -> bool:
    """Whether a frame's tones go beyond those of a JPEG (PQ or HLG)."""
    return int(frame.color_trc) in (_PQ, _HLG)


def upright_pixels(frame: Any, ratio: float = 1.0) -> npt.NDArray[np.uint8]:
    """Return a frame as players show it, (height, width, 3); `ratio` is the width of a pixel by its height."""
    width, height = _shown_size(frame, ratio)
    hdr = is_hdr(frame)
    converted = frame.reformat(
        width=width, height=height, format="rgb48le" if hdr else "rgb24", **_colours(frame)
    )
    pixels = converted.to_ndarray()
    if hdr:
        pixels = _tones_mapped(pixels, int(frame.color_trc))
    return np.ascontiguousarray(_turned(pixels, display_matrix(frame)))


def sketch(frame: Any) -> bytes:
    """Return a small grey copy, `SKETCH_SIDE` squared bytes, by which frames are told apart."""
    small = frame.reformat(
        width=_GREY_SIDE,
        height=_GREY_SIDE,
        format="gray",
        interpolation="AREA",
        threads=1,
        dst_color_range=_FULL_RANGE,
    )
    parts = small.to_ndarray().reshape(SKETCH_SIDE, _GREY_SIDE // SKETCH_SIDE, SKETCH_SIDE, -1)
    return np.asarray(parts.mean(axis=(1, 3)).round(), dtype=np.uint8).tobytes()


def jpeg(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return the bytes of a JPEG; the same for the same pixels."""
    import simplejpeg  # noqa: PLC0415 - where it is used

    data: bytes = simplejpeg.encode_jpeg(pixels, quality=QUALITY, colorspace="RGB", colorsubsampling="420")
    return data


def display_matrix(frame: Any) -> tuple[int, int, int, int]:
    """Return how players turn or mirror a frame: x' = a x + c y, y' = b x + d y, as (a, b, c, d)."""
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            values = np.frombuffer(bytes(data)[:36], dtype="<i4")
            return int(values[0]), int(values[1]), int(values[3]), int(values[4])
    return 1, 0, 0, 1


def _turned(pixels: npt.NDArray[np.uint8], matrix: tuple[int, int, int, int]) -> npt.NDArray[np.uint8]:
    a, b, c, d = matrix
    if abs(b) > abs(a):  # a quarter turn
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    if a < 0:
        pixels = pixels[:, ::-1]
    return pixels[::-1] if d < 0 else pixels


def _shown_size(frame: Any, ratio: float) -> tuple[int, int]:
    """Return the size at which the pixels of a frame are square: none are lost."""
    if not 1 / _MOST_RATIO <= ratio <= _MOST_RATIO:
        return frame.width, frame.height
    if ratio >= 1:
        return round(frame.width * ratio), frame.height
    return frame.width, round(frame.height / ratio)


def _colours(frame: Any) -> dict[str, Any]:
    """Return how a frame's colours are to be read; where it does not say, as players do: HD is BT.709."""
    if frame.format.is_rgb:
        return {"threads": 1}
    space = int(frame.colorspace)
    if space not in (_BT709, 4, _BT601, 6, 7, _BT2020, 10):
        space = _BT709 if frame.width >= 1280 or frame.height > 576 else _BT601
    full = int(frame.color_range) == _FULL_RANGE or frame.format.name.startswith("yuvj")
    return {
        "src_colorspace": {6: _BT601, 10: _BT2020}.get(space, space),
        "src_color_range": _FULL_RANGE if full else _LIMITED,
        "dst_color_range": _FULL_RANGE,
        "threads": 1,
    }


@cache
def _linear(transfer: int) -> npt.NDArray[np.float32]:
    """Return the light of each value of 16 bits, 1 for diffuse white."""
    value = np.linspace(0, 1, 1 << 16)
    if transfer == _PQ:
        root = value ** (1 / 78.84375)
        light = (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
        return np.asarray(light * _PQ_MOST / _PQ_WHITE, dtype=np.float32)
    scene = np.where(
        value <= 0.5, value**2 / 3, (np.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12
    )
    white = (np.exp((0.75 - 0.55991073) / 0.17883277) + 0.28466892) / 12  # 75 % is diffuse white
    return np.asarray((scene / white) ** 1.2, dtype=np.float32)


_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], dtype=np.float32
)
# light above it is compressed, so that what is brighter than white keeps its drawing
_KNEE = np.float32(0.75)


def _tones_mapped(pixels: npt.NDArray[np.uint16], transfer: int) -> npt.NDArray[np.uint8]:
    """Return pixels of BT.2020 and PQ or HLG as sRGB: tones above the knee compressed, colours converted."""
    out = np.empty(pixels.shape, dtype=np.uint8)
    table = _linear(transfer)
    for top in range(0, len(pixels), 64):  # in strips, to need little memory
        light = table[pixels[top : top + 64]] @ _TO_BT709.T
        peak = light.max(axis=2, keepdims=True)
        over = np.maximum(peak - _KNEE, 0) / (1 - _KNEE)
        mapped = np.where(peak > _KNEE, _KNEE + (1 - _KNEE) * over / (1 + over), peak)
        light = np.clip(light * (mapped / np.maximum(peak, 1e-6)), 0, 1)
        srgb = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
        out[top : top + 64] = np.round(srgb * 255)
    return out
