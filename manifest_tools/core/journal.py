"""A journal: what was done, a JSON object a line, on disk before anybody relies on it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from manifest_tools.core import bounded_json
from manifest_tools.core.errors import InputError, OutputError, SurroundingsWarning
from manifest_tools.core.hash_chain import HashChain


class JournalFile:
    """A file of JSON lines that only grows. Several processes may write it in turn; each sees the others' lines.

    A last line that was torn by the death of its writer does not count, and goes with the next :meth:`append`; other
    lines that hold no record are passed over and stay. Both are told by a :class:`SurroundingsWarning`.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    understood : callable, optional
        Whether a JSON object is a record; what is none is told of, and returned all the same.
    chained : bool
        Give each line the hash of all lines up to it (:mod:`manifest_tools.core.hash_chain`).
    """

    def __init__(
        self,
        path: Path,
        understood: Callable[[dict[str, Any]], bool] = bool,
        *,
        chained: bool = False,
    ) -> None:
        self.path = path
        self._understood = understood
        self._chained = chained
        self._chain = HashChain()
        self._end = 0  # of the last whole line that was read or written
        self._lines = 0  # up to there

    def read(self) -> tuple[bool, list[dict[str, Any]]]:
        """Return what was appended since the last look, by anybody.

        Returns
        -------
        anew : bool
            Whether this is the file from its beginning, because it is the first look or the file was set aside.
        records : list of dict

        Raises
        ------
        OutputError
            The file is there, and cannot be read.
        """
        records = []
        try:
            with self.path.open("rb") as stream:
                if stream.seek(0, os.SEEK_END) < self._end:
                    self._end = 0
                start = stream.seek(self._end)
                if not start:
                    self._lines, self._chain = 0, HashChain()
                for line in stream:
                    number = self._lines + 1
                    record = _record(line)
                    if record is None and not line.endswith(b"\n"):
                        if not start:
                            self._tell(number, "the last line was not written to its end; it does not count")
                        break
                    self._end += len(line)
                    self._lines += line.endswith(b"\n")
                    self._chain.take(line)
                    if record is not None:
                        records.append(record)
                    if line.strip() and not self._understood(record or {}):
                        self._tell(
                            number,
                            "this line is not as it was written and is passed over; the lines before and after "
                            "it count. Put it right from a copy, or remove it",
                        )
        except FileNotFoundError:
            self._end = 0
            return True, []
        except OSError as error:
            raise self._unusable("read", error) from error
        return start == 0, records

    @contextmanager
    def locked(self, *, wait: bool = True) -> Iterator[None]:
        """Keep other processes from writing meanwhile; the operating system frees the lock of a killed one.

        Raises
        ------
        InputError
            Another process has the lock, and it is not to be waited for.
        OutputError
            The folder cannot be written.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415 - slow to load, and only writers need it

        lock = FileLock(self.path.with_name(f".{self.path.name}.lock"), blocking=wait)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise InputError(f"{self.path} is in use by another run; wait for its end.") from error
        except OSError as error:
            raise self._unusable("written", error) from error
        try:
            yield
        finally:
            lock.release()

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write records; they are on disk when this returns.

        For whoever holds the lock and has read the file since: what stands behind the last line that was read is cut
        off.

        Raises
        ------
        OutputError
            The disk is full, or worse. What was begun is taken back.
        """
        chain = HashChain(self._chain.head)
        each = (orjson.dumps(record) for record in records)
        lines = b"".join((chain.link(line) if self._chained else line) + b"\n" for line in each)
        try:
            # A buffer would be written once more when it is closed.
            with self.path.open("ab", buffering=0) as stream:
                self._end = min(self._end, stream.tell())
                stream.truncate(self._end)
                if lines and not self._ends_a_line():
                    lines = b"\n" + lines
                try:
                    rest = memoryview(lines)
                    while rest:
                        rest = rest[stream.write(rest) :]
                    os.fsync(stream.fileno())
                except OSError:
                    stream.truncate(self._end)
                    raise
        except OSError as error:
            raise self._unusable("written", error) from error
        self._chain = chain
        self._end += len(lines)
        self._lines += lines.count(b"\n")

    def _ends_a_line(self) -> bool:
        """Whether what counts of the file ends with a line's end, which an editor may have taken."""
        with self.path.open("rb") as stream:
            stream.seek(max(self._end - 1, 0))
            return stream.read(1) in (b"", b"\n")

    def _tell(self, line: int, what: str) -> None:
        warnings.warn(f"{self.path}:{line}: {what}", SurroundingsWarning, stacklevel=4)

    def _unusable(self, verb: str, error: OSError) -> OutputError:
        return OutputError(f"the journal {self.path} cannot be {verb}: {error.strerror or error}")


def _record(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a line, if it is one."""
    try:
        record = bounded_json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
