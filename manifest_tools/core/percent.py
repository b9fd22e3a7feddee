"""Confidences that people give are per cent, from 0 to 100; a fraction is refused, never taken for less than 1 %."""

from __future__ import annotations

import math

from manifest_tools.core.errors import InputError


def percent(value: float, name: str) -> float:
    """Return a confidence in per cent as a float.

    Parameters
    ----------
    value : float
        What was given.
    name : str
        What it was given as, for the message: an option, or a member of a file.

    Raises
    ------
    InputError
        It is no number from 0 to 100, or it lies between 0 and 1: who writes 0.5 nearly always means 50 %.

    Examples
    --------
    >>> percent(50, "--min-confidence")
    50.0
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:  # nor nan
        msg = f"{name} is {value!r}; expected a confidence in per cent, a number from 0 to 100"
        raise InputError(msg)
    if 0 < value < 1:
        msg = (
            f"{name} is {value:g}, less than 1 %; confidences are per cent here: write {value * 100:g} for "
            f"{value * 100:g} %, or 0 or 1 if so little is meant"
        )
        raise InputError(msg)
    return float(value)


def read_percent(text: str) -> float:
    """Return the confidence in a table's cell, in per cent; a per cent sign and a decimal comma are undone.

    Raises
    ------
    ValueError
        It is no number from 0 to 100.

    Examples
    --------
    >>> read_percent("97.1"), read_percent("97,1 %")
    (97.1, 97.1)
    """
    plain = text.strip().removesuffix("%").rstrip()
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    try:
        value = float(plain)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100 or "_" in plain:  # nor nan
        raise ValueError(f"no confidence in per cent: {text!r}")
    return value
