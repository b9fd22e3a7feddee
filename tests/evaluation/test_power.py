"""Power of the exact McNemar test: against simulated trials, a library's p-values, and the printed table."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from manifest_tools.core.errors import InputError
from manifest_tools.evaluation.power import detectable, mistakes_needed, power

TRIALS = 5000


@pytest.mark.parametrize(("mistakes", "chance"), [(10, 0.05), (25, 0.81)])
def test_a_repair_of_30_percent(mistakes, chance):
    assert round(power(mistakes, 0.3), 2) == chance


def test_simulated_trials_agree_within_their_error_for_200_random_designs():
    dice = np.random.default_rng(0)
    p_values = np.array(
        [[binomtest(c, f + c).pvalue if f + c else 1.0 for c in range(25)] for f in range(61)]
    )
    for _ in range(200):
        mistakes, others = int(dice.integers(0, 61)), int(dice.integers(0, 25))
        repaired, caused = dice.random(), dice.choice([0.0, 0.3 * dice.random()])
        expected = power(mistakes, repaired, others=others, caused=caused)
        fixed, new = dice.binomial(mistakes, repaired, TRIALS), dice.binomial(others, caused, TRIALS)
        seen = ((fixed > new) & (p_values[fixed, new] < 0.05)).mean()
        error = np.sqrt(expected * (1 - expected) / TRIALS)
        assert abs(seen - expected) <= 4.5 * error + 1 / TRIALS


def test_the_sum_over_every_result_by_a_library():
    for mistakes, repaired, others, caused in ((20, 0.45, 30, 0.05), (8, 0.9, 6, 0.3), (40, 0.2, 3, 0.9)):
        by_hand = sum(
            binom.pmf(fixed, mistakes, repaired) * binom.pmf(new, others, caused)
            for fixed in range(mistakes + 1)
            for new in range(others + 1)
            if fixed > new and binomtest(new, fixed + new).pvalue < 0.05
        )
        assert power(mistakes, repaired, others=others, caused=caused) == pytest.approx(by_hand, abs=1e-10)


@pytest.mark.parametrize(
    ("pairs", "most"), [(6, 0), (9, 1), (12, 2), (15, 3), (17, 4), (20, 5), (23, 6), (25, 7)]
)
def test_critical_values_of_the_sign_test_as_tables_print_them(pairs, most):
    """With so many differing pairs, at most so many may be new mistakes: two-sided, 5 %."""
    assert power(pairs - most, 1.0, others=most, caused=1.0) == 1.0
    assert power(pairs - most - 1, 1.0, others=most, caused=1.0) == 0.0


@pytest.mark.parametrize("mistakes", [6, 7, 10, 25, 400])
def test_the_least_share_that_shows_is_the_one_seen_in_80_percent(mistakes):
    assert power(mistakes, detectable(mistakes)) == pytest.approx(0.8)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.7, 0.9, 1.0])
def test_the_mistakes_needed_are_the_fewest_that_do(share):
    needed = mistakes_needed(share)
    assert power(needed, share) >= 0.8 > power(needed - 1, share)


def test_five_mistakes_show_nothing():
    assert detectable(5) is None
    assert power(5, 1.0) == 0.0
    assert power(0, 0.5) == 0.0


def test_large_sets_take_no_time_and_nothing_repaired_is_hardly_ever_seen():
    assert power(100_000, 0.01, others=10**6, caused=0.0005) == pytest.approx(1)
    assert power(500, 0.1, others=500, caused=0.1) <= 0.025


@pytest.mark.parametrize("wrong", [(-1, 0.5), (5, 1.5), (5, float("nan"))])
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(InputError, match="expected"):
        power(*wrong)


@pytest.mark.parametrize("share", [0, -1, 1.1, float("nan"), 1e-12])
def test_no_test_set_shows_such_a_share(share):
    with pytest.raises(InputError, match=r"such as 0\.5"):
        mistakes_needed(share)
