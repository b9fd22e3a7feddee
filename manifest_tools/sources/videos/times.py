"""Times in a video: seconds in programs, hours:minutes:seconds.thousandths in files."""

from __future__ import annotations

import math
import re

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d*)?)")
_UNITS = re.compile(r"(\d+(?:[.,]\d*)?|[.,]\d+)\s*(ms|s|sec|m|min|h)?", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_time(text: str) -> float:
    """Return the seconds that a text says.

    Raises
    ------
    ValueError
        It is no time.

    Examples
    --------
    >>> parse_time("90"), parse_time("1:30"), parse_time("00:01:30.5"), parse_time("1500ms"), parse_time("2 min")
    (90.0, 90.0, 90.5, 1.5, 120.0)
    """
    text = text.strip()
    clock = _CLOCK.fullmatch(text)
    if clock:
        hours, minutes, seconds = int(clock[1] or 0), int(clock[2]), float(clock[3].replace(",", "."))
        if seconds < 60 and (minutes < 60 or clock[1] is None):
            return hours * 3600.0 + minutes * 60.0 + seconds
    units = _UNITS.fullmatch(text)
    if units:
        value = float(units[1].replace(",", ".")) * _SECONDS[(units[2] or "s").lower()]
        if math.isfinite(value):
            return value
    raise ValueError(f"no time: {text[:60]!r}")


def clock(milliseconds: int) -> str:
    """Return a time as it stands in files.

    >>> clock(90_500)
    '00:01:30.500'
    """
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
