"""The child's side of :mod:`manifest_tools.parallel.worker_pool`."""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import queue
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from manifest_tools.core.errors import ManifestToolsError

SLOT: Final = struct.Struct("<Q")  # shared with the parent: how many items were begun
_FLUSH: Final = 0.05  # seconds between two messages to the parent


class Lost(NamedTuple):
    """What comes back for an item that could not be done: `kind` is ``crashed`` or ``timeout``."""

    kind: str
    detail: str


def main() -> None:
    """Answer batches of items from standard input until it ends."""
    # decoders may write to standard output; the pipe to the parent must stay clean
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    slot_file, timeout = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    with Path(slot_file).open("r+b") as file:
        slot = mmap.mmap(file.fileno(), SLOT.size)
    trouble = None
    try:
        task = pickle.load(sys.stdin.buffer)  # noqa: S301
    except Exception as error:  # noqa: BLE001 - the parent tells the user
        trouble = f"{type(error).__name__}: {error}"
    pickle.dump(trouble, answers)
    answers.flush()
    if trouble is None:
        with contextlib.suppress(BrokenPipeError):  # the parent is gone
            _answer(task, answers, slot, 2 * int(timeout) + 10)
        os._exit(0)  # without waiting for what is being fetched


def _answer(task: Callable[[Any], Any], answers: Any, slot: mmap.mmap, deadline: int) -> None:
    # an orphan that hangs ends by the alarm; while the parent lives, it is faster
    alarm = getattr(signal, "alarm", lambda _: 0)
    begun = 0
    batches: queue.SimpleQueue[list[Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(task, batches), daemon=True).start()
    while (batch := batches.get()) is not None:
        done: list[Any] = []
        flushed = time.monotonic()
        for item in batch:
            begun += 1
            SLOT.pack_into(slot, 0, begun)
            alarm(deadline)
            try:
                done.append(task(item))
            except ManifestToolsError as error:  # ends the map: the next item would meet it too
                done.append(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, it costs one item
                done.append(Lost("crashed", f"{type(error).__name__}: {error}"))
            if time.monotonic() - flushed > _FLUSH:
                pickle.dump(done, answers)
                answers.flush()
                done, flushed = [], time.monotonic()
        alarm(0)
        if done:
            pickle.dump(done, answers)
            answers.flush()


def _receive(task: Callable[[Any], Any], batches: queue.SimpleQueue[list[Any] | None]) -> None:
    """Take in batches as they come, so that files of the next one are on their way while this one is decoded."""
    try:
        with contextlib.suppress(EOFError):  # the parent needs no more, or is gone
            while True:
                batch = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
                if hasattr(task, "expect"):
                    task.expect(batch)
                batches.put(batch)
    finally:
        batches.put(None)
