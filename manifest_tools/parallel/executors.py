"""Where the work runs: in this process, in threads or processes of this machine, or on a cluster.

Any :class:`concurrent.futures.Executor` will do. What is handed to it are batches: large enough that handing them
over costs nothing, small enough that one done again costs little.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

from manifest_tools.core.errors import InputError, ManifestToolsError, UnavailableError

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_CPU_MAX: Final = Path("/sys/fs/cgroup/cpu.max")  # of the container, as Linux control groups tell it
TRIES: Final = 3  # of one batch
_POLL_SECONDS: Final = 0.5  # seconds between two looks at the engine's health
_RETRY_SECONDS: Final = 2.0  # seconds before a batch is tried again
_CRASHES_BEFORE_ISOLATION: Final = 2  # breaks that a batch may have a part in before it is tried alone
_CRASHES_WITHOUT_PROGRESS: Final = 10  # breaks in a row without a finished batch


@dataclass(frozen=True)
class Failure:
    """What comes back for a batch that could not be done: the error of its last try."""

    error: BaseException


class SerialExecutor(Executor):
    """Does everything at once and in this thread: the twin of every other executor, for tests and debuggers."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call `fn` now; the future is done when this returns."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - the future holds it
            future.set_exception(error)
        return future


def worker_count(workers: int | None) -> int:
    """Return how many workers are wanted: `workers`, or for None as many as there are processors to use.

    Raises
    ------
    InputError
        It is less than one.
    """
    if workers is None:
        return default_workers()
    if workers < 1:
        msg = f"workers must be at least 1, not {workers}; None takes every processor that may be used"
        raise InputError(msg)
    return workers


