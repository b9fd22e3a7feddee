"""The review sheet: the open questions as a table, for people who will not use the page, and the way back.

One row per question. People fill in `answer` (yes, no, unsure; for the whole image also safe), `add_labels`
(names between semicolons) and, if they like, `reason` (one of the policy's codes) and `note`; `doubt` says why what is
known so far is probably wrong, `definition` what the label means. Nobody's answers are lost on the way: those given
before stand in the sheet too.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from manifest_tools.core.csv_cells import unguarded, write_csv
from manifest_tools.core.errors import InputError
from manifest_tools.core.files import writing
from manifest_tools.review.entries import IN_WORDS, NO_REMARK, Remark, ReviewEntry, Said
from manifest_tools.review.queue import Filter
from manifest_tools.review.session import ReviewSession
from manifest_tools.sources.formats.text_files import read_text

COLUMNS = (
    "image",
    "sha256",
    "label",
    "score",
    "so_far",
    "answer",
    "add_labels",
    "reason",
    "note",
    "reviewer",
    "doubt",
    "definition",
)
OTHER_FILE = "choose another file for --export"
_ANSWERS: dict[str, bool | None] = {
    **dict.fromkeys(("yes", "y", "right", "true", "1", "present"), True),
    **dict.fromkeys(("no", "n", "wrong", "false", "0", "absent"), False),
    **dict.fromkeys(("unsure", "u", "?", "unknown"), None),
}
_WHOLE = re.compile(r"^([01])[.,]0+$")  # as spreadsheets and data frames write 1 and 0
_WORDS = {True: "yes", False: "no", None: "unsure"}


def export_sheet(review: ReviewSession, path: str | Path, *, only: Sequence[int] | None = None) -> int:
    """Write the open questions and the answers so far as a CSV table.

    Parameters
    ----------
    review : ReviewSession
        What is open, and in which order.
    path : path
        The file; replaced in one go.
    only : sequence of int, optional
        Positions of the images to ask about. Then the reviewer is named in each row, and no answers stand in it.

    Returns
    -------
    int
        How many rows were written.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    return write_table(path, COLUMNS, _rows(review, only))


def write_table(path: str | Path, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> int:
    """Write a CSV table that spreadsheets open as it is, for ``--export``; return how many rows it has.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    with (
        writing(Path(path), OTHER_FILE) as temporary,
        temporary.open("w", encoding="utf-8-sig", newline="") as stream,
    ):
        return write_csv(stream, chain([columns], rows), line_end="\r\n") - 1


def _rows(review: ReviewSession, only: Sequence[int] | None) -> Iterator[tuple[str, ...]]:
    digests = list(review.state.dataset.images["sha256"])
    name = "" if only is None else review.reviewer
    for row in review.queue(Filter(apart=True)) if only is None else only:
        item = review.item(row)
        place = (item["name"], digests[row])
        for question in item["questions"]:
            score = "" if question["score"] is None else str(question["score"])
            so_far = ", ".join(IN_WORDS[truth] for truth in question.get("differ", ())) or question["truth"]
            told = question["doubt"], question["definition"]
            yield (*place, question["label"], score, so_far, *[""] * 4, name, *told)
        if not item["questions"]:
            yield (*place, "", "", "unknown", *[""] * 4, name, "", "")
    if only is not None:
        return
    entries = review.state.visible()
    if review.assignment.adjudicating:  # nobody is named
        entries = [entry for entry in entries if entry.reviewer == review.reviewer]
    for (reviewer, row, label), (truth, remark) in _standing(review, entries).items():
        reason, note, _ = remark
        yield (
            review.state.keys[row],
            digests[row],
            label,
            "",
            "",
            _WORDS[truth],
            "",
            reason,
            note,
            reviewer,
            "",
            "",
        )


def _standing(
    review: ReviewSession, entries: Iterable[ReviewEntry]
) -> dict[tuple[str, int, str], tuple[bool | None, Remark]]:
    """Return what each reviewer said last of each image and label, with the remark, by reviewer, position and label."""
    return {
        (entry.reviewer, row, said.label): (said.truth, entry.remark)
        for entry in entries
        for row in review.state.rows_of(entry)
        for said in entry.answers
    }


class _Row(NamedTuple):
    reviewer: str
    row: int
    answers: tuple[Said, ...]
    remark: Remark


def import_sheet(review: ReviewSession, path: str | Path) -> int:
    """Take in a filled review sheet, whole or not at all. What stands in the journal already is not taken twice.

    Parameters
    ----------
    review : ReviewSession
        Its reviewer answers for rows whose `reviewer` is empty.
    path : path
        A CSV table with the columns of :func:`export_sheet`; other columns are passed over.

    Returns
    -------
    int
        How many answers were new.

    Raises
    ------
    InputError
        The file cannot be read, or a row cannot be understood.
    OutputError
        The answers cannot be written.
    """
    known = {key: truth for key, (truth, _) in _standing(review, review.state.standing()).items()}
    by_digest = by_content(review)
    labels = {review.definition(name): name for name in review.state.taxonomy.names}
    rows = []
    for line, cells in cells_of(path):
        rows.append(read_row(review, cells, by_digest, f"{path}, line {line}"))
        _refuse_other_label(cells, labels, f"{path}, line {line}")
    new = []
    for reviewer, row, answers, remark in rows:
        said = [answer for answer in answers if known.get((reviewer, row, answer.label), "") != answer.truth]
        if said:
            new.append((row, ReviewEntry(0, reviewer, answers=tuple(said), remark=remark)))
    review.state.record_all(new)
    return sum(len(entry.answers) for _, entry in new)


def cells_of(path: str | Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a sheet, with the line on which each ends."""
    text = read_text(path)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)  # spreadsheets write the one of their language
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
    missing = [name for name in ("image", "label", "answer") if name not in (table.fieldnames or ())]
    if missing:
        msg = f"{path} has no column {missing[0]!r}; expected the columns {', '.join(COLUMNS)}"
        raise InputError(msg)
    try:
        return [
            (table.line_num, {name: unguarded(cell) for name, cell in row.items() if isinstance(cell, str)})
            for row in table
        ]
    except csv.Error as error:
        msg = f"{path}, line {table.line_num}: {error}; expected CSV"
        raise InputError(msg) from error


