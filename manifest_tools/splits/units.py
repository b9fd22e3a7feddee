"""Rows to units, and units to classes of interchangeable units.

A unit is what may not be torn: a group of look-alikes, or a single row. Units whose rows carry the same label
sets equally often can be exchanged without changing any count, so the solver only decides how many units of
each class go to the test set. Everything here depends on content alone, never on the order of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from manifest_tools.core.errors import InputError

UInts = NDArray[np.uint64]
Ints = NDArray[np.int64]
Sparse: TypeAlias = Any  # a scipy sparse array; the stubs' types hinder more than they help

FREE, TRAIN, TEST = -1, 0, 1
_BLOCK = 8192  # rows at a time, so that a block stays in the processor's cache
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(values: UInts) -> UInts:
    """Scramble 64-bit words (the finaliser of SplitMix64, Steele et al. 2014)."""
    z = values + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def distinct(keys: UInts) -> tuple[Ints, Ints]:
    """Return one index for every distinct key, in the order of the keys, and the place of each key among them."""
    order = np.argsort(keys)
    ordered = keys[order]
    new = np.ones(len(keys), bool)
    new[1:] = ordered[1:] != ordered[:-1]
    place = np.empty(len(keys), np.int64)
    place[order] = np.cumsum(new) - 1
    return order[new], place


def label_matrix(y: Any) -> Sparse:
    """Check labels and return them as a 0/1 matrix, rows x labels, dense or CSR.

    A 1-D vector of classes becomes one column for each class, in sorted order.
    """
    if sparse.issparse(y):
        matrix: Sparse = sparse.csr_array(cast("Any", y), copy=True)
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        if matrix.nnz and not (matrix.data == 1).all():
            raise InputError("y must hold only zeros and ones when it is a matrix.")
        return matrix
    array = np.asarray(y)
    if array.ndim == 1:
        classes, codes = np.unique(array, return_inverse=True)
        ones = np.ones(len(array), np.int64)
        return sparse.csr_array((ones, (np.arange(len(array)), codes)), shape=(len(array), len(classes)))
    if array.ndim != 2:
        raise InputError(
            f"y must be a vector of classes or a matrix rows x labels; got {array.ndim} dimensions."
        )
    if array.dtype.kind not in "buif":
        raise InputError(f"y must hold zeros and ones when it is a matrix; got dtype {array.dtype}.")
    return array


def _dense_keys(array: NDArray[Any]) -> UInts:
    """Return a key of every row's label set; the very bits where they fit into 64."""
    n, m = array.shape
    words = max(1, -(-m // 64))
    keys = np.zeros(n, np.uint64)
    for start in range(0, n, _BLOCK):
        block = array[start : start + _BLOCK]
        ones = block != 0
        if array.dtype.kind != "b" and not np.array_equal(block, ones):
            raise InputError("y must hold only zeros and ones when it is a matrix.")
        packed = np.zeros((len(block), words * 8), np.uint8)
        packed[:, : -(-m // 8)] = np.packbits(ones, axis=1)
        bits = packed.view(np.uint64)
        total = bits[:, 0]
        for word in range(1, words):
            total = mix(total) + bits[:, word]
        keys[start : start + _BLOCK] = total
    return keys


def _sparse_keys(matrix: Sparse, names: UInts) -> UInts:
    ones: Sparse = sparse.csr_array(
        (np.ones(matrix.nnz, np.uint64), matrix.indices, matrix.indptr), shape=matrix.shape
    )
    return np.asarray(ones @ names)


def label_sets(matrix: Sparse) -> tuple[Sparse, UInts, Ints]:
    """Return the distinct label sets, a key for each by content, and the place of each row's set among them.

    Keys are 64-bit sums of scrambled column numbers; that two of a million sets share one has a chance
    of 1 in 10 million, and would only make two sets count as one.
    """
    names = mix(np.arange(matrix.shape[1], dtype=np.uint64))
    if isinstance(matrix, np.ndarray):
        first, place = distinct(_dense_keys(matrix))
        sets: Sparse = sparse.csr_array(matrix[first] != 0, dtype=np.int64)
    else:
        first, place = distinct(_sparse_keys(matrix, names))
        sets = sparse.csr_array(matrix[first].astype(np.int64))
    keys = _sparse_keys(sets, names)
    order = np.argsort(keys)  # by content: dense or sparse, in any order, it is the same problem
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return sets[order], keys[order], rank[place]


@dataclass(frozen=True)
class Units:
    """Units and their classes.

    Parameters
    ----------
    class_of : array of int, one for each unit
        The unit's class.
    sets : sparse array, label sets x columns
        The distinct label sets.
    members : sparse array, classes x label sets
        How often each label set occurs in one unit of the class.
    mult : array of int, one for each class
        How many units the class has.
    side : array of int8, one for each class
        ``FREE``, or ``TRAIN`` or ``TEST`` when locked rows have decided already.
    """

    class_of: Ints
    sets: Sparse
    members: Sparse
    mult: Ints
    side: NDArray[np.int8]


def group_codes(groups: ArrayLike | None, n_rows: int) -> tuple[Ints, NDArray[Any] | None]:
    """Number the groups; without groups every row is one of its own."""
    if groups is None:
        return np.arange(n_rows), None
    names = np.asarray(groups)
    if names.ndim != 1 or len(names) != n_rows:
        raise InputError(f"groups must hold one name for each of the {n_rows} rows; got shape {names.shape}.")
    try:
        names, codes = np.unique(names, return_inverse=True)
    except TypeError as error:
        msg = f"groups must be names of one kind, all text or all numbers: {error}"
        raise InputError(msg) from error
    return codes.astype(np.int64), names


def build_units(matrix: Sparse, codes: Ints, side: NDArray[np.int8]) -> Units:
    """Sort rows into units and units into classes.

    Parameters
    ----------
    matrix : sparse array or array, rows x columns
        Zeros and ones; see :func:`label_matrix`.
    codes : array of int, one for each row
        The row's unit, numbered from 0 without a gap.
    side : array of int8, one for each unit
        ``FREE``, ``TRAIN`` or ``TEST``.
    """
    sets, keys, set_of_row = label_sets(matrix)
    n_rows, n_units = len(codes), len(side)
    if n_units == n_rows:  # every row a unit: a class is a label set and a side
        state = np.empty(n_rows, np.int64)
        state[codes] = set_of_row * 3 + 1
        state += side
        counts = np.bincount(state, minlength=3 * len(keys))
        used = np.flatnonzero(counts)
        class_of = (np.cumsum(counts > 0) - 1)[state]
        ones = np.ones(len(used), np.int64)
        members = sparse.csr_array((ones, used // 3, np.arange(len(used) + 1)), shape=(len(used), len(keys)))
        return Units(class_of, sets, members, counts[used], (used % 3 - 1).astype(np.int8))
    by_unit = np.argsort(codes, kind="stable")
    bounds = np.flatnonzero(np.r_[True, np.diff(codes[by_unit]) > 0, True])
    of_unit = set_of_row[by_unit]
    unit_keys = np.add.reduceat(mix(keys)[of_unit], bounds[:-1])
    first, class_of = distinct(mix(unit_keys + (side + 1).astype(np.uint64)))
    members = _count_members(of_unit, bounds, first, len(keys))
    return Units(class_of, sets, members, np.bincount(class_of, minlength=len(first)), side[first])


def _count_members(of_unit: Ints, bounds: Ints, chosen: Ints, n_sets: int) -> Sparse:
    """Count the label sets in one unit of each class; `of_unit` lists sets unit by unit, between `bounds`."""
    sizes = bounds[chosen + 1] - bounds[chosen]
    ends = np.cumsum(sizes)
    rows = np.repeat(np.arange(len(chosen)), sizes)
    at = (
        np.arange(ends[-1] if len(ends) else 0)
        - np.repeat(ends - sizes, sizes)
        + np.repeat(bounds[chosen], sizes)
    )
    ones = np.ones(len(rows), np.int64)
    return sparse.csr_array(sparse.coo_array((ones, (rows, of_unit[at])), shape=(len(chosen), n_sets)))


def draw(class_of: Ints, chosen: Ints, words: UInts) -> NDArray[np.bool_]:
    """Choose units at random: from each class as many as `chosen` says, those with the smallest words.

    Class and word share 64 bits, so that one sort does; 40 or more bits of the word decide.
    """
    bits = np.uint64(max(1, len(chosen).bit_length()))
    order = np.argsort((class_of.astype(np.uint64) << (np.uint64(64) - bits)) | (words >> bits))
    sizes = np.bincount(class_of, minlength=len(chosen))
    starts = np.cumsum(sizes) - sizes
    at = np.repeat(starts - (np.cumsum(chosen) - chosen), chosen) + np.arange(chosen.sum())
    taken = np.zeros(len(class_of), bool)
    taken[order[at]] = True
    return taken
