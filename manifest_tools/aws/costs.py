"""What the work on a folder cost: a line for each run of calls and each training, in ``DIR/dataset/costs.jsonl``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from manifest_tools.core.journal import JournalFile

COSTS: Final = "costs.jsonl"
CALLS, TRAINING = "calls", "training"  # what a line is about


def costs_of(folder: str | Path) -> list[dict[str, Any]]:
    """Return what was written down for a folder, oldest first.

    Raises
    ------
    OutputError
        The file cannot be read.
    """
    return _file(folder).read()[1]


def trainings_of(folder: str | Path) -> list[dict[str, Any]]:
    """Return what was written down of a folder's trainings; errors as of :func:`costs_of`."""
    return [record for record in costs_of(folder) if record.get("what") == TRAINING]


def add_cost(folder: str | Path, what: str, cost: float | None, **members: Any) -> None:
    """Write down what something cost; None where its price is not known.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    record = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "what": what, "cost": cost, **members}
    file = _file(folder)
    with file.locked():
        file.read()
        file.append([record])


@dataclass(frozen=True)
class Spent:
    """A sum of costs.

    Attributes
    ----------
    cost : float
        Of what has a known price, in the currency of the prices.
    calls, unpriced_calls : int
        Calls, and those among them without a known price.
    hours, unpriced_hours : float
        Billed hours of training, and those among them without a known price.
    """

    cost: float = 0.0
    calls: int = 0
    unpriced_calls: int = 0
    hours: float = 0.0
    unpriced_hours: float = 0.0

    def __str__(self) -> str:
        """Return the sum for people."""
        parts = [f"{self.cost:,.2f}"]
        if self.unpriced_calls:
            parts.append(f"{self.unpriced_calls:,} calls without a price")
        if self.unpriced_hours:
            parts.append(f"{self.unpriced_hours:,.2f} hours of training without a price")
        counted = f"{self.calls:,} calls, {self.hours:,.2f} hours of training"
        return f"{' and '.join(parts)} ({counted})"


def spent(records: Sequence[Mapping[str, Any]]) -> Spent:
    """Add up costs.

    >>> str(spent([{"what": "calls", "cost": 1.2, "calls": 1200}, {"what": "training", "cost": None, "hours": 2.5}]))
    '1.20 and 2.50 hours of training without a price (1,200 calls, 2.50 hours of training)'
    """
    unpriced = [record for record in records if record.get("cost") is None]
    return Spent(
        sum(float(record.get("cost") or 0) for record in records),
        sum(int(record.get("calls", 0)) for record in records),
        sum(int(record.get("calls", 0)) for record in unpriced),
        sum(float(record.get("hours", 0)) for record in records),
        sum(float(record.get("hours", 0)) for record in unpriced),
    )


def open_round(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the costs since the last training: a round is what leads to a training, with that training."""
    return list(records[max(_trainings(records), default=-1) + 1 :])


def last_round(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the costs of the round that the last training closed; nothing before the first training."""
    trainings = _trainings(records)[-2:]
    return (
        list(records[trainings[0] + 1 if len(trainings) > 1 else 0 : trainings[-1] + 1]) if trainings else []
    )


def _trainings(records: Sequence[Mapping[str, Any]]) -> list[int]:
    return [place for place, record in enumerate(records) if record.get("what") == TRAINING]


def _file(folder: str | Path) -> JournalFile:
    return JournalFile(Path(folder) / "dataset" / COSTS)
