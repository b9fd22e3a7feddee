"""Worker processes that may die: one crash or one hang costs one file, and names it.

The workers are plain child processes that talk over their pipes, not ``multiprocessing``: scripts need no
``__main__`` guard, Ctrl-C reaches the parent alone, and a worker whose parent is gone ends by itself.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any, Final, TypeAlias, TypeVar

from manifest_tools.core.errors import ManifestToolsError
from manifest_tools.parallel.worker_main import Lost
from manifest_tools.parallel.worker_process import IDLE_WORKERS, Child

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_CRASHES_WITHOUT_PROGRESS: Final = 3  # processes in a row that may die before they begin
_TICK: Final = 0.2  # seconds between two looks at the clock
# Times the limit of an item: what it may take to arrive, if it is far away. Its way is shared with others, and
# whoever fetches it has limits and tries of its own, which say better what is wrong.
_PATIENCE: Final = 5


_Batch: TypeAlias = Sequence[tuple[int, Any]]  # numbers of items, and the items


def isolated_map(
    task: Callable[[Any], Any],
    batches: Sequence[Sequence[Any]],
    *,
    workers: int,
    timeout: float,
    ahead: int = 1,
    keep: bool = False,
    here: Callable[[Any], Any] | None = None,
) -> Generator[list[tuple[int, Any]]]:
    """Apply `task` to every item in worker processes; yield (number of the item, result) as they come.

    Close the generator to end the workers early. The order of the results is not fixed.

    Parameters
    ----------
    task : callable
        Picklable; takes one item. If it has `expect`, that is told each batch as soon as it is sent, to begin to
        fetch what the items need; `coming` returns the future that an item waits for, or None.
    batches : sequence of sequences
        The items, picklable, in portions; under 16 KB each when pickled, so that no pipe fills up.
    workers : int
        Number of processes.
    timeout : float
        Seconds that one item may take; five times as many to wait for what `coming` returned.
    ahead : int
        Batches that a process is sent beside the one that it is at.
    keep : bool
        Keep idle processes for the next map of the same task: worth it for many small maps.
    here : callable, optional
        The task for the calling process, which then works as well, but for what a worker died of. Not for tasks
        that may crash or hang.

    Raises
    ------
    ManifestToolsError
        The workers cannot be started, or what the task raised of our own errors.
    """
    # A process keeps the surroundings that it was started in, such as credentials.
    shelf = (pickle.dumps(task), timeout, dict(os.environ)) if keep else None
    jobs: deque[_Batch] = deque()
    number = 0
    for batch in filter(None, batches):
        jobs.append(tuple(enumerate(batch, number)))
        number += len(batch)
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()
    count = max(1, min(workers, len(jobs)))
    drivers = [_Driver(task, jobs, results, timeout, count, ahead=ahead, shelf=shelf) for _ in range(count)]
    try:
        for driver in drivers:
            driver.start()
        while number:
            if here is not None and results.empty() and (job := _next_of(jobs)):
                results.put([(place, here(item)) for place, item in job])
            with contextlib.suppress(queue.Empty):
                message = results.get(timeout=_TICK)
                _raise_errors(message)
                number -= len(message)
                yield message
            for driver in drivers:
                driver.check_clock()
        if keep:
            for driver in drivers:
                driver.join()  # it has nothing to do any more, and keeps its process
    finally:
        for driver in drivers:
            driver.stop()


def _next_of(jobs: deque[_Batch]) -> _Batch:
    """Take the next batch; an empty one when none is left."""
    try:
        return jobs.popleft()
    except IndexError:
        return ()


def _raise_errors(message: list[tuple[int, Any]] | BaseException) -> None:
    """Raise what a driver or a task could not cope with."""
    if isinstance(message, BaseException):
        raise message
    for _, answer in message:
        if isinstance(answer, ManifestToolsError):
            raise answer


def isolated(task: Callable[[_Item], _Result], *, timeout: float) -> Callable[[_Item], _Result]:
    """Return a function that does a task in a worker process, one for each thread that calls it.

    The processes are kept for a minute, or until :meth:`manifest_tools.parallel.worker_process.IdleWorkers.clear`.
    The function raises what `isolated_map` does, what the task raises, and ManifestToolsError when its process dies.
    """

    def do(item: _Item) -> _Result:
        with closing(isolated_map(task, [[item]], workers=1, timeout=timeout, keep=True)) as messages:
            ((_, answer),) = next(messages)
            for _ in messages:  # to its end, where the process is kept
                pass
        if isinstance(answer, Lost):
            raise answer.as_error("a worker process failed")
        result: _Result = answer
        return result

    return do


class _Driver(threading.Thread):
    """Feeds one worker process and replaces it when it dies."""

    def __init__(
        self,
        task: Callable[[Any], Any],
        jobs: deque[_Batch],
        results: queue.SimpleQueue[list[tuple[int, Any]] | BaseException],
        timeout: float,
        crew: int,
        *,
        ahead: int,
        shelf: object,
    ) -> None:
        super().__init__(daemon=True)
        self._crew, self._ahead, self._shelf = crew, ahead, shelf
        self._task, self._jobs, self._results, self._timeout = task, jobs, results, timeout
        self._child: Child | None = None
        self._pending: deque[tuple[int, Any]] = deque()  # sent, and not answered
        self._sent: deque[int] = deque(maxlen=ahead)  # lengths of the last batches, the latest first
        # what a process died of, to be done once more; not by others, who may be the caller's own process
        self._again: deque[_Batch] = deque()
        self._retried: set[int] = set()
        self._crashes_in_a_row = 0
        self._timed_out = ""  # the words for it
        self._stopping = False

    def run(self) -> None:
        """Work until no jobs are left."""
        try:
            while not self._stopping and (self._again or self._jobs or self._pending):
                try:
                    self._one_life()
                except (EOFError, OSError, pickle.UnpicklingError):
                    self._on_death()
        except BaseException as error:  # noqa: BLE001 - the thread that waits for results must hear of it
            self._results.put(error)
        finally:
            self._release()

    def _one_life(self) -> None:
        """Feed one process as long as it lives and there is work."""
        child = self._child or self._start()
        process = child.process
        assert process.stdin is not None
        assert process.stdout is not None
        self._sent.clear()
        while not self._stopping:
            # near the end nobody takes ahead what another could begin with
            while len(self._pending) <= sum(list(self._sent)[: max(0, (len(self._jobs) - 1) // self._crew)]):
                batch = _next_of(self._again) or _next_of(self._jobs)
                if not batch:
                    break
                self._sent.appendleft(len(batch))
                self._pending.extend(batch)
                pickle.dump([item for _, item in batch], process.stdin)
                process.stdin.flush()
            if not self._pending:
                return
            try:
                answers = pickle.load(process.stdout)  # noqa: S301 - from our own child
            except Exception as error:  # whatever it is, the stream is broken
                raise EOFError from error
            self._results.put([(self._pending.popleft()[0], answer) for answer in answers])
            child.answered += len(answers)

    def _start(self) -> Child:
        """Take a process from the shelf, or start one."""
        self._timed_out = ""
        if self._shelf is not None and (waiting := IDLE_WORKERS.take(self._shelf)) is not None:
            self._child = waiting
            return waiting
        child = Child.start()
        self._child = child
        if self._stopping:
            child.process.kill()
        trouble = child.introduce(self._task, self._timeout)
        if trouble and not self._stopping:
            self._child = None
            child.end(kill=True)
            msg = (
                f"worker processes cannot start: {trouble}; check that {sys.executable} can import this package"
                " and what it is asked to do"
            )
            raise ManifestToolsError(msg)
        return child

    def check_clock(self) -> None:
        """Kill the process if it has been at one item for too long."""
        child = self._child
        if child is None:
            return
        seconds, on_its_way = child.seconds()
        limit = self._timeout * (_PATIENCE if on_its_way else 1)
        if seconds > limit:
            self._timed_out = f"not {'there' if on_its_way else 'done'} in {limit:g} s"
            child.process.kill()

    def _on_death(self) -> None:
        """Find which item killed the process; give the others back to be done again."""
        child, self._child = self._child, None
        code = child.end(kill=True) if child is not None else 0
        if self._stopping:
            return
        begun, answered = (child.begun, child.answered) if child is not None else (0, 0)
        self._crashes_in_a_row = 0 if begun else self._crashes_in_a_row + 1
        if self._crashes_in_a_row > _CRASHES_WITHOUT_PROGRESS:
            msg = (
                f"worker processes end before they begin ({_cause(code)}); check that {sys.executable} can import"
                " this package, and that there is memory left"
            )
            raise ManifestToolsError(msg)
        at = begun - answered - 1
        pending = list(self._pending)
        self._pending.clear()
        culprit = pending.pop(at) if 0 <= at < len(pending) else None
        for length in [*self._sent, len(pending)]:
            if batch := pending[-length:]:
                (self._again if batch[0][0] in self._retried else self._jobs).appendleft(batch)
                del pending[-length:]
        if culprit is None:
            return
        if self._timed_out:
            self._results.put([(culprit[0], Lost("timeout", self._timed_out))])
        elif culprit[0] in self._retried:
            self._results.put([(culprit[0], Lost("crashed", _cause(code)))])
        else:  # once more, alone: the system may have killed the process for its memory
            self._retried.add(culprit[0])
            self._again.append([culprit])

    def _release(self) -> None:
        """Keep the process for the next map, or end it."""
        child, self._child = self._child, None
        if child is None:
            return
        if self._shelf is not None and not (self._stopping or self._pending):
            IDLE_WORKERS.put(self._shelf, child)
        else:
            child.end(kill=self._stopping or bool(self._pending))

    def stop(self) -> None:
        """End the process and the thread, whatever they are doing."""
        self._stopping = True
        if (child := self._child) is not None:
            child.process.kill()
        if self.ident is not None:
            self.join()


def _cause(code: int) -> str:
    """Return how a process ended: by a signal (POSIX), or with an exit code, which Windows uses for crashes too."""
    if code >= 0:
        return f"exit code {code}" if code < 1 << 31 else f"exit code 0x{code:08X}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
