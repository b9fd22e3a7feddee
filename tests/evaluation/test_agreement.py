"""Agreement of reviewers against published worked examples and libraries."""

from __future__ import annotations

import json

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from manifest_tools.evaluation.agreement import MISSING, agreement

_ = MISSING


def pairs(both, first, second, neither):
    """Return the answers of two people by how often both, only one of them, or neither says present."""
    return np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [both, first, second, neither], axis=0)


def test_krippendorffs_example_of_four_observers_and_missing_answers():
    # Krippendorff, Computing Krippendorff's alpha-reliability (2011), section C: alpha (nominal) = 0.743.
    answers = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
            [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
        ]
    ).T
    found = agreement(answers)
    assert found.alpha == pytest.approx(0.743, abs=5e-4)
    assert (found.images, found.people, found.kappa) == (11, 4, None)


def test_krippendorffs_example_of_two_observers_and_two_values():
    # The same, section A: alpha = 0.095.
    one, other = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert agreement(np.array([one, other]).T).alpha == pytest.approx(0.095, abs=5e-4)


@pytest.mark.parametrize(
    ("table", "kappa"), [((20, 5, 10, 15), 0.40), ((45, 15, 25, 15), 0.1304), ((25, 35, 5, 35), 0.2593)]
)
def test_published_examples_of_cohens_kappa(table, kappa):
    assert agreement(pairs(*table)).kappa == pytest.approx(kappa, abs=5e-4)


@given(arrays(np.int64, st.tuples(st.integers(1, 12), st.integers(2, 4)), elements=st.integers(-1, 1)))
def test_as_libraries_say(answers):
    found = agreement(answers)
    told = np.where(answers == MISSING, np.nan, answers)[(answers != MISSING).sum(axis=1) > 1]
    values = set(told[~np.isnan(told)])
    if len(values) < 2:
        assert found.alpha is None
        return
    theirs = krippendorff.alpha(told.T, level_of_measurement="nominal", value_domain=[0, 1])
    assert found.alpha == pytest.approx(theirs)
    if found.people == 2:
        pair = told[:, (~np.isnan(told)).any(axis=0)].astype(int)
        if len({*pair[:, 0]}) > 1 or len({*pair[:, 1]}) > 1:
            assert found.kappa == pytest.approx(cohen_kappa_score(pair[:, 0], pair[:, 1]))


def test_intervals_hold_the_figure_and_narrow_with_more_images():
    few, many = agreement(pairs(8, 2, 2, 18)), agreement(pairs(160, 40, 40, 360))
    for name in ("raw", "kappa", "alpha"):
        wide, narrow = getattr(few, f"{name}_interval"), getattr(many, f"{name}_interval")
        assert wide.low < getattr(few, name) < wide.high
        assert narrow.high - narrow.low < 0.4 * (wide.high - wide.low)
    assert few == agreement(pairs(8, 2, 2, 18)[::-1])


def test_kappas_paradox_is_told_and_ordinary_disagreement_is_not():
    assert agreement(pairs(1, 2, 2, 95)).paradox
    assert not agreement(pairs(40, 20, 20, 20)).paradox
    assert not agreement(pairs(50, 1, 1, 48)).paradox
    assert not agreement(pairs(0, 0, 0, 50)).paradox


@pytest.mark.parametrize(
    "answers", [np.full((3, 2), MISSING), np.zeros((0, 2), int), np.array([[1, MISSING]])]
)
def test_nothing_to_compare(answers):
    found = agreement(answers)
    assert (found.images, found.raw, found.alpha, found.paradox) == (0, None, None, False)
    json.dumps(found.to_dict())


def test_all_say_the_same():
    found = agreement(pairs(0, 0, 0, 50))
    assert (found.raw, found.kappa, found.alpha, found.positives) == (1.0, None, None, 0.0)
