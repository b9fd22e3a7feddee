"""Rows of one kind, against a slow and obvious reading."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.core.arrays import connected, cumcount, distinct, first_equal, first_index, group_ids

VALUES = st.lists(st.sampled_from(("", "a", "b", "é")), max_size=12)


def firsts(values) -> np.ndarray:
    return np.array([list(values).index(value) for value in values], dtype=np.int64)


@given(VALUES)
def test_the_first_row_with_the_same_value(values):
    assert first_equal(pd.Series(values, dtype="str")).tolist() == firsts(values).tolist()


@given(VALUES, st.data())
def test_of_some_rows_the_first_of_each_kind(values, data):
    kinds = firsts(values)
    mask = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))), dtype=bool
    )
    rows = np.flatnonzero(mask)
    wanted = [next((row for row in rows if kinds[row] == kind), -1) for kind in range(len(kinds))]
    assert first_index(kinds, rows).tolist() == wanted
    assert distinct(kinds, mask) == len({values[row] for row in rows})


@given(VALUES)
def test_how_often_a_kind_came_before(values):
    assert cumcount(firsts(values)).tolist() == [values[:at].count(value) for at, value in enumerate(values)]


@given(st.integers(0, 95), st.integers(0, 8), st.randoms(use_true_random=False))
def test_rows_are_of_one_kind_when_all_their_columns_agree(width, rows, random):
    matrix = np.array([[random.random() < 0.03 for _ in range(width)] for _ in range(rows)], dtype=bool)
    matrix = matrix.reshape(rows, width)
    kinds = group_ids((matrix[:, column] for column in range(width)), rows)
    for one in range(rows):
        for other in range(rows):
            assert (kinds[one] == kinds[other]) == (matrix[one] == matrix[other]).all()


@given(st.integers(1, 12), st.data())
def test_what_pairs_connect_is_named_by_its_smallest_item(count, data):
    item = st.integers(0, count - 1)
    pairs = data.draw(st.lists(st.tuples(item, item), max_size=15))
    parts = [{number} for number in range(count)]
    for one, other in pairs:
        whole = parts[one] | parts[other]
        for number in whole:
            parts[number] = whole
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    assert connected(count, first, second).tolist() == [min(part) for part in parts]


def test_a_long_chain_in_any_order_is_one_part():
    chain = np.random.default_rng(0).permutation(10_000)
    assert not connected(len(chain), chain[:-1], chain[1:]).any()
