"""The views of many images, each turned to a canonical orientation.

A mirror or a flip changes the sign of the odd frequencies of an axis, a transposition exchanges the axes: so a
hash is turned without its picture. Canonical means that the picture varies more across than down, and that the
first frequency of each axis is positive. Where a decision is unclear, both ways are kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from manifest_tools.duplicates import fingerprints as fp
from manifest_tools.duplicates.hamming_keys import move
from manifest_tools.duplicates.sorting import IntArray, UInt64Array

# A turn is the sum of these: first mirrored (left to right) and flipped (top to bottom), then transposed.
MIRRORED, FLIPPED, TRANSPOSED = 1, 2, 4
TURNS = 8

_HASH = np.uint64((1 << fp.HASH_BITS) - 1)
_EXCHANGED = [fp.DEGREES.tolist().index([across, down]) for down, across in fp.DEGREES.tolist()]


def _mask(bits: npt.NDArray[np.bool_]) -> np.uint64:
    return np.uint64(sum(1 << int(bit) for bit in np.flatnonzero(bits)))


_ODD_ACROSS, _ODD_DOWN = _mask(fp.DEGREES[:, 1] % 2 == 1), _mask(fp.DEGREES[:, 0] % 2 == 1)


class OrientedHashes(NamedTuple):
    """Canonical hashes of one view, one row each: whose, and how it was looked at."""

    owner: npt.NDArray[np.int32] | IntArray
    look: npt.NDArray[np.uint8]  # the view, and how it was turned to become canonical: see `look_of`
    hash: UInt64Array


def oriented_view(view: int, turn: npt.NDArray[np.uint8] | int) -> npt.NDArray[np.uint8] | int:
    """Return view and turn as one number; in the order of the numbers, wider views come first."""
    return turn + view * TURNS


def canonical_hashes(
    words: UInt64Array, view: int, owner: npt.NDArray[np.int32] | IntArray
) -> OrientedHashes:
    """Return the canonical hashes of one view.

    Parameters
    ----------
    words : ndarray of uint64
        Of that view, one an image.
    view : int
    owner : ndarray of int
        The number of each image.
    """
    turns = possible_turns(words)
    pieces = []
    for turn in range(TURNS):
        rows = np.flatnonzero(turns[:, turn])
        look = np.full(len(rows), oriented_view(view, turn), dtype=np.uint8)
        pieces.append((owner[rows], look, turn_hashes(words[rows] & _HASH, turn)))
    return OrientedHashes(*(np.concatenate(column) for column in zip(*pieces, strict=True)))


def possible_turns(words: UInt64Array) -> npt.NDArray[np.bool_]:
    """Tell by which turns each picture may become canonical, shape (pictures, TURNS); by none when it is not usable."""
    mirrored, flipped = ~_bit(words, fp.FIRST_ACROSS), ~_bit(words, fp.FIRST_DOWN)
    transposed = _bit(words, fp.TRANSPOSE_BIT)
    possible = np.repeat(_bit(words, fp.USABLE_BIT)[:, None], TURNS, axis=1)
    for turn in range(TURNS):
        possible[:, turn] &= (mirrored == bool(turn & MIRRORED)) | _bit(words, fp.MIRROR_UNSURE_BIT)
        possible[:, turn] &= (flipped == bool(turn & FLIPPED)) | _bit(words, fp.FLIP_UNSURE_BIT)
        possible[:, turn] &= (transposed == bool(turn & TRANSPOSED)) | _bit(words, fp.TRANSPOSE_UNSURE_BIT)
    return possible


def turn_hashes(hashes: UInt64Array, turn: int) -> UInt64Array:
    """Return the hashes that the pictures have after a turn."""
    if turn & MIRRORED:
        hashes = hashes ^ _ODD_ACROSS
    if turn & FLIPPED:
        hashes = hashes ^ _ODD_DOWN
    if turn & TRANSPOSED:
        hashes = move(hashes, _EXCHANGED, range(fp.HASH_BITS))
    return hashes


def _bit(words: UInt64Array, bit: int) -> npt.NDArray[np.bool_]:
    return (words >> np.uint64(bit) & np.uint64(1)).astype(np.bool_)
