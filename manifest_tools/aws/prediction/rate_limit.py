"""Calls at a steady rate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_HEADROOM = 0.98  # of the account's limit: what is sent evenly does not arrive evenly
_WINDOW = 1.0  # seconds over which refusals are counted, at least
_WINDOW_CALLS = 20  # and calls
_TOO_MANY_REFUSED = 0.1  # share of a window's calls: above it, others use the same limit or it is lower
_SLOWER, _FASTER, _SLOWEST = 0.7, 1.1, 0.05


class RateLimiter:
    """A token bucket: hands out moments at which to call, evenly, at most `limit` of them in any second.

    Where the service refuses many calls all the same, because the account's limit is lower or somebody else
    uses it too, the rate goes down by steps, and up again when refusals stop.

    Parameters
    ----------
    limit : float
        Calls per second that the account allows. A few percent less are made.
    clock, sleep : callable
        Time and waiting, for tests.
    """

    def __init__(
        self,
        limit: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._full_rate = self.rate = limit * _HEADROOM
        self._spare = int(limit - self.rate)  # late calls that may be made up for at once
        self._clock = clock
        self._sleep = sleep
        self._next = clock()
        self._window_end = self._next + _WINDOW
        self._calls = self._refused = 0
        self._many_before = False
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait for this call's turn."""
        with self._lock:
            now = self._clock()
            turn = max(self._next, now - self._spare / self.rate)
            self._next = turn + 1 / self.rate
        if turn > now:
            self._sleep(turn - now)

    def note(self, *, refused: bool) -> None:
        """Tell how a call ended, so that the rate can follow."""
        with self._lock:
            self._calls += 1
            self._refused += refused
            now = self._clock()
            if now < self._window_end or self._calls < _WINDOW_CALLS:
                return
            many = self._refused > _TOO_MANY_REFUSED * self._calls
            if not many:
                self.rate = min(self._full_rate, self.rate * _FASTER)
            elif (
                self._many_before
            ):  # one window alone may be a hiccup of this machine: calls that left in a bunch
                self.rate = max(self._full_rate * _SLOWEST, self.rate * _SLOWER)
            self._many_before = many
            self._window_end = now + _WINDOW
            self._calls = self._refused = 0
