"""Worker processes that may die: one crash or one hang costs one file, and names it.

The workers are plain child processes that talk over their pipes, not ``multiprocessing``: scripts need no
``__main__`` guard, Ctrl-C reaches the parent alone, and a worker whose parent is gone ends by itself.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from manifest_tools.errors import ManifestToolsError
from manifest_tools.images.worker import SLOT, Lost

_BOOT: Final = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from manifest_tools.images.worker import main; main()"
)
_ONE_THREAD: Final = dict.fromkeys(  # the workers share the processors; numerical libraries must not
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
_BARREN: Final = 3  # processes in a row that may die before they begin
_TICK: Final = 0.2  # seconds between two looks at the clock


class _Batch(NamedTuple):
    items: Sequence[tuple[int, Any]]
    second_try: bool = False


def default_workers() -> int:
    """Return how many processors this process may use now."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def isolated_map(
    task: Callable[[Any], Any], batches: Sequence[Sequence[Any]], *, workers: int, timeout: float
) -> Generator[list[tuple[int, Any]]]:
    """Apply `task` to every item in worker processes; yield (number of the item, result) as they come.

    Close the generator to end the workers early. The order of the results is not fixed.

    Parameters
    ----------
    task : callable
        Picklable; takes one item.
    batches : sequence of sequences
        The items, picklable, in portions; under 16 KB each when pickled, so that no pipe fills up.
    workers : int
        Number of processes.
    timeout : float
        Seconds that one item may take.

    Raises
    ------
    ManifestToolsError
        The workers cannot be started.
    """
    jobs: deque[_Batch] = deque()
    number = 0
    for batch in filter(None, batches):
        jobs.append(_Batch(tuple(enumerate(batch, number))))
        number += len(batch)
    results: queue.SimpleQueue[list[tuple[int, Any]] | BaseException] = queue.SimpleQueue()
    count = max(1, min(workers, len(jobs)))
    drivers = [_Driver(task, jobs, results, timeout, count) for _ in range(count)]
    try:
        for driver in drivers:
            driver.start()
        while number:
            with contextlib.suppress(queue.Empty):
                message = results.get(timeout=_TICK)
                if isinstance(message, BaseException):
                    raise message
                number -= len(message)
                yield message
            for driver in drivers:
                driver.check_clock()
    finally:
        for driver in drivers:
            driver.stop()


