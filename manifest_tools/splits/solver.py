"""Solve a split on arrays: labels, groups, what is locked, what must be kept; nothing of files or tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from manifest_tools.core.errors import InputError
from manifest_tools.splits.error_diffusion import diffuse
from manifest_tools.splits.local_search import LocalSearch, short_of_floor
from manifest_tools.splits.milp import is_small, keeps_bounds, prove
from manifest_tools.splits.problem import Demands, Problem, build_problem
from manifest_tools.splits.relaxed import RelaxedConstraint, relaxed_constraints
from manifest_tools.splits.swaps import swap_to_bounds
from manifest_tools.splits.units import (
    FREE,
    TEST,
    TRAIN,
    Ints,
    UInts,
    build_units,
    draw,
    group_codes,
    label_matrix,
    mix,
)


@dataclass(frozen=True)
class Solution:
    """A split.

    Parameters
    ----------
    test, left_out : arrays of bool, one for each row
        The rows of the test set, and those that belong to neither side (look-alikes of rows locked on both).
        All others are for training.
    gave_way : tuple of RelaxedConstraint
        What could not be kept, most important first.
    share : Fraction
        The share of the images that was aimed at, after `min_test`.
    """

    test: NDArray[np.bool_]
    left_out: NDArray[np.bool_]
    gave_way: tuple[RelaxedConstraint, ...]
    share: Fraction


def share_of(test_size: float | Fraction, n_rows: int) -> Fraction:
    """Return the share that a test size stands for: a float between 0 and 1, or a whole number of rows."""
    if isinstance(test_size, Fraction):
        return test_size
    number = isinstance(test_size, int | float | np.number) and not isinstance(test_size, bool | np.bool_)
    if not number or not np.isfinite(test_size):
        raise InputError(
            f"test_size must be a number, not {test_size!r}: a share such as 0.2, or a number of rows."
        )
    if isinstance(test_size, int | np.integer):
        if not 0 < test_size < max(n_rows, 2):
            raise InputError(
                f"test_size must be between 0 and the {n_rows} rows, both excluded; got {test_size}."
            )
        return Fraction(int(test_size), max(n_rows, 2))
    if not 0 < test_size < 1:
        raise InputError(
            f"test_size must be between 0 and 1, both excluded, or a whole number; got {test_size}."
        )
    share = Fraction(float(test_size)).limit_denominator(4096)
    return share if 0 < share < 1 else Fraction(float(test_size)).limit_denominator(10**6)


def solve(
    y: Any,
    groups: ArrayLike | None = None,
    *,
    test_size: float | Fraction = 0.2,
    min_test: int = 0,
    both_sides: bool = True,
    locked: ArrayLike | None = None,
    outcomes: Any = None,
    keep_in_train: ArrayLike | None = None,
    first: ArrayLike | None = None,
    keep_in_test: ArrayLike | None = None,
    keys: Sequence[Any] | NDArray[Any] | None = None,
    seed: int = 0,
) -> Solution:
    """Split rows into train and test: groups whole, labels balanced.

    Parameters
    ----------
    y : array or sparse array, rows x labels, or 1-D array
        Zeros and ones; or one class for each row.
    groups : array, one for each row, optional
        Rows of a group stay together. Without it every row is a group of its own.
    test_size : float, int or Fraction
        Share of the rows for the test set, or their number.
    min_test : int
        Least number of test rows; it outranks `test_size`. Ignored, and reported, where no row would be left.
    both_sides : bool
        Whether every label in two groups must be on both sides, even where its fair share rounds to none.
        Without it, only labels whose fair share is half a row or more must.
    locked : array of int, one for each row, optional
        1 for a row that must be in the test set, 0 for one that must be in training, -1 for any other.
    outcomes : array or sparse array, rows x outcomes, optional
        Zeros and ones, balanced like labels; such as a label's false positives.
    keep_in_train : array of int, one for each outcome, optional
        How many rows of the outcome training must keep, where there are so many.
    first : array of bool, one for each outcome, optional
        Outcomes whose minimum outranks `min_test`. By default all of them.
    keep_in_test : array of int, one for each outcome, optional
        How many rows of the outcome the test set should have: after `min_test`, before `both_sides`. An outcome has
        either this or a minimum in training.
    keys : array, one for each row, optional
        A stable name for each row (strings or whole numbers). With keys, the order of the rows does not matter;
        without them, rows that carry the same labels are told apart by their position, groups by their name.
    seed : int
        Decides between splits that are equally good.

    Returns
    -------
    Solution
        Always the best split that was found, whatever had to give way.
    """
    seed = int(seed) % 2**64
    matrix = label_matrix(y)
    n_rows, n_labels = matrix.shape
    share = share_of(test_size, n_rows)
    codes, names = group_codes(groups, n_rows)
    state = _sides(locked, n_rows)
    left_out, inconsistent = _locked_on_both_sides(codes, state)
    n_outcomes = 0
    if outcomes is not None:
        more = label_matrix(outcomes)
        n_outcomes = more.shape[1]
        matrix = sparse.csr_array(
            sparse.hstack([sparse.csr_array(matrix), sparse.csr_array(more)], format="csr")
        )
    keep = np.zeros(n_outcomes, np.int64) if keep_in_train is None else np.asarray(keep_in_train, np.int64)
    leading = np.ones(n_outcomes, bool) if first is None else np.asarray(first, bool)
    wished = np.zeros(n_outcomes, np.int64) if keep_in_test is None else np.asarray(keep_in_test, np.int64)
    if any(len(values) != n_outcomes for values in (keep, leading, wished)):
        raise InputError(
            f"keep_in_train, first and keep_in_test must hold one value for each of the {n_outcomes} outcomes."
        )

    kept = np.flatnonzero(~left_out)
    unit_of, side, words = _units_of(codes, state, inconsistent, kept, _words(keys, names, codes, seed))
    test = np.zeros(n_rows, bool)
    if len(kept):
        units = build_units(matrix if len(kept) == n_rows else matrix[kept], unit_of, side)
        demands = Demands(share, min_test, both_sides, keep, leading, wished)
        problem = build_problem(units, n_labels, demands)
        chosen = optimise(problem, seed)
        test[kept] = draw(units.class_of, chosen, words)[unit_of]
        gave_way = relaxed_constraints(problem, chosen, demands)
        share = problem.share
    else:
        gave_way = ()
    broken = tuple(
        RelaxedConstraint("locked", int(np.flatnonzero(codes == group)[0]), "", 1, 2)
        for group in inconsistent
    )
    return Solution(test, left_out, broken + gave_way, share)


def optimise(problem: Problem, seed: int) -> Ints:
    """Return how many units of each class should go to the test set."""
    chosen = diffuse(problem, seed)
    if not (problem.side == FREE).any():
        return chosen
    search = LocalSearch(problem, swap_to_bounds(problem, chosen), seed)
    search.descend()
    chosen = search.result()
    short = short_of_floor(problem, problem.deviation(chosen))
    if is_small(problem) and (short or not keeps_bounds(problem, chosen)):
        proven = prove(problem, chosen, seed)
        if proven is not None:
            return proven
    if short:
        search.walk()
    return search.result()


def _sides(locked: ArrayLike | None, n_rows: int) -> NDArray[np.int8] | None:
    """Check which rows are locked; None when none is."""
    if locked is None:
        return None
    state = np.asarray(locked)
    if state.shape != (n_rows,) or not np.isin(state, (FREE, TRAIN, TEST)).all():
        raise InputError(
            f"locked must hold 1 (test), 0 (training) or -1 (free) for each of the {n_rows} rows."
        )
    return state.astype(np.int8) if (state != FREE).any() else None


def _locked_on_both_sides(codes: Ints, state: NDArray[np.int8] | None) -> tuple[NDArray[np.bool_], Ints]:
    """Return the free rows of groups that are locked on both sides, and those groups."""
    if state is None:
        return np.zeros(len(codes), bool), np.zeros(0, np.int64)
    inconsistent = np.intersect1d(codes[state == TRAIN], codes[state == TEST])
    return np.isin(codes, inconsistent) & (state == FREE), inconsistent


def _units_of(
    codes: Ints, state: NDArray[np.int8] | None, inconsistent: Ints, kept: Ints, words: UInts
) -> tuple[Ints, NDArray[np.int8], UInts]:
    """Return the unit of each kept row, and the side and the word of each unit.

    Rows of a torn group are locked, every one of them, and stand alone.
    """
    if state is None:
        n_units = int(codes.max(initial=-1)) + 1
        side = np.full(n_units, FREE, np.int8)
    else:
        apart = np.isin(codes, inconsistent)
        codes = np.where(apart, codes.max(initial=0) + 1 + np.arange(len(codes)), codes)[kept]
        codes = np.unique(codes, return_inverse=True)[1]
        words, n_units = words[kept], int(codes.max(initial=-1)) + 1
        side = np.full(n_units, FREE, np.int8)
        for value in (TRAIN, TEST):
            side[codes[state[kept] == value]] = value
    if n_units == len(codes):
        of_unit = np.empty_like(words)
        of_unit[codes] = words
        return codes, side, of_unit
    of_unit = np.full(n_units, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(of_unit, codes, words)
    return codes, side, of_unit


def _words(
    keys: Sequence[Any] | NDArray[Any] | None, names: NDArray[Any] | None, codes: Ints, seed: int
) -> UInts:
    """Return a random word for each row, by its key; else by its group's name; else by its position."""
    salt = mix(np.array([seed], np.uint64))
    if keys is None:
        return _scramble(np.arange(len(codes)) if names is None else names, salt)[codes]
    if len(keys) != len(codes):
        raise InputError(f"keys must hold one name for each of the {len(codes)} rows; got {len(keys)}.")
    return _scramble(np.asarray(keys), salt)


def _scramble(names: NDArray[Any], salt: UInts) -> UInts:
    if names.dtype.kind in "iub":
        return mix(names.astype(np.uint64) ^ salt)
    digests = b"".join(
        blake2b(str(name).encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in names
    )
    return mix(np.frombuffer(digests, "<u8").astype(np.uint64) ^ salt)
