"""Folds: split off one after the other, then evened out two by two."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manifest_tools.splits.solver import solve
from manifest_tools.splits.units import Ints, Sparse, mix

_LOOKS = 4  # at pairs of folds, for the square of their number
_ROWS = 2_000_000  # that are split again in all: a limit on work, never on time

_Price = tuple[int, int, float]  # of two folds: how many are empty, the gap in rows, the gaps in labels


def deal(
    matrix: Sparse,
    names: NDArray[Any] | None,
    codes: Ints,
    seeds: NDArray[np.int64],
    *,
    both_sides: bool = False,
) -> Ints:
    """Return the fold of each row: groups whole, labels even, no fold empty while there are groups enough.

    Parameters
    ----------
    matrix : sparse array or array, rows x labels
        Zeros and ones.
    names, codes : arrays, one for each row
        The row's group by name, None where every row is one of its own; and by number.
    seeds : array of int
        One for each fold but the last.
    both_sides : bool
        As in :func:`manifest_tools.splits.solver.solve`.
    """
    n_splits = len(seeds) + 1
    folds = np.full(matrix.shape[0], n_splits - 1)
    rest = np.arange(matrix.shape[0])
    for fold, seed in enumerate(seeds):
        test = _split(matrix, names, rest, Fraction(1, n_splits - fold), int(seed), both_sides=both_sides)
        folds[rest[test]] = fold
        rest = rest[~test]
    folds = _even_out(matrix, names, codes, folds, int(seeds[0]), both_sides=both_sides)
    return _fill_empty(folds, codes, n_splits)


def fold_counts(matrix: Sparse, folds: Ints, n_splits: int) -> Ints:
    """Return the rows of each fold, and how many of them have each label: folds x (1 + labels)."""
    counts = np.zeros((n_splits, 1 + matrix.shape[1]), np.int64)
    for fold in range(n_splits):
        rows = matrix[folds == fold]
        counts[fold, 0] = rows.shape[0]
        counts[fold, 1:] = np.asarray(rows.sum(axis=0)).ravel()
    return counts


def _split(
    matrix: Sparse,
    names: NDArray[Any] | None,
    rows: Ints,
    share: Fraction,
    seed: int,
    *,
    both_sides: bool,
) -> NDArray[np.bool_]:
    """Say which of some rows are split off."""
    return solve(
        matrix[rows],
        None if names is None else names[rows],
        test_size=share,
        both_sides=both_sides,
        keys=None if names is not None else rows,
        seed=seed,
    ).test


def _even_out(
    matrix: Sparse,
    names: NDArray[Any] | None,
    codes: Ints,
    folds: Ints,
    seed: int,
    *,
    both_sides: bool,
) -> Ints:
    """Split two folds again as one, where that brings them nearer to each other, until no two gain by it."""
    n_splits = int(folds.max(initial=0)) + 1
    folds = folds.copy()
    counts = fold_counts(matrix, folds, n_splits)
    total = np.maximum(counts[:, 1:].sum(axis=0), 1)
    changed = np.zeros(n_splits, np.int64)  # when each fold was changed last
    looked: dict[tuple[int, int], int] = {}
    work = 0
    for step in range(1, 1 + _LOOKS * n_splits * n_splits):
        open_pairs = [
            (_price(counts[[a, b]], total), (a, b))
            for a, b in combinations(range(n_splits), 2)
            if looked.get((a, b), -1) < max(changed[a], changed[b]) and _is_uneven(counts[[a, b]])
        ]
        if not open_pairs or work > _ROWS:
            break
        before, pair = max(open_pairs)
        looked[pair] = step
        rows = np.flatnonzero(np.isin(folds, pair))
        work += len(rows)
        if len(np.unique(codes[rows])) < 2:
            continue
        word = int(mix(np.array([seed + step], np.uint64))[0] >> np.uint64(33))
        test = _split(matrix, names, rows, Fraction(1, 2), word, both_sides=both_sides)
        trial = folds.copy()
        trial[rows] = np.where(test, pair[0], pair[1])
        dealt = fold_counts(matrix[rows], np.where(test, 0, 1), 2)
        if _price(dealt, total) < before:
            folds, counts[list(pair)] = trial, dealt
            changed[list(pair)] = step
    return folds


def _is_uneven(two: Ints) -> bool:
    """Say whether two folds differ by more than rounding explains."""
    return bool((np.abs(two[0] - two[1]) > 1).any() or not two[:, 0].all())


def _price(two: Ints, total: Ints) -> _Price:
    gaps = np.abs(two[0] - two[1]).astype(float)
    labels = gaps[1:] * gaps[1:] - gaps[1:] % 2  # an odd row more is no fault
    return int((two[:, 0] == 0).sum()), int(max(gaps[0], 1)), round(float((labels / total).sum()), 9)


def _fill_empty(folds: Ints, codes: Ints, n_splits: int) -> Ints:
    """Give each fold that is still empty the smallest group of the fold that has most groups."""
    sizes = np.bincount(codes)
    for empty in np.setdiff1d(np.arange(n_splits), folds):
        of_group = np.zeros(len(sizes), np.int64)
        of_group[codes] = folds
        richest = int(np.bincount(of_group, minlength=n_splits).argmax())
        own = np.flatnonzero(of_group == richest)
        folds[codes == own[sizes[own].argmin()]] = empty
    return folds
