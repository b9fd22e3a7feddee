"""How much a run tells of itself: step times when asked for, and a log file with everything that was said."""

from __future__ import annotations

import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

from manifest_tools.core.errors import OutputError


class _Run:
    verbose = False
    log: Path | None = None


_run = _Run()


def set_verbose(wanted: bool) -> None:
    """Tell step times, or do not."""
    _run.verbose = wanted


def set_log(path: Path | None) -> None:
    """Write what is said from now on to a file, after what is in it.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    _run.log = path
    if path is not None:
        try:
            with path.open("a", encoding="utf-8"):
                pass
        except OSError as error:
            _run.log = None
            msg = f"cannot write the log {path}: {error.strerror or error}"
            raise OutputError(msg) from error
        note(f"$ {' '.join(sys.argv)}")


def note(text: str) -> None:
    """Add lines to the log file, if there is one, each with its time; a log that is full ends no run."""
    if _run.log is None:
        return
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        with _run.log.open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.writelines(f"{now} {line}\n" for line in text.splitlines() or [""])
    except OSError:
        _run.log = None


def note_error(error: BaseException) -> None:
    """Add to the log file where an error comes from."""
    note("".join(traceback.format_exception(error)))


class Clock:
    """Tells how long a step took."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def told(self) -> str:
        """Return the time in words, where it was asked for; "" elsewhere."""
        seconds = time.monotonic() - self._start
        return f"  [{seconds:,.1f} s]" if _run.verbose else ""
