"""Look-alikes among the images of a data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.dataset import Dataset
from manifest_tools.duplicates.candidates import BEST, RADIUS, Hits, candidate_hits
from manifest_tools.duplicates.clustering import cluster
from manifest_tools.duplicates.confirming import SAME, similarity
from manifest_tools.duplicates.orientation import IntArray, Views, canonical_views
from manifest_tools.fingerprints import SKETCH_SIDE, VIEWS

ABSORBED = 0.95  # similarity from which pictures of the same `phash` need no look of their own
TOGETHER = 1 << 14  # pairs looked at between two reports of progress

Progress = Callable[[int, int | None], None]


class Confirmed(NamedTuple):
    """Pairs of rows that show the same, with the correlation of their detail."""

    first: IntArray
    second: IntArray
    similarity: npt.NDArray[np.float32]


def group_duplicates(dataset: Dataset, *, near: bool = True, progress: Progress | None = None) -> Dataset:
    """Give copies and look-alikes one `group`: the smallest `image` among them.

    Look-alikes are versions of one picture: re-encoded, resized, brighter or darker, a little cropped, framed or
    captioned, mirrored, turned by quarters. They are found by the fingerprints that `inspect_images` made; images
    without one (flat, or not decoded) group only with files of the same bytes. See :mod:`manifest_tools.fingerprints`.

    Parameters
    ----------
    dataset : Dataset
        Inspected: `sha256`, `views` and `sketch` are read.
    near : bool
        False: only files of the same bytes are grouped.
    progress : callable, optional
        Called with (candidates looked at, candidates).

    Returns
    -------
    Dataset
        The same for any order of the images.
    """
    images = dataset.images
    leader = _first_of_each(images["sha256"])
    if near:
        leader = _look_alikes(images, leader, progress)
    keys = images["image"].to_numpy(dtype=object)
    options = {"near": near, "radius": RADIUS, "similarity": SAME} if near else {"near": near}
    return dataset.step("group", images=images.assign(group=keys[leader]), options=options)


def _first_of_each(values: pd.Series[str]) -> IntArray:
    """Return for each row the first row with the same value; itself where the value is empty."""
    _, first, code = np.unique(values.to_numpy(dtype=str), return_index=True, return_inverse=True)
    rows = np.arange(len(values))
    return np.where(values.to_numpy(dtype=str) == "", rows, first[code])


def _look_alikes(images: pd.DataFrame, leader: IntArray, progress: Progress | None) -> IntArray:
    """Return the first row of the group of each row, given the first of the same bytes."""
    seen = (images["views"].str.len() == 16 * len(VIEWS)) & (images["sketch"].str.len() == SKETCH_SIDE**2)
    rows = np.flatnonzero(seen.to_numpy() & (leader == np.arange(len(leader))))
    views = canonical_views(
        _bytes_of(images["views"].iloc[rows], len(VIEWS) * 8).view(">u8").astype(np.uint64)
    )
    sketches = _bytes_of(images["sketch"].iloc[rows], SKETCH_SIDE**2 // 2)
    own = _absorb(images["phash"].iloc[rows], views, sketches)
    left = (own == np.arange(len(rows)))[views.owner]
    pairs = confirmed_pairs(views.take(left), sketches, progress=progress)
    groups = cluster(len(rows), pairs.first, pairs.second)[own]
    together = np.arange(len(leader))
    together[rows] = rows[groups]
    return together[leader]


def _bytes_of(column: pd.Series[str], width: int) -> npt.NDArray[np.uint8]:
    """Return hex strings of equal length as rows of bytes."""
    return np.frombuffer(bytes.fromhex("".join(column)), dtype=np.uint8).reshape(-1, width)


def _absorb(phash: pd.Series[str], views: Views, sketches: npt.NDArray[np.uint8]) -> IntArray:
    """Return for each picture the first of the same `phash`, where it is surely the same picture; else itself.

    So thousands of versions of one picture are looked at once each, not once for every two of them.
    """
    first = _first_of_each(phash.reset_index(drop=True))
    row = np.searchsorted(views.owner, np.arange(len(phash)))  # the whole picture, in its first turn
    later = np.flatnonzero(first != np.arange(len(phash)))
    later = later[views.turn[row[first[later]]] == views.turn[row[later]]]
    hits = Hits(row[first[later]], row[later], np.zeros(len(later), dtype=np.uint8))
    alike = later[similarity(sketches, views, hits) >= ABSORBED]
    own = np.arange(len(phash))
    own[alike] = first[alike]
    return own


def confirmed_pairs(
    views: Views, sketches: npt.NDArray[np.uint8], *, progress: Progress | None = None
) -> Confirmed:
    """Return the pairs of pictures that a second look confirms, as rows of `sketches`.

    Parameters
    ----------
    views : Views
    sketches : ndarray of uint8, shape (pictures, bytes)
    progress : callable, optional
        Called with (pairs looked at, pairs).
    """
    hits = candidate_hits(views)
    a, b = views.owner[hits.first], views.owner[hits.second]
    new = np.flatnonzero(np.diff(a, prepend=-1) | np.diff(b, prepend=-1))  # the best hit of each pair
    end = np.append(new[1:], len(a))
    found = np.empty(len(new), dtype=np.float32)
    for start in range(0, len(new), TOGETHER):
        piece = np.arange(start, min(start + TOGETHER, len(new)))
        found[piece] = similarity(sketches, views, hits.take(new[piece]))
        for further in range(1, BEST):
            unsure = piece[(found[piece] < SAME) & (new[piece] + further < end[piece])]
            again = similarity(sketches, views, hits.take(new[unsure] + further))
            found[unsure] = np.maximum(found[unsure], again)
        if progress is not None:
            progress(int(piece[-1]) + 1, len(new))
    same = found >= SAME
    return Confirmed(a[new][same], b[new][same], found[same])
