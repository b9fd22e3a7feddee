"""Many calls at once, few of them in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def run_bounded(
    function: Callable[[_In], _Out],
    items: Iterable[_In],
    *,
    workers: int,
    window: int | None = None,
) -> Iterator[tuple[_In, _Out]]:
    """Call `function` on each item in threads; yield (item, result) in the items' order.

    At most `window` items are under way (default: four for each worker), so memory does not grow with their
    number. The first exception ends the run: what is under way finishes, nothing more starts.
    """
    room = window or 4 * workers
    pending: deque[tuple[_In, Future[_Out]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                pending.append((item, pool.submit(function, item)))
                if len(pending) >= room:
                    done, future = pending.popleft()
                    yield done, future.result()
            while pending:
                done, future = pending.popleft()
                yield done, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
