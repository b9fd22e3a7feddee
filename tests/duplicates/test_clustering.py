import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.duplicates.clustering import SHARE, cluster


def grouped(count, pairs):
    first, second = (
        (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
        if pairs
        else (np.zeros(0, int),) * 2
    )
    return cluster(count, first, second).tolist()


def test_nothing_confirmed_leaves_all_alone():
    assert grouped(3, []) == [0, 1, 2]


def test_a_clique_is_one_group():
    assert grouped(6, list(itertools.combinations([1, 3, 4, 5], 2))) == [0, 1, 2, 1, 1, 1]


def test_a_star_of_copies_is_one_group_when_most_are_confirmed():
    copies = list(itertools.combinations(range(5), 2))
    assert grouped(6, [*copies, (0, 5), (1, 5)]) == [0] * 6


def test_a_long_chain_breaks():
    groups = grouped(1000, [(i, i + 1) for i in range(999)])
    assert max(np.bincount(groups)) <= 4


def test_one_wrong_pair_does_not_join_two_groups():
    left, right = range(6), range(6, 12)
    pairs = [*itertools.combinations(left, 2), *itertools.combinations(right, 2), (2, 9)]
    assert grouped(12, pairs) == [0] * 6 + [6] * 6


@given(
    st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda p: p[0] < p[1]), max_size=40),
    st.randoms(),
)
def test_groups_do_not_depend_on_the_order_of_pairs(pairs, random):
    listed = sorted(pairs)
    shuffled = listed[:]
    random.shuffle(shuffled)
    groups = grouped(12, listed)
    assert grouped(12, shuffled) == groups
    assert all(groups[group] == group <= item for item, group in enumerate(groups))


def by_hand(count, pairs):
    """Join, as long as there is one, the pair of groups that comes first."""
    groups = [[item] for item in range(count)]
    while True:
        shares = []
        for one, other in itertools.combinations(groups, 2):
            confirmed = sum(tuple(sorted(pair)) in pairs for pair in itertools.product(one, other))
            size = len(one) * len(other)
            if confirmed / size >= SHARE:
                shares.append((-confirmed / size, -size, min(one[0], other[0]), max(one[0], other[0])))
        if not shares:
            return [min(group) for item in range(count) for group in groups if item in group]
        *_, a, b = min(shares)
        kept, gone = (next(group for group in groups if group[0] == first) for first in (a, b))
        groups.remove(gone)
        kept += gone


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda p: p[0] < p[1]), max_size=30))
def test_groups_are_those_of_joining_by_hand(pairs):
    assert grouped(10, sorted(pairs)) == by_hand(10, pairs)
