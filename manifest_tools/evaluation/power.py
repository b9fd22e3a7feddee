"""Whether a test set is big enough: the chance that the exact McNemar test will show what an adapter repairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from manifest_tools.core.errors import InputError

ALPHA = 0.05  # two-sided: a difference with a lower p-value is told
CHANCE = 0.8  # "would be seen": in so many of a hundred trials
BEST = 0.9  # an adapter that repairs more than this is not to be counted on
WORTH_SEEING = (0.3, 0.5, 0.7)
_NEGLIGIBLE = 1e-12  # of a distribution's tails
_MOST = 10**9  # mistakes


def power(mistakes: int, repaired: float, *, others: int = 0, caused: float = 0.0) -> float:
    """Return the chance that the exact McNemar test shows an adapter to be better, at 5 %, two-sided.

    Each of the base model's mistakes is repaired with the chance `repaired`, each of the other images is newly
    judged wrongly with the chance `caused`, all of them independently.

    Parameters
    ----------
    mistakes : int
        Test images that the base model gets wrong; each group of look-alikes counts once.
    repaired : float
        Share (0-1) of them that the adapter repairs.
    others : int
        Test images that the base model gets right.
    caused : float
        Share (0-1) of those that the adapter gets wrong.

    Raises
    ------
    InputError
        A share does not lie between 0 and 1, or a number is negative.

    Examples
    --------
    >>> round(power(10, 0.3), 2), round(power(25, 0.3), 2)
    (0.05, 0.81)
    >>> round(power(25, 0.3, others=100, caused=0.02), 2)
    0.3
    """
    from scipy.special import bdtr  # noqa: PLC0415 - the binomial distribution; scipy.stats takes seconds to load

    _require(mistakes, repaired, "mistakes", "repaired")
    _require(others, caused, "others", "caused")
    worse, of_worse = _binomial(others, caused)
    enough = np.array([_enough(int(new)) for new in worse])
    # With n new mistakes, the test shows an adapter that repairs at least enough(n) of the old ones.
    seen = np.where(enough > mistakes, 0.0, 1 - bdtr(np.minimum(enough - 1, mistakes), mistakes, repaired))
    return float(np.clip(of_worse @ seen, 0.0, 1.0))


def detectable(mistakes: int) -> float | None:
    """Return the least share of the base model's mistakes whose repair is seen in 80 % of trials.

    Nothing is newly caused. None where not even a repair of all of them would be seen.

    Examples
    --------
    >>> round(detectable(25), 3), detectable(5)
    (0.298, None)
    """
    from scipy.special import betaincinv  # noqa: PLC0415 - as above

    least = _enough(0)
    if mistakes < least:
        return None
    # P(at least k of m are repaired) as a function of the share is the incomplete beta function.
    return float(betaincinv(least, mistakes - least + 1, CHANCE))


def mistakes_needed(repaired: float) -> int:
    """Return how many mistakes of the base model a test set needs, so that a repair is seen in 80 % of trials.

    Parameters
    ----------
    repaired : float
        Share (0-1) that the adapter repairs; nothing is newly caused.

    Raises
    ------
    InputError
        The share is not between 0 (excluded) and 1, or is so small that no test set would do.

    Examples
    --------
    >>> mistakes_needed(0.3), mistakes_needed(0.5), mistakes_needed(0.7)
    (25, 15, 10)
    """
    if not 0 < repaired <= 1:
        msg = f"a repair of {repaired:g} cannot be shown; expected a share above 0 and up to 1, such as 0.5"
        raise InputError(msg)
    low, high = 0, _enough(0)
    while power(high, repaired) < CHANCE:
        low, high = high, 2 * high
        if high > _MOST:
            msg = f"a repair of {repaired:g} is too small to be shown by any test set; expected a share such as 0.5"
            raise InputError(msg)
    while high - low > 1:  # the chance grows with the number of mistakes
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle, repaired) >= CHANCE else (middle, high)
    return high


def _enough(caused: int) -> int:
    """Return how many repairs the exact McNemar test needs, beside so many new mistakes, to be below 5 %."""
    from scipy.special import bdtr  # noqa: PLC0415 - as above

    low, high = caused, 2 * caused + 10 + int(8 * np.sqrt(caused))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if 2 * bdtr(caused, caused + middle, 0.5) < ALPHA else (middle, high)
    return high


def _binomial(trials: int, share: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers that come up with more than a negligible chance, and the chance of each."""
    from scipy.special import bdtr  # noqa: PLC0415 - as above

    if trials == 0 or share == 0:
        return np.zeros(1, dtype=np.int64), np.ones(1)
    # beyond lies less than a millionth of a millionth
    spread = 8 * np.sqrt(trials * share * (1 - share)) + 30
    low, high = max(0, int(trials * share - spread)), min(trials, int(trials * share + spread))
    numbers = np.arange(low, high + 1, dtype=np.int64)
    below = bdtr(low - 1, trials, share) if low else 0.0
    chances: NDArray[np.float64] = np.diff(np.r_[below, bdtr(numbers, trials, share)])
    kept = chances > _NEGLIGIBLE
    return numbers[kept], chances[kept]


def _require(number: int, share: float, what: str, whose: str) -> None:
    if number < 0:
        msg = f"{what} is {number}; expected a number of images, at least 0"
        raise InputError(msg)
    if not 0 <= share <= 1:
        msg = f"{whose} is {share}; expected a share from 0 to 1"
        raise InputError(msg)
