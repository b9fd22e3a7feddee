"""The parent's side of one worker process, and those that wait for more to do."""

from __future__ import annotations

import atexit
import contextlib
import mmap
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from manifest_tools.parallel.worker_main import SLOT, shared_slot

_BOOT: Final = """
import gc, pickle, sys
gc.disable()
sys.path[:] = pickle.load(sys.stdin.buffer)
try:
    from manifest_tools.parallel.worker_main import main
except BaseException as error:
    pickle.dump(f"{type(error).__name__}: {error}", sys.stdout.buffer)
else:
    main()
"""
_ONE_THREAD: Final = dict.fromkeys(  # the workers share the processors; numerical libraries must not
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
_LOOK: Final = 1.0  # seconds between two looks that count at most: if more passed, all may have been stopped
_KEPT: Final = 60.0  # seconds that an idle process waits for more of its task


class Child:
    """A worker process, and how far it is."""

    def __init__(self, process: subprocess.Popen[bytes], address: int | str, slot: mmap.mmap) -> None:
        self.process = process
        self._address, self._slot = address, slot
        self.answered = 0  # items, over its whole life
        self._seen, self._spent, self._looked = (0, 0), 0.0, time.monotonic()  # at which item, for how long

    @classmethod
    def start(cls) -> Child:
        """Start a process that waits to be told its task."""
        with shared_slot() as (address, slot):
            options: dict[str, Any]  # Ctrl-C does not reach the child
            if sys.platform == "win32":
                options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
            else:
                options = {"start_new_session": True, "pass_fds": [address]}
            process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-c", _BOOT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_ONE_THREAD},
                **options,
            )
        return cls(process, address, slot)

    def introduce(self, task: Callable[[Any], Any], timeout: float) -> str:
        """Tell it its task; return "" when it is ready, else why it will never be.

        Raises
        ------
        EOFError
            It died.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(OSError):  # it may have ended, and said why
            pickle.dump(sys.path, self.process.stdin)
            pickle.dump((self._address, timeout), self.process.stdin)
            pickle.dump(task, self.process.stdin)
            self.process.stdin.flush()
        trouble: str = pickle.load(self.process.stdout)  # noqa: S301 - from our own child
        return trouble

    @property
    def begun(self) -> int:
        """Items that were begun, over its whole life."""
        return int(SLOT.unpack(self._slot[:])[0])

    def seconds(self) -> tuple[float, bool]:
        """Return how long it has been at one item, 0 when it waits for work, and whether the item is still to arrive."""
        (begun, arrived), now = SLOT.unpack(self._slot[:]), time.monotonic()
        if (begun, arrived) != self._seen or begun <= self.answered:
            self._seen, self._spent = (begun, arrived), 0.0
        else:
            self._spent += min(now - self._looked, _LOOK)
        self._looked = now
        return self._spent, arrived < begun

    def end(self, *, kill: bool) -> int:
        """End it, and return its exit code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # an idle worker ends by itself at this
        if kill:
            self.process.kill()
        code = self.process.wait()
        self.process.stdout.close()
        return code


class IdleWorkers:
    """Processes that wait for the next map of the same task; for a minute, and no longer than this process lives."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[object, Child, threading.Timer]] = []
        self._of_parent = self._waiting
        atexit.register(self.clear)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_to_parent)

    def take(self, key: object) -> Child | None:
        """Return a process that knows the task."""
        with self._lock:
            for place, (known, child, timer) in enumerate(self._waiting):
                if known == key:
                    timer.cancel()
                    del self._waiting[place]
                    return child
        return None

    def put(self, key: object, child: Child) -> None:
        """Keep a process that has nothing to do."""
        timer = threading.Timer(_KEPT, self._expire, [child])
        timer.daemon = True
        with self._lock:
            self._waiting.append((key, child, timer))
        timer.start()

    def _leave_to_parent(self) -> None:
        """Forget, in a forked process, what waits for its parent: two must not talk over one pipe."""
        self._lock = threading.Lock()
        self._of_parent, self._waiting = self._waiting, []  # kept, so that nothing is closed or waited for

    def _expire(self, child: Child) -> None:
        with self._lock:
            left = [entry for entry in self._waiting if entry[1] is not child]
            found, self._waiting = len(left) < len(self._waiting), left
        if found:
            child.end(kill=True)

    def clear(self) -> None:
        """End the processes that wait."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for _, child, timer in waiting:
            timer.cancel()
            child.end(kill=True)


IDLE_WORKERS: Final = IdleWorkers()
