"""What transparency hides: the picture in the colours, which models read, beside the one that people see.

Rekognition reads the colours of a picture and passes over its transparency, so that one file can show people one scene
and the model another. All is measured on small grey planes (about 96 pixels on the short side), in cells away from
every edge of the transparency: around a cut-out both pictures change, and that hides nothing.

The thresholds were set between 223 honest drawings and cut-outs from public collections and attacks made of
photographs: honest files have detail in at most 6 % of the cells far under the transparency (hidden photographs: from
12 %), and of transparency with detail of its own at most 8 % of the picture (attacks: 16 % in the middle).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]
_Floats = npt.NDArray[np.float32]
_Mask = npt.NDArray[np.bool_]

# What is told of a picture with transparency, the gravest first.
HIDDEN_SCENE: Final = "hidden-scene"  # the colours show something that people cannot see
TWO_SCENES: Final = "two-scenes"  # the colours show one thing, and with transparency there is another
UNSEEN_SCENE: Final = "unseen-scene"  # the colours are flat, and the transparency holds a scene with tones
SHAPE_ALONE: Final = "shape-alone"  # the colours lack most of the outlines that people see, as in black icons
CUT_OUT: Final = "cut-out"  # people see a background where the colours have one flat tone or another

_NOISE: Final = 2.0  # grey levels, in the mean, up to which the pictures are the same
_CLEAR, _FULL = 13, 242  # transparency below and above which a cell counts as clear, as opaque
_FAR: Final = 3  # cells from all that is not clear
_LEAST: Final = 50  # cells that a share is taken of
_STEP: Final = 4  # grey levels from one cell to the next that are detail
_BUSY: Final = 0.09  # share of the cells far under the transparency that have detail: a scene
_ALPHA_DETAIL, _COLOUR_DETAIL = 4.0, 2.0  # grey levels by which a cell differs from the mean around it
_SOFT: Final = 0.5  # share of cells half transparent: the transparency covers the picture
_WIDE_SCENE, _SCENE = (
    0.055,
    0.09,
)  # share of the picture with detail: a scene, when it covers the picture or not
_FAINT: Final = 0.3  # contrast that people see, as part of that in the colours: hidden
_EDGE, _NO_EDGE = 32, 8  # grey levels from one cell to the next: an outline, and none
_OUTLINES: Final = 20  # cells with an outline that a share is taken of
_MISSING: Final = 0.5  # share of the outlines which the colours lack


class Planes(NamedTuple):
    """A picture as small grey planes of one size.

    Attributes
    ----------
    grey : ndarray of uint8, shape (height, width)
        The colours alone, as the model reads them.
    shown : ndarray of uint8 or None
        As people see it on white. None where nothing is transparent.
    alpha : ndarray of uint8 or None
        255 is opaque.
    """

    grey: Plane
    shown: Plane | None = None
    alpha: Plane | None = None


def what_is_hidden(planes: Planes) -> str:
    """Return what transparency does to a picture, "" when people and the model see the same."""
    if planes.shown is None or planes.alpha is None:
        return ""
    grey, white, alpha = (plane.astype(np.float32) for plane in (planes.grey, planes.shown, planes.alpha))
    black = white - (255 - alpha)
    if max(np.abs(grey - seen).mean() for seen in (white, black)) <= _NOISE:
        return ""
    step = _steps(grey)
    far = _inside(planes.alpha < _CLEAR, _FAR)[:-1, :-1]
    if _share(step > _STEP**2, far) >= _BUSY:
        return HIDDEN_SCENE
    scene = _soft_scene(grey, white, black, alpha)
    if scene:
        return scene
    outlines = np.maximum(_steps(white), _steps(black)) > _EDGE**2
    count = np.count_nonzero(outlines)
    lacking = np.count_nonzero(outlines & (step < _NO_EDGE**2)) / count if count >= _OUTLINES else 0.0
    return SHAPE_ALONE if lacking >= _MISSING else CUT_OUT


def _soft_scene(grey: _Floats, white: _Floats, black: _Floats, alpha: _Floats) -> str:
    """Return what is hidden or shown by cells that are half transparent."""
    soft = (alpha > _CLEAR) & (alpha < _FULL)
    if np.count_nonzero(soft) < _WIDE_SCENE * soft.size:  # of those inside there are fewer yet
        return ""
    soft = _inside(soft, 1)
    share = float(soft.mean())
    if share < _WIDE_SCENE:
        return ""
    wide = share >= _SOFT
    least = _WIDE_SCENE if wide else _SCENE
    colours = _share(_detail(grey) > _COLOUR_DETAIL, soft) * share
    if wide and colours >= least and max(white.std(), black.std()) < _FAINT * grey.std():
        return HIDDEN_SCENE
    if _share(_detail(alpha) > _ALPHA_DETAIL, soft) * share < least:
        return ""
    if colours >= least:
        return TWO_SCENES
    return UNSEEN_SCENE if grey.std() < _STEP else ""


def _share(cells: _Mask, where: _Mask) -> float:
    """Return the share of some cells among those looked at; 0 where these are too few."""
    count = np.count_nonzero(where)
    return np.count_nonzero(cells & where) / count if count >= _LEAST else 0.0


def _steps(plane: _Floats) -> _Floats:
    """Return the square of how much each cell differs from the next ones across and down."""
    here = plane[:-1, :-1]
    across, down = plane[:-1, 1:] - here, plane[1:, :-1] - here
    across *= across
    down *= down
    across += down
    return across


def _inside(mask: _Mask, cells: int) -> _Mask:
    """Return the cells of which all others within so many cells are in the mask too."""
    height, width = mask.shape
    inside = np.ones((height + 2 * cells, width + 2 * cells), dtype=bool)
    inside[cells:-cells, cells:-cells] = mask
    return _runs(_runs(inside, 2 * cells + 1).T, 2 * cells + 1).T


def _runs(mask: _Mask, length: int) -> _Mask:
    """Return the rows of which so many from there on are all in the mask."""
    whole = 1
    while whole < length:
        more = min(whole, length - whole)
        mask = mask[:-more] & mask[more:]
        whole += more
    return mask


def _detail(plane: _Floats) -> _Floats:
    """Return by how much each cell differs from the mean of the nine around it."""
    padded = np.pad(plane, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    detail: _Floats = np.abs(plane - (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9)
    return detail
