"""Which frames of a video are worth having: near-identical neighbours show nothing new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

# Grey levels by which the part of the picture that changed most is off: below it, two frames are near-identical.
_SAME = 4
# Mean difference of all parts from which on it is another scene, as after a cut or a turn of the camera.
_SCENE = 14.0


class WorthFrame(NamedTuple):
    """A frame by its moment; up to `until` the video looks the same. Both in thousandths of a second."""

    moment: int
    until: int


def worth_having(
    frames: Sequence[tuple[int, bytes]], *, scenes: bool, cell: Callable[[int], str], limit: int | None
) -> tuple[list[WorthFrame], int]:
    """Return the frames of a video that are worth having, and how many there were before the limit.

    Parameters
    ----------
    frames : sequence of (int, bytes)
        Moments, ascending, with their sketches.
    scenes : bool
        Whether a frame must be another scene than the last one, not only another picture.
    cell : callable
        The labels of a moment: frames of other labels are never the same.
    limit : int, optional
        How many to keep, evenly spread.
    """
    found: list[WorthFrame] = []
    last = np.zeros(0, dtype=np.int16)
    for moment, sketch in frames:
        grey = np.frombuffer(sketch, dtype=np.uint8).astype(np.int16)
        if found and not _is_new(last, grey, scenes=scenes) and cell(found[-1].moment) == cell(moment):
            found[-1] = WorthFrame(found[-1].moment, moment)
            continue
        found.append(WorthFrame(moment, moment))
        last = grey
    return _thinned(found, limit), len(found)


def _is_new(last: np.ndarray, grey: np.ndarray, *, scenes: bool) -> bool:
    change = np.abs(last - grey)
    return bool(change.mean() >= _SCENE) if scenes else bool(change.max() > _SAME)


def _thinned(frames: list[WorthFrame], limit: int | None) -> list[WorthFrame]:
    if limit is None or len(frames) <= limit:
        return frames
    return [frames[(2 * number + 1) * len(frames) // (2 * limit)] for number in range(limit)]
