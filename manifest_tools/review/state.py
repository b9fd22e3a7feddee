"""What is known while people answer: the data set, the journal, and the comparison that follows from both."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.disagreements import differing_labels
from manifest_tools.dataset.eligibility import group_names
from manifest_tools.dataset.ground_truth import Mask, truth_rows
from manifest_tools.dataset.outcomes import Outcomes, compare
from manifest_tools.dataset.reviewed import reviewed_cells
from manifest_tools.evaluation.label_errors import Doubts, Suspect
from manifest_tools.findings.policy import Policy
from manifest_tools.review.assignment import Assignment
from manifest_tools.review.entries import NO_REMARK, Look, Remark, ReviewedImage, ReviewEntry, Said
from manifest_tools.review.gold import as_unlabelled, by_itself, known_answers, labels_there
from manifest_tools.review.journal import ReviewJournal, merge_journal, newest_review, with_answers
from manifest_tools.review.looks import Reading
from manifest_tools.review.queue import conflicts
from manifest_tools.review.second_look import SecondLook


class ReviewState:
    """The data set of an output folder, kept up to date with its journal.

    Answers may be recorded from any thread, also while another one refreshes; the rest is for one thread at a time.

    Parameters
    ----------
    folder : path
        An output folder; answers of earlier sessions are merged first.
    reviewer : str
        Who may see what is here: of images that get a second look, not what others said. Empty: everything.
    second_look : iterable of str
        Which images get a second look (:meth:`SecondLook.parse`), for everybody from now on; empty: those that the
        journal says.
    adjudicating : bool
        The reviewer settles what others differ in, and sees it.

    Attributes
    ----------
    assignment : Assignment
        What the reviewer is asked, and may see.
    outcomes : Outcomes
        Truth against the base model; of images that were answered lately only after :meth:`refresh`.
    reviewed, conflict, differing : bool array, shape (images, labels)
        A reviewer said something about it; look-alikes say different things about it; an adapter and the base model do.
    gold : dict of int to list of Said
        The known answers by image; to the reviewer these are images that nobody said anything of.
    gold_labels : dict of int to set of str
        The labels that are known, or given, to be there in these images.
    suspects : dict of (int, int) to Suspect
        Labels that were probably wrong when the session began, by image and label.
    suspect : float array, shape (images, labels)
        How likely these are wrong; 0 for others.
    """

    def __init__(
        self,
        folder: str | Path,
        reviewer: str = "",
        *,
        second_look: Iterable[str] = (),
        adjudicating: bool = False,
    ) -> None:
        # read before the merge, so that what others add meanwhile is seen as new
        self.journal = ReviewJournal.of(folder)
        self.dataset = merge_journal(folder, save=True)
        self.journal.start = newest_review(self.dataset.labels)
        self.policy = Policy.from_dict(self.dataset.policy)
        self.taxonomy = Taxonomy.load(self.dataset.taxonomy)
        images = self.dataset.images
        self.keys: list[str] = list(images["image"])
        self.position = {key: row for row, key in enumerate(self.keys)}
        self._digests: list[str] = list(images["sha256"])
        self._by_content = {digest: row for row, digest in enumerate(self._digests) if digest}
        self.groups = np.asarray(pd.factorize(group_names(images))[0])
        # Who adjudicates answers about no gold image.
        self.gold = {} if adjudicating else known_answers(self.journal.known, self.row_of)
        self.gold_labels = labels_there(self.dataset, self.gold)
        self.dataset = as_unlabelled(self.dataset, self.gold)
        images = self.dataset.images
        self.groups = by_itself(self.groups, self.gold)  # an answer about gold holds for no other image
        self.assignment = Assignment(
            reviewer, self.groups, self.row_of, Reading(self.taxonomy, self.policy.is_safe), adjudicating=adjudicating
        )  # fmt: skip
        self.assignment.gold[list(self.gold)] = True
        self.outcomes = compare(self.dataset, self.policy)
        self._writing = threading.Lock()  # of the journal and of what became stale by it
        self._stale: set[int] = set()
        self._lately: dict[int, pd.DataFrame] = {}  # label rows of images that were answered since the start
        self._choose(reviewer, tuple(second_look))
        self.reviewed = self._reviewed(self.dataset)
        self.conflict = conflicts(self.outcomes, self.groups)
        self.differing = differing_labels(self.dataset, self.outcomes.labels)
        contents = np.asarray(
            pd.factorize(images["sha256"].where(images["sha256"] != "", images["image"]))[0]
        )
        doubts = Doubts.of(self.outcomes, self.groups, contents)
        self.suspects: dict[tuple[int, int], Suspect] = {
            (suspect.row, suspect.column): suspect for suspect in doubts.suspects(self.reviewed)
        }
        self.suspect = np.zeros(self.reviewed.shape)
        for place, suspect in self.suspects.items():
            self.suspect[place] = suspect.chance
        self._label_keys = self.dataset.labels["image"].to_numpy()
        self.look()

    def _choose(self, reviewer: str, wanted: tuple[str, ...]) -> None:
        """Settle which images get a second look, and take what this reviewer may not see out of the data set."""
        SecondLook.parse(wanted, self.taxonomy)  # refused before anything is written
        plan = self.journal.second_look
        if wanted and wanted != plan:
            self.journal.append(reviewer, second_look=wanted)
        self._choose_by(wanted or plan)
        assignment, standing = self.assignment, self.journal.standing
        assignment.update(standing)
        visible = assignment.visible(standing)
        if visible != standing:
            self.dataset = with_answers(self.dataset, self.journal.entries, standing=visible)
            self.outcomes = compare(self.dataset, self.policy)

    def _choose_by(self, plan: Iterable[str]) -> None:
        chosen = SecondLook.parse(plan, self.taxonomy).chosen(self.dataset, self.policy, self.outcomes)
        self.assignment.chosen[:] = chosen & ~self.assignment.gold

    def row_of(self, seen: ReviewedImage) -> int | None:
        """Return the position of an image of the journal: by key and content, else by content, else by key."""
        row = self.position.get(seen.image)
        if not seen.sha256 or (row is not None and self._digests[row] == seen.sha256):
            return row
        return self._by_content.get(seen.sha256, row)

    def labels_of(self, row: int) -> pd.DataFrame:
        """Return the label rows of one image, with the answers so far."""
        self.refresh(row)
        return self._lately[row] if row in self._lately else self._at_start(row)

    def _at_start(self, row: int) -> pd.DataFrame:
        first = np.searchsorted(self._label_keys, self.keys[row], side="left")
        last = np.searchsorted(self._label_keys, self.keys[row], side="right")
        return self.dataset.labels.iloc[first:last]

    def open_questions(self, rows: int | slice = slice(None)) -> Mask:
        """Return the labels of some images that a person should say something about."""
        asked = self.outcomes.predicted_positive[rows] | self.differing[rows]
        asked = asked | self.conflict[rows] | (self.suspect[rows] > 0)
        return np.asarray(asked & ~self.reviewed[rows])

    def alike(self, row: int) -> list[int]:
        """Return the image and its look-alikes."""
        others = np.flatnonzero(self.groups == self.groups[row])
        return [row, *(int(other) for other in others if other != row)]

    def record(
        self,
        reviewer: str,
        rows: Sequence[int],
        answers: Sequence[Said],
        id: str,  # noqa: A002
        remark: Remark = NO_REMARK,
    ) -> ReviewEntry:
        """Write an answer to the journal and return its entry; the earlier one, when it was asked for before.

        Raises
        ------
        InputError
            It is not this reviewer's to adjudicate.
        """
        self.take_stock()
        with self._writing:
            look = self.assignment.role(reviewer, rows[0])
            images = [self._image(row) for row in rows]
            self._take(
                self.journal.append(reviewer, images=images, answers=answers, id=id, look=look, remark=remark)
            )
            newest = reversed(self.journal.entries)
            return next(entry for entry in newest if entry.id == id) if id else self.journal.entries[-1]

    def record_all(self, given: Iterable[tuple[int, ReviewEntry]]) -> int:
        """Write answers, each about the image at a position, to the journal: all of them or none.

        Returns
        -------
        int
            How many were not there already.

        Raises
        ------
        InputError
            One of them is not its reviewer's to adjudicate.
        """
        self.take_stock()
        entries = []
        with self._writing:
            for row, entry in given:
                look = self.assignment.role(entry.reviewer, row)
                self.assignment.noted(entry.reviewer, row, look)
                entries.append(replace(entry, images=(self._image(row),), look=look))
            before = len(self.journal.entries)
            self._take(self.journal.append_all(entries))
            return len(self.journal.entries) - before

    def _image(self, row: int) -> ReviewedImage:
        return ReviewedImage(self.keys[row], self._digests[row], str(self.dataset.images["judged"].iloc[row]))

    def replace_known(self, answers: Mapping[int, tuple[Said, ...]]) -> None:
        """Write the known answers of gold images, by position, to the journal, in place of those before."""
        with self._writing:
            self._take(self.journal.read())
            before = self.journal.known
            if {self.row_of(seen): entry.answers for entry in before for seen in entry.images} == answers:
                return
            reviewer = self.assignment.reviewer
            anew = [ReviewEntry(0, reviewer, undoes=entry.number) for entry in before]
            for row, said in answers.items():
                anew.append(ReviewEntry(0, reviewer, (self._image(row),), said, look=Look.KNOWN))
            self._take(self.journal.append_all(anew))

    def note_look(self, labels: Iterable[str]) -> None:
        """Write to the journal that this reviewer looked at a picture that is said to show these labels."""
        with self._writing:
            self._take(self.journal.append(self.assignment.reviewer, looked=sorted(labels)))

    def take_back(self, reviewer: str, entry: ReviewEntry, id: str) -> None:  # noqa: A002
        """Write to the journal that an answer no longer stands."""
        with self._writing:
            self._take(self.journal.append(reviewer, undoes=entry.number, id=id))

    def look(self) -> None:
        """Take in what other processes wrote to the journal."""
        with self._writing:
            self._take(self.journal.read())

    def newest(self) -> int:
        """Return the number of the journal's last entry."""
        with self._writing:
            return self.journal.newest

    def answered_since(self, number: int) -> set[int]:
        """Return the images of answers that stand and came after an entry of the journal."""
        with self._writing:
            later = [entry for entry in self.journal.standing if entry.number > number]
        return {row for entry in later for row in self.rows_of(entry)}

    def take_stock(self) -> None:
        """Take in what others wrote, and find anew who is to look at what."""
        with self._writing:
            self._take(self.journal.read())
            self.assignment.update(self.journal.standing)

    def standing(self) -> list[ReviewEntry]:
        """Return the answers that were not taken back, oldest first."""
        with self._writing:
            return self.journal.standing

    def visible(self) -> list[ReviewEntry]:
        """Return the answers that were not taken back, as the reviewer may see them, oldest first."""
        self.refresh()
        with self._writing:
            return self.assignment.visible(self.journal.standing)

    def rows_of(self, entry: ReviewEntry) -> list[int]:
        """Return the positions of the images that an entry is about."""
        return self.assignment.rows_of(entry)

    def _take(self, entries: Iterable[ReviewEntry]) -> None:
        by_number = {entry.number: entry for entry in self.journal.entries}
        for entry in entries:
            rows = self.rows_of(by_number.get(entry.undoes, entry))
            self._stale.update(rows)
            for row in rows:
                if self.assignment.chosen[row]:
                    self._stale.update(self.alike(row))
            if entry.second_look:
                self._choose_by(entry.second_look)
                self._stale.update(row for each in self.journal.entries for row in self.rows_of(each))

    def refresh(self, row: int | None = None) -> None:
        """Compute anew what changed: for one image, or for all that were answered lately."""
        with self._writing:
            rows = sorted(self._stale if row is None else self._stale & {row})
            if not rows:
                return
            self._stale -= set(rows)
            self.assignment.update(self.journal.standing)
            entries = self._about(self.journal.entries, rows)
            standing = self._about(self.assignment.visible(self.journal.standing), rows)
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

    def _about(self, entries: Iterable[ReviewEntry], rows: Iterable[int]) -> list[ReviewEntry]:
        """Return the entries about some images, without the other images that they name."""
        wanted, chosen = set(rows), []
        for entry in entries:
            images = tuple(seen for seen in entry.images if self.row_of(seen) in wanted)
            if images:
                chosen.append(replace(entry, images=images))
        return chosen

    def _reviewed(self, dataset: Dataset) -> Mask:
        rows = truth_rows(dataset, self.taxonomy, self.policy)
        return reviewed_cells(rows, self.outcomes.labels, self.taxonomy, len(dataset.images))


def _forget_known(outcomes: Outcomes) -> None:
    """Make the truth derive anew what it derived from its matrices."""
    outcomes.truth.__dict__.pop("known", None)
