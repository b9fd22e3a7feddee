"""LD, LPD, deviations, the floor and the leak check, against numbers worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from manifest_tools.splits.measures import (
    count_deviation,
    groups_across,
    label_distribution,
    label_pair_distribution,
    rounding_floor,
)

Y = np.array([[1, 1], [1, 0], [1, 1], [0, 0], [1, 0], [0, 0]])
TEST = np.array([True, False, False, True, False, False])


def test_label_distribution():
    # odds in all: 4/2, 2/4; test: 1/1, 1/1; training: 3/1, 1/3
    expected = np.mean([abs(1 - 2), abs(1 - 0.5), abs(3 - 2), abs(1 / 3 - 0.5)])
    assert label_distribution(Y, TEST) == pytest.approx(expected)


def test_label_pair_distribution():
    # the one pair: 2/4 in all, 1/1 in test, 1/3 in training
    assert label_pair_distribution(Y, TEST) == pytest.approx((0.5 + 0.5 - 1 / 3) / 2)
    assert label_pair_distribution(np.eye(3, dtype=int), [0, 1, 1]) == 0


def test_deviation_and_floor():
    assert count_deviation(Y, TEST, 0.2).tolist() == pytest.approx([0.2, 0.6])
    assert count_deviation(Y, TEST).tolist() == pytest.approx([1 / 3, 1 / 3])
    assert rounding_floor(Y, Fraction(1, 5)).tolist() == pytest.approx([0.2, 0.4])


def test_groups_across():
    assert groups_across(["a", "a", "b", "b", "c"], [0, 1, 1, 1, 0]) == 1
    assert groups_across([], []) == 0


def test_nothing_to_measure():
    nothing = np.zeros((4, 0), int)
    assert label_distribution(nothing, [0, 1, 0, 1]) == 0
    assert label_pair_distribution(nothing, [0, 1, 0, 1]) == 0
