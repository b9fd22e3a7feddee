"""Splitters in scikit-learn's protocol: multi-label, grouped, at the rounding floor."""

# ruff: noqa: N803, ARG002 - the names and the unused parameters of scikit-learn's protocol

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, indexable

from manifest_tools.core.errors import InputError
from manifest_tools.splits.folds import deal, fold_counts
from manifest_tools.splits.inputs import plain_groups, plain_labels
from manifest_tools.splits.relaxed import RelaxedConstraint
from manifest_tools.splits.solver import solve
from manifest_tools.splits.units import Sparse, group_codes, label_matrix

_SHOWN = 5  # labels that a warning names
Indices = NDArray[np.int64]
RandomState = int | np.random.RandomState | None


class MultilabelStratifiedGroupSplit(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Repeated train/test split with every label at its fair share and no group on both sides.

    Parameters
    ----------
    n_splits : int, default=1
        Number of splits. They differ as far as the data allow.
    test_size : float or int, default=0.2
        Share of the rows for the test set, or their number.
    both_sides : bool, default=False
        Whether every label found in two groups must be on both sides. By default, a label whose fair share is
        less than half a row (two rows at ``test_size=0.2``) may be missing from that side, which is nearer to
        its share.
    random_state : int, RandomState instance or None, default=None
        An int gives the same splits on every machine.

    Notes
    -----
    A warning says where groups are too large, or too few, for the size or for a label on both sides.

    In the order of importance: groups are whole; a label whose fair share is half a row or more is on both
    sides if two groups have it; the size is within one row, or within the smallest group; the count of each
    label is as near to its share as it can be; so is the number of rows without any label; so are the counts of
    pairs of labels.

    With `groups`, neither the order of the rows nor their positions matter. Without, rows with the same labels
    are told apart by their position.

    Examples
    --------
    >>> import numpy as np
    >>> from manifest_tools import MultilabelStratifiedGroupSplit
    >>> y = np.array([[1, 0], [1, 0], [1, 1], [1, 1], [0, 1], [0, 1], [0, 0], [0, 0]])
    >>> train, test = next(MultilabelStratifiedGroupSplit(test_size=0.5, random_state=0).split(y, y))
    >>> y[test].sum(axis=0).tolist()
    [2, 2]
    """

    __metadata_request__split = {"groups": True}  # noqa: RUF012 - scikit-learn reads it from the class

    def __init__(
        self,
        n_splits: int = 1,
        *,
        test_size: float = 0.2,
        both_sides: bool = False,
        random_state: RandomState = None,
    ) -> None:
        self.n_splits = n_splits
        self.test_size = test_size
        self.both_sides = both_sides
        self.random_state = random_state

    def split(
        self, X: Any, y: Any = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[Indices, Indices]]:
        """Yield the rows for training and for testing.

        Parameters
        ----------
        X : array, one entry for each row
            Only its length counts.
        y : array or sparse array, rows x labels, or 1-D array
            Zeros and ones; or one class for each row.
        groups : array, one for each row, optional
            Rows of a group stay together.
        """
        n_splits = _whole(self.n_splits, "n_splits", 1)
        matrix, names, codes = _checked(X, y, groups)
        if not codes.any():
            msg = "all rows are of one group, and a split needs two; a group stays on one side"
            raise InputError(msg)
        random = check_random_state(self.random_state)
        for seed in random.randint(2**31 - 1, size=n_splits):
            solution = solve(
                matrix, names, test_size=self.test_size, both_sides=self.both_sides, seed=int(seed)
            )
            _warn_of_split(solution.gave_way)
            yield np.flatnonzero(~solution.test), np.flatnonzero(solution.test)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits."""
        return self.n_splits


class MultilabelStratifiedGroupKFold(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Folds with every label at its fair share and no group in two of them.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    both_sides : bool, default=False
        As in :class:`MultilabelStratifiedGroupSplit`.
    random_state : int, RandomState instance or None, default=None
        An int gives the same folds on every machine.

    Notes
    -----
    Fold after fold is split off from what remains, each with its exact share of that; then folds are evened out two
    by two. No fold is empty. Where groups are too large, or a label stands in too few of them, for folds that are
    alike, a warning says so.

    Examples
    --------
    >>> import numpy as np
    >>> from manifest_tools import MultilabelStratifiedGroupKFold
    >>> y = np.array([[1, 0], [1, 0], [1, 1], [1, 1], [0, 1], [0, 1], [0, 0], [0, 0]])
    >>> folds = MultilabelStratifiedGroupKFold(2, random_state=0).split(y, y, groups=[1, 1, 2, 3, 4, 4, 5, 6])
    >>> [y[test].sum(axis=0).tolist() for train, test in folds]
    [[2, 2], [2, 2]]
    """

    __metadata_request__split = {"groups": True}  # noqa: RUF012 - scikit-learn reads it from the class

    def __init__(
        self, n_splits: int = 5, *, both_sides: bool = False, random_state: RandomState = None
    ) -> None:
        self.n_splits = n_splits
        self.both_sides = both_sides
        self.random_state = random_state

    def split(
        self, X: Any, y: Any = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[Indices, Indices]]:
        """Yield the rows for training and for testing, fold by fold; parameters as in the single split."""
        folds = self._folds(X, y, groups)
        for fold in range(self.n_splits):
            yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds."""
        return self.n_splits

    def _folds(self, X: Any, y: Any, groups: ArrayLike | None) -> Indices:
        n_splits = _whole(self.n_splits, "n_splits", 2)
        matrix, names, codes = _checked(X, y, groups)
        n_groups = int(codes.max(initial=-1)) + 1
        if n_groups < n_splits:
            msg = f"n_splits={n_splits} needs as many groups (rows, where there are none); got {n_groups}"
            raise InputError(msg)
        random = check_random_state(self.random_state)
        seeds = random.randint(2**31 - 1, size=n_splits - 1)
        folds = deal(matrix, names, codes, seeds, both_sides=self.both_sides)
        _warn_of_folds(matrix, codes, folds)
        return folds


def _checked(
    X: Any,
    y: Any,
    groups: ArrayLike | None,
) -> tuple[Sparse, NDArray[Any] | None, Indices]:
    """Check that all have the same length, and return labels, groups by name and groups by number."""
    if y is None:
        msg = "y is missing: a stratified split needs the labels, as a matrix of zeros and ones or a vector of classes"
        raise InputError(msg)
    y = plain_labels(y)
    names = None if groups is None else plain_groups(groups)
    indexable(X, y, names)
    matrix = label_matrix(y)
    if matrix.shape[0] < 2:
        msg = f"a split needs at least 2 rows; got {matrix.shape[0]}"
        raise InputError(msg)
    codes = group_codes(names, matrix.shape[0])[0]
    return matrix, names, codes


def _warn_of_split(gave_way: Sequence[RelaxedConstraint]) -> None:
    """Warn of what a split could not keep."""
    for one in gave_way:
        if one.constraint == "test-size":
            warnings.warn(
                f"groups are too large for the test size: {one.got:g} rows instead of {one.wanted:g}",
                stacklevel=3,
            )
        elif one.constraint == "both-sides" and one.part.endswith("positives"):
            side = one.part.split()[0]
            warnings.warn(
                f"label {one.column} is missing from the {side} rows: few groups have it", stacklevel=3
            )


def _warn_of_folds(matrix: Sparse, codes: Indices, folds: Indices) -> None:
    """Warn of folds of unequal size, and of labels that folds lack though as many groups have them."""
    n_splits = int(folds.max()) + 1
    counts = fold_counts(matrix, folds, n_splits)
    sizes = counts[:, 0]
    largest = int(np.bincount(codes).max())
    told = []
    if int(np.ptp(sizes)) > max(1, len(codes) // (2 * n_splits)):
        told.append(f"they have {sizes.min()} to {sizes.max()} rows, as the largest group has {largest}")
    lacking = np.flatnonzero((counts[:, 1:] == 0).any(axis=0) & (counts[:, 1:].sum(axis=0) >= n_splits))
    if len(lacking):
        shown = ", ".join(map(str, lacking[:_SHOWN])) + (", ..." if len(lacking) > _SHOWN else "")
        told.append(f"some lack label {shown}, which too few groups have")
    if told:
        warnings.warn(f"folds are uneven: {'; '.join(told)}", stacklevel=4)


def _whole(value: Any, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        msg = f"{name} must be a whole number of at least {least}; got {value!r}"
        raise InputError(msg)
    return int(value)
