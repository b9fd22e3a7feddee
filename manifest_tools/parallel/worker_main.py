"""The child's side of :mod:`manifest_tools.parallel.worker_pool`."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import mmap
import os
import pickle
import queue
import signal
import struct
import sys
import tempfile
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import Any, Final, NamedTuple

from manifest_tools.core.errors import ManifestToolsError

# Shared with the parent: how many items were begun, and of how many what they wait for has come.
SLOT: Final = struct.Struct("<QQ")
_FLUSH: Final = 0.05  # seconds between two messages to the parent


_REARM: Final = 1.0  # seconds: setting the alarm starts a thread, which is not worth it for every item


class Lost(NamedTuple):
    """What comes back for an item that could not be done.

    `kind` is ``crashed`` or ``timeout``. `error` is what the task raised; None when its process died or was ended.
    """

    kind: str
    detail: str
    error: Exception | None = None

    def as_error(self, task: str) -> Exception:
        """Return what to raise where nothing may be missing: a fault of the program is shown as what it is."""
        if self.error is not None and not isinstance(self.error, MemoryError):
            return self.error
        return ManifestToolsError(f"{task}: {self.detail}; is there memory left? workers=1 needs the least")


@contextlib.contextmanager
def shared_slot() -> Iterator[tuple[int | str, mmap.mmap]]:
    """Make a few bytes of memory that a child process can share; yield their address for it, and the bytes.

    The address is good for a child that is started inside the block. No file is left behind, whoever is killed.
    """
    if sys.platform == "win32":
        name = f"manifest-tools-{uuid.uuid4().hex}"
        yield name, mmap.mmap(-1, SLOT.size, tagname=name)
    else:
        with tempfile.TemporaryFile() as file:  # has no name any more
            file.truncate(SLOT.size)
            yield file.fileno(), mmap.mmap(file.fileno(), SLOT.size)


def _slot_at(address: Any) -> mmap.mmap:
    """Return the parent's bytes, in the child."""
    if sys.platform == "win32":
        return mmap.mmap(-1, SLOT.size, tagname=address)
    slot = mmap.mmap(address, SLOT.size)
    os.close(address)
    return slot


def main() -> None:
    """Answer batches of items from standard input until it ends."""
    # decoders may write to standard output; the pipe to the parent must stay clean
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    address, timeout = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    slot = _slot_at(address)
    trouble = ""
    try:
        task = pickle.load(sys.stdin.buffer)  # noqa: S301
    except Exception as error:  # noqa: BLE001 - the parent tells the user
        trouble = f"{type(error).__name__}: {error}"
    gc.enable()  # off until now: nothing that is imported goes away, and looking for it takes a tenth of the start
    pickle.dump(trouble, answers)
    answers.flush()
    if not trouble:
        with contextlib.suppress(BrokenPipeError):  # the parent is gone
            _answer(task, answers, slot, 2 * timeout + 10)
        os._exit(0)  # without waiting for what is being fetched


def _answer(task: Callable[[Any], Any], answers: Any, slot: mmap.mmap, deadline: float) -> None:
    begun, coming_of = 0, getattr(task, "coming", lambda _: None)
    batches: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(task, batches), daemon=True).start()
    while True:
        batch = batches.get()
        done: list[Any] = []
        flushed, armed = time.monotonic(), -_REARM
        for item in batch:
            begun += 1
            SLOT.pack_into(slot, 0, begun, begun - 1)
            for _ in _until_come(coming_of(item)):
                if done:
                    _send(done, answers)
                    done = []
                # an orphan that waits ends with its pipe
                faulthandler.dump_traceback_later(deadline, exit=True)
            SLOT.pack_into(slot, 0, begun, begun)
            if (now := time.monotonic()) - armed >= _REARM:
                # An orphan that hangs ends by this, even inside a decoder; while the parent lives, it is faster.
                faulthandler.dump_traceback_later(deadline, exit=True)
                armed = now
            try:
                done.append(task(item))
            except ManifestToolsError as error:  # ends the map: the next item would meet it too
                done.append(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, it costs one item
                done.append(_lost(error))
            if time.monotonic() - flushed > _FLUSH:
                _send(done, answers)
                done, flushed = [], time.monotonic()
        faulthandler.cancel_dump_traceback_later()
        if done:
            _send(done, answers)


def _until_come(coming: Future[Any] | None) -> Iterator[None]:
    """Wait for what an item needs; hand back the turn now and then."""
    while coming is not None and wait([coming], _FLUSH).not_done:
        yield


def _lost(error: Exception) -> Lost:
    """Return what the parent is told of an error, with the place in this process."""
    text = f"{type(error).__name__}: {error}"
    error.add_note(f"In a worker process:\n{''.join(traceback.format_exception(error))}")
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - not every error survives the way
    except Exception:  # noqa: BLE001
        error, notes = RuntimeError(text), error.__notes__
        error.add_note(notes[-1])
    return Lost("crashed", text, error)


def _send(done: list[Any], answers: Any) -> None:
    try:
        message = pickle.dumps(done)
    except Exception:  # noqa: BLE001 - one of them is to blame
        message = pickle.dumps([_sendable(answer) for answer in done])
    answers.write(message)
    answers.flush()


def _sendable(answer: Any) -> Any:
    try:
        pickle.dumps(answer)
    except Exception as error:  # noqa: BLE001
        return _lost(error)
    return answer


def _receive(task: Callable[[Any], Any], batches: queue.SimpleQueue[list[Any]]) -> None:
    """Take in batches as they come, so that files of the next ones are on their way while this one is decoded."""
    try:
        while True:
            batch = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
            if hasattr(task, "expect"):
                task.expect(batch)
            batches.put(batch)
    finally:
        os._exit(0)  # the parent needs no more, or is gone
