"""Tasks for worker processes, some of them deadly. Imports nothing heavy: workers start with it."""

import os
import signal
import sys
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

from manifest_tools.core.errors import InputError


def square(number):
    return number * number


def misused(number):
    msg = "no such folder"
    raise InputError(msg)


def process_number(_):
    return os.getpid()


def trouble(number):
    if number == 5:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 11:
        os._exit(7)
    if number == 17:
        msg = "a bug"
        raise RuntimeError(msg)
    return number


def faulty(number):
    return {}[number]


class UnpicklableError(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def unpicklable(number):
    if number == 2:
        raise UnpicklableError(1, 2)
    return (lambda: number) if number == 3 else number


def hang(number):
    if number == 3:
        time.sleep(600)
    return number


def note(folder):
    Path(folder, str(os.getpid())).touch()
    return os.getpid()


def hang_after_note(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)


def die_after_note(folder):
    Path(folder, str(os.getpid())).touch()
    os.kill(os.getpid(), signal.SIGKILL)


def chatter(number):
    os.write(1, b"a decoder prints")
    sys.stdout.flush()
    os.write(2, b"a decoder complains")
    return number


@dataclass(frozen=True)
class FromAfar:
    """Items that take their time to arrive; `after` says of some behind which other one, once that is expected."""

    seconds: float = 0.0
    after: dict[int, int] = field(default_factory=dict)

    def expect(self, numbers):
        for number in numbers:
            _COMING.setdefault(number, Future())
            arriving = [one for one, other in self.after.items() if other == number]
            for one in [*arriving, *({number} - set(self.after))]:
                Timer(self.seconds, _COMING[one].set_result, [None]).start()

    def coming(self, number):
        return _COMING[number]

    def __call__(self, number):
        return number


_COMING = {}
