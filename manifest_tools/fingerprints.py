"""The fingerprint of a picture: what look-alikes are found and confirmed by.

It is made from a small grey copy, and has three parts:

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

FloatArray = npt.NDArray[np.float32]

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
FLAT = 1.5
# A sign, or which of two axes varies more, may come out otherwise in a copy when it is less clear than this.
UNSURE_SIGN, UNSURE_AXIS = 0.2, 0.3

_V, _H = np.mgrid[:FREQUENCIES, :FREQUENCIES]  # degree down the picture and across it
_KEPT = (_V + _H > 0) & (_V + _H < FREQUENCIES)
DEGREES = np.stack([_V[_KEPT], _H[_KEPT]], axis=1)  # (down, across) of hash bit 0, 1, ...
_ACROSS, _DOWN = DEGREES[:, 1] > DEGREES[:, 0], DEGREES[:, 0] > DEGREES[:, 1]
FIRST_ACROSS, FIRST_DOWN = DEGREES.tolist().index([0, 1]), DEGREES.tolist().index([1, 0])
_LOWEST = DEGREES.sum(axis=1) <= 3


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
        Small grey copy, transparency on white; 96 pixels or more on the short side where the picture has them.
        EXIF orientation need not be applied: turned copies are found.

    Returns
    -------
    Fingerprint
    """
    pixels = grey.astype(np.float32)
    height, width = pixels.shape
    terms = _cosines(height) @ pixels @ _cosines(width).T
    terms = terms.reshape(len(SPANS), FREQUENCIES, len(SPANS), FREQUENCIES)
    whole = terms[0, :, 0, :]
    contrast = np.sqrt(np.square(whole).sum() - np.square(whole[0, 0]))
    if contrast < FLAT:
        return NO_FINGERPRINT
    upright = whole[:8, :8] > 0
    upright[0, 0] = False
    views = np.stack([terms[down, :, across, :][_KEPT] for down, across in VIEWS])
    return Fingerprint(_hex(np.packbits(upright)), _hex(_words(views).astype(">u8")), _hex(_sketch(pixels)))


@lru_cache(maxsize=1024)
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
    power = np.square(views)
    clear = UNSURE_SIGN * np.sqrt(power[:, _LOWEST].mean(axis=1))
    axis = np.log((power[:, _ACROSS].sum(axis=1) + 1e-9) / (power[:, _DOWN].sum(axis=1) + 1e-9))
    bits = np.zeros((len(views), 64), dtype=np.bool_)
    bits[:, :HASH_BITS] = views > 0
    bits[:, TRANSPOSE_BIT] = axis < 0
    bits[:, TRANSPOSE_UNSURE_BIT] = np.abs(axis) < UNSURE_AXIS
    bits[:, MIRROR_UNSURE_BIT] = np.abs(views[:, FIRST_ACROSS]) < clear
    bits[:, FLIP_UNSURE_BIT] = np.abs(views[:, FIRST_DOWN]) < clear
    bits[:, USABLE_BIT] = power.sum(axis=1) >= FLAT**2
    return np.packbits(bits, axis=1, bitorder="little").view("<u8").ravel()


def _sketch(pixels: FloatArray) -> npt.NDArray[np.uint8]:
    """Return the mean of each cell of a 32 x 32 grid in sixteen steps of the picture's range, two to a byte."""
    height, width = pixels.shape
    cells = _cells(height) @ pixels @ _cells(width).T
    low, high = cells.min(), cells.max()
    steps = np.rint((cells - low) * (15 / max(high - low, 1e-6))).astype(np.uint8).ravel()
    packed: npt.NDArray[np.uint8] = steps[::2] << 4 | steps[1::2]
    return packed


@lru_cache(maxsize=1024)
def _cells(size: int) -> FloatArray:
    """Return how much of each pixel of an axis lies in each cell, shape (SKETCH_SIDE, size); rows sum to 1."""
    edges = np.linspace(0, SKETCH_SIDE, size + 1)[None, :] - np.arange(SKETCH_SIDE)[:, None]
    return np.diff(np.clip(edges, 0, 1), axis=1).astype(np.float32)


def _hex(values: npt.NDArray[np.generic]) -> str:
    return values.tobytes().hex()
