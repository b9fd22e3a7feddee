"""The views of many images, each turned to a canonical orientation.

A mirror or a flip changes the sign of the odd frequencies of an axis, a transposition exchanges the axes: so a
hash is turned without its picture. Canonical means that the picture varies more across than down, and that the
first frequency of each axis is positive. Where a decision is unclear, both ways are kept.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from manifest_tools import fingerprints as fp

UInt64Array = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int64]

# A turn is the sum of these: first mirrored (left to right) and flipped (top to bottom), then transposed.
MIRRORED, FLIPPED, TRANSPOSED = 1, 2, 4

_HASH = np.uint64((1 << fp.HASH_BITS) - 1)
_EXCHANGED = [fp.DEGREES.tolist().index([across, down]) for down, across in fp.DEGREES.tolist()]


def _mask(bits: npt.NDArray[np.bool_]) -> np.uint64:
    return np.uint64(sum(1 << int(bit) for bit in np.flatnonzero(bits)))


_ODD_ACROSS, _ODD_DOWN = _mask(fp.DEGREES[:, 1] % 2 == 1), _mask(fp.DEGREES[:, 0] % 2 == 1)


class Views(NamedTuple):
    """Canonical hashes, one row each: whose, of which view, and how the view was turned to become canonical."""

    owner: IntArray
    view: npt.NDArray[np.uint8]
    turn: npt.NDArray[np.uint8]
    hash: UInt64Array

    def take(self, rows: npt.NDArray[np.bool_]) -> Views:
        """Return some of the rows."""
        return Views(self.owner[rows], self.view[rows], self.turn[rows], self.hash[rows])


def canonical_views(words: UInt64Array) -> Views:
    """Return the canonical hashes of all views.

    Parameters
    ----------
    words : ndarray of uint64, shape (images, views)
        As in the column `views`.

    Returns
    -------
    Views
        Sorted by owner, view and turn.
    """
    owner, view = np.nonzero(_bit(words, fp.USABLE_BIT))
    word = words[owner, view]
    mirrored, flipped = ~_bit(word, fp.FIRST_ACROSS), ~_bit(word, fp.FIRST_DOWN)
    transposed = _bit(word, fp.TRANSPOSE_BIT)
    pieces = []
    for mirror, flip, transpose in product((False, True), repeat=3):
        rows = np.flatnonzero(
            ((mirrored == mirror) | _bit(word, fp.MIRROR_UNSURE_BIT))
            & ((flipped == flip) | _bit(word, fp.FLIP_UNSURE_BIT))
            & ((transposed == transpose) | _bit(word, fp.TRANSPOSE_UNSURE_BIT))
        )
        turn = mirror * MIRRORED + flip * FLIPPED + transpose * TRANSPOSED
        turns = np.full(len(rows), turn, dtype=np.uint8)
        pieces.append((owner[rows], view[rows], turns, turn_hashes(word[rows] & _HASH, turn)))
    owner, view, turns, hashes = (np.concatenate(column) for column in zip(*pieces, strict=True))
    order = np.lexsort((turns, view, owner))
    return Views(owner[order], view[order].astype(np.uint8), turns[order], hashes[order])


def turn_hashes(hashes: UInt64Array, turn: int) -> UInt64Array:
    """Return the hashes that the pictures have after a turn."""
    if turn & MIRRORED:
        hashes = hashes ^ _ODD_ACROSS
    if turn & FLIPPED:
        hashes = hashes ^ _ODD_DOWN
    if turn & TRANSPOSED:
        out = np.zeros_like(hashes)
        for bit, source in enumerate(_EXCHANGED):
            out |= (hashes >> np.uint64(source) & np.uint64(1)) << np.uint64(bit)
        hashes = out
    return hashes


def _bit(words: UInt64Array, bit: int) -> npt.NDArray[np.bool_]:
    return (words >> np.uint64(bit) & np.uint64(1)).astype(np.bool_)
