"""What the calls of a run cost, written down however the run ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifest_tools.aws.costs import CALLS, add_cost, costs_of
from manifest_tools.aws.prediction.answer_journal import AnswerJournal
from manifest_tools.aws.prediction.budget import Budget
from manifest_tools.aws.prediction.question import Question


@dataclass(frozen=True)
class CallCosts:
    """Writes down what calls cost.

    Parameters
    ----------
    folder : Path
        What the calls are made for.
    region : str
    adapter : str
        ARN of the adapter that is asked; empty for the base model.
    price : float or None
        Of a thousand calls.
    """

    folder: Path
    region: str
    adapter: str
    price: float | None

    def add(self, calls: int, **members: Any) -> None:
        """Write down so many calls."""
        cost = None if self.price is None else calls * self.price / 1000
        add_cost(
            self.folder, CALLS, cost, calls=calls, region=self.region, adapter=self.adapter,
            price=self.price, **members,
        )  # fmt: skip

    def catch_up(self, held: int, *, question: str, **members: Any) -> None:
        """Write down the calls of runs that were killed before they could: by the answers that they left.

        Each line remembers in `kept` how many answers to its question the lines so far account for. Fewer than that
        were forgotten since, with their images; none at all means that asking begins anew, which is written down too.
        """
        before = [
            int(record["kept"]) for record in costs_of(self.folder) if record.get("question") == question
        ]
        last = before[-1] if before else 0
        if last and not held:
            self.add(0, question=question, kept=0, **members)
        if held > last:
            self.add(held - last, question=question, kept=held, of="runs that were cut off", **members)

    @contextmanager
    def recorded(self, question: Question, journal: AnswerJournal, budget: Budget) -> Iterator[AnswerJournal]:
        """Give the journal for the block, and write down the calls of a budget that were made in it.

        Before, those are written down of which the journal has answers from a run that was killed.
        """
        held = [_is_answer(record, question) for record in journal.records].count(True)
        name = question.fingerprint + ("-fresh" if journal.fresh else "")
        self.catch_up(held, question=name)

        def append(records: Iterable[Mapping[str, Any]]) -> None:
            nonlocal held
            records = list(records)
            journal.append(records)
            held += [_is_answer(record, question) for record in records].count(True)

        def finish() -> None:
            journal.finish()
            if journal.fresh:
                self.add(0, question=question.fingerprint, kept=held)

        try:
            yield AnswerJournal(journal.records, append, finish, journal.fresh)
        finally:
            if budget.made:
                self.add(budget.made, question=name, kept=held)


def _is_answer(record: Mapping[str, Any], question: Question) -> bool:
    return record.get("question") == question.fingerprint and "answer" in record
