"""Look-alikes among the images of a data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.dataset import Dataset
from manifest_tools.duplicates.candidates import RADIUS, Hits, candidate_hits
from manifest_tools.duplicates.clustering import cluster
from manifest_tools.duplicates.confirming import SAME, similarity
from manifest_tools.duplicates.orientation import IntArray, Views, canonical_views
from manifest_tools.fingerprints import SKETCH_SIDE, VIEWS

ABSORBED = 0.95  # similarity from which pictures of the same `phash` need no look of their own
CONFIRMED_TOGETHER = 1 << 14  # candidates between two reports of progress

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


def _first_of_each(values: pd.Series) -> IntArray:
    """Return for each row the first row with the same value; itself where the value is empty."""
    rows = np.arange(len(values))
    codes = values.where(values != "", values.index.astype(str)).factorize()[0]
    first = np.full(len(values), len(values))
    np.minimum.at(first, codes, rows)
    return first[codes]


def _look_alikes(images: pd.DataFrame, leader: IntArray, progress: Progress | None) -> IntArray:
    """Return the first row of the group of each row, given the first of the same bytes."""
    seen = (images["views"] != "") & (images["sketch"] != "") & (leader == np.arange(len(leader)))
    rows = np.flatnonzero(seen.to_numpy())
    views = canonical_views(_unhex(images["views"].iloc[rows], ">u8", len(VIEWS)))
    sketches = _unhex(images["sketch"].iloc[rows], "u1", SKETCH_SIDE**2 // 2)
    own = _absorb(images["phash"].iloc[rows], views, sketches)
    chosen = np.isin(views.owner, np.flatnonzero(own == np.arange(len(rows))))
    pairs = confirmed_pairs(Views(*(column[chosen] for column in views)), sketches, progress)
    groups = cluster(len(rows), pairs.first, pairs.second)[own]
    together = np.arange(len(leader))
    together[rows] = rows[groups]
    return together[leader]


def _unhex(column: pd.Series, dtype: str, width: int) -> npt.NDArray[np.generic]:
    values = np.frombuffer(bytes.fromhex("".join(column)), dtype=dtype)
    return values.astype(values.dtype.newbyteorder("=")).reshape(-1, width)


def _absorb(phash: pd.Series, views: Views, sketches: npt.NDArray[np.uint8]) -> IntArray:
    """Return for each picture the first of the same `phash`, where it is surely the same picture; else itself.

    So forty thousand versions of one picture are looked at forty thousand times, not once for every two.
    """
    first = _first_of_each(phash.reset_index(drop=True))
    starts = np.searchsorted(views.owner, np.arange(len(phash)))
    later = np.flatnonzero(first != np.arange(len(phash)))
    a, b = starts[first[later]], starts[later]
    later, a, b = (column[views.turn[a] == views.turn[b]] for column in (later, a, b))
    alike = similarity(sketches, views, Hits(a, b, np.zeros(len(a), dtype=np.uint8))) >= ABSORBED
    own = np.arange(len(phash))
    own[later[alike]] = first[later[alike]]
    return own


def confirmed_pairs(
    views: Views, sketches: npt.NDArray[np.uint8], progress: Progress | None = None
) -> Confirmed:
    """Find the pairs of pictures that a second look confirms. Rows are those of `sketches`."""
    hits = candidate_hits(views)
    found = np.empty(len(hits.first), dtype=np.float32)
    for start in range(0, len(found), CONFIRMED_TOGETHER):
        piece = slice(start, start + CONFIRMED_TOGETHER)
        found[piece] = similarity(sketches, views, Hits(*(column[piece] for column in hits)))
        if progress is not None:
            progress(min(start + CONFIRMED_TOGETHER, len(found)), len(found))
    a, b = views.owner[hits.first], views.owner[hits.second]
    order = np.lexsort((-found, b, a))
    a, b, found = a[order], b[order], found[order]
    best = np.ones(len(a), dtype=np.bool_)
    best[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    best &= found >= SAME
    return Confirmed(a[best], b[best], found[best])
