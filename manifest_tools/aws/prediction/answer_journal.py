"""The journal of a run that asks Amazon: answers that need not be asked for again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifest_tools.core.journal import JournalFile


@dataclass(frozen=True)
class AnswerJournal:
    """What is known already, and how to keep more.

    Parameters
    ----------
    records : list of dict
        What the journal held when it was opened.
    append : callable
        Takes records; they are safe when it returns.
    """

    records: list[dict[str, Any]]
    append: Callable[[Iterable[Mapping[str, Any]]], None]


@contextmanager
def answer_journal(path: Path, *, fresh: bool = False) -> Iterator[AnswerJournal]:
    """Open a journal for one run; `fresh` forgets what it holds.

    Raises
    ------
    InputError
        Another run has it open.
    OutputError
        It cannot be read or written.
    """
    file = JournalFile(path)
    with file.locked(wait=False):
        records = [] if fresh else file.read()[1]
        file.append(())  # cuts off what was not read, and shows that the place can be written
        yield AnswerJournal(records, file.append)
