"""How the work on the pieces is shared out, and how much memory it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from manifest_tools.core.errors import InputError
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.chunks import SavedDataset
from manifest_tools.parallel.executors import Failure, SerialExecutor, default_workers, run
from manifest_tools.parallel.worker_pool import isolated
from manifest_tools.parallel.worker_process import IDLE_WORKERS

LARGE = 500_000  # images from which a data set is judged piece by piece
ROW_BYTES = 6_000  # of memory that an image takes when everything is judged at once, sketches included
_PATIENCE = 600.0  # seconds for one piece, which takes a few
WORKER_BYTES = 700_000_000  # of memory that a worker process takes
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass
class Crew:
    """The processes that work on the pieces.

    Parameters
    ----------
    workers : int
        How many; 1 works in this process.
    progress : callable, optional
        Told how many pieces are done, and of how many.
    total : int
        How many pieces there are in all passes.
    """

    workers: int
    progress: Progress | None = None
    total: int = 0
    done: int = 0

    @classmethod
    def of(
        cls,
        saved: SavedDataset,
        workers: int | None,
        memory: int | None,
        progress: Progress | None,
        *,
        passes: int = 2,
    ) -> Crew:
        """Return as many processes as there are processors and pieces for, and as memory allows."""
        number = min(workers or default_workers(), max(1, saved.pieces // 2))
        if memory is not None:
            number = min(number, max(1, memory // WORKER_BYTES - 1))
        return cls(number, progress, passes * saved.pieces)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the processes go."""
        IDLE_WORKERS.clear()

    def in_order(self, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """Do some work on every item; yield the results in the order of the items.

        Raises
        ------
        Exception
            What the work raised.
        """
        waiting: dict[int, _Result] = {}
        due = 0
        executor: Executor = SerialExecutor() if self.workers == 1 else ThreadPoolExecutor(self.workers)
        do = work if self.workers == 1 else isolated(work, timeout=_PATIENCE)
        with executor, closing(run(do, items, executor=executor)) as results:
            for number, result in results:
                if isinstance(result, Failure):
                    raise result.error
                waiting[number] = result
                self.done += 1
                if self.progress is not None:
                    self.progress(self.done, self.total)
                while due in waiting:
                    yield waiting.pop(due)
                    due += 1


def is_large(folder: str | Path, memory: int | None = None) -> bool:
    """Return whether a saved data set is to be judged piece by piece: it is large, or would not fit into `memory`.

    Not while its review journal has answers: merging those takes the whole data set.
    """
    try:
        rows = pq.read_metadata(Path(folder) / "dataset" / "images.parquet").num_rows
    except (OSError, pa.ArrowException):  # whoever reads it next says what is wrong
        return False
    return rows > LARGE or (memory is not None and rows * ROW_BYTES > memory)


def size_in_bytes(text: str) -> int:
    """Read a size such as "6GB", "500 MB" or "1.5G".

    Raises
    ------
    InputError
        It is none.
    """
    number = text.strip().upper().removesuffix("B").rstrip()
    unit = number[-1:] if number[-1:] in _UNITS else ""
    try:
        size = int(float(number.removesuffix(unit)) * _UNITS[unit])
    except (ValueError, OverflowError):
        size = 0
    if size <= 0:
        msg = f"{text!r} is no amount of memory; expected a number with a unit, such as 6GB"
        raise InputError(msg)
    return size
