"""Which failed calls are made again, when, and when a run gives up: whoever wants another policy changes this file."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from enum import Enum, auto

from manifest_tools.storage.aws_errors import error_code, is_transient

# because of the rate
REFUSED = frozenset({"ThrottlingException", "Throttling", "ProvisionedThroughputExceededException"})
ABOUT_THE_CONTENT = frozenset({"ImageTooLargeException", "InvalidImageFormatException"})  # for good
_ABOUT_THE_IMAGE = ABOUT_THE_CONTENT | {
    "InvalidS3ObjectException",
    "InvalidParameterException",
    "ValidationException",
}
_TRIES = 8  # for one image, refusals for the rate not counted
_HOPELESS = 20  # images refused, and none answered: the fault is not the images'
_PATIENCE = 120.0  # seconds
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 20.0


class IncompleteAnswer(Exception):  # noqa: N818 - its name is the code that the summary shows
    """The answer broke off: the client library takes one that did for one without members."""


class Verdict(Enum):
    """What is to be done about a call that failed."""

    AGAIN = auto()  # make it again, after a while
    GIVE_UP_IMAGE = auto()  # list the image as one without an answer
    GIVE_UP_RUN = auto()  # the next image would fail like this one


@dataclass
class Attempts:
    """How often one image was asked about in vain."""

    failures: int = 0  # refusals for the rate not counted
    delays: int = 0

    def delay(self) -> float:
        """Return how long to wait before the next attempt, in seconds."""
        longest: float = min(_LONGEST_DELAY, _FIRST_DELAY * 2**self.delays)
        return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret


class RetryPolicy:
    """Judges the failed calls of one run, whose threads share it.

    Parameters
    ----------
    patience : float
        Seconds without any answer after which the run ends.
    """

    def __init__(self, patience: float = _PATIENCE) -> None:
        self._patience = patience
        self._last_answer = time.monotonic()
        self._hopeless: float = _HOPELESS

    def answered(self) -> None:
        """Take note that the service answers."""
        self._last_answer = time.monotonic()
        self._hopeless = math.inf

    def judge(self, error: Exception, attempts: Attempts) -> Verdict:
        """Return what is to be done after one more failure of an image."""
        code = error_code(error)
        if code in _ABOUT_THE_IMAGE and self._hopeless > 0:
            self._hopeless -= code not in ABOUT_THE_CONTENT
            return Verdict.GIVE_UP_IMAGE
        if not (isinstance(error, IncompleteAnswer) or is_transient(error)):
            return Verdict.GIVE_UP_RUN
        attempts.delays += 1
        attempts.failures += code not in REFUSED
        given_up = attempts.failures >= _TRIES
        nothing_answered = given_up and self._hopeless < math.inf
        if nothing_answered or time.monotonic() - self._last_answer > self._patience:
            return Verdict.GIVE_UP_RUN
        return Verdict.GIVE_UP_IMAGE if given_up else Verdict.AGAIN
