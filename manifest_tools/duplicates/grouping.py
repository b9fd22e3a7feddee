"""Look-alikes among the images of a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from manifest_tools.core.errors import InputError
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.duplicates.candidates import BEST, Hits, candidate_hits
from manifest_tools.duplicates.clustering import cluster
from manifest_tools.duplicates.confirmation import SAME, FloatArray, UInt8Array, similarity
from manifest_tools.duplicates.fingerprint_table import ROWS, FingerprintTable, mapped
from manifest_tools.duplicates.fingerprints import HASH_BITS
from manifest_tools.duplicates.hamming_join import in_order
from manifest_tools.duplicates.orientation import possible_turns
from manifest_tools.duplicates.sorting import IntArray, UInt64Array, first_of_each
from manifest_tools.parallel.executors import worker_count

RADIUS = 6  # bits of 54 in which two views may differ
LARGE = 1_000_000  # images; among more, the radius may have to be smaller
MOST_PAIRS = 10_000_000  # pairs near each other that are few enough to be looked at again
SAMPLE = 30_000  # images from which their number is foretold
ABSORBED = 0.95  # similarity from which pictures of the same `phash` need no look of their own
TOGETHER = 1 << 14  # pairs looked at between two reports of progress


class Confirmed(NamedTuple):
    """Pairs of rows that show the same, with the correlation of their detail."""

    first: IntArray
    second: IntArray
    similarity: npt.NDArray[np.float32]


def group_duplicates(
    dataset: Dataset,
    *,
    near: bool = True,
    radius: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Give copies and look-alikes one `group`: the smallest `image` among them.

    Look-alikes are versions of one picture: re-encoded, resized, brighter or darker, a little cropped, framed or
    captioned, mirrored, turned by quarters. They are found by the fingerprints that `inspect_images` made; images
    without one (flat, or not decoded) group only with files of the same bytes. See :mod:`manifest_tools.duplicates.fingerprints`.

    Parameters
    ----------
    dataset : Dataset
        Inspected: `sha256`, `views`, `sketch` and `shown` are read.
    near : bool
        False: only files of the same bytes are grouped.
    radius : int, optional
        Bits in which two views may differ; by default 6, or fewer where that is too many for the images.
    workers : int, optional
        Threads; by default one for each processor that this process may use. The result does not depend on it.
    progress : callable, optional
        Called with (candidates looked at, candidates).

    Returns
    -------
    Dataset
        The same for any order of the images.

    Raises
    ------
    InputError
        `radius` or `workers` is out of range.

    Examples
    --------
    >>> from manifest_tools import group_duplicates, inspect_images
    >>> images = group_duplicates(inspect_images("sample_data/images")).images
    >>> images["image"][images["group"] == "games/two red dice.png"].tolist()
    ['games/two red dice.png', 'uploads/dice from the forum.png']
    """
    images = dataset.images
    prints = FingerprintTable.of(images)
    if near and radius is None:
        radius = fitting_radius(prints)
    leader = leaders(prints, near=near, radius=radius, workers=worker_count(workers), progress=progress)
    keys = images["image"].to_numpy(dtype=object)
    options = {"near": near, "radius": radius, "similarity": SAME} if near else {"near": near}
    return dataset.step("group", images=images.assign(group=keys[leader]), options=options)


