"""What people answered on the review page: a journal that only grows, and how it becomes labels.

Every answer and every undo is one line of ``DIR/dataset/reviews.jsonl``. The labels table is brought up to date from
it by :func:`merge_journal`, as often as one likes: the result depends on the journal alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

import pandas as pd

from manifest_tools.core.errors import OutputError
from manifest_tools.dataset.carry_over import match_images
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import REVIEW, judged_column
from manifest_tools.findings.policy import Policy

JOURNAL = "reviews.jsonl"


class Said(NamedTuple):
    """One statement: the label is there (True), is not there (False), or the reviewer cannot say (None)."""

    label: str
    truth: bool | None


class Seen(NamedTuple):
    """An image that an answer is about: its key and content, and what had been looked for before the answer."""

    image: str
    sha256: str = ""
    judged: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal.

    Parameters
    ----------
    number : int
        Grows by one from line to line.
    reviewer : str
        Who answered.
    images : tuple of Seen
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
    images: tuple[Seen, ...] = ()
    answers: tuple[Said, ...] = ()
    undoes: int = 0
    id: str = ""
    at: str = ""

    def to_line(self) -> bytes:
        """Return the entry as a line of JSON."""
        document: dict[str, Any] = {"number": self.number, "at": self.at, "reviewer": self.reviewer}
        if self.id:
            document["id"] = self.id
        if self.undoes:
            document["undoes"] = self.undoes
        else:
            document["images"] = [seen._asdict() for seen in self.images]
            document["answers"] = [said._asdict() for said in self.answers]
        return json.dumps(document).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Entry | None:
        """Read a line; None when it is torn or no entry."""
        try:
            document = json.loads(line)
            return cls(
                int(document["number"]),
                str(document["reviewer"]),
                tuple(Seen(**seen) for seen in document.get("images", ())),
                tuple(Said(**said) for said in document.get("answers", ())),
                int(document.get("undoes", 0)),
                str(document.get("id", "")),
                str(document.get("at", "")),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


@dataclass
class Journal:
    """The journal of one output folder. Several processes may append to it; each sees the others' entries.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    start : int
        Numbers of a new journal begin above this one.
    """

    path: Path
    start: int = 0
    entries: list[Entry] = field(default_factory=list)
    _offset: int = 0

    @classmethod
    def of(cls, folder: str | Path, labels: pd.DataFrame | None = None) -> Journal:
        """Open the journal of an output folder; a new one counts on from the newest review among `labels`."""
        start = 0 if labels is None else newest_review(labels)
        journal = cls(Path(folder) / "dataset" / JOURNAL, start)
        journal.read()
        return journal

    def read(self) -> list[Entry]:
        """Take in what was appended since the last look, by anybody, and return it. A torn line is passed over."""
        try:
            with self.path.open("rb") as stream:
                return self._read_from(stream)
        except FileNotFoundError:
            return []
        except OSError as error:
            msg = f"cannot read {self.path}: {error.strerror}; answers cannot be taken without it"
            raise OutputError(msg) from error

    def _read_from(self, stream: IO[bytes]) -> list[Entry]:
        if stream.seek(0, os.SEEK_END) < self._offset:  # somebody set the journal aside: this is a new one
            self._offset = 0
            self.entries.clear()
        stream.seek(self._offset)
        data = stream.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        found = [entry for line in whole.splitlines() if (entry := Entry.from_line(line))]
        self.entries += found
        return found

    def append(
        self,
        reviewer: str,
        *,
        images: Iterable[Seen] = (),
        answers: Iterable[Said] = (),
        undoes: int = 0,
        id: str = "",  # noqa: A002 - the journal's word
    ) -> list[Entry]:
        """Write one entry; it is on the disk when this returns.

        Returns
        -------
        list of Entry
            What is new in the journal since the last look: entries of others, then this one. Without this
            one, when an entry with the same `id` is there already.

        Raises
        ------
        OutputError
            The entry could not be written.
        """
        try:
            with self.path.open("a+b") as stream, _alone(stream):
                found = self._read_from(stream)
                if id and any(entry.id == id for entry in self.entries):
                    return found
                if self._is_torn(stream):  # what a killed writer left ends here
                    stream.write(b"\n")
                    stream.flush()
                    found += self._read_from(stream)
                number = max((entry.number for entry in self.entries), default=self.start) + 1
                now = datetime.now(UTC).isoformat(timespec="seconds")
                entry = Entry(number, reviewer, tuple(images), tuple(answers), undoes, id, now)
                stream.write(entry.to_line())
                stream.flush()
                os.fsync(stream.fileno())
                return found + self._read_from(stream)
        except OSError as error:
            msg = f"cannot write {self.path}: {error.strerror or error}; the answer is not saved"
            raise OutputError(msg) from error

    def _is_torn(self, stream: IO[bytes]) -> bool:
        stream.seek(0, os.SEEK_END)
        return stream.tell() > self._offset

    @property
    def standing(self) -> list[Entry]:
        """The answers that were not taken back, oldest first."""
        gone = {entry.undoes for entry in self.entries}
        return [entry for entry in self.entries if not entry.undoes and entry.number not in gone]


def newest_review(labels: pd.DataFrame) -> int:
    """Return the highest number of a review among label rows, or 0."""
    numbers = labels.loc[labels["source"].str.startswith(REVIEW), "line"].dropna()
    return int(numbers.max()) if len(numbers) else 0


@contextmanager
def _alone(stream: IO[bytes]) -> Iterator[None]:
    """Keep other processes from appending meanwhile; the operating system frees the lock of a killed one."""
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        yield  # one process at a time there
        return
    fcntl.flock(stream, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(stream, fcntl.LOCK_UN)


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
    dataset = Dataset.load(folder)
    journal = Journal.of(folder, dataset.labels)
    if not journal.entries:
        return dataset
    merged = with_answers(dataset, journal.entries, standing=journal.standing)
    if save and merged is not dataset:
        merged.save(folder)
    return merged


def set_aside_journal(folder: str | Path) -> Path | None:
    """Give the journal another name, so that a fresh start does not see it; return the name, or None without one."""
    path = Path(folder) / "dataset" / JOURNAL
    if not path.exists():
        return None
    number = 1
    while (aside := path.with_name(f"reviews-{number}.jsonl")).exists():
        number += 1
    return path.rename(aside)


def with_answers(dataset: Dataset, entries: Iterable[Entry], *, standing: Iterable[Entry]) -> Dataset:
    """Return the data set with the answers of a journal in place of what it had from the same journal.

    Parameters
    ----------
    dataset : Dataset
        Images are recognised by key and content, then by content, then by key.
    entries : iterable of Entry
        The whole journal: label rows with its numbers are replaced.
    standing : iterable of Entry
        Those that were not taken back.
    """
    entries, standing = list(entries), list(standing)
    seen: dict[str, Seen] = {}
    for entry in entries:
        for item in entry.images:
            seen.setdefault(item.image, item)
    now = match_images(pd.DataFrame(list(seen.values()), columns=Seen._fields), dataset.images)
    reviews = dataset.labels["source"].str.startswith(REVIEW)
    ours = reviews & dataset.labels["line"].isin([entry.number for entry in entries])
    rows = pd.DataFrame(_rows(standing, now), columns=["image", "label", "source", "truth", "line"]).astype(
        {"truth": "boolean", "line": "Int64"}
    )
    labels = pd.concat([dataset.labels[~ours], rows.reindex(columns=dataset.labels.columns).astype(
        dataset.labels.dtypes.to_dict()
    )], ignore_index=True)  # fmt: skip
    stands = {entry.number for entry in standing}
    taken_back = {item.image for entry in entries if entry.number not in stands for item in entry.images}
    before = {now[key]: seen[key].judged for key in taken_back if key in now}
    images = dataset.images
    judged = [before.get(key, value) for key, value in zip(images["image"], images["judged"], strict=True)]
    images = images.assign(judged=judged)
    policy = Policy.from_dict(dataset.policy)
    images = images.assign(judged=judged_column(images, labels, policy))
    merged = dataset.step("review", images=images, labels=labels, options={"answers": len(standing)})
    return dataset if merged.fingerprint() == dataset.fingerprint() else merged


def _rows(standing: Iterable[Entry], now: Mapping[str, str]) -> list[tuple[Any, ...]]:
    """Return label rows; of what one reviewer said twice about a label of an image, the newest."""
    rows = {}
    for entry in standing:
        source = REVIEW + entry.reviewer
        for item in entry.images:
            key = now.get(item.image, item.image)
            for said in entry.answers:
                rows[key, said.label, source] = (said.truth, entry.number)
    return [(*key, truth, number) for key, (truth, number) in rows.items()]