class _Driver(threading.Thread):
    """Feeds one worker process and replaces it when it dies."""

    def __init__(
        self,
        task: Callable[[Any], Any],
        jobs: deque[_Batch],
        results: queue.SimpleQueue[list[tuple[int, Any]] | BaseException],
        timeout: float,
        crew: int,
    ) -> None:
        super().__init__(daemon=True)
        self._crew = crew
        self._task, self._jobs, self._results, self._timeout = task, jobs, results, timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._pending: deque[tuple[int, Any]] = deque()  # sent, and not answered
        self._retried: set[int] = set()
        self._answered = self._barren = 0
        self._seen = (0, time.monotonic())  # the item being worked on, and since when
        self._timed_out = self._stopping = False
        self._slot = mmap.mmap(-1, SLOT.size)  # replaced by one that is shared with the process

    def run(self) -> None:
        """Work until no jobs are left."""
        try:
            while not self._stopping and (self._jobs or self._pending):
                try:
                    self._one_life()
                except (EOFError, OSError, pickle.UnpicklingError):
                    self._bury()
        except BaseException as error:  # noqa: BLE001 - the thread that waits for results must hear of it
            self._results.put(error)
        finally:
            self._end_process()

    def _one_life(self) -> None:
        """Feed one process as long as it lives and there is work."""
        process = self._process or self._start_process()
        assert process.stdin is not None
        assert process.stdout is not None
        last = 0  # items of the batch that was sent last
        while not self._stopping:
            # one batch ahead; but near the end nobody takes ahead what another could begin with
            while len(self._pending) <= (last if len(self._jobs) > self._crew else 0):
                batch = self._take()
                if batch is None:
                    break
                last = len(batch.items)
                self._pending.extend(batch.items)
                pickle.dump([item for _, item in batch.items], process.stdin)
                process.stdin.flush()
            if not self._pending:
                return
            answers = pickle.load(process.stdout)  # noqa: S301 - from our own child
            self._results.put([(self._pending.popleft()[0], answer) for answer in answers])
            self._answered += len(answers)

    def _take(self) -> _Batch | None:
        with contextlib.suppress(IndexError):
            batch = self._jobs.popleft()
            if batch.second_try:
                self._retried.update(number for number, _ in batch.items)
            return batch
        return None

    def _start_process(self) -> subprocess.Popen[bytes]:
        group: dict[str, Any] = (
            {"creationflags": 0x200} if os.name == "nt" else {"start_new_session": True}
        )  # 0x200: CREATE_NEW_PROCESS_GROUP; either way Ctrl-C does not reach the child
        slot_file, self._slot = _shared_slot()
        self._answered, self._timed_out = 0, False
        self._seen = (0, time.monotonic())
        self._process = process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ONE_THREAD},
            **group,
        )
        if self._stopping:
            process.kill()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            pickle.dump(sys.path, process.stdin)
            pickle.dump((str(slot_file), self._timeout), process.stdin)
            pickle.dump(self._task, process.stdin)
            process.stdin.flush()
            ready = pickle.load(process.stdout)  # noqa: S301 - from our own child
        except (EOFError, OSError) as error:
            ready = f"it ended at once ({error!r})"
        finally:
            slot_file.unlink()  # both sides have it open
        if ready is not None and not self._stopping:
            msg = (
                f"worker processes cannot start: {ready}; check that {sys.executable} can import this package"
            )
            raise ManifestToolsError(msg)
        return process

    def check_clock(self) -> None:
        """Kill the process if it has been at one item for too long."""
        (started,) = SLOT.unpack(self._slot[:])
        now = time.monotonic()
        if started != self._seen[0]:
            self._seen = (started, now)
        elif started > self._answered and now - self._seen[1] > self._timeout and self._process:
            self._timed_out = True
            self._process.kill()

    def _bury(self) -> None:
        """Find which item killed the process; give the others back to be done again."""
        code = self._end_process()
        if self._stopping:
            return
        (started,) = SLOT.unpack(self._slot[:])
        self._barren = 0 if started else self._barren + 1
        if self._barren > _BARREN:
            msg = f"worker processes die before they begin ({_cause(code)}); is there memory left?"
            raise ManifestToolsError(msg)
        at = started - self._answered - 1
        pending = list(self._pending)
        self._pending.clear()
        culprit = pending.pop(at) if 0 <= at < len(pending) else None
        if pending:
            self._jobs.appendleft(_Batch(pending))
        if culprit is None:
            return
        if self._timed_out:
            self._results.put([(culprit[0], Lost("timeout", f"not decoded in {self._timeout:g} s"))])
        elif culprit[0] in self._retried:
            self._results.put([(culprit[0], Lost("crashed", _cause(code)))])
        else:  # once more, alone: the system may have killed the process for its memory
            self._jobs.appendleft(_Batch([culprit], second_try=True))

    def _end_process(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        with contextlib.suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()  # an idle worker ends by itself at this
        if self._stopping or self._pending:
            process.kill()
        code = process.wait()
        assert process.stdout is not None
        process.stdout.close()
        return code

    def stop(self) -> None:
        """End the process and the thread, whatever they are doing."""
        self._stopping = True
        if (process := self._process) is not None:
            process.kill()
        if self.ident is not None:
            self.join()


def _shared_slot() -> tuple[Path, mmap.mmap]:
    """Make a file that both sides map into memory."""
    descriptor, name = tempfile.mkstemp(prefix="manifest-tools-slot-")
    os.write(descriptor, bytes(SLOT.size))
    slot = mmap.mmap(descriptor, SLOT.size)
    os.close(descriptor)
    return Path(name), slot


def _cause(code: int) -> str:
    try:
        return f"the decoder was killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    except ValueError:
        return f"the decoder was killed by signal {-code}"
