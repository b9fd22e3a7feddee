"""What is known while people answer: the data set, the journal, and the comparison that follows from both."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import REVIEW, Mask, truth_rows
from manifest_tools.dataset.outcomes import Outcomes, compare
from manifest_tools.findings.policy import Policy
from manifest_tools.review.entries import ReviewedImage, ReviewEntry, Said
from manifest_tools.review.journal import ReviewJournal, merge_journal, newest_review, with_answers
from manifest_tools.review.queue import conflicts


class ReviewState:
    """The data set of an output folder, kept up to date with its journal.

    Answers may be recorded from any thread, also while another one refreshes; the rest is for one thread at a time.

    Parameters
    ----------
    folder : path
        An output folder; answers of earlier sessions are merged first.

    Attributes
    ----------
    outcomes : Outcomes
        Truth against the base model; of images that were answered lately only after :meth:`refresh`.
    reviewed, conflict : bool array, shape (images, labels)
        A reviewer said something about it; look-alikes say different things about it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.journal = ReviewJournal.of(
            folder
        )  # read before the merge, so that what others add meanwhile is seen as new
        self.dataset = merge_journal(folder, save=True)
        self.journal.start = newest_review(self.dataset.labels)
        self.policy = Policy.from_dict(self.dataset.policy)
        self.taxonomy = Taxonomy.load(self.dataset.taxonomy)
        images = self.dataset.images
        self.keys: list[str] = list(images["image"])
        self.position = {key: row for row, key in enumerate(self.keys)}
        self.groups = np.asarray(
            pd.factorize(images["group"].where(images["group"] != "", images["image"]))[0]
        )
        self.outcomes = compare(self.dataset, self.policy)
        self.reviewed = self._reviewed(self.dataset)
        self.conflict = conflicts(self.outcomes, self.groups)
        self._label_keys = self.dataset.labels["image"].to_numpy()
        self._lately: dict[int, pd.DataFrame] = {}  # label rows of images that were answered since the start
        self._stale: set[int] = set()
        self._writing = threading.Lock()  # of the journal and of what became stale by it

    def labels_of(self, row: int) -> pd.DataFrame:
        """Return the label rows of one image, with the answers so far."""
        self.refresh(row)
        return self._lately[row] if row in self._lately else self._at_start(row)

    def _at_start(self, row: int) -> pd.DataFrame:
        first = np.searchsorted(self._label_keys, self.keys[row], side="left")
        last = np.searchsorted(self._label_keys, self.keys[row], side="right")
        return self.dataset.labels.iloc[first:last]

    def alike(self, row: int) -> list[int]:
        """Return the image and its look-alikes."""
        others = np.flatnonzero(self.groups == self.groups[row])
        return [row, *(int(other) for other in others if other != row)]

    def record(self, reviewer: str, rows: Sequence[int], answers: Sequence[Said], id: str) -> ReviewEntry:  # noqa: A002
        """Write an answer to the journal and return its entry; the earlier one, when it was asked for before."""
        judged, digest = self.dataset.images["judged"], self.dataset.images["sha256"]
        images = [ReviewedImage(self.keys[row], digest.iloc[row], judged.iloc[row]) for row in rows]
        with self._writing:
            self._take(self.journal.append(reviewer, images=images, answers=answers, id=id))
            newest = reversed(self.journal.entries)
            return next(entry for entry in newest if entry.id == id) if id else self.journal.entries[-1]

    def record_all(self, given: Iterable[tuple[str, int, Sequence[Said]]]) -> None:
        """Write the answers of (reviewer, position of the image, statements) to the journal: all of them or none."""
        judged, digest = self.dataset.images["judged"], self.dataset.images["sha256"]
        with self._writing:
            entries = [
                ReviewEntry(
                    0,
                    reviewer,
                    (ReviewedImage(self.keys[row], digest.iloc[row], judged.iloc[row]),),
                    tuple(answers),
                )
                for reviewer, row, answers in given
            ]
            self._take(self.journal.append_all(entries))

    def take_back(self, reviewer: str, entry: ReviewEntry, id: str) -> None:  # noqa: A002
        """Write to the journal that an answer no longer stands."""
        with self._writing:
            self._take(self.journal.append(reviewer, undoes=entry.number, id=id))

    def look(self) -> None:
        """Take in what other processes wrote to the journal."""
        with self._writing:
            self._take(self.journal.read())

    def standing(self) -> list[ReviewEntry]:
        """Return the answers that were not taken back, oldest first."""
        with self._writing:
            return self.journal.standing

    def rows_of(self, entry: ReviewEntry) -> list[int]:
        """Return the positions of the images that an entry is about."""
        return [self.position[seen.image] for seen in entry.images if seen.image in self.position]

    def _take(self, entries: Iterable[ReviewEntry]) -> None:
        by_number = {entry.number: entry for entry in self.journal.entries}
        for entry in entries:
            self._stale.update(self.rows_of(by_number.get(entry.undoes, entry)))

    def refresh(self, row: int | None = None) -> None:
        """Compute anew what changed: for one image, or for all that were answered lately."""
        with self._writing:
            rows = sorted(self._stale if row is None else self._stale & {row})
            if not rows:
                return
            self._stale -= set(rows)
            keys = {self.keys[stale] for stale in rows}
            entries, standing = _about(self.journal.entries, keys), _about(self.journal.standing, keys)
        part = replace(
            self.dataset,
            images=self.dataset.images.iloc[rows].reset_index(drop=True),
            labels=pd.concat([self._at_start(stale) for stale in rows], ignore_index=True),
        )
        part = with_answers(part, entries, standing=standing)
        now, reviewed = compare(part, self.policy), self._reviewed(part)
        for old, new in (
            (self.outcomes.truth.present, now.truth.present),
            (self.outcomes.truth.absent, now.truth.absent),
            (self.outcomes.truth.unsure, now.truth.unsure),
            (self.outcomes.truth.judged, now.truth.judged),
            (self.outcomes.outcome, now.outcome),
            (self.reviewed, reviewed),
        ):
            old[rows] = new
        _forget_known(self.outcomes)
        for stale in rows:
            self._lately[stale] = part.labels[part.labels["image"] == self.keys[stale]]
        self.conflict = conflicts(self.outcomes, self.groups)

    def _reviewed(self, dataset: Dataset) -> Mask:
        labels = self.taxonomy.names if self.policy.label_level == "all" else self.taxonomy.top
        column = {name: number for number, name in enumerate(labels)}
        reviewed = np.zeros((len(dataset.images), len(labels)), dtype=bool)
        rows = truth_rows(dataset, self.taxonomy, self.policy)
        rows = rows[rows["source"].str.startswith(REVIEW)]
        for row, name, safe in zip(rows["row"], rows["label"], rows["safe"], strict=True):
            if safe:
                reviewed[row] = True
            elif name in self.taxonomy:
                about = (name, *self.taxonomy.ancestors(name))
                reviewed[row, [column[label] for label in about if label in column]] = True
        return reviewed


def _about(entries: Iterable[ReviewEntry], keys: set[str]) -> list[ReviewEntry]:
    """Return the entries about some images, without the other images that they name."""
    chosen = []
    for entry in entries:
        images = tuple(seen for seen in entry.images if seen.image in keys)
        if images:
            chosen.append(replace(entry, images=images))
    return chosen


def _forget_known(outcomes: Outcomes) -> None:
    """Make the truth derive anew what it derived from its matrices."""
    outcomes.truth.__dict__.pop("known", None)
