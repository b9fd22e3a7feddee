"""Measures of how evenly a split divides labels.

References
----------
.. [1] K. Sechidis, G. Tsoumakas, I. Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011.
.. [2] P. Szymanski, T. Kajdanowicz, "A network perspective on stratification of multi-label data",
   PMLR 74, 2017.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from manifest_tools.splits.units import Sparse, label_matrix


def _matrix(y: Any) -> Sparse:
    return sparse.csr_array(label_matrix(y), dtype=np.int64)


def _odds(count: NDArray[Any], size: float) -> NDArray[np.float64]:
    """Return positives per negative; where nothing is negative, as if one image were."""
    return np.asarray(count / np.maximum(size - count, 1))


def label_distribution(y: Any, folds: ArrayLike) -> float:
    """Return LD [1]_: the mean difference of a label's odds in a fold from its odds in the whole.

    Parameters
    ----------
    y : array or sparse array, rows x labels
        Zeros and ones.
    folds : array, one for each row
        The fold of each row; for a split, whether the row is in the test set.
    """
    matrix = _matrix(y)
    return _distribution(matrix, np.asarray(folds))


def label_pair_distribution(y: Any, folds: ArrayLike) -> float:
    """Return LPD [2]_: as LD, for the pairs of labels that occur together. 0 when there is none."""
    matrix = _matrix(y)
    whole = sparse.triu(matrix.T @ matrix, 1, format="coo")
    if whole.nnz == 0:
        return 0.0
    first, second = whole.coords
    parts = np.asarray(folds)
    total = _odds(whole.data, matrix.shape[0])
    differences = []
    for fold in np.unique(parts):
        rows = matrix[np.flatnonzero(parts == fold)]
        together = sparse.csr_array(rows.T @ rows)
        counts = np.asarray(together[first, second]).ravel()
        differences.append(np.abs(_odds(counts, rows.shape[0]) - total))
    return float(np.mean(differences))


def _distribution(matrix: Sparse, folds: NDArray[Any]) -> float:
    if matrix.shape[1] == 0:
        return 0.0
    total = _odds(matrix.sum(axis=0), matrix.shape[0])
    differences = []
    for fold in np.unique(folds):
        rows = matrix[np.flatnonzero(folds == fold)]
        differences.append(np.abs(_odds(rows.sum(axis=0), rows.shape[0]) - total))
    return float(np.mean(differences))


def count_deviation(y: Any, test: ArrayLike, share: float | Fraction | None = None) -> NDArray[np.float64]:
    """Return for each label how many rows the test set is away from the label's fair share.

    Parameters
    ----------
    y : array or sparse array, rows x labels
        Zeros and ones.
    test : array of bool, one for each row
        Whether the row is in the test set.
    share : float or Fraction, optional
        The share of the test set that was asked for; by default the share that it has.
    """
    matrix = _matrix(y)
    chosen = np.asarray(test, bool)
    wanted = Fraction(int(chosen.sum()), max(len(chosen), 1)) if share is None else _fraction(share)
    totals = matrix.sum(axis=0)
    counts = matrix[np.flatnonzero(chosen)].sum(axis=0)
    return np.asarray(np.abs(counts * wanted.denominator - totals * wanted.numerator) / wanted.denominator)


def rounding_floor(y: Any, share: float | Fraction) -> NDArray[np.float64]:
    """Return for each label the least deviation there can be, rows being whole."""
    wanted = _fraction(share)
    part = (_matrix(y).sum(axis=0) * wanted.numerator) % wanted.denominator
    return np.asarray(np.minimum(part, wanted.denominator - part) / wanted.denominator)


def groups_across(groups: ArrayLike, folds: ArrayLike) -> int:
    """Count the groups that have rows in more than one fold: 0 when nothing leaks."""
    pairs = np.unique(
        np.stack([np.unique(g, return_inverse=True)[1] for g in map(np.asarray, (groups, folds))]), axis=1
    )
    return int((np.bincount(pairs[0]) > 1).sum()) if pairs.size else 0


def _fraction(share: float | Fraction) -> Fraction:
    return share if isinstance(share, Fraction) else Fraction(share).limit_denominator(4096)
