"""Dates as people and spreadsheets write them, read as a column: what one leaves open, the others may tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

_ENDING = r"(?:(?:T|,?\s+)(.+))?"  # the time of day
_NUMBERS = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})" + _ENDING)
_YEAR_FIRST = re.compile(r"(\d{4})([/.-])(\d{1,2})\2(\d{1,2})" + _ENDING)
_DAY_NAME = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE)
_DAY_MONTH = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)?[\s-]+([a-z]{3,9})\.?,?[\s-]+(\d{4}|\d{2})" + _ENDING, re.IGNORECASE
)
_MONTH_DAY = re.compile(
    r"([a-z]{3,9})\.?[\s-]+(\d{1,2})(?:st|nd|rd|th)?,?[\s-]+(\d{4})" + _ENDING, re.IGNORECASE
)
_CLOCK = re.compile(
    r"(\d{1,2})(?::(\d{2}))?(?::(\d{2})(?:[.,](\d{1,6})\d*)?)?\s*([ap]\.?\s?m\.?)?\s*(z|utc|gmt|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_SECONDS = re.compile(r"\d{10}(\.\d+)?|\d{13}")  # or milliseconds, since 1970
_SERIAL = re.compile(r"[2-7]\d{4}(\.\d+)?")  # days since 1900, as spreadsheets count them: 1954 to 2119
_SERIAL_START = datetime(1899, 12, 30, tzinfo=UTC)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CENTURY_STARTS = 69  # of two-digit years: 69 is 1969, 68 is 2068, as POSIX has it
_ORDERS = ("dmy", "mdy", "ymd")


def read_dates(dates: Sequence[str]) -> list[list[str]]:
    """Return a column's moments as ISO text in UTC, which sorts by time; "" where one is empty or cannot be read.

    Parameters
    ----------
    dates : sequence of str
        ISO 8601; seconds or milliseconds since 1970; days as spreadsheets count them; day, month and year in
        numbers or with the month's name in English, with a time of 24 hours or with AM and PM.

    Returns
    -------
    list of list of str
        One reading of the column; several where ``03/04/2026`` may begin with the day or the month and no other
        date tells which. Where some dates can only begin with the day and others only with the month, none that
        leaves it open can be read.
    """
    open_ones = [match for match in map(_NUMBERS.fullmatch, dates) if match and match[2] != "."]
    fits = {order: [_numeric(match, order) for match in open_ones] for order in _ORDERS}
    if any(len(match[4]) == 4 or match[2] == "/" for match in open_ones):
        del fits["ymd"]  # a year in front has four digits, or stands before a hyphen
    whole = [order for order, moments in fits.items() if all(moments)] if open_ones else ["dmy"]
    return [[_moment(date, order) for date in dates] for order in whole or [""]]


def _moment(date: str, order: str) -> str:
    date = _DAY_NAME.sub("", date.strip())
    try:
        if _SECONDS.fullmatch(date):
            return _iso(datetime.fromtimestamp(float(date) / (1000 if len(date) == 13 else 1), UTC))
        if _SERIAL.fullmatch(date):
            return _iso(_SERIAL_START + timedelta(seconds=round(float(date) * 86_400)))
        match = _NUMBERS.fullmatch(date)
        if match:
            return _numeric(match, "dmy" if match[2] == "." else order)
        for pattern, places in (
            (_YEAR_FIRST, (1, 3, 4, 5)),
            (_DAY_MONTH, (3, 2, 1, 4)),
            (_MONTH_DAY, (3, 1, 2, 4)),
        ):
            match = pattern.fullmatch(date)
            if match:
                year, month, day, clock = (match[place] for place in places)
                return _assembled(year, month, day, clock)
        moment = datetime.fromisoformat(date)
        return _iso(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)
    except (ValueError, OverflowError, OSError):
        return ""


def _numeric(match: re.Match[str], order: str) -> str:
    """Return the moment of three numbers in one order of day, month and year; "" where there is no such day."""
    if not order:
        return ""
    parts = dict(zip(order, (match[1], match[3], match[4]), strict=True))
    try:
        return _assembled(parts["y"], parts["m"], parts["d"], match[5])
    except (ValueError, OverflowError):
        return ""


def _assembled(year: str, month: str, day: str, clock: str | None) -> str:
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3].casefold()) + 1
    full = int(year) + (0 if len(year) == 4 else 1900 if int(year) >= _CENTURY_STARTS else 2000)
    moment = datetime(full, number, int(day), tzinfo=UTC)
    if not clock:
        return _iso(moment)
    match = _CLOCK.fullmatch(clock.strip())
    if match is None or not (match[2] or match[5]):
        raise ValueError(clock)
    hour = int(match[1])
    if match[5]:
        if not 1 <= hour <= 12:
            raise ValueError(clock)
        hour = hour % 12 + (12 if match[5][0] in "pP" else 0)
    moment = moment.replace(
        hour=hour,
        minute=int(match[2] or 0),
        second=int(match[3] or 0),
        microsecond=int((match[4] or "0").ljust(6, "0")),
    )
    zone = (match[6] or "")[:1]
    if zone in ("+", "-"):
        digits = match[6].replace(":", "")
        ahead = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
        moment -= ahead if zone == "+" else -ahead
    return _iso(moment)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