def _refuse_other_label(cells: Mapping[str, str], labels: Mapping[str, str], place: str) -> None:
    """Raise InputError where the definition that a row carries along is that of another label."""
    meant = labels.get(cells.get("definition", "").strip())
    if meant and cells["label"].strip() != meant:
        raise InputError(
            f"{place}: label is {cells['label']!r}, and definition is that of {meant!r}; a column was sorted or pasted "
            "without the others. Nothing was taken in; export the sheet again, and fill that in"
        )


def read_row(review: ReviewSession, cells: dict[str, str], by_digest: Mapping[str, int], place: str) -> _Row:
    """Return what a row of a sheet says; raise InputError where it cannot be understood."""
    answer, label = cells["answer"].strip().lower(), cells["label"].strip()
    answer = _WHOLE.sub(r"\1", answer)
    said: list[Said] = []
    if answer in _ANSWERS:
        said.append(Said(label or review.safe, _ANSWERS[answer]))
        if not label and _ANSWERS[answer] is not None:
            raise InputError(
                f"{place}: answer is {answer!r}, but the row names no label; expected safe or unsure"
            )
    elif answer and review.state.policy.is_safe(answer):
        said.append(Said(review.safe, True))
    elif answer:
        raise InputError(f"{place}: answer is {answer!r}; expected yes, no, unsure or safe")
    added = (name.strip() for name in cells.get("add_labels", "").split(";"))
    said += [Said(name, True) for name in added if name]
    for name, _ in said:
        if name != review.safe:
            review.state.taxonomy.require(name, place)
    reviewer = cells.get("reviewer", "").strip() or review.reviewer
    row = position_of(review, cells, by_digest, place)
    if row is None and said:
        raise InputError(
            f"{place}: there is no image {cells['image']!r}; expected the names of the exported sheet"
        )
    return _Row(reviewer, -1 if row is None else row, tuple(said), _remark(review, cells, place, bool(said)))


def _remark(review: ReviewSession, cells: dict[str, str], place: str, answered: bool) -> Remark:
    given = Remark(cells.get("reason", "").strip(), cells.get("note", ""))
    try:
        remark = review.remark_of(given)
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    if remark != NO_REMARK and not answered:
        raise InputError(
            f"{place}: a reason or note stands beside no answer; expected yes, no, unsure or safe"
        )
    return remark


def by_content(review: ReviewSession) -> dict[str, int]:
    """Return the first image of each content, by its SHA-256."""
    found: dict[str, int] = {}
    for position, digest in enumerate(review.state.dataset.images["sha256"]):
        found.setdefault(digest, position)
    return found


def position_of(
    review: ReviewSession, cells: dict[str, str], by_digest: Mapping[str, int], place: str
) -> int | None:
    """Return the image that a row is about: by key, else by content (a spreadsheet may have mangled the key)."""
    row = review.state.position.get(cells["image"])
    digest = cells.get("sha256", "").strip().lower()
    meant = by_digest.get(digest) if digest else None
    if row is None:
        return meant
    own = review.state.dataset.images["sha256"].iloc[row]
    if not digest or not own or own == digest:
        return row
    if meant is not None:
        what = (
            f"image and sha256 belong to different pictures, {cells['image']!r} and {review.state.keys[meant]!r}; "
            "a column was sorted or pasted without the others"
        )
    else:
        what = f"the sha256 is not that of {cells['image']!r}, or the picture was changed since the export"
    raise InputError(f"{place}: {what}. Nothing was taken in; export the sheet again, and fill that in")
