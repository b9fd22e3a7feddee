from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from manifest_tools.evaluation.statistics import bootstrap_improvements, mcnemar_exact, wilson


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(counts: tuple[int, int]) -> None:
    successes, total = counts

    interval = wilson(successes, total)

    assert interval is not None
    theirs = binomtest(successes, total).proportion_ci(method="wilson")
    assert (interval.low, interval.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_of_nothing_is_nothing() -> None:
    assert wilson(0, 0) is None


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_two_sided_binomial_test(fixed: int, caused: int) -> None:
    expected = binomtest(fixed, fixed + caused).pvalue if fixed + caused else 1.0

    assert mcnemar_exact(fixed, caused) == pytest.approx(expected)


def test_mcnemar_of_many_does_not_overflow() -> None:
    assert mcnemar_exact(6000, 4000) < 1e-80


def test_bootstrap_covers_the_estimate_and_repeats() -> None:
    base = np.array([[1, 1]] * 30 + [[0, 1]] * 10)
    adapter = np.array([[0, 0]] * 20 + [[1, 0]] * 10 + [[1, 1]] * 10)

    first = bootstrap_improvements(base, adapter, 200)

    assert first == bootstrap_improvements(base, adapter, 200)
    for column, interval in enumerate(first):
        assert interval is not None
        estimate = 1 - adapter[:, column].sum() / base[:, column].sum()
        assert interval.low < estimate < interval.high


def test_bootstrap_agrees_with_resampling_every_group() -> None:
    """Leaving the groups without mistakes out of the draws changes nothing but the time."""
    base, adapter, groups = np.array([[1]] * 15), np.array([[0]] * 9 + [[1]] * 6), 40
    everything = np.zeros((groups, 2), dtype=int)
    everything[:15, 0], everything[:15, 1] = base[:, 0], adapter[:, 0]
    dice = np.random.default_rng(1)
    drawn = everything[dice.integers(0, groups, (20_000, groups))].sum(axis=1)
    expected = np.quantile(1 - drawn[:, 1] / drawn[:, 0], [0.025, 0.975])

    (interval,) = bootstrap_improvements(base, adapter, groups)

    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx(tuple(expected), abs=0.03)


def test_bootstrap_without_mistakes_of_the_base_model_says_nothing() -> None:
    assert bootstrap_improvements(np.array([[0]]), np.array([[1]]), 5) == [None]
    assert bootstrap_improvements(np.zeros((0, 2), dtype=int), np.zeros((0, 2), dtype=int), 5) == [None, None]
