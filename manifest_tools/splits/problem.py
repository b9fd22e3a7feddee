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

from manifest_tools.splits.units import Ints, Sparse, Units

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
    keep_in_test : array of int, one for each outcome
        Images of the outcome that the test set should have; training's minimums come first.
    """

    share: Fraction
    min_test: int
    both_sides: bool
    keep_in_train: Ints
    first: NDArray[np.bool_]
    keep_in_test: Ints


@dataclass(frozen=True)
class Problem:
    """A linear rounding problem; see :func:`build_problem`.

    Parameters
    ----------
    simple : sparse array, classes x columns
        What one unit of the class adds to each column before the label pairs. The columns: images (for the
        share), images (for the bounds), labels, images without label, outcomes, images free of a label.
    counts : sparse array, classes x columns
        The same, followed by the label pairs.
    mult, side : arrays, one for each class
        As in :class:`~manifest_tools.splits.units.Units`.
    share : Fraction
        The share of the images that the test set is meant to have.
    scale : int
        Parts of an image.
    n_labels, n_balanced : int
        How many columns are labels; how many columns come before those that have bounds only.
    scarce : array of int
        The labels that those columns are for: so few images are free of them that a side might have none.
    total : array of float, one for each column
        Images in all.
    target : array of float, one for each column
        What the test set should have, in parts; within the bounds.
    low, high : array of float, one for each column before the pairs
        Bounds, in parts.
    weight : array of float, one for each column
        Price of a part away from the target.
    heavy : array of float, one for each column before the pairs
        Price of a part out of bounds.
    """

    simple: Sparse
    counts: Sparse
    mult: Ints
    side: NDArray[np.int8]
    share: Fraction
    scale: int
    n_labels: int
    n_balanced: int
    scarce: Ints
    total: Floats
    target: Floats
    low: Floats
    high: Floats
    weight: Floats
    heavy: Floats

    @property
    def n_simple(self) -> int:
        """Number of columns before the label pairs."""
        return int(self.simple.shape[1])

    def deviation(self, chosen: Ints) -> Floats:
        """Return how far the test set is from its target in each column, in parts."""
        return np.asarray(self.counts.T @ chosen.astype(float)) * self.scale - self.target


def pair_matrix(labels: Sparse) -> Sparse:
    """Say which pairs of labels each label set holds: label sets x pairs that occur."""
    n_sets, m = labels.shape
    sizes = np.diff(labels.indptr).astype(np.int64)
    n_pairs = sizes * (sizes - 1) // 2
    if n_pairs.sum() == 0 or n_pairs.sum() > MAX_PAIR_ENTRIES:
        return sparse.csr_array((n_sets, 0), dtype=np.int64)
    # labels of the set after this one
    later = np.repeat(labels.indptr[1:], sizes) - np.arange(labels.nnz) - 1
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
    mult = units.mult
    n_images = int(mult @ units.members.sum(axis=1))
    share = demands.share
    if share * n_images < demands.min_test < n_images:
        share = Fraction(demands.min_test, n_images)
    scale = share.denominator * max(1, 4096 // share.denominator)

    simple, scarce = _simple_columns(units, n_labels, share)
    pairs = _add_up(units.members, pair_matrix(sparse.csr_array(units.sets[:, :n_labels])))
    counts = sparse.csr_array(sparse.hstack([simple, pairs], format="csr", dtype=float))
    counts.sort_indices()
    total = np.asarray(mult @ counts)
    n_simple, n_balanced = simple.shape[1], simple.shape[1] - len(scarce)
    sided = np.r_[2 : 2 + n_labels, n_balanced:n_simple]
    outcomes = slice(3 + n_labels, n_balanced)
    low, high = _bounds(demands, share, mult, simple, sided=sided, outcomes=outcomes)
    weight, heavy = _prices(demands, counts, simple, sided=sided, outcomes=outcomes)
    target = total * (share.numerator * (scale // share.denominator))
    target[:n_simple] = np.clip(target[:n_simple], low * scale, high * scale)
    return Problem(
        simple=simple,
        counts=counts,
        mult=mult,
        side=units.side,
        share=share,
        scale=scale,
        n_labels=n_labels,
        n_balanced=n_balanced,
        scarce=scarce,
        total=total,
        target=target,
        low=low * scale,
        high=high * scale,
        weight=weight,
        heavy=heavy,
    )


def _simple_columns(units: Units, n_labels: int, share: Fraction) -> tuple[Sparse, Ints]:
    """Return the columns before the pairs, and the labels that images free of them are counted for.

    These are the labels that a side could be left without an image free of. Where the fair share is far larger
    than any unit, balance alone sees to it.
    """
    labels = sparse.csr_array(units.sets[:, :n_labels])
    without = sparse.csr_array((np.diff(labels.indptr) == 0).astype(np.int64)[:, None])
    balanced = sparse.hstack([labels, without, units.sets[:, n_labels:]], format="csr")
    images = np.asarray(units.members.sum(axis=1)).astype(np.int64)
    by_class = _add_up(units.members, sparse.csr_array(balanced))
    free = int(units.mult @ images) - (units.mult @ by_class)[:n_labels]
    scarce = np.flatnonzero(free * float(min(share, 1 - share)) < max(20, 4 * images.max(initial=1)))
    column = sparse.csr_array(images[:, None])
    parts = [column, column, by_class]
    if len(scarce):
        parts.append(sparse.csr_array(images[:, None] - by_class[:, scarce].toarray()))
    return sparse.csr_array(sparse.hstack(parts, format="csr"), dtype=float), scarce


def _add_up(members: Sparse, values: Sparse) -> Sparse:
    """Return ``members @ values``; by looking up, where every unit is a single row."""
    if members.nnz == members.shape[0] and (members.data == 1).all():
        if np.array_equal(members.indices, np.arange(values.shape[0])):
            return values
        return sparse.csr_array(values[members.indices])
    return sparse.csr_array(members @ values)


def _bounds(
    demands: Demands,
    share: Fraction,
    mult: Ints,
    simple: Sparse,
    *,
    sided: Ints,
    outcomes: slice,
) -> tuple[Floats, Floats]:
    """Return the least and the largest test count of each column before the pairs, in images."""
    present = sparse.csr_array(
        (np.ones(simple.nnz, np.int64), simple.indices, simple.indptr), shape=simple.shape
    )
    several = (mult @ present) >= 2
    total = np.asarray(mult @ simple)
    fair = total * share.numerator / share.denominator
    low, high = np.zeros(len(total)), total.copy()

    least = 0.0 if demands.both_sides else 0.5
    low[sided] = several[sided] & (fair[sided] >= least)
    high[sided] -= several[sided] & (total[sided] - fair[sided] >= least)

    high[outcomes] -= np.where(total[outcomes] >= demands.keep_in_train, demands.keep_in_train, 0)
    low[outcomes] = np.minimum(demands.keep_in_test, high[outcomes])

    slack = max(1.0, simple[:, [0]].min() if len(mult) else 1.0) / 2  # half of the smallest unit
    low[0], high[0] = fair[0] - slack, fair[0] + slack
    low[1] = max(1, demands.min_test if demands.min_test < total[0] else 1)
    high[1] = total[1] - 1
    return low, high


def _prices(
    demands: Demands, counts: Sparse, simple: Sparse, *, sided: Ints, outcomes: slice
) -> tuple[Floats, Floats]:
    """Return prices under which nothing gives way for anything that ranks below it.

    Each rank costs more than one unit can change in all ranks below: pairs, labels, the test share, labels on
    both sides, what the test set is to prove, the least number of test images, the minimums of the user's targets.
    """
    weight = np.ones(counts.shape[1])
    label = min(int(np.diff(counts.indptr).max(initial=1)), _PAIRS_WORTH) + 1
    weight[: outcomes.start] = label
    # images without label: less than a fifth of a label's image
    weight[outcomes.start - 1] = max(1, label // 8)
    weight[outcomes] = max(1, label // 2)
    weight[1] = weight[outcomes.stop : simple.shape[1]] = 0

    largest = simple[:, [0]].max() if simple.shape[0] else 1.0
    heavy = np.zeros(simple.shape[1])
    heavy[0] = label * 2 * (1 + simple.sum(axis=1).max(initial=0) / largest)
    heavy[sided] = sides = heavy[0] * 4 * largest
    wished = demands.keep_in_test > 0
    proof = sides * 4 * (len(sided) + 1)
    heavy[1] = proof * 4 * largest * wished.sum() if wished.any() else proof
    heavy[outcomes] = np.where(wished, proof, np.where(demands.first, heavy[1] * 4 * largest, sides))
    return weight, np.exp2(np.ceil(np.log2(np.maximum(heavy, 1)))) * (heavy > 0)
