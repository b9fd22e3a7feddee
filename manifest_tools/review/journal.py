"""What people answered on the review page: a journal that only grows, and how it becomes labels.

Every answer and every undo is one line of ``DIR/dataset/reviews.jsonl``. The labels table is brought up to date from
it by :func:`merge_journal`, as often as one likes: the result depends on the journal alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType
from typing import Any, Final, NamedTuple, TypeVar

import pandas as pd
from pandas.api.types import union_categoricals

from manifest_tools.core.commit import PATIENCE, alone
from manifest_tools.core.journal import JournalFile
from manifest_tools.dataset.carry_over import match_images
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import REVIEW, judged_column
from manifest_tools.dataset.tables import typed_labels
from manifest_tools.findings.policy import Policy

JOURNAL = "reviews.jsonl"
_MOST: Final = 2**53  # the highest number of an entry: a double holds it


class Said(NamedTuple):
    """One statement: the label is there (True), is not there (False), or the reviewer cannot say (None)."""

    label: str
    truth: bool | None


class ReviewedImage(NamedTuple):
    """An image that an answer is about: its key and content, and what had been looked for before the answer."""

    image: str
    sha256: str = ""
    judged: str = ""


_Part = TypeVar("_Part", ReviewedImage, Said)


@dataclass(frozen=True, slots=True)
class ReviewEntry:
    """One line of the journal.

    Parameters
    ----------
    number : int
        Grows by one from line to line.
    reviewer : str
        Who answered.
    images : tuple of ReviewedImage
        The image, and look-alikes that were answered together with it; empty for an undo.
    answers : tuple of Said
        What holds for every one of `images`; empty for an undo.
    undoes : int
        The number of the answer that is taken back, or 0.
    id : str
        Given by who asked for the entry, so that asking twice makes one entry; may be empty.
    at : str
        When, ISO 8601 in UTC.
    """

    number: int
    reviewer: str
    images: tuple[ReviewedImage, ...] = ()
    answers: tuple[Said, ...] = ()
    undoes: int = 0
    id: str = ""
    at: str = ""

    def to_record(self) -> dict[str, Any]:
        """Return the entry as the JSON object of its line."""
        record: dict[str, Any] = {"number": self.number, "at": self.at, "reviewer": self.reviewer}
        if self.id:
            record["id"] = self.id
        if self.undoes:
            record["undoes"] = self.undoes
        else:
            record["images"] = [image._asdict() for image in self.images]
            record["answers"] = [said._asdict() for said in self.answers]
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ReviewEntry | None:
        """Read a line's JSON object; None when it is no entry."""
        match record:
            case {"number": int(number), "reviewer": str(reviewer)} if 0 < number <= _MOST:
                images = _each(record.get("images", []), ReviewedImage, (str,))
                answers = _each(record.get("answers", []), Said, (bool, NoneType))
                undoes, asked, at = record.get("undoes", 0), record.get("id", ""), record.get("at", "")
                kinds = type(number), type(undoes), type(asked), type(at)
                if images is None or answers is None or kinds != (int, int, str, str) or undoes < 0:
                    return None
                return cls(number, reviewer, images, answers, undoes, asked, at)
        return None


def _each(items: Any, kind: type[_Part], types: tuple[type, ...]) -> tuple[_Part, ...] | None:
    """Return the parts of an entry; None when one of them is none."""
    made = []
    for item in items if isinstance(items, list) else [None]:
        try:
            part = kind(**item) if isinstance(item, dict) else None
        except TypeError:  # other names
            part = None
        if (
            part is None
            or not isinstance(part[0], str)
            or not all(isinstance(value, types) for value in part[1:])
        ):
            return None
        made.append(part)
    return tuple(made)


def _entries(record: Mapping[str, Any]) -> list[ReviewEntry | None]:
    """Return the entries of a line, each None that is no entry."""
    each = record.get("entries", [record])
    if not isinstance(each, list):
        return [None]
    return [ReviewEntry.from_record(item) if isinstance(item, dict) else None for item in each]


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
        self._file = JournalFile(path, lambda record: None not in _entries(record))

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
        found = [entry for record in records for entry in _entries(record) if entry]
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
        with self._file.locked():
            found = self.read()
            if id and any(entry.id == id for entry in self.entries):
                return found
            number = max((entry.number for entry in self.entries), default=self.start) + 1
            now = datetime.now(UTC).isoformat(timespec="seconds")
            entry = ReviewEntry(number, reviewer, tuple(images), tuple(answers), undoes, id, now)
            self._file.append([entry.to_record()])
        self.entries.append(entry)
        return [*found, entry]

    def append_all(
        self, given: Iterable[tuple[str, Iterable[ReviewedImage], Iterable[Said]]]
    ) -> list[ReviewEntry]:
        """Write the answers of several images in one line, so that all of them are on the disk or none is.

        Parameters
        ----------
        given : iterable of (reviewer, images, answers)
            As in :meth:`append`.

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
            number = max((entry.number for entry in self.entries), default=self.start)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            entries = [
                ReviewEntry(number + place, reviewer, tuple(images), tuple(answers), at=now)
                for place, (reviewer, images, answers) in enumerate(given, start=1)
            ]
            if entries:
                self._file.append([{"entries": [entry.to_record() for entry in entries]}])
        self.entries += entries
        return [*found, *entries]

    @property
    def standing(self) -> list[ReviewEntry]:
        """The answers that were not taken back, oldest first."""
        gone = {entry.undoes for entry in self.entries}
        return [entry for entry in self.entries if not entry.undoes and entry.number not in gone]


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
    for entry in entries:
        for item in entry.images:
            seen.setdefault(item.image, item)
    now = match_images(pd.DataFrame(list(seen.values()), columns=ReviewedImage._fields), dataset.images)
    reviews = dataset.labels["source"].str.startswith(REVIEW)
    ours = reviews & dataset.labels["line"].isin([entry.number for entry in entries])
    rows = typed_labels(
        pd.DataFrame(_rows(standing, now), columns=["image", "label", "source", "truth", "line"])
    )
    labels = _joined(dataset.labels[~ours], rows)
    stands = {entry.number for entry in standing}
    taken_back = {item.image for entry in entries if entry.number not in stands for item in entry.images}
    before = {now[key]: seen[key].judged for key in taken_back if key in now}
    images = dataset.images
    judged = images["judged"].astype("str")
    back = images["image"].isin(list(before))
    judged = judged.mask(back, images["image"][back].map(before).astype("str"))
    images = images.assign(judged=judged)
    policy = Policy.from_dict(dataset.policy)
    return images.assign(judged=judged_column(images, labels, policy)), labels


def _joined(labels: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Put rows below a labels table, whether or not its repeated texts are categories."""
    lean = [name for name in ("label", "source") if labels[name].dtype == "category"]
    for name in lean:
        both = union_categoricals([labels[name], rows[name].astype("category")]).categories
        labels = labels.assign(**{name: labels[name].cat.set_categories(both)})
        rows = rows.assign(**{name: rows[name].astype(labels[name].dtype)})
    return pd.concat([labels, rows], ignore_index=True)


def _rows(standing: Iterable[ReviewEntry], now: Mapping[str, str]) -> list[tuple[Any, ...]]:
    """Return label rows; of what one reviewer said twice about a label of an image, the newest."""
    rows = {}
    for entry in standing:
        source = REVIEW + entry.reviewer
        for item in entry.images:
            key = now.get(item.image, item.image)
            for said in entry.answers:
                rows[key, said.label, source] = (said.truth, entry.number)
    return [(*key, truth, number) for key, (truth, number) in rows.items()]
