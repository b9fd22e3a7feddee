"""Moderators' tables: one row for each decision, often several for an image; the newest counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from manifest_tools.core.errors import InputError
from manifest_tools.core.text import is_missing
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations
from manifest_tools.sources.formats.cells import cell_text, label_statements, visible
from manifest_tools.sources.formats.column_choice import BY_NAME, ColumnChoice
from manifest_tools.sources.formats.dates import read_dates
from manifest_tools.sources.formats.json_files import shown
from manifest_tools.sources.formats.label_table import with_images
from manifest_tools.sources.formats.records import columns_of, read_records
from manifest_tools.sources.formats.tables import IMAGE_NAMES, LABEL_NAMES, Record

NAME = "decisions"
DECISION_NAMES = ("decision", "verdict", "moderation_decision", "moderator_decision", "review_decision", "outcome",
                  "resolution", "moderation_status", "action", "status")  # fmt: skip
REASON_NAMES = ("reason", "reasons", "reject_reason", "rejection_reason", "decision_reason", "reason_code", "violation",
                "violations", "violation_type", "policy", "rule")  # fmt: skip
DATE_NAMES = ("decided_at", "decision_date", "reviewed_at", "review_date", "moderated_at", "date", "datetime",
              "timestamp", "time", "updated_at", "created_at")  # fmt: skip
REVIEWER_NAMES = ("reviewer", "moderator", "reviewed_by", "decided_by", "moderated_by", "reviewer_id", "moderator_id",
                  "reviewer_email", "agent", "user")  # fmt: skip
# Decisions that let an image pass: a reason beside them is a remark, not what is in the image.
_PASSES = frozenset({"approve", "approved", "accept", "accepted", "allow", "allowed", "pass", "passed", "keep", "kept",
                     "ok", "okay", "safe", "clean", "publish", "published", "no violation", "no action"})  # fmt: skip
_REJECTS = frozenset({"reject", "rejected", "remove", "removed", "block", "blocked", "delete", "deleted", "deny", "denied",
                      "decline", "declined", "ban", "banned", "hide", "hidden", "flag", "flagged", "escalate", "escalated",
                      "take down", "taken down", "violation", "unsafe", "fail", "failed", "disallow", "disallowed"})  # fmt: skip


class Decision(NamedTuple):
    """One row: what was decided about an image, when, and by whom.

    `moments` has a date for each way in which the column of dates can be read; "" where it cannot.
    """

    reference: str
    decision: str
    labels: tuple[str, ...]
    date: str
    moments: tuple[str, ...]
    reviewer: str
    line: int

    @property
    def when(self) -> str:
        """The date as ISO text; "" where there is none that can be read."""
        return self.moments[0]

    @property
    def event(self) -> tuple[str, str, str]:
        """What rows of one and the same decision share: several reasons may stand in several rows."""
        return self.when, self.reviewer, self.decision

    def __str__(self) -> str:
        """Return how a person would refer to the decision."""
        day = f" of {self.when[:10]}" if self.when else ""
        who = f" by {self.reviewer}" if self.reviewer else ""
        return f"the decision{day}{who} (line {self.line})"


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; None where there is no such column. The reason may be a column of labels."""

    image: str
    decision: str
    reason: str | None
    date: str | None
    reviewer: str | None

    def names(self) -> set[str | None]:
        """Return the columns that are read."""
        return {self.image, self.decision, self.reason, self.date, self.reviewer}


def recognise(
    columns: Sequence[str], choice: ColumnChoice = BY_NAME, *, told: bool = False
) -> Columns | None:
    """Return the columns of a table of decisions: an image, a decision, and a reason, date or reviewer.

    Where it was said that the table is one of decisions (`told`), a column of labels is enough.
    """
    image, decision = (
        choice.find("image", columns, IMAGE_NAMES),
        choice.find("decision", columns, DECISION_NAMES),
    )
    reason, label = choice.find("reason", columns, REASON_NAMES), choice.find("label", columns, LABEL_NAMES)
    date, reviewer = (
        choice.find("date", columns, DATE_NAMES),
        choice.find("reviewer", columns, REVIEWER_NAMES),
    )
    if image is None or decision is None or not (reason or date or reviewer or (told and label)):
        return None
    return Columns(image, decision, reason or label, date, reviewer)


def holds_decisions(path: Path, choice: ColumnChoice = BY_NAME) -> bool:
    """Whether a table with the columns of decisions is meant as one, and not as labels with a status beside them.

    Raises
    ------
    InputError
        It may be either: a label stands beside a decision that lets the image pass, or beside another reason.
    """
    records = read_records(path)
    names = columns_of(records)
    columns = recognise(names, choice)
    if columns is None:
        return False
    label = choice.find(
        "label", [name for name in names if name not in (columns.image, columns.decision)], LABEL_NAMES
    )
    if label is None or "decision" in choice.by_role or "reason" in choice.by_role:
        return True
    verdicts = {visible(_cell(cells, columns.decision)).casefold() for _, cells in records}
    if "label" in choice.by_role or not verdicts & (_PASSES | _REJECTS):
        return False  # "completed" says how far the work is
    for line, cells in records:
        said, decision = _cell(cells, label), _cell(cells, columns.decision)
        if is_missing(said) or is_missing(decision) or said.casefold() in _PASSES:
            continue
        reason = _cell(cells, columns.reason) if columns.reason != label else ""
        passed = decision.casefold() in _PASSES
        if passed or not (is_missing(reason) or reason.casefold() == said.casefold()):
            beside = (
                f"{decision!r} in {columns.decision!r}" if passed else f"{reason!r} in {columns.reason!r}"
            )
            msg = (
                f"{path}:{line}: this may be a table of labels, whose work was looked over, or of moderators' "
                f"decisions: {said!r} in column {label!r} stands beside {beside}; say which: --labels-format table "
                "or --labels-format decisions"
            )
            raise InputError(msg)
    return True


