"""Moderators' tables: one row for each decision, often several for an image; the newest counts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations
from manifest_tools.sources.formats.json_files import shown
from manifest_tools.sources.formats.tables import (
    IMAGE_NAMES,
    LABEL_NAMES,
    Record,
    csv_records,
    find_column,
    json_records,
    looks_like_json_lines,
    read_text,
    split_labels,
)

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
                     "ok", "okay", "safe", "clean", "publish", "published", "none", "no violation", "no action"})  # fmt: skip
_DAY_AND_MONTH = re.compile(r"(\d{1,2})([/.])(\d{1,2})\2(\d{4})(?:[ T,]+(.+))?")


class Decision(NamedTuple):
    """One row: what was decided about an image, when, and by whom. `when` is "" where no date is readable."""

    reference: str
    decision: str
    labels: tuple[str, ...]
    when: str
    reviewer: str
    line: int

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
    """Which columns hold what; None where there is no such column."""

    image: str
    decision: str
    reason: str | None
    date: str | None
    reviewer: str | None


def recognise(columns: Sequence[str]) -> Columns | None:
    """Return the columns of a table of decisions: an image, a decision, and a reason, date or reviewer."""
    image, decision = find_column(columns, IMAGE_NAMES), find_column(columns, DECISION_NAMES)
    reason = find_column(columns, REASON_NAMES)
    date, reviewer = find_column(columns, DATE_NAMES), find_column(columns, REVIEWER_NAMES)
    if image is None or decision is None or not (reason or date or reviewer):
        return None
    return Columns(image, decision, reason or find_column(columns, LABEL_NAMES), date, reviewer)


def read(path: Path) -> Annotations:
    """Read a moderators' table, CSV or JSON Lines.

    The category of a decision is its reason; without one, or where the image passed, the decision itself:
    "approved" means Safe only if the mapping says so. The newest decision of an image counts; an older one that
    says something else is a finding. A decision names what led to it and says nothing of other labels.

    Raises
    ------
    InputError
        The file is no such table, or the order of its dates cannot be told where it matters.
    """
    text = read_text(path)
    records = json_records(text, path) if looks_like_json_lines(text) else csv_records(text, path)
    columns = recognise(list(dict.fromkeys(name for record in records for name in record.cells)))
    if columns is None:
        msg = f"{path}: expected a table of decisions: columns for the image, the decision, and its reason or date"
        raise InputError(msg)
    notes = AnnotationBuilder(NAME, str(path), open_world=True)
    by_image: dict[str, list[Decision]] = defaultdict(list)
    for decision in _decisions(records, columns, path, notes):
        by_image[decision.reference].append(decision)
    for decisions in by_image.values():
        _settle(sorted(decisions, key=lambda decision: (decision.when, decision.line)), notes)
    return notes.close()


def _decisions(
    records: Sequence[Record], columns: Columns, path: Path, notes: AnnotationBuilder
) -> Iterable[Decision]:
    dates = [_cell(cells, columns.date) for _, cells in records]
    images = [_cell(cells, columns.image) for _, cells in records]
    day_first = _day_first(dates, path, order_matters=len(set(images)) < len(images))
    for (line, cells), image, date in zip(records, images, dates, strict=True):
        decision = _cell(cells, columns.decision)
        if not image:
            notes.problem("a decision has no image", line=line)
            continue
        if not decision:
            continue  # nobody has decided yet
        when = _moment(date, day_first=day_first)
        if date and not when:
            notes.problem(
                f"the date {shown(date)} cannot be read; it counts as the oldest", line=line, image=image
            )
        passed = decision.casefold() in _PASSES
        reasons = [] if passed or columns.reason is None else split_labels(cells.get(columns.reason))
        labels = tuple(reasons or [decision])
        for label in labels:
            notes.category(label)
        yield Decision(image, decision, labels, when, _cell(cells, columns.reviewer), line)


def _settle(decisions: Sequence[Decision], notes: AnnotationBuilder) -> None:
    """Note the newest decision about one image, and the older ones that disagree with it."""
    newest = decisions[-1]
    counted: dict[str, int] = {}
    for row in decisions:
        if row.event == newest.event:
            counted.update((label, row.line) for label in row.labels if label not in counted)
    for label, line in counted.items():
        notes.say(newest.reference, label, line=line)
    older: dict[tuple[str, str, str], list[Decision]] = {}
    for row in decisions:
        if row.event != newest.event:
            older.setdefault(row.event, []).append(row)
    for rows in older.values():
        said = {label for row in rows for label in row.labels}
        for label in sorted(said ^ set(counted)):
            notes.disagree(
                newest.reference,
                label,
                source=str(newest),
                other=str(rows[0]),
                present=label in counted,
                winner="the newer one",
                line=rows[0].line,
            )


def _day_first(dates: Iterable[str], path: Path, *, order_matters: bool) -> bool:
    """Return whether dates such as 03/04/2024 begin with the day, told by the column as a whole."""
    matches = [match for match in map(_DAY_AND_MONTH.fullmatch, dates) if match]
    slashed = [match for match in matches if match[2] == "/"]
    day_first = any(int(match[1]) > 12 for match in slashed)
    month_first = any(int(match[3]) > 12 for match in slashed)
    if slashed and day_first == month_first and order_matters:
        msg = (
            f"{path}: dates such as {slashed[0][0]!r} can be read in two ways, and which decision is the newest "
            "depends on it; write them as 2024-04-03"
        )
        raise InputError(msg)
    return day_first


def _moment(date: str, *, day_first: bool) -> str:
    """Return a date as ISO text in UTC, which sorts by time; "" where it cannot be read."""
    if re.fullmatch(r"\d{10}(\.\d+)?|\d{13}", date):  # seconds or milliseconds since 1970
        seconds = float(date) / (1000 if len(date) == 13 else 1)
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    match = _DAY_AND_MONTH.fullmatch(date)
    if match:
        day, month = (match[1], match[3]) if day_first or match[2] == "." else (match[3], match[1])
        date = f"{match[4]}-{month:0>2}-{day:0>2}" + (f"T{match[5]}" if match[5] else "")
    try:
        moment = datetime.fromisoformat(re.sub(r"^(\d{4})/(\d{2})/(\d{2})", r"\1-\2-\3", date))
    except ValueError:
        return ""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")


def _cell(cells: Any, column: str | None) -> str:
    value = cells.get(column) if column else None
    return "" if value is None else str(value).strip()
