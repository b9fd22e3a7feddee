"""What people answered on the review page: a journal that only grows, and how it becomes labels.

Every answer and every undo is one line of ``DIR/dataset/reviews.jsonl``. The labels table is brought up to date from
it by :func:`merge_journal`, as often as one likes: the result depends on the journal alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from pandas.api.types import union_categoricals

from manifest_tools.core.commit import PATIENCE, alone
from manifest_tools.core.journal import JournalFile
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.carry_over import match_images
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import REVIEW, judged_column
from manifest_tools.dataset.tables import typed_labels
from manifest_tools.findings.policy import Policy
from manifest_tools.review.entries import (
    NO_REMARK,
    Look,
    Remark,
    ReviewedImage,
    ReviewEntry,
    Said,
    entries_of,
)
from manifest_tools.review.looks import Reading, label_rows_of

JOURNAL = "reviews.jsonl"


class ReviewJournal:
    """The journal of one output folder. Several processes may append to it; each sees the others' entries.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    start : int
        Numbers of a new journal begin above this one.
    """

    def __init__(self, path: Path, start: int = 0) -> None:
        self.start = start
        self.entries: list[ReviewEntry] = []
        self._file = JournalFile(path, lambda record: None not in entries_of(record), chained=True)

    @classmethod
    def of(cls, folder: str | Path, labels: pd.DataFrame | None = None) -> ReviewJournal:
        """Open the journal of an output folder; a new one counts on from the newest review among `labels`."""
        start = 0 if labels is None else newest_review(labels)
        journal = cls(Path(folder) / "dataset" / JOURNAL, start)
        journal.read()
        return journal

    def read(self) -> list[ReviewEntry]:
        """Take in what was appended since the last look, by anybody, and return it.

        Raises
        ------
        OutputError
            The journal cannot be read.
        """
        anew, records = self._file.read()
        if anew:
            self.entries.clear()
        found = [entry for record in records for entry in entries_of(record) if entry]
        self.entries += found
        return found

    def append(
        self,
        reviewer: str,
        *,
        images: Iterable[ReviewedImage] = (),
        answers: Iterable[Said] = (),
        undoes: int = 0,
        id: str = "",  # noqa: A002 - the journal's word
        look: Look = Look.FIRST,
        remark: Remark = NO_REMARK,
        second_look: Iterable[str] = (),
        looked: Iterable[str] | None = None,
    ) -> list[ReviewEntry]:
        """Write one entry; it is on the disk when this returns.

        Returns
        -------
        list of ReviewEntry
            What is new in the journal since the last look: entries of others, then this one. Without this
            one, when an entry with the same `id` is there already.

        Raises
        ------
        OutputError
            The entry could not be written.
        """
        parts = tuple(images), tuple(answers), undoes, id, "", look, remark, tuple(second_look)
        seen = None if looked is None else tuple(looked)
        return self.append_all([ReviewEntry(0, reviewer, *parts, looked=seen)])

    def append_all(self, given: Iterable[ReviewEntry]) -> list[ReviewEntry]:
        """Write several entries in one line, so that all of them are on the disk or none is.

        Parameters
        ----------
        given : iterable of ReviewEntry
            Their numbers do not count; an empty `at` means now. One whose `id` the journal has is not written again.

        Returns
        -------
        list of ReviewEntry
            What is new in the journal since the last look, then these.

        Raises
        ------
        OutputError
            Nothing could be written.
        """
        with self._file.locked():
            found = self.read()
            known = {entry.id for entry in self.entries} - {""}
            number = self.newest
            now = datetime.now(UTC).isoformat(timespec="seconds")
            anew = (entry for entry in given if entry.id not in known)
            entries = [
                replace(entry, number=number + place, at=entry.at or now)
                for place, entry in enumerate(anew, start=1)
            ]
            records = [entry.to_record() for entry in entries]
            if records:
                self._file.append(records if len(records) == 1 else [{"entries": records}])
        self.entries += entries
        return [*found, *entries]

    @property
    def standing(self) -> list[ReviewEntry]:
        """The answers that were not taken back, oldest first."""
        return [entry for entry in self._kept() if entry.look is not Look.KNOWN]

    @property
    def known(self) -> list[ReviewEntry]:
        """The known answers of gold images in force, oldest first."""
        return [entry for entry in self._kept() if entry.look is Look.KNOWN]

    @property
    def newest(self) -> int:
        """The number of the last entry."""
        return max((entry.number for entry in self.entries), default=self.start)

    @property
    def second_look(self) -> tuple[str, ...]:
        """Which images get a second look, as it was given last; see :class:`manifest_tools.review.second_look.SecondLook`."""
        return next((entry.second_look for entry in reversed(self.entries) if entry.second_look), ())

    def _kept(self) -> list[ReviewEntry]:
        gone = {entry.undoes for entry in self.entries}
        return [entry for entry in self.entries if entry.images and entry.number not in gone]


def newest_review(labels: pd.DataFrame) -> int:
    """Return the highest number of a review among label rows, or 0."""
    numbers = labels.loc[labels["source"].str.startswith(REVIEW), "line"].dropna()
    return int(numbers.max()) if len(numbers) else 0


def merge_journal(folder: str | Path, *, save: bool = False) -> Dataset:
    """Return the data set of an output folder with every answer of its journal among the labels.

    Parameters
    ----------
    folder : path
        An output folder.
    save : bool
        Write the data set back, when the journal changed anything.

    Raises
    ------
    InputError
        The folder holds no data set.
    OutputError
        The data set cannot be written, or the journal cannot be read.
    """
    with alone(Path(folder), wait=PATIENCE) if save else nullcontext():
        dataset = Dataset.load(folder)
        journal = ReviewJournal.of(folder, dataset.labels)
        if not journal.entries:
            return dataset
        merged = with_answers(dataset, journal.entries, standing=journal.standing)
        if save and merged is not dataset:
            merged.save(folder)
        return merged


def save_answers(folder: str | Path) -> None:
    """Write the answers of a journal, if there are any, among the labels of the data set beside it."""
    if ReviewJournal.of(folder).entries:
        merge_journal(folder, save=True)


def with_answers(
    dataset: Dataset, entries: Iterable[ReviewEntry], *, standing: Iterable[ReviewEntry]
) -> Dataset:
    """Return the data set with the answers of a journal in place of what it had from the same journal.

    Parameters
    ----------
    dataset : Dataset
        Images are recognised by key and content, then by content, then by key.
    entries : iterable of ReviewEntry
        The whole journal: label rows with its numbers are replaced.
    standing : iterable of ReviewEntry
        Those that were not taken back.
    """
    entries, standing = list(entries), list(standing)
    images, labels = answered_tables(dataset, entries, standing)
    merged = dataset.step("review", images=images, labels=labels, options={"answers": len(standing)})
    return dataset if merged.fingerprint() == dataset.fingerprint() else merged


def answered_tables(
    dataset: Dataset, entries: Iterable[ReviewEntry], standing: Iterable[ReviewEntry]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the images and the label rows with the answers that :func:`with_answers` lays over them.

    Label rows are in no order. The tables may be those of :mod:`manifest_tools.dataset.judged`.
    """
    seen: dict[str, ReviewedImage] = {}
    for entry in sorted(
        entries, key=lambda entry: not entry.look.counts
    ):  # of gold, only where there is no other
        for item in entry.images:
            seen.setdefault(item.image, item)
    now = match_images(pd.DataFrame(list(seen.values()), columns=ReviewedImage._fields), dataset.images)
    reviews = dataset.labels["source"].str.startswith(REVIEW)
    ours = reviews & dataset.labels["line"].isin([entry.number for entry in entries])
    policy = Policy.from_dict(dataset.policy)
    reading = Reading(Taxonomy.load(dataset.taxonomy), policy.is_safe)
    counted = label_rows_of(standing, lambda item: now.get(item.image, item.image), reading)
    made = [(key, label, REVIEW + name, *said) for (key, label, name), said in counted.items()]
    rows = typed_labels(pd.DataFrame(made, columns=["image", "label", "source", "truth", "line"]))
    labels = _joined(dataset.labels[~ours], rows)
    stands = {entry.number for entry in standing}
    gone = (entry for entry in entries if entry.number not in stands and entry.look.counts)
    taken_back = {item.image for entry in gone for item in entry.images}
    before = {now[key]: seen[key].judged for key in taken_back if key in now}
    images = dataset.images
    judged = images["judged"].astype("str")
    back = images["image"].isin(list(before))
    judged = judged.mask(back, images["image"][back].map(before).astype("str"))
    images = images.assign(judged=judged)
    return images.assign(judged=judged_column(images, labels, policy)), labels


def _joined(labels: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Put rows below a labels table, whether or not its repeated texts are categories."""
    lean = [name for name in ("label", "source") if labels[name].dtype == "category"]
    for name in lean:
        both = union_categoricals([labels[name], rows[name].astype("category")]).categories
        labels = labels.assign(**{name: labels[name].cat.set_categories(both)})
        rows = rows.assign(**{name: rows[name].astype(labels[name].dtype)})
    return pd.concat([labels, rows], ignore_index=True)
