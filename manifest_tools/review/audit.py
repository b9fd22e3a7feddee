"""The journal as a table for an audit: who said what of which image when, what became of it, and whether the lines are whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.core.hash_chain import HashChain, Link
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Policy
from manifest_tools.review.csv_sheet import write_table
from manifest_tools.review.entries import IN_WORDS, ReviewEntry, entries_of
from manifest_tools.review.journal import JOURNAL, newest_review
from manifest_tools.review.looks import Reading, label_rows_of

COLUMNS: Final = (
    "file", "line", "chain", "number", "at", "reviewer", "look", "image", "sha256", "label", "answer", "state", "reason", "note",
    "seconds",
)  # fmt: skip


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Parameters
    ----------
    rows : int
        Rows of the table.
    head : str
        The hash of the whole journal. Kept elsewhere, it shows later whether the journal was cut short.
    problems : tuple of str
        Places that are not as they were written, as sentences.
    """

    rows: int
    head: str
    problems: tuple[str, ...]


class _Line(NamedTuple):
    number: int
    link: Link
    entries: list[ReviewEntry]


@dataclass
class _File:
    path: Path
    lines: list[_Line] = field(default_factory=list)
    head: str = ""
    problems: list[str] = field(default_factory=list)


def export_audit(folder: str | Path, path: str | Path) -> Audit:
    """Write the journal of an output folder, and those that ``prepare --fresh`` set aside, as a CSV table.

    Parameters
    ----------
    folder : path
        An output folder.
    path : path
        The table; replaced in one go.

    Raises
    ------
    InputError
        The folder holds no data set, or nobody reviewed anything.
    OutputError
        The journal cannot be read, or the table cannot be written.
    """
    dataset = Dataset.load(folder)
    reading = Reading(Taxonomy.load(dataset.taxonomy), Policy.from_dict(dataset.policy).is_safe)
    place = Path(folder) / "dataset"
    files = [
        _read(each) for each in sorted(place.glob(f"{Path(JOURNAL).stem}*{Path(JOURNAL).suffix}"), key=_age)
    ]
    if not files:
        raise InputError(f"{folder} holds no review journal: nobody answered anything yet")
    current = files[-1]
    last = max((entry.number for line in current.lines for entry in line.entries), default=0)
    if current.path.name == JOURNAL and newest_review(dataset.labels) > last:
        current.problems.append(
            f"{current.path}: answers up to number {newest_review(dataset.labels)} are among the labels, but the journal "
            f"ends at {last}: its end was cut off"
        )
    count = write_table(path, COLUMNS, (row for file in files for row in _rows(file, reading)))
    return Audit(count, current.head, tuple(problem for file in files for problem in file.problems))


def _age(path: Path) -> tuple[bool, int]:
    """Order journals: those that were set aside by their number, the one in use last."""
    number = path.stem.rpartition("-")[2]
    return path.name == JOURNAL, int(number) if number.isdigit() else 0


def _read(path: Path) -> _File:
    """Read a journal as it stands, line by line."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OutputError(f"the journal {path} cannot be read: {error.strerror or error}") from error
    file, chain, begun = _File(path), HashChain(), False
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        if not line.strip():
            continue
        link = chain.take(line)
        entries = _entries(line)
        if link is Link.BROKEN:
            file.problems.append(f"{path}:{number}: this line, or one before it, is not as it was written")
        elif link is Link.NONE and begun:
            file.problems.append(f"{path}:{number}: this line has no hash, though lines before it have one")
        if entries is None:
            file.problems.append(f"{path}:{number}: this line is no answer and is passed over")
        begun |= link is not Link.NONE
        file.lines.append(_Line(number, link, entries or []))
    file.head = chain.head
    return file


def _entries(line: bytes) -> list[ReviewEntry] | None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    found = entries_of(record) if isinstance(record, dict) else [None]
    return None if None in found else [entry for entry in found if entry]


def _rows(file: _File, reading: Reading) -> Iterator[tuple[str, ...]]:
    states = _states([entry for line in file.lines for entry in line.entries], reading)
    for line in file.lines:
        place = (file.path.name, str(line.number), str(line.link))
        if not line.entries:
            yield (*place, *[""] * 8, "unreadable", "", "", "")
        for entry in line.entries:
            who = (str(entry.number), entry.at, entry.reviewer, str(entry.look))
            reason, note, seconds = entry.remark
            more = (reason, note, "" if seconds is None else str(seconds))
            for image, digest, label, truth in _said(entry):
                state = states[entry.number, image, label]
                yield (*place, *who, image, digest, label, IN_WORDS[truth], state, *more)
            if entry.undoes:
                yield (*place, *who, "", "", "", "", f"takes back {entry.undoes}", *more)
            if entry.looked is not None:
                yield (*place, *who, "", "", "", "", f"looked: {', '.join(entry.looked)}", *more)
            if entry.second_look:
                yield (*place, *who, "", "", "", "", f"second look: {' '.join(entry.second_look)}", *more)


def _states(entries: list[ReviewEntry], reading: Reading) -> dict[tuple[int, str, str], str]:
    """Return what became of each statement, by the number of its entry, image and label."""
    undone = {entry.undoes: entry.number for entry in entries if entry.undoes}
    standing = [entry for entry in entries if entry.images and entry.number not in undone]
    counting = label_rows_of(standing, lambda seen: seen.image, reading)
    newest = {
        (image, label, entry.reviewer): entry.number
        for entry in standing
        if entry.look.counts
        for image, _, label, _ in _said(entry)
    }
    states = {}
    for entry in entries:
        for image, _, label, truth in _said(entry):
            key = (image, label, entry.reviewer)
            if entry.number in undone:
                state = f"taken back by {undone[entry.number]}"
            elif not entry.look.counts:
                state = "gold"
            elif newest[key] != entry.number:
                state = f"replaced by {newest[key]}"
            elif key not in counting:
                state = "overruled"
            else:
                state = "stands" if counting[key][0] is truth else "disputed"
            states[entry.number, image, label] = state
    return states


def _said(entry: ReviewEntry) -> Iterator[tuple[str, str, str, bool | None]]:
    """Yield the statements of an entry: image, sha256, label, truth."""
    for seen in entry.images:
        for said in entry.answers:
            yield seen.image, seen.sha256, said.label, said.truth
