"""A journal: what was done, a JSON object a line, on disk before anybody relies on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self

import orjson

from manifest_tools.core.errors import InputError, OutputError

if sys.platform != "win32":  # there two runs on one journal are not noticed
    import fcntl


class Journal:
    """An append-only file of JSON lines that one process at a time writes.

    What :meth:`append` was given is on disk when it returns, and survives the death of the process. A last
    line that was torn by such a death is cut off on opening; lines that cannot be read are passed over.

    Parameters
    ----------
    path : Path
        The file; made when it is not there.
    fresh : bool
        Forget what it holds.

    Attributes
    ----------
    records : list of dict
        What the file held when it was opened.

    Raises
    ------
    InputError
        Another process is writing it.
    OutputError
        It cannot be opened.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = path.open("ab+")
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._lock()
            if fresh:
                self._file.truncate(0)
            self.records = self._read()
        except BaseException:
            self._file.close()
            raise

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write records; they are on disk when this returns.

        Raises
        ------
        OutputError
            The disk is full, or worse.
        """
        lines = b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)
        try:
            self._file.write(lines)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._unusable(error) from error

    def close(self) -> None:
        """Close the file, which lets another process have it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{self.path} is in use by another run; wait for its end.") from error

    def _read(self) -> list[dict[str, Any]]:
        self._file.seek(0)
        records = []
        end = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                self._file.truncate(end)
                break
            end += len(line)
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(record, dict):
                records.append(record)
        return records

    def _unusable(self, error: OSError) -> OutputError:
        return OutputError(f"The journal {self.path} cannot be written: {error.strerror or error}.")


class MemoryJournal:
    """The same in memory, for a worker that hands its records to somebody who keeps them."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take records."""
        self.records += map(dict, records)
