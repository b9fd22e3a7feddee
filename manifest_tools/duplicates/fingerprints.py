"""The fingerprint of a picture: what look-alikes are found and confirmed by.

It is made from a small grey copy, less the frame around it if there is one (a bright frame around a dark picture
would outweigh it). It has three parts:

``phash``
    64-bit DCT hash of the picture as it stands: the sign of each of the lowest 8 x 8 frequencies (bit 0, the
    mean, is always zero). For people and other tools; nothing here searches by it.
``views``
    One 64-bit word for the whole picture and for each of a few crops of it, so that a crop is found by the view
    that comes closest. Only 54 low frequencies are kept: they bear a crop that lies between two views. The ten
    bits above say what the picture's orientation can be told by, so that mirrored and turned copies meet.
``sketch``
    The picture as 32 x 32 grey values of four bits, for the second look at a candidate.

Frequencies are taken from the pixels by closed integrals of the cosines, so that the size of the grey copy, odd
sizes and crops between pixels need no resampling, and one pair of matrix products gives all views at once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]

# Parts of an axis that the views are made of, and the views as (part of the height, part of the width).
SPANS = ((0.0, 1.0), (0.04, 0.96), (0.08, 0.92), (0.0, 0.9), (0.1, 1.0))
VIEWS = ((0, 0), (1, 1), (2, 2), (3, 0), (4, 0), (0, 3), (0, 4), (3, 3), (3, 4), (4, 3), (4, 4))
FREQUENCIES = 10  # on each axis; of these, views keep those of degree 1 to 9
SKETCH_SIDE = 32
HASH_BITS = 54

# Bits above the hash: how a picture that is turned or mirrored can be put upright again.
TRANSPOSE_BIT, TRANSPOSE_UNSURE_BIT, MIRROR_UNSURE_BIT, FLIP_UNSURE_BIT, USABLE_BIT = 54, 55, 56, 57, 58

# Below this contrast (root of the mean squared deviation that the lowest frequencies carry, in grey levels of 255)
# a picture is flat, and its signs are noise.
FLAT = 0.8
# A sign, or which of two axes varies more, may come out otherwise in a copy when it is less clear than this.
UNSURE_SIGN, UNSURE_AXIS = 0.2, 0.3

# A frame is at most this part of the shorter side wide, and along this part of its inner rim the picture is of
# another tone: the ground around a drawing is no frame.
FRAME, RIM = 0.1, 0.75
# How far the lines of a frame are off one tone (root of the mean square): grey levels, and part of the contrast.
FRAME_NOISE, FRAME_CONTRAST = 3, 0.1

LARGEST = 192  # pixels of an axis; more are merged by twos
# A product of matrices below this many multiplications stays on its thread. The numerical library would else wake
# its own threads for each picture, which costs many times the product where pictures are worked on side by side.
ONE_THREAD = 1 << 18

_V, _H = np.mgrid[:FREQUENCIES, :FREQUENCIES]  # degree down the picture and across it
_KEPT = (_V + _H > 0) & (_V + _H < FREQUENCIES)
DEGREES = np.stack([_V[_KEPT], _H[_KEPT]], axis=1)  # (down, across) of hash bit 0, 1, ...
FIRST_ACROSS, FIRST_DOWN = DEGREES.tolist().index([0, 1]), DEGREES.tolist().index([1, 0])
# Which terms tell how strong the lowest frequencies are, how much a picture varies across and down, and in all.
_LOWEST, _ACROSS, _DOWN, _ALL = range(4)
_POWERS = np.stack(
    [
        DEGREES.sum(axis=1) <= 3,
        DEGREES[:, 1] > DEGREES[:, 0],
        DEGREES[:, 0] > DEGREES[:, 1],
        DEGREES.sum(axis=1) > 0,
    ]
).astype(np.float32)
_POWERS[_LOWEST] /= _POWERS[_LOWEST].sum()  # a mean
# Where the terms of each view stand in the table of all terms, which has (span, degree) for rows and for columns.
_TERMS = len(SPANS) * FREQUENCIES
_PLACES = np.array(
    [
        (down * FREQUENCIES + DEGREES[:, 0]) * _TERMS + across * FREQUENCIES + DEGREES[:, 1]
        for down, across in VIEWS
    ]
)


class Fingerprint(NamedTuple):
    """Hex strings; all three are empty for a flat picture."""

    phash: str
    views: str
    sketch: str


NO_FINGERPRINT = Fingerprint("", "", "")


def describe(grey: npt.NDArray[np.uint8]) -> Fingerprint:
    """Return the fingerprint of a picture.

    Parameters
    ----------
    grey : ndarray of uint8, shape (height, width)
        Small grey copy; 96 pixels or more on the short side where the picture has them.
        EXIF orientation need not be applied: turned copies are found.

    Returns
    -------
    Fingerprint
    """
    pixels: FloatArray = _without_frame(grey.astype(np.float32))
    while len(pixels) >= LARGEST:
        pixels = (pixels[: len(pixels) // 2 * 2 : 2] + pixels[1::2]) / 2
    while pixels.shape[1] >= LARGEST:
        pixels = (pixels[:, : pixels.shape[1] // 2 * 2 : 2] + pixels[:, 1::2]) / 2
    height, width = pixels.shape
    rows = _product(_axis(height), pixels)
    terms = _product(rows[:_TERMS], _axis(width)[:_TERMS].T)
    views = terms.ravel()[_PLACES]
    if np.square(views[0]).sum() < FLAT**2:
        return NO_FINGERPRINT
    upright = terms[:8, :8] > 0
    upright[0, 0] = False
    cells = _product(rows[_TERMS:], _axis(width)[_TERMS:].T)
    return Fingerprint(
        np.packbits(upright).tobytes().hex(),
        _words(views).astype(">u8").tobytes().hex(),
        _sketch(cells).tobytes().hex(),
    )


def _without_frame(pixels: FloatArray) -> FloatArray:
    """Cut off a frame of one tone, equally wide on all sides, where the picture has one."""
    level = (pixels[0, 0] + pixels[0, -1] + pixels[-1, 0] + pixels[-1, -1]) / 4
    limit = FRAME_NOISE**2 + FRAME_CONTRAST**2 * pixels[::4, ::4].var()  # a sample will do
    widest = width = int(FRAME * min(pixels.shape))
    for lines in (pixels, pixels[::-1], pixels.T, pixels.T[::-1]):
        uniform = np.square(lines[: width + 1] - level).mean(axis=1) <= limit
        width = int(np.logical_and.accumulate(uniform).sum())
        if not width:
            return pixels
    if width > widest:
        return pixels
    width += 1  # the next line may be frame in part
    inside = pixels[width:-width, width:-width]
    rim = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
    return inside if (np.square(rim - level) > limit).mean() >= RIM else pixels


def _product(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return ``left @ right``, in slices of rows small enough for one thread."""
    step = max(2, ONE_THREAD // right.size)
    if len(left) <= step:
        return left @ right
    slices = np.zeros((-(-len(left) // step), step, left.shape[1]), dtype=np.float32)
    slices.reshape(-1, left.shape[1])[: len(left)] = left
    return (slices @ right).reshape(-1, right.shape[1])[: len(left)]


@lru_cache(maxsize=256)
def _axis(size: int) -> FloatArray:
    """Return what is taken along an axis of `size` pixels: the cosine terms of every span, then the sketch's cells."""
    return np.concatenate([_cosines(size), _cells(size)])


def _cosines(size: int) -> FloatArray:
    """Return the cosine terms of every span of an axis of `size` pixels, shape (spans * FREQUENCIES, size).

    A term is the integral of ``sqrt(2) cos(pi k t)`` over the pixel, with t from 0 to 1 along the span.
    """
    edges = np.linspace(0, 1, size + 1)
    degree = np.arange(1, FREQUENCIES)[:, None]
    rows = []
    for start, stop in SPANS:
        t = np.clip((edges - start) / (stop - start), 0, 1)
        rows += [
            np.diff(t)[None, :],
            np.diff(np.sqrt(2) * np.sin(np.pi * degree * t) / (np.pi * degree), axis=1),
        ]
    return np.concatenate(rows).astype(np.float32)


def _words(views: FloatArray) -> npt.NDArray[np.uint64]:
    """Pack the terms of each view, shape (views, HASH_BITS), into a word."""
    power = np.square(views) @ _POWERS.T
    clear = UNSURE_SIGN * np.sqrt(power[:, _LOWEST])
    axis = np.log((power[:, _ACROSS] + 1e-9) / (power[:, _DOWN] + 1e-9))
    bits = np.zeros((len(views), 64), dtype=np.bool_)
    bits[:, :HASH_BITS] = views > 0
    bits[:, TRANSPOSE_BIT] = axis < 0
    bits[:, TRANSPOSE_UNSURE_BIT] = np.abs(axis) < UNSURE_AXIS
    bits[:, MIRROR_UNSURE_BIT] = np.abs(views[:, FIRST_ACROSS]) < clear
    bits[:, FLIP_UNSURE_BIT] = np.abs(views[:, FIRST_DOWN]) < clear
    bits[:, USABLE_BIT] = power[:, _ALL] >= FLAT**2
    return np.packbits(bits, axis=1, bitorder="little").view("<u8").ravel()


def _sketch(cells: FloatArray) -> npt.NDArray[np.uint8]:
    """Return cells in sixteen steps of the picture's range, two to a byte."""
    low, high = cells.min(), cells.max()
    steps = np.rint((cells - low) * (15 / max(high - low, 1e-6))).astype(np.uint8).ravel()
    packed: npt.NDArray[np.uint8] = steps[::2] << 4 | steps[1::2]
    return packed


def _cells(size: int) -> FloatArray:
    """Return how much of each pixel of an axis lies in each cell, shape (SKETCH_SIDE, size); rows sum to 1."""
    edges = np.linspace(0, SKETCH_SIDE, size + 1)[None, :] - np.arange(SKETCH_SIDE)[:, None]
    return np.diff(np.clip(edges, 0, 1), axis=1).astype(np.float32)
