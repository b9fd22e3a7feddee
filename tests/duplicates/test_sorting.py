import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.duplicates.sorting import first_of_each, run_starts, sort_order

# Few different values, so that many are equal; and values that differ in bits for which a row leaves no room.
VALUES = st.lists(
    st.one_of(
        st.integers(0, 3), st.integers(0, 40).map(lambda n: (1 << 63) + n), st.integers(0, (1 << 64) - 1)
    ),
    max_size=80,
).map(lambda values: np.array(values, dtype=np.uint64))


@given(VALUES)
def test_the_order_is_the_stable_one(values):
    np.testing.assert_array_equal(sort_order(values, 64), np.argsort(values, kind="stable"))


@given(VALUES, st.integers(1, 60))
def test_the_order_of_narrow_values(values, bits):
    values &= np.uint64((1 << bits) - 1)
    np.testing.assert_array_equal(sort_order(values, bits), np.argsort(values, kind="stable"))


@given(VALUES)
def test_the_first_of_each_value(values):
    listed = values.tolist()
    assert first_of_each(values).tolist() == [listed.index(value) for value in listed]


@given(VALUES)
def test_runs_of_equal_values(values):
    values = np.sort(values)
    starts = run_starts(values)
    assert values[starts[:-1]].tolist() == sorted(set(values.tolist()))
    assert starts[-1] == len(values)
