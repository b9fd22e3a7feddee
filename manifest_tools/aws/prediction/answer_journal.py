"""The journal of a run that asks Amazon: answers that need not be asked for again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import OutputError
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
    finish : callable
        Says that everything is answered: a journal that was begun anew takes the place of the earlier one.
    fresh : bool
        Whether it was begun anew.
    """

    records: list[dict[str, Any]]
    append: Callable[[Iterable[Mapping[str, Any]]], None]
    finish: Callable[[], None] = lambda: None
    fresh: bool = False


def fresh_journal(path: Path) -> Path:
    """Return where the answers of a run that begins anew stand until it has all of them."""
    return path.with_name(f"{path.stem}-fresh{path.suffix}")


@contextmanager
def answer_journal(path: Path, *, fresh: bool = False) -> Iterator[AnswerJournal]:
    """Open a journal for one run; `fresh` begins anew, in a file beside it, or goes on with one that was begun so.

    Raises
    ------
    InputError
        Another run has it open.
    OutputError
        It cannot be read or written.
    """
    begun = fresh_journal(path)
    with JournalFile(path).locked(wait=False):
        file = JournalFile(begun if fresh else path)
        records = file.read()[1]
        file.append(())  # cuts off what was not read, and shows that the place can be written

        def finish() -> None:
            if fresh:
                renewed = {record.get("question") for record in JournalFile(begun).read()[1]}
                earlier = JournalFile(path).read()[1]
                file.append(record for record in earlier if record.get("question") not in renewed)
                _replace(begun, path)

        yield AnswerJournal(records, file.append, finish, fresh)


def answers_in(path: Path, *, fresh: bool = False) -> list[dict[str, Any]]:
    """Return what the journal of a run holds, without opening it for one."""
    return JournalFile(fresh_journal(path) if fresh else path).read()[1]


def _replace(new: Path, old: Path) -> None:
    try:
        new.replace(old)
    except OSError as error:
        raise OutputError(f"the journal {old} cannot be replaced: {error.strerror or error}") from error