def leaders(
    prints: FingerprintTable,
    *,
    near: bool = True,
    radius: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> IntArray:
    """Return for each image the first of its look-alikes: itself when it is alone.

    Parameters
    ----------
    prints : FingerprintTable
    near : bool
        False: only files of the same bytes are look-alikes.
    radius : int, optional
        Bits in which two views may differ. Default: as `fitting_radius` says.
    workers : int
        Threads. The result does not depend on it; memory grows by 0.4 GB a thread at ten million images.
    progress : callable, optional
        Called with (candidates looked at, candidates).
    """
    count = prints.images
    if radius is not None and not 0 <= radius <= HASH_BITS:
        raise InputError(f"radius is {radius}; expected a number of bits from 0 to {HASH_BITS}")
    leader = _first_copies(prints)
    if not near:
        return leader
    rows = _pictures(prints, leader)
    if radius is None:
        radius = RADIUS if count <= LARGE else _fitting(prints.views, rows)
    own = _absorb(prints, rows)
    second_looks = _absorb_second_looks(prints, leader, own)
    left = np.concatenate([rows[own[rows] == rows], second_looks])
    hits = candidate_hits(prints.views, left, radius=radius, workers=workers)
    pairs = confirmed_pairs(prints.sketches, hits, workers=workers, progress=progress)
    first, second = (_image_of(prints, own[leader], ends) for ends in (pairs.first, pairs.second))
    return cluster(count, *_each_once(first, second, count))[own[leader]]


def _absorb_second_looks(prints: FingerprintTable, leader: IntArray, own: IntArray) -> IntArray:
    """Return the rows of the second looks that are to be compared; those of the same bytes are compared once.

    An image that has nothing but a second look, such as a black icon, is the same as the first one that looks the same;
    `own` is told so.
    """
    rows: IntArray = prints.second_looks
    rows = rows[leader[prints.owner[rows - prints.images]] == prints.owner[rows - prints.images]]
    if not len(rows):
        return rows
    views, sketches = mapped(prints.views), mapped(prints.sketches)
    seen: dict[bytes, int] = {}
    kept = []
    for row in rows.tolist():
        image = int(prints.owner[row - prints.images])
        look = hashlib.sha256(views[row].tobytes() + sketches[row].tobytes()).digest()
        first = seen.setdefault(look, image)
        if first != image and not prints.seen[image]:
            own[image] = own[first]
        elif first == image or own[first] != own[image]:
            kept.append(row)
    return np.array(kept, dtype=np.int64)


def _image_of(prints: FingerprintTable, leader: IntArray, rows: IntArray) -> IntArray:
    """Return the image that stands for each row: for a second look that of its owner."""
    second = np.flatnonzero(rows >= prints.images)
    rows = rows.astype(np.int64)
    rows[second] = leader[prints.owner[rows[second] - prints.images]]
    return rows


def _each_once(first: IntArray, second: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Return each pair of two images once, however many of their looks met."""
    pairs = np.unique(np.minimum(first, second) * count + np.maximum(first, second))
    one, other = pairs // count, pairs % count
    return one[one != other], other[one != other]


def fitting_radius(prints: FingerprintTable) -> int:
    """Return the bits in which two views may differ by default: 6, or fewer where that is too many for the images.

    The pairs that are near each other by chance, each of which is looked at again, grow with the square of the
    images, and how fast depends on the images. So among more than a million the radius is the greatest at which a
    sample foretells no more than `MOST_PAIRS` of them.

    What a smaller radius loses, by ``benchmarks/lookalike_quality.py``: of the easy copies of photographs 1.000 are
    found within 6, 5 and 4 bits, 0.998, 0.989, 0.968 and 0.902 within 3, 2, 1 and 0; of those of drawings 0.996,
    0.995, 0.993, 0.986, 0.972, 0.930 and 0.832 within 6 to 0.
    """
    if prints.images <= LARGE:
        return RADIUS
    return _fitting(prints.views, _pictures(prints, _first_copies(prints)))


def _pictures(prints: FingerprintTable, leader: IntArray) -> IntArray:
    """Return the images that have a fingerprint and are no copies of one before."""
    return np.flatnonzero(prints.seen[: prints.images] & (leader == np.arange(len(leader))))


def _fitting(views: UInt64Array, rows: IntArray) -> int:
    """Return the greatest radius at which few enough of the images are near each other."""
    some = rows[:: -(-len(rows) // SAMPLE) or 1]
    hits = candidate_hits(views, some, radius=RADIUS)
    nearest = hits.distance[_best(hits)]
    foretold = np.cumsum(np.bincount(nearest, minlength=RADIUS + 1)) * (len(rows) / max(len(some), 1)) ** 2
    return max(int((foretold <= MOST_PAIRS).sum()) - 1, 0)


def _best(hits: Hits) -> IntArray:
    """Return the rows of the best hit of each pair."""
    return np.flatnonzero(np.diff(hits.first, prepend=-1) | np.diff(hits.second, prepend=-1))


def _first_copies(prints: FingerprintTable) -> IntArray:
    """Return for each image the first with the same bytes; itself where they are not known."""
    leader = np.arange(len(prints.hashed))
    left = np.flatnonzero(prints.hashed)
    while len(left):  # once, unless two digests begin with the same eight bytes
        first = left[first_of_each(_take(prints.sha256, left, slice(8)).view(np.uint64)[:, 0])]
        other = np.zeros(len(left), dtype=np.bool_)
        later = np.flatnonzero(first != left)
        for start in range(0, len(later), ROWS):
            piece = later[start : start + ROWS]
            digests = mapped(prints.sha256)
            other[piece] = (digests[left[piece]] != digests[first[piece]]).any(axis=1)
        leader[left[~other]] = first[~other]
        left = left[other]
    return leader


def _take(table: UInt8Array, rows: IntArray, columns: slice) -> UInt8Array:
    """Return some rows and columns of a table that may be too large for the memory."""
    pieces = [table[:0, columns]]
    pieces += [mapped(table)[rows[i : i + ROWS], columns] for i in range(0, len(rows), ROWS)]
    return np.concatenate(pieces)


def _absorb(prints: FingerprintTable, rows: IntArray) -> IntArray:
    """Return for each image the first of the same `phash`, where it is surely the same picture; else itself.

    So thousands of versions of one picture are looked at once each, not once for every two of them.
    """
    own = np.arange(prints.images)
    first = rows[first_of_each(np.asarray(prints.phash)[rows])]
    first, later = first[first != rows], rows[first != rows]
    for start in range(0, len(later), TOGETHER):
        piece = slice(start, start + TOGETHER)
        one, other = (_first_turn(prints.views, some[piece]) for some in (first, later))
        alike = np.flatnonzero(one == other)
        one, none = one[alike], np.zeros(len(alike), dtype=np.uint8)
        hits = Hits(first[piece][alike], later[piece][alike], one, one, none)
        alike = alike[_second_look(prints.sketches, hits) >= ABSORBED]
        own[later[piece][alike]] = first[piece][alike]
    return own


def _first_turn(views: UInt64Array, rows: IntArray) -> UInt8Array:
    """Return the first of the turns by which the whole of each picture may become canonical."""
    first: UInt8Array = possible_turns(mapped(views)[rows, 0]).argmax(axis=1).astype(np.uint8)
    return first


def _second_look(sketches: UInt8Array, hits: Hits) -> FloatArray:
    """Return the similarity of hits, with the sketches read in the order in which they are stored."""
    rows, place = np.unique(np.concatenate([hits.first, hits.second]), return_inverse=True)
    first, second = np.split(place, 2)
    return similarity(mapped(sketches)[rows], hits._replace(first=first, second=second))


def confirmed_pairs(
    sketches: UInt8Array, hits: Hits, *, workers: int = 1, progress: Progress | None = None
) -> Confirmed:
    """Return the pairs of pictures that a second look confirms.

    Parameters
    ----------
    sketches : ndarray of uint8, shape (pictures, bytes)
    hits : Hits
        Sorted by the pair, then best first.
    workers : int
        Threads.
    progress : callable, optional
        Called with (pairs looked at, pairs).
    """
    a, b = hits.first, hits.second
    new = _best(hits)
    end = np.append(new[1:], len(a))

    def look(start: int) -> Iterator[npt.NDArray[np.float32]]:
        at = new[start : start + TOGETHER]
        found = _second_look(sketches, hits.take(at))
        for further in range(1, BEST):
            unsure = np.flatnonzero((found < SAME) & (at + further < end[start : start + TOGETHER]))
            again = _second_look(sketches, hits.take(at[unsure] + further))
            found[unsure] = np.maximum(found[unsure], again)
        yield found

    found = np.empty(len(new), dtype=np.float32)
    done = 0
    for piece in in_order(look, range(0, len(new), TOGETHER), workers):
        found[done : done + len(piece)] = piece
        done += len(piece)
        if progress is not None:
            progress(done, len(new))
    same = found >= SAME
    return Confirmed(a[new][same], b[new][same], found[same])
