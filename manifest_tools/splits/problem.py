"""The split as a rounding problem: columns to count, what each should come to, and what it must not leave.

Everything is in whole numbers: counts are held in parts of an image (`scale` parts each), so that sums are
exact in float64, do not depend on the order of summation, and are the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from manifest_tools.splits.units import Ints, Units

Floats = NDArray[np.float64]

MAX_PAIR_ENTRIES = 6_000_000  # above this, label pairs are left out: they would cost more than they help
_PAIRS_WORTH = 200  # a label outweighs this many pairs at most, which keeps the weights small


@dataclass(frozen=True)
class Demands:
    """What a split must keep to, besides whole groups and locked rows.

    Parameters
    ----------
    share : Fraction
        Share of the images for the test set.
    min_test : int
        Least number of test images.
    both_sides : bool
        Whether every label with two units must be on both sides, however small its fair share is.
    keep_in_train : array of int, one for each outcome
        Images of the outcome that training must keep, where there are so many. The outcomes are the last
        columns of the label matrix.
    first : array of bool, one for each outcome
        Whether the outcome is one of the user's targets, which come before the test set's minimum.
    """

    share: Fraction
    min_test: int
    both_sides: bool
    keep_in_train: Ints
    first: NDArray[np.bool_]


@dataclass(frozen=True)
class Problem:
    """A linear rounding problem; see :func:`build_problem`.

    Parameters
    ----------
    counts : sparse array, classes x columns
        What one unit of the class adds to each column. The columns: images (for the share), images (for the
        bounds), labels, images without label, outcomes, images free of a label, label pairs.
    mult, side : arrays, one for each class
        As in :class:`~manifest_tools.splits.units.Units`.
    share : Fraction
        The share of the images that the test set is meant to have.
    scale : int
        Parts of an image.
    total : array of float, one for each column
        Images in all.
    target : array of float, one for each column
        What the test set should have, in parts; within the bounds.
    low, high : array of float, one for each column
        Bounds, in parts.
    weight, heavy : array of float, one for each column
        Price of a part away from the target, and of a part out of bounds.
    n_labels, n_balanced, n_simple : int
        How many columns are labels; how many come before those that have bounds only; and before the pairs.
    """

    counts: sparse.csr_array
    mult: Ints
    side: NDArray[np.int8]
    share: Fraction
    scale: int
    total: Floats
    target: Floats
    low: Floats
    high: Floats
    weight: Floats
    heavy: Floats
    n_labels: int
    n_balanced: int
    n_simple: int


def pair_matrix(labels: sparse.csr_array) -> sparse.csr_array:
    """Say which pairs of labels each label set holds: label sets x pairs that occur."""
    n_sets, m = labels.shape
    sizes = np.diff(labels.indptr).astype(np.int64)
    n_pairs = sizes * (sizes - 1) // 2
    if n_pairs.sum() == 0 or n_pairs.sum() > MAX_PAIR_ENTRIES:
        return sparse.csr_array((n_sets, 0), dtype=np.int64)
    later = np.repeat(labels.indptr[1:], sizes) - np.arange(labels.nnz) - 1  # labels of the set after this one
    first = np.repeat(np.arange(labels.nnz), later)
    second = first + 1 + np.arange(later.sum()) - np.repeat(np.cumsum(later) - later, later)
    indices = labels.indices.astype(np.int64)
    codes = indices[first] * m + indices[second]
    if m * m <= 4 * len(codes) + 1_000_000:  # a table is faster than sorting
        seen = np.zeros(m * m, bool)
        seen[codes] = True
        columns, n_columns = (np.cumsum(seen) - 1)[codes], int(seen.sum())
    else:
        unique, columns = np.unique(codes, return_inverse=True)
        n_columns = len(unique)
    ones = np.ones(len(codes), np.int64)
    return sparse.csr_array((ones, columns, np.r_[0, np.cumsum(n_pairs)]), shape=(n_sets, n_columns))


def _free_of(images: Ints, labels: sparse.csr_array, mult: Ints, fair: Floats) -> tuple[Ints, sparse.csr_array]:
    """Count images free of a label, for the labels that so few images are free of that a side might have none.

    Where a fair share is far larger than any unit, balance alone keeps both sides from being empty.
    """
    largest = int(images.max(initial=1))
    chosen = np.flatnonzero(fair < max(20, 4 * largest))
    dense = images[:, None] - labels[:, chosen].toarray()
    return chosen, sparse.csr_array(dense)


def build_problem(units: Units, n_labels: int, demands: Demands) -> Problem:
    """Set up the rounding problem of a split.

    Parameters
    ----------
    units : Units
        Units and classes of a label matrix whose first `n_labels` columns are labels, the others outcomes.
    n_labels : int
        Number of labels.
    demands : Demands
        What the split must keep to.
    """
    sets, mult = units.sets, units.mult
    labels = sparse.csr_array(sets[:, :n_labels])
    images = np.asarray(units.members.sum(axis=1)).astype(np.int64)
    without = sparse.csr_array((np.diff(labels.indptr) == 0).astype(np.int64)[:, None])
    by_class = sparse.csr_array(units.members @ sparse.hstack([labels, without, sets[:, n_labels:]], format="csr"))
    n_images = int(mult @ images)
    share = demands.share
    if share * n_images < demands.min_test < n_images:
        share = Fraction(demands.min_test, n_images)
    label_totals = mult @ by_class[:, :n_labels]
    fair_free = (n_images - label_totals) * float(min(share, 1 - share))
    chosen, free_of = _free_of(images, by_class[:, :n_labels], mult, fair_free)
    pairs = units.members @ pair_matrix(labels)
    column = sparse.csr_array(images[:, None])
    counts = sparse.csr_array(sparse.hstack([column, column, by_class, free_of, pairs], format="csr"), dtype=float)
    counts.sort_indices()
    n_balanced = 2 + by_class.shape[1]
    n_simple = n_balanced + len(chosen)
    return _price(counts, units, share, demands, n_labels, n_balanced, n_simple)


def _price(
    counts: sparse.csr_array,
    units: Units,
    share: Fraction,
    demands: Demands,
    n_labels: int,
    n_balanced: int,
    n_simple: int,
) -> Problem:
    """Set targets, bounds and prices, so that what must not give way costs more than all that may."""
    mult, n_columns = units.mult, counts.shape[1]
    scale = share.denominator * max(1, 4096 // share.denominator)
    total = np.asarray(mult @ counts)
    n_images, largest = total[0], counts[:, [0]].max() if len(mult) else 1
    low, high = np.zeros(n_columns), total.copy()

    fair = total * share.numerator / share.denominator
    several = (mult @ (counts[:, :n_simple] > 0).astype(np.int64)) >= 2
    sided = np.r_[2 : 2 + n_labels, n_balanced:n_simple]
    least = 0 if demands.both_sides else 0.5
    low[sided] = several[sided] & (fair[sided] >= least)
    high[sided] -= several[sided] & (total[sided] - fair[sided] >= least)

    outcomes = slice(n_balanced - len(demands.keep_in_train), n_balanced)
    enough = total[outcomes] >= demands.keep_in_train
    high[outcomes] -= np.where(enough, demands.keep_in_train, 0)

    slack = max(1, counts[:, [0]].min() if len(mult) else 1) / 2  # half of the smallest unit
    low[0], high[0] = fair[0] - slack, fair[0] + slack
    low[1] = max(1, demands.min_test) if demands.min_test < n_images else 1
    high[1] = n_images - 1

    per_unit = np.diff(counts.indptr).max(initial=1)
    weight = np.ones(n_columns)
    weight[:n_balanced] = min(per_unit, _PAIRS_WORTH) + 1
    weight[1] = weight[n_balanced:n_simple] = 0
    label = weight[0]
    heavy = np.zeros(n_columns)
    heavy[0] = label * 2 * (1 + (counts[:, :n_balanced].sum(axis=1)).max(initial=0))
    heavy[sided] = heavy[0] * 4 * largest
    heavy[outcomes] = np.where(demands.first, heavy[0] * 64 * largest**2 * (n_labels + 1) ** 2, heavy[sided].max(initial=1))
    heavy[1] = heavy[0] * 16 * largest * (n_labels + 1)

    target = np.clip(total * (share.numerator * (scale // share.denominator)), low * scale, high * scale)
    return Problem(counts, mult, units.side, share, scale, total, target, low * scale, high * scale, weight, heavy,
                   n_labels, n_balanced, n_simple)
