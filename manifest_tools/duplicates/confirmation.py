"""The second look: whether two pictures, of which two views are near each other, really show the same.

Both sketches are seen through the views that met, each turned as its view was. The second is then moved and scaled
until it fits best (least squares; cells that do not fit, such as those under a caption, count less), and the two
are compared by their detail alone: what is left when the local mean is taken away. Different pictures on one
background agree in their large shapes, but not in their detail.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from manifest_tools.duplicates.candidates import Hits
from manifest_tools.duplicates.fingerprints import SKETCH_SIDE, SPANS, VIEWS
from manifest_tools.duplicates.orientation import FLIPPED, MIRRORED, TRANSPOSED, TURNS

FloatArray = npt.NDArray[np.floating]
UInt8Array = npt.NDArray[np.uint8]

SAME = 0.85  # correlation of detail from which two pictures show the same
GRID = 24  # points a side at which the sketches are compared
ROUNDS = 3  # of moving and scaling
REACH, STEP = 0.12, 0.05  # the farthest move in all, and in one round, as parts of the view
TOLERANCE = 0.3  # misfit, in steps of the sketch, that counts in full even where most cells fit better
SURROUNDINGS = 5  # points a side of the local mean
ROUGHNESS = 0.02  # detail, in squared steps of the sketch, that rounding makes in a picture without any
PIECE = 1024  # pairs compared together: bounds the memory

_STARTS = np.array([[SPANS[down][0], SPANS[across][0]] for down, across in VIEWS], dtype=np.float32)
_STOPS = np.array([[SPANS[down][1], SPANS[across][1]] for down, across in VIEWS], dtype=np.float32)
_POINTS = ((np.arange(GRID) + 0.5) / GRID).astype(np.float32)
_FROM_MIDDLE = _POINTS - np.float32(0.5)
_CELLS = np.arange(SKETCH_SIDE, dtype=np.float32)


def similarity(sketches: UInt8Array, hits: Hits) -> FloatArray:
    """Return how well the detail of the pictures of each hit agrees, -1 to 1.

    Parameters
    ----------
    sketches : ndarray of uint8, shape (images, bytes)
        As in the column `sketch`.
    hits : Hits

    Returns
    -------
    ndarray of float32, shape (hits,)
    """
    result = np.empty(len(hits.first), dtype=np.float32)
    for start in range(0, len(result), PIECE):
        piece = slice(start, start + PIECE)
        result[piece] = _compare(sketches, hits.take(piece))
    return result


def _compare(sketches: UInt8Array, hits: Hits) -> FloatArray:
    count = len(hits.first)
    first, second = _cells_of(sketches[hits.first]), _cells_of(sketches[hits.second])
    points = np.broadcast_to(_POINTS, (count, GRID))
    fixed = _see(first, hits.first_look, points, points)
    level = fixed.reshape(count, -1)
    weight = np.ones_like(level)
    moves = np.zeros((count, 4), dtype=np.float32)  # down: shift, stretch; across: shift, stretch
    for _ in range(ROUNDS):
        moving = _moved(second, hits.second_look, moves)
        terms = _terms(level, moving)
        target = moving.reshape(count, 1, -1)
        solution = _least_squares(terms, target, weight)
        misfit = np.abs(target - solution[:, None] @ terms)[:, 0]
        scale = 2.5 * np.median(misfit, axis=1, keepdims=True) + TOLERANCE
        weight = 1 / (1 + np.square(misfit / scale))
        moves += np.clip(solution[:, 2:], -STEP, STEP)
        moves = moves.clip(-REACH, REACH)
    return _correlation(_detail(fixed), _detail(_moved(second, hits.second_look, moves)))


def _moved(cells: FloatArray, looks: UInt8Array, moves: FloatArray) -> FloatArray:
    down = _POINTS + moves[:, 0:1] + moves[:, 1:2] * _FROM_MIDDLE
    across = _POINTS + moves[:, 2:3] + moves[:, 3:4] * _FROM_MIDDLE
    return _see(cells, looks, down, across)


def _cells_of(packed: UInt8Array) -> FloatArray:
    """Return the grey values of sketches."""
    cells = np.stack([packed >> 4, packed & 15], axis=-1)
    return cells.reshape(-1, SKETCH_SIDE, SKETCH_SIDE).astype(np.float32)


def _see(cells: FloatArray, looks: UInt8Array, down: FloatArray, across: FloatArray) -> FloatArray:
    """See sketches through views, turned, at the given points of the turned view (0 to 1)."""
    view, turn = looks // TURNS, looks[:, None] % TURNS
    transposed = turn & TRANSPOSED > 0
    y, x = np.where(transposed, across, down), np.where(transposed, down, across)
    y, x = np.where(turn & FLIPPED > 0, 1 - y, y), np.where(turn & MIRRORED > 0, 1 - x, x)
    start, size = _STARTS[view], (_STOPS - _STARTS)[view]
    seen = _between(start[:, :1] + size[:, :1] * y) @ cells
    seen = seen @ _between(start[:, 1:] + size[:, 1:] * x).transpose(0, 2, 1)
    return np.where(transposed[:, :, None], seen.transpose(0, 2, 1), seen)


def _between(at: FloatArray) -> FloatArray:
    """Return the weights of the cells for linear interpolation at places along an axis (0 to 1)."""
    place = np.clip(at * SKETCH_SIDE - 0.5, 0, SKETCH_SIDE - 1)
    weights: FloatArray = np.maximum(0, 1 - np.abs(place[:, :, None] - _CELLS))
    return weights


def _terms(level: FloatArray, moving: FloatArray) -> FloatArray:
    """Return what the moving picture is explained by: the fixed one, a constant, and its own four moves."""
    down, across = -np.gradient(moving, 1 / GRID, axis=1), -np.gradient(moving, 1 / GRID, axis=2)
    moves = [down, down * _FROM_MIDDLE[:, None], across, across * _FROM_MIDDLE]
    return np.stack([level, np.ones_like(level), *(term.reshape(level.shape) for term in moves)], axis=1)


def _least_squares(terms: FloatArray, target: FloatArray, weight: FloatArray) -> FloatArray:
    weighted = terms * weight[:, None]
    normal = weighted @ terms.transpose(0, 2, 1)
    # A picture that does not vary along an axis says nothing of moves along it: a little damping keeps them small.
    size = np.trace(normal, axis1=1, axis2=2)[:, None, None] / len(normal[0])
    normal += size * np.diag([1e-6, 1e-6, 1e-3, 1e-3, 1e-3, 1e-3]).astype(np.float32)
    solution: FloatArray = np.linalg.solve(normal, weighted @ target.transpose(0, 2, 1))[:, :, 0]
    return solution


def _detail(pictures: FloatArray) -> FloatArray:
    """Return the pictures less their local mean, where a point has all its surroundings."""
    margin, width = SURROUNDINGS // 2, SURROUNDINGS
    total: FloatArray = np.pad(pictures, ((0, 0), (1, 0), (1, 0))).cumsum(axis=1).cumsum(axis=2)
    inner = total[:, width:, width:] - total[:, :-width, width:]
    inner += total[:, :-width, :-width] - total[:, width:, :-width]
    return pictures[:, margin:-margin, margin:-margin] - inner / width**2


def _correlation(first: FloatArray, second: FloatArray) -> FloatArray:
    first = first - first.mean(axis=(1, 2), keepdims=True)
    second = second - second.mean(axis=(1, 2), keepdims=True)
    product = (first * second).mean(axis=(1, 2))
    power = (np.square(first).mean(axis=(1, 2)) + ROUGHNESS) * (
        np.square(second).mean(axis=(1, 2)) + ROUGHNESS
    )
    correlation: FloatArray = product / np.sqrt(power)
    return correlation