def default_workers() -> int:
    """Return how many processors this process may use now: not those that it, or its container, is kept from."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        allowed = os.process_cpu_count() or 1
    elif hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return min(allowed, _container_limit(_CPU_MAX) or allowed)


def _container_limit(file: Path) -> int | None:
    """Return the processors that a container may use by its share of time, rounded up; None if it is not limited."""
    try:
        quota, period = file.read_text().split()
        return max(1, -(-int(quota) // int(period)))
    except (OSError, ValueError):  # no such file, or "max"
        return None


def run(
    fn: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    executor: Executor,
    tries: int = TRIES,
    witness: str = "",
) -> Generator[tuple[int, _Result | Failure]]:
    """Apply `fn` to every item on an executor; yield (number of the item, result) as they come.

    Parameters
    ----------
    fn : callable
        Picklable, unless the executor stays in this process; gives the same result however often it is called.
    items : iterable
        The batches. Taken one by one, a few ahead of the work.
    executor : concurrent.futures.Executor
        Not shut down. A process pool that breaks is replaced by one of our own.
    tries : int
        How often a batch is tried that raises; then a :class:`Failure` stands for its result. Our own errors are
        not tried again, for the next batch would meet them too, but for :class:`UnavailableError`.
    witness : str
        A local file: workers of a cluster that do not see it get no work.

    Raises
    ------
    ManifestToolsError
        What `fn` raised of our own errors, or workers that die again and again.
    RemoteError
        The cluster is gone. Noticed within seconds; what was under way is lost.

    Notes
    -----
    A batch may run more than once: when a worker dies, nobody can tell how far it was.
    """
    engine = _engine_of(executor)
    if witness:
        engine.admit(witness)
    work = _Work(fn, items, engine, tries)
    try:
        while work.fill():
            yield from work.results()
    finally:
        work.stop()


def slots(executor: Executor) -> int:
    """Return how many batches an executor works on at the same time, as far as it tells."""
    return _engine_of(executor).slots()


class Engine(Protocol):
    """What :func:`run` needs to know of an executor."""

    def slots(self) -> int:
        """Return how many batches can be worked on at the same time."""
        ...

    def admit(self, witness: str) -> None:
        """Keep to the workers that see a local file."""
        ...

    def submit(self, fn: Callable[[Any], Any], item: Any) -> Future[Any]:
        """Begin a batch."""
        ...

    def check(self) -> None:
        """Raise RemoteError when nothing will come of what is under way."""
        ...

    def renew(self) -> None:
        """Make the executor usable again after it broke."""
        ...

    def close(self) -> None:
        """Give back what was made here."""
        ...


class _Local:
    """An executor of this machine."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._own: Executor | None = None

    def slots(self) -> int:
        if isinstance(self._executor, SerialExecutor):
            return 1
        # The executors of the standard library tell their size nowhere else.
        return getattr(self._executor, "_max_workers", None) or default_workers()

    def admit(self, witness: str) -> None:
        pass

    def submit(self, fn: Callable[[Any], Any], item: Any) -> Future[Any]:
        return (self._own or self._executor).submit(fn, item)

    def check(self) -> None:
        pass

    def renew(self) -> None:
        if not isinstance(self._executor, ProcessPoolExecutor):
            msg = (
                f"the executor broke and cannot be replaced ({type(self._executor).__name__}); give a new one"
            )
            raise ManifestToolsError(msg)
        self.close()
        given = self._executor  # what it was made with, it tells nowhere else
        self._own = ProcessPoolExecutor(
            self.slots(),
            mp_context=getattr(given, "_mp_context", None),
            initializer=getattr(given, "_initializer", None),
            initargs=getattr(given, "_initargs", ()),
        )

    def close(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            own.shutdown(wait=False, cancel_futures=True)


def _engine_of(executor: Executor) -> Engine:
    if type(executor).__module__.partition(".")[0] == "distributed":
        from manifest_tools.parallel.dask_cluster import Cluster  # noqa: PLC0415 - dask only where it is used

        return Cluster(executor)
    return _Local(executor)


@dataclass(slots=True)
class _Job(Generic[_Item]):
    """One batch. `breaks` counts how often the executor broke while it was under way."""

    number: int
    item: _Item
    failed: int = 0
    breaks: int = 0
    not_before: float = 0.0


class _Work(Generic[_Item, _Result]):
    """The batches of one run: those under way, and those to be done again."""

    def __init__(
        self, fn: Callable[[_Item], _Result], items: Iterable[_Item], engine: Engine, tries: int
    ) -> None:
        self._fn, self._engine, self._tries = fn, engine, tries
        self._fresh = enumerate(items)
        self._again: deque[_Job[_Item]] = deque()
        self._suspects: deque[_Job[_Item]] = deque()  # each runs alone: it may be what breaks the executor
        self._under_way: dict[Future[_Result], _Job[_Item]] = {}
        self._crashes_in_a_row = 0  # breaks since a batch was finished

    def fill(self) -> bool:
        """Begin batches until enough are under way; False when there is nothing left to wait for."""
        room = 2 * self._engine.slots()  # each worker finds its next batch waiting
        while len(self._under_way) < room:
            job = self._next()
            if job is None:
                break
            try:
                self._under_way[self._engine.submit(self._fn, job.item)] = job
            except BrokenExecutor:
                lost = [job, *self._under_way.values()]
                self._under_way.clear()
                self._broke(lost)
            if job.breaks > _CRASHES_BEFORE_ISOLATION:
                break
        return bool(self._under_way or self._again or self._suspects)

    def _next(self) -> _Job[_Item] | None:
        if any(job.breaks > _CRASHES_BEFORE_ISOLATION for job in self._under_way.values()):
            return None
        if self._again and self._again[0].not_before <= time.monotonic():
            return self._again.popleft()
        for number, item in self._fresh:
            return _Job(number, item)
        if not self._under_way and not self._again and self._suspects:
            return self._suspects.popleft()
        return None

    def results(self) -> Generator[tuple[int, _Result | Failure]]:
        """Wait for batches to end, for a moment at most; yield what came of them."""
        if not self._under_way:
            time.sleep(_POLL_SECONDS)
        done = wait(self._under_way, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED).done
        broken = []
        for future in done:
            job = self._under_way.pop(future)
            error = CancelledError() if future.cancelled() else future.exception()
            if error is None:
                self._crashes_in_a_row = 0
                yield job.number, future.result()
            elif isinstance(error, BrokenExecutor | CancelledError):
                broken.append(job)
            else:
                yield from self._failed(job, error)
        if broken:
            yield from self._after_break(broken)
        self._engine.check()

    def _after_break(self, broken: list[_Job[_Item]]) -> Generator[tuple[int, Failure]]:
        lost = [*broken, *self._under_way.values()]  # nothing comes of the others either
        self._under_way.clear()
        if len(lost) == 1 and lost[0].breaks > _CRASHES_BEFORE_ISOLATION:
            self._engine.renew()
            yield lost[0].number, Failure(ManifestToolsError("workers die on this batch"))
        else:
            self._broke(lost)

    def _broke(self, jobs: list[_Job[_Item]]) -> None:
        """Put batches back after a worker's death, and have the executor replaced."""
        self._crashes_in_a_row += 1
        if self._crashes_in_a_row > _CRASHES_WITHOUT_PROGRESS:
            msg = f"workers died {_CRASHES_WITHOUT_PROGRESS} times before any batch was finished; is there memory left?"
            raise ManifestToolsError(msg)
        self._engine.renew()
        for job in sorted(jobs, key=lambda job: job.number):
            job.breaks += 1
            (self._suspects if job.breaks > _CRASHES_BEFORE_ISOLATION else self._again).append(job)

    def _failed(self, job: _Job[_Item], error: BaseException) -> Generator[tuple[int, Failure]]:
        passing = isinstance(error, UnavailableError)
        if isinstance(error, ManifestToolsError) and not passing:
            raise error
        job.failed += 1
        if job.failed < self._tries:
            job.not_before = time.monotonic() + _RETRY_SECONDS * job.failed * passing
            self._again.append(job)
        elif passing:
            raise error
        else:
            yield job.number, Failure(error)

    def stop(self) -> None:
        """Withdraw what was not begun."""
        for future in self._under_way:
            future.cancel()
        self._engine.close()