def read(path: Path, choice: ColumnChoice = BY_NAME) -> Annotations:
    """Read a moderators' table: CSV, JSON Lines, or any other that :func:`read_records` reads.

    The category of a decision is its reason; without one, or where the image passed, the decision itself:
    "approved" means Safe only if the mapping says so. The newest decision of an image counts; an older one that
    says something else is a finding. A decision names what led to it and says nothing of other labels.

    Raises
    ------
    InputError
        The file is no such table, or the order of its dates cannot be told where it matters.
    """
    records = read_records(path)
    names = columns_of(records)
    if records:
        choice.check(names, path)
    columns = recognise(names, choice, told=True)
    if columns is None:
        msg = f"{path}: expected a table of decisions: columns for the image, the decision, and its reason or date"
        raise InputError(msg)
    decisions = tuple(_decisions(with_images(records, columns.image, path), columns, path))
    unread = tuple(name for name in names if name not in columns.names())
    return _settled(path, decisions, unread, {})


def _settled(
    path: Path, decisions: Sequence[Decision], unread: tuple[str, ...], images: Mapping[str, str]
) -> Annotations:
    """Return the newest decision about each image; two references may mean one image, which `images` knows."""
    notes = AnnotationBuilder(NAME, str(path), open_world=True)
    by_image: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        for label in decision.labels:
            notes.category(label)
        by_image[images.get(decision.reference, decision.reference)].append(decision)
    for image, found in by_image.items():
        _settle(image, in_order(found, path), notes)
    return replace(notes.close(), unread=unread, settle=partial(_settled, path, decisions, unread))


def _decisions(records: Sequence[Record], columns: Columns, path: Path) -> Iterator[Decision]:
    dates = [
        "" if is_missing(date) else date for date in (_cell(cells, columns.date) for _, cells in records)
    ]
    readings = read_dates(dates)
    for place, (line, cells) in enumerate(records):
        decision = _cell(cells, columns.decision)
        if is_missing(decision):
            continue  # nobody has decided yet
        passed = decision.casefold() in _PASSES
        reasons = (
            [] if passed or columns.reason is None else _reasons(cells, columns.reason, f"{path}:{line}")
        )
        labels = tuple(reasons or [decision])
        moments = tuple(reading[place] for reading in readings)
        yield Decision(
            _cell(cells, columns.image),
            decision,
            labels,
            dates[place],
            moments,
            _cell(cells, columns.reviewer),
            line,
        )


def _reasons(cells: Any, column: str, place: str) -> list[str]:
    said = label_statements(cells.get(column), f"{place}: column {column!r}")
    return [name for name, truth in said if truth and not is_missing(name)]


def in_order(decisions: Iterable[Decision], path: Path) -> list[Decision]:
    """Return the decisions about one image from the oldest to the newest; those of one moment by their lines.

    Raises
    ------
    InputError
        They say different things, and which is the newest cannot be told from their dates.
    """
    decisions = list(decisions)
    if len({frozenset(decision.labels) for decision in decisions}) == 1:
        return sorted(decisions, key=lambda decision: (decision.when, decision.line))
    undated = next((decision for decision in decisions if not decision.when), None)
    if undated is not None and any(decision.date for decision in decisions):
        what = f"the date {shown(undated.date)} cannot be read" if undated.date else "there is no date"
        msg = (
            f"{path}:{undated.line}: {what}, and there are other decisions about {undated.reference!r} that say "
            "something else: which is the newest cannot be told; write dates as 2026-04-03 16:20"
        )
        raise InputError(msg)
    orders = [
        sorted(decisions, key=lambda decision: (decision.moments[reading], decision.line))
        for reading in range(len(decisions[0].moments))
    ]
    if any(order != orders[0] for order in orders):
        msg = (
            f"{path}:{decisions[0].line}: dates such as {decisions[0].date!r} can be read in two ways, and which "
            f"decision about {decisions[0].reference!r} is the newest depends on it; write them as 2026-04-03"
        )
        raise InputError(msg)
    return orders[0]


def _settle(image: str, decisions: Sequence[Decision], notes: AnnotationBuilder) -> None:
    """Note the newest decision about one image, and the older ones that disagree with it."""
    newest = decisions[-1]
    counted: dict[str, int] = {}
    for row in decisions:
        if row.event == newest.event:
            counted.update((label, row.line) for label in row.labels if label not in counted)
    for label, line in counted.items():
        notes.say(image, label, line=line)
    older: dict[tuple[str, str, str], list[Decision]] = {}
    for row in decisions:
        if row.event != newest.event:
            older.setdefault(row.event, []).append(row)
    for rows in older.values():
        said = {label for row in rows for label in row.labels}
        for label in sorted(said ^ set(counted)):
            notes.disagree(
                image,
                label,
                source=str(newest),
                other=str(rows[0]),
                present=label in counted,
                winner="the newer one" if newest.when > rows[0].when else "the one further down",
                line=rows[0].line,
            )


def _cell(cells: Any, column: str | None) -> str:
    return cell_text(cells.get(column)).strip() if column else ""
