"""The unit of scores, and whether they were cut: what must be asked, and what must not."""

from __future__ import annotations

import numpy as np
import pytest

from manifest_tools.dataset.reported_scores import Cut, Doubt, doubt_about_unit, reported_from


def even(low, high, number):
    return np.linspace(low, high, number)


@pytest.mark.parametrize(
    ("scores", "known", "doubt"),
    [
        ([0.93, 0.999], None, Doubt.FRACTIONS),
        ([0.02, 0.5, 1.0], None, Doubt.FRACTIONS),
        ([0.0, 0.93], None, Doubt.FRACTIONS),
        ([0.5, 0.93], 0.0, Doubt.FRACTIONS),
        ([0.9, 55.0], None, Doubt.MIXED),
        ([0.97, 97.0, 88.0], None, Doubt.MIXED),
        ([0.97, 97.0, 6.0], 5.0, Doubt.MIXED),
        ([0.9, 55.0], 0.0, None),
        ([0.9, 3.2, 55.0], None, None),
        ([0.0, 0.0], None, None),
        ([0.0, 55.0], None, None),
        ([1.5, 99.0], None, None),
        ([51.0], None, None),
        ([], None, None),
    ],
)
def test_units(scores, known, doubt):
    assert doubt_about_unit(np.array(scores, dtype=float), known) is doubt


@pytest.mark.parametrize(
    ("scores", "floor"),
    [
        (even(90.4, 99.9, 20), 90.4),
        (even(75, 99, 30), 75),
        (even(80, 99, 15), 80),
        (even(60, 99, 60), 60),
    ],
)
def test_a_wide_empty_band_is_asked_about(scores, floor):
    assert reported_from(scores) == (floor, Cut(len(scores), floor, 50.0))


@pytest.mark.parametrize(
    ("scores", "floor"),
    [
        (even(50.3, 99.9, 20), 50),
        (even(58, 99.9, 1000), 50),
        (even(90, 99, 5), 50),
        (np.array([97.1]), 50),
        (np.full(80, 97.1), 50),
        (np.repeat(even(90, 99, 4), 50), 50),
        (even(12.5, 99, 30), 12.5),
        (np.array([]), 50),
    ],
)
def test_little_evidence_is_not_asked_about(scores, floor):
    assert reported_from(scores) == (floor, None)


def test_what_is_said_is_taken():
    assert reported_from(even(90.4, 99.9, 20), 50) == (50.0, None)
    assert reported_from(even(90.4, 99.9, 20), 90) == (90.0, None)
