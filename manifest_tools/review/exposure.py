"""How many pictures a reviewer has looked at, over all sessions: by day, and by what was said to be in them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from manifest_tools.core.errors import InputError
from manifest_tools.core.text import counted
from manifest_tools.dataset.ground_truth import Mask
from manifest_tools.review.entries import TOGETHER, ReviewEntry
from manifest_tools.review.session import ReviewSession


@dataclass(frozen=True)
class Looks:
    """The looks of one reviewer.

    Parameters
    ----------
    days : dict of str to int
        How many pictures on which day (UTC).
    labels : dict of str to int
        How many of them were said to show which level 1 label, by the base model or by people.
    """

    days: dict[str, int]
    labels: dict[str, int]

    @classmethod
    def of(cls, entries: Iterable[ReviewEntry], reviewer: str) -> Looks:
        """Count the looks in a journal."""
        names = set(reviewer.split(TOGETHER))
        own = [
            e for e in entries if e.looked is not None and not names.isdisjoint(e.reviewer.split(TOGETHER))
        ]
        days = Counter(entry.at[:10] for entry in own)
        labels = Counter(label for entry in own for label in entry.looked or ())
        return cls(dict(sorted(days.items())), dict(sorted(labels.items())))

    @property
    def today(self) -> int:
        """How many there are of today (UTC)."""
        return self.days.get(datetime.now(UTC).date().isoformat(), 0)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, ready for JSON."""
        return {
            "looks": sum(self.days.values()),
            "today": self.today,
            "days": self.days,
            "labels": self.labels,
        }

    def __str__(self) -> str:
        """Return the numbers in a sentence."""
        told = ", ".join(f"{label} {count:,}" for label, count in self.labels.items())
        return f"{counted(sum(self.days.values()), 'picture')} looked at, {self.today:,} today" + (
            f"; said to show: {told}" if told else ""
        )


class Exposure:
    """What a reviewer looks at in a session, written to the journal, and kept within limits.

    Parameters
    ----------
    review : ReviewSession
        The session.
    daily : int
        Pictures that the reviewer looks at in a day at most; 0: no limit.
    opt_out : sequence of str
        Labels of which the reviewer is handed no image that the base model or people say shows them.

    Raises
    ------
    InputError
        There is no such label.
    """

    def __init__(self, review: ReviewSession, *, daily: int = 0, opt_out: Sequence[str] = ()) -> None:
        self._review, self._daily = review, daily
        self._seen: set[int] = set()
        self._lock = threading.Lock()
        taxonomy = review.state.taxonomy
        for name in opt_out:
            taxonomy.require(name, "--opt-out")
        shown = self._shown(slice(None))
        spared = {taxonomy.level_1(name) for name in opt_out}
        for column, label in enumerate(review.state.outcomes.labels):
            if taxonomy.level_1(label) in spared:
                review.spared |= shown[:, column]
        for row, names in review.state.gold_labels.items():
            review.spared[row] |= not spared.isdisjoint(map(taxonomy.level_1, names))

    def _shown(self, rows: int | slice) -> Mask:
        """Where the base model or people say of some images that a label is there."""
        outcomes = self._review.state.outcomes
        return np.asarray(outcomes.predicted_positive[rows] | outcomes.truth.present[rows])

    def told(self) -> Looks:
        """Return the looks of the reviewer in all sessions so far."""
        state = self._review.state
        state.look()
        return Looks.of(state.journal.entries, self._review.reviewer)

    def see(self, row: int) -> None:
        """Take note that the reviewer looks at a picture; in one session, the same one counts once.

        Raises
        ------
        InputError
            The day's pictures are used up.
        OutputError
            It could not be written.
        """
        state = self._review.state
        with self._lock:
            if row in self._seen:
                return
            if self._daily and self.told().today >= self._daily:
                raise InputError(
                    f"you have looked at {counted(self._daily, 'picture')} today, which is the limit of a day; finish here"
                )
            level_1 = state.taxonomy.level_1
            shown = np.flatnonzero(self._shown(row))
            state.note_look({level_1(state.outcomes.labels[column]) for column in shown})
            self._seen.add(row)
