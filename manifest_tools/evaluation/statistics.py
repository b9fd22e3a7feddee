"""How sure a figure is: Wilson intervals, the exact McNemar test, a bootstrap over groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEVEL = 0.95
_Z = 1.959963984540054  # the normal distribution's 97.5 % point
RESAMPLES = 2000
_CHUNK = 200  # resamples held at a time


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval of a share, and how it was found: "wilson", "bootstrap" or "draws"."""

    low: float
    high: float
    method: str

    def to_dict(self) -> dict[str, float | str]:
        """Return the interval as its JSON object."""
        return {"low": self.low, "high": self.high, "method": self.method}


def percentile_ends(draws: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the 95 % that lie in the middle of some draws."""
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def wilson(successes: float, total: float) -> Interval | None:
    """Return Wilson's interval of a share, or None when there is nothing to take a share of.

    Parameters
    ----------
    successes, total : float
        Counts; fractions are allowed, for counts that were reduced to independent ones.

    Examples
    --------
    >>> interval = wilson(11, 15)
    >>> round(interval.low, 2), round(interval.high, 2)
    (0.48, 0.89)
    """
    if total <= 0:
        return None
    share = successes / total
    shrink = 1 + _Z**2 / total
    middle = (share + _Z**2 / (2 * total)) / shrink
    half = _Z / shrink * math.sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2))
    return Interval(max(0.0, middle - half), min(1.0, middle + half), "wilson")


def mcnemar_exact(fixed: int, caused: int) -> float:
    """Return the two-sided p-value of the exact McNemar test.

    The chance that, were base model and adapter equally good, the mistakes that only one of them makes
    would be divided as unevenly as this, or more so.

    Parameters
    ----------
    fixed, caused : int
        Mistakes of the base model alone, and of the adapter alone.

    Examples
    --------
    >>> mcnemar_exact(11, 0)
    0.0009765625
    """
    from scipy.special import bdtr  # noqa: PLC0415 - the binomial distribution; scipy.stats takes seconds to load

    return min(1.0, 2 * float(bdtr(min(fixed, caused), fixed + caused, 0.5)))


def bootstrap_improvements(
    base: NDArray[np.int64], adapter: NDArray[np.int64], groups: int, *, seed: int = 0
) -> list[Interval | None]:
    """Return the percentile interval of each column's ``(base - adapter) / base``.

    Whole groups are drawn, since look-alikes do not tell anything new about a model.

    Parameters
    ----------
    base, adapter : array of shape (groups with a mistake, columns)
        Mistakes in each group. Groups without any are left out, but drawn all the same:
    groups : int
        How many groups there are with them.
    seed : int
        For the draws.

    Returns
    -------
    list
        One interval a column; None where the base model has no mistakes.
    """
    dice = np.random.default_rng(seed)
    members, columns = base.shape
    if not members:
        return [None] * columns
    # Groups with the same mistakes are interchangeable: it is enough to draw how many there are of each kind.
    kinds, sizes = np.unique(np.concatenate([base, adapter], axis=1), axis=0, return_counts=True)
    shares = np.append(sizes, groups - members) / groups
    draws = []
    for start in range(0, RESAMPLES, _CHUNK):
        drawn = dice.multinomial(groups, shares, size=min(_CHUNK, RESAMPLES - start))[:, :-1]
        before, after = drawn @ kinds[:, :columns], drawn @ kinds[:, columns:]
        with np.errstate(divide="ignore", invalid="ignore"):
            draws.append(np.where(before > 0, (before - after) / before, np.nan))
    values = np.concatenate(draws)
    found: list[Interval | None] = []
    for column in values.T:
        known = column[~np.isnan(column)]
        if known.size and base[:, len(found)].any():
            found.append(Interval(*percentile_ends(known), "bootstrap"))
        else:
            found.append(None)
    return found


def signed_rank_greater(differences: Sequence[float]) -> float:
    """Return the one-sided p-value of the exact Wilcoxon signed-rank test, of differences that are above zero.

    The chance that, were each difference as likely to have the other sign, the ranks of the positive ones would add up to
    so much or more. Zeros are left out; equal sizes share their mean rank.

    Parameters
    ----------
    differences : sequence of float
        One for each independent pair.

    Examples
    --------
    >>> signed_rank_greater([0.5, 1.25, 3.0, -0.25, 0.0, 2.0, 9.0])
    0.03125
    """
    values = np.asarray(differences, dtype=float)
    values = values[values != 0]
    if not len(values):
        return 1.0
    _, place, repeated = np.unique(np.abs(values), return_inverse=True, return_counts=True)
    last = np.cumsum(repeated)
    doubled = (2 * last - repeated + 1)[place]  # twice the mean rank: a whole number
    ways = np.zeros(int(doubled.sum()) + 1)  # chances of each sum of positive ranks
    ways[0] = 1.0
    for rank in doubled:
        ways[rank:] = (ways[rank:] + ways[: len(ways) - rank]) / 2
        ways[:rank] /= 2
    return float(min(1.0, ways[int(doubled[values > 0].sum()) :].sum()))
