"""Columns beside a label that say whether it holds: honoured where that is plain, asked about where it is not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from manifest_tools.core.errors import InputError
from manifest_tools.core.text import is_missing
from manifest_tools.sources.formats.cells import cell_text, visible
from manifest_tools.sources.formats.csv_rows import cells_of
from manifest_tools.sources.formats.tables import Record, find_column

ANSWER_NAMES = ("answer", "answers", "present", "is_present", "presence", "value", "truth", "response", "exists",
                "contains", "applies", "positive", "is_positive", "ground_truth", "y_n", "yes_no")  # fmt: skip
_YES = frozenset({"1", "1.0", "yes", "y", "true", "t", "present", "positive"})
_NO = frozenset({"0", "0.0", "no", "n", "false", "f", "absent", "not present", "negative"})
_ACCEPTED = frozenset({"accept", "accepted", "approve", "approved", "correct", "valid", "confirmed", "agree", "right",
                       "ok", "pass", "passed"})  # fmt: skip
_REJECTED = frozenset({"reject", "rejected", "disapproved", "declined", "incorrect", "invalid", "refuted", "disagree",
                       "wrong", "fail", "failed", "false positive"})  # fmt: skip
_VERDICT_COLUMNS = frozenset(
    {"status", "state", "decision", "verdict", "outcome", "qa", "review", "validation", "resolution"}
)
# Words in names of 0/1 columns that speak of the picture, the box or the bookkeeping, not of whether the label holds.
_ASIDE = frozenset({"test", "train", "training", "val", "valid", "validation", "holdout", "split", "fold", "index", "id",
                    "unnamed", "level", "batch", "round", "version", "count", "number", "num", "width", "height", "size",
                    "reviewed", "annotated", "labelled", "labeled", "exported", "uploaded", "processed", "done", "archived",
                    "deleted", "duplicate", "golden", "gold", "priority", "paid", "public", "private", "crowd", "iscrowd",
                    "occluded", "truncated", "difficult", "blurry", "cropped", "depiction", "inside", "group", "cluster",
                    "user", "annotator", "reviewer", "moderator", "page", "frame", "depth", "day", "month"})  # fmt: skip
_WORDS = _YES | _NO | _ACCEPTED | _REJECTED
IF_PEOPLE = "if people said that every label here holds"
_SCORES = frozenset(
    {"confidence", "confidences", "conf", "score", "scores", "probability", "prob", "likelihood", "certainty"}
)


def answer_column(
    records: Sequence[Record], others: Sequence[str], path: object, *, is_labels: bool
) -> str | None:
    """Return the column that says by yes and no, or by 1 and 0, whether the label of each row is there.

    Parameters
    ----------
    records : sequence of Record
        Rows with an image and a label each.
    others : sequence of str
        The columns beside them.
    path
        Of the table, for messages.
    is_labels : bool
        Whether it was said that the table is one of labels: then what a status says is beside the point.

    Raises
    ------
    InputError
        A column may take labels back, and nothing tells whether it does; or it holds a model's scores.
    """
    named = find_column(others, ANSWER_NAMES)
    found: str | None = None
    for column in others:
        values = _values(records, column)
        if not values:
            continue
        if column == named and values.keys() <= _YES | _NO:
            found = column
        elif (
            _words(column) & _SCORES and values.keys() <= _YES | _NO
        ):  # as Open Images writes what people verified
            found = found or column
        elif values.keys() <= _YES | _NO and values.keys() & _NO and not _words(column) & _ASIDE:
            raise InputError(_asks(path, column, values, "says yes and no beside the labels"))
        elif (
            not is_labels
            and values.keys() & _REJECTED
            and (values.keys() & _ACCEPTED or _words(column) & _VERDICT_COLUMNS)
        ):
            raise InputError(
                _asks(path, column, values, "may take labels back")
                + "; --labels-format decisions, if it holds a moderator's decision about the image"
            )
    return found


def refuse_scores(records: Sequence[Record], others: Sequence[str], path: object, way_out: str) -> None:
    """Raise InputError where a column beside the labels holds a model's scores: they are not what people said."""
    for column in others:
        if not _words(column) & _SCORES:
            continue
        nested = next(
            (line for line, cell in cells_of(records, column) if isinstance(cell, (dict, list))), None
        )
        values = _values(records, column)
        numbers = (_is_number(_plain(cell)) for _, cell in cells_of(records, column) if _says(cell))
        if nested is not None or (values and not values.keys() <= _YES | _NO and all(numbers)):
            value, line = next(iter(values.items())) if values else ("", nested)
            shown = f" ({value})" if value else ""
            msg = (
                f"{path}:{line}: column {column!r} holds numbers beside the labels{shown}, as a model's answers have; give "
                f"a model's answers to --predictions; {way_out.replace('COLUMN', column)}"
            )
            raise InputError(msg)


def truth_of(cell: object) -> bool | None:
    """Return what a cell of an answer column says; None where it is empty."""
    plain = _plain(cell)
    return True if plain in _YES else False if plain in _NO else None


def _values(records: Sequence[Record], column: str) -> Mapping[str, int]:
    """Return the distinct values of a column that mean something here, of others the first one, with their first lines."""
    values: dict[str, int] = {}
    others = False
    for line, cell in cells_of(records, column):
        if _says(cell):
            plain = _plain(cell)
            if plain in _WORDS or not others:
                values.setdefault(plain, line)
                others = others or plain not in _WORDS
    return values


def _says(cell: object) -> bool:
    return not isinstance(cell, (list, dict)) and not is_missing(_plain(cell))


def _plain(cell: object) -> str:
    return visible(cell_text(cell)).casefold()


def _words(column: str) -> set[str]:
    """Return the words of a column's name: "isTest" and "is_test" have "is" and "test"."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    return set(re.findall(r"[a-z]+", spaced.casefold())) or {"index"}  # a bare number names nothing


def _is_number(value: str) -> bool:
    try:
        number = float(value.rstrip("% ").replace(",", "."))
    except ValueError:
        return False
    return math.isfinite(number)


def _asks(path: object, column: str, values: Mapping[str, int], what: str) -> str:
    value, line = next((value, line) for value, line in values.items() if value in _NO | _REJECTED)
    return (
        f"{path}:{line}: column {column!r} {what} ({value!r}); give --columns answer={column} if it says whether the "
        f"label is there, or --columns ignore={column} if it does not"
    )
