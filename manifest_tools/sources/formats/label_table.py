"""Tables of labels: a row for each label, or a column for each, as people have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import VERSIONS, Taxonomy
from manifest_tools.core.text import is_missing
from manifest_tools.sources.formats.cells import (
    cell_text,
    label_statements,
    one_hot_width,
    split_labels,
    truth_value,
    visible,
)
from manifest_tools.sources.formats.column_choice import BY_NAME, ColumnChoice
from manifest_tools.sources.formats.csv_rows import CsvRows, cells_of, chosen
from manifest_tools.sources.formats.label_rows import LabelRows
from manifest_tools.sources.formats.qualifiers import IF_PEOPLE, answer_column, refuse_scores, truth_of
from manifest_tools.sources.formats.records import columns_of, read_records
from manifest_tools.sources.formats.tables import IMAGE_NAMES, LABEL_NAMES, LabelRow, Record, listed

CHECKED_NAMES = ("checked_labels", "checked")  # of a column that says what people looked for in each image
EVERYTHING = "all"  # in it: the whole taxonomy
_REMEMBERED = 10_000  # different cells of which it is remembered what they say


@dataclass(frozen=True, slots=True)
class LabelTable:
    """A table's rows, the labels that it knows of (wide tables name labels that no image has), and what is not read."""

    rows: Sequence[LabelRow]
    columns: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    checked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_label_table(
    path: str | Path, choice: ColumnChoice = BY_NAME, *, is_labels: bool = False
) -> LabelTable:
    """Read a label table.

    Parameters
    ----------
    path : path
        CSV (comma, semicolon or tab, told by the header), JSON Lines, JSON or Parquet. One column names the image
        (`IMAGE_NAMES`); either another holds its labels (`LABEL_NAMES`; several in a cell are split at
        ";" or "|", and an image may have several rows), or every column of 0/1 values is a label.
    choice : ColumnChoice
        Columns that were named.
    is_labels : bool
        Whether it was said that this is a table of labels.

    Raises
    ------
    InputError
        The file is not such a table; the message says where and what was expected.
    """
    return label_table(read_records(path), path, choice, is_labels=is_labels)


def label_table(
    records: Sequence[Record], path: str | Path, choice: ColumnChoice = BY_NAME, *, is_labels: bool = False
) -> LabelTable:
    """Return what the rows of a table say (see :func:`read_label_table`)."""
    columns = columns_of(records)
    if not records:
        msg = f"{path}: the table has no rows"
        raise InputError(msg)
    choice.check(columns, path)
    image = choice.find("image", columns, IMAGE_NAMES)
    if image is None:
        msg = (
            f"{path}: no column names the image; found {listed(columns)}, expected a name such as "
            f"{listed(IMAGE_NAMES[:8])}; "
            "or name yours: --columns image=COLUMN"
        )
        raise InputError(msg)
    records = with_images(records, image, path)
    checked_column = _checked_column(records, [name for name in columns if name != image], choice)
    checked = {} if checked_column is None else _checked(records, image, checked_column, path)
    columns = [column for column in columns if column != checked_column]
    others = [column for column in columns if column != image and column not in choice.ignored]
    label = choice.find("label", others, LABEL_NAMES)
    if label is not None:
        beside = [column for column in others if column != label]
        answer = _answer(records, label, beside, path, choice, is_labels=is_labels)
        unread = tuple(column for column in columns if column not in (image, label, answer))
        rows = long_rows(records, image, label, path, answer=answer)
        return LabelTable(_held(records, rows), (), unread, checked)
    wide = [
        name
        for name in others
        if name not in (*choice.by_role.values(), *choice.kept) and _is_binary(records, name, path)
    ]
    if not wide:
        msg = (
            f"{path}: no column holds labels; found {listed(columns)}, expected one of {listed(LABEL_NAMES)}, or a "
            "column of 0 and 1 for each label; or name yours: --columns label=COLUMN"
        )
        raise InputError(msg)
    unread = tuple(column for column in columns if column not in (image, *wide))
    return LabelTable(_held(records, _wide_rows(records, image, wide)), tuple(wide), unread, checked)


def _held(records: Sequence[Record], rows: Iterable[LabelRow]) -> Sequence[LabelRow]:
    """Return rows in little memory where they come of a table that may be long, and whose texts are sound."""
    return LabelRows(rows) if isinstance(records, CsvRows) else tuple(rows)


def _checked_column(records: Iterable[Record], columns: Sequence[str], choice: ColumnChoice) -> str | None:
    """Return the column that says what people looked for: one that was named, or one of that name with a label in it."""
    column = choice.find("checked", columns, CHECKED_NAMES)
    if column is None or "checked" in choice.by_role:
        return column
    found = any(_is_checked(name) for _, cell in cells_of(records, column) for name in split_labels(cell))
    return column if found else None


def _is_checked(name: str) -> bool:
    return name.casefold() == EVERYTHING or any(Taxonomy.load(v).spellings(name) for v in VERSIONS)


def _checked(
    records: Iterable[Record], image: str, column: str, path: str | Path
) -> dict[str, tuple[str, ...]]:
    """Return the labels that people looked for in each image, where its row says so.

    Raises
    ------
    InputError
        A cell holds anything but labels, or "all".
    """
    found: dict[str, tuple[str, ...]] = {}
    for line, cell, image_cell in cells_of(records, column, image):
        names = [name for name in split_labels(cell) if not is_missing(name)]
        for name in names:
            if not _is_checked(name):
                msg = (
                    f"{path}:{line}: column {column!r} holds {name[:60]!r}; expected the labels that people looked for in this "
                    f"image, or {EVERYTHING}; give --columns ignore={column} if the column says something else"
                )
                raise InputError(msg)
        if names:
            reference = cell_text(image_cell)
            found[reference] = tuple(dict.fromkeys([*found.get(reference, ()), *names]))
    return found


def with_images(records: Sequence[Record], image: str, path: object) -> Sequence[Record]:
    """Return the rows that name an image; rows that hold nothing at all are passed over.

    Raises
    ------
    InputError
        A row says something and names no image, as the lower rows of merged cells do: whose it is cannot be known.
    """
    named = [_says(cell) for _, cell in cells_of(records, image)]
    if all(named):
        return records
    kept = chosen(records, named)
    for line, cells in chosen(records, [not has_name for has_name in named]):
        if any(map(_says, cells.values())):
            msg = (
                f"{path}:{line}: the row says something, but its image (column {image!r}) is empty, as in the "
                "lower rows of merged cells; write the image's name into every row, or take the row out"
            )
            raise InputError(msg)
    return kept


def _says(cell: Any) -> bool:
    return not is_missing(visible(cell_text(cell)))


def long_rows(
    records: Sequence[Record], image: str, label: str, path: object, *, answer: str | None = None
) -> Iterator[LabelRow]:
    """Give what a column of labels says of each image; an empty cell is a row with an empty label."""
    hot = one_hot_width(cell for _, cell in cells_of(records, label))
    read: dict[str, list[tuple[str, bool | None]]] = {}  # what cells say: most are alike
    for line, image_cell, cell, answer_cell in cells_of(records, image, label, answer or ""):
        reference = cell_text(image_cell)
        said = read.get(cell) if isinstance(cell, str) else None
        if said is None:
            said = (
                [(f"{label}[{place}]", bool(item)) for place, item in enumerate(cell or ())]
                if hot
                else label_statements(cell, f"{path}:{line}: column {label!r}")
            ) or [("", None)]
            if isinstance(cell, str) and len(read) < _REMEMBERED:
                read[cell] = said
        for name, truth in said:
            qualified = truth if answer is None or not name else _qualified(truth, answer_cell)
            yield LabelRow(reference, name, qualified, line)


def _answer(
    records: Sequence[Record],
    label: str,
    others: Sequence[str],
    path: str | Path,
    choice: ColumnChoice,
    *,
    is_labels: bool,
) -> str | None:
    """Return the column that says whether the labels hold: the one that was named, or one that is plain."""
    named = choice.by_role.get("answer")
    if named is not None:
        _check_answers(records, named, path)
        return named
    refuse_scores(records, others, path, f"give --columns ignore=COLUMN {IF_PEOPLE}")
    free = [column for column in others if column not in choice.by_role.values()]
    if not free:
        return None
    labelled = [
        not (isinstance(cell, dict) or is_missing(cell_text(cell))) for _, cell in cells_of(records, label)
    ]  # an object says of each label whether it is there
    return answer_column(chosen(records, labelled), free, path, is_labels=is_labels)


def _qualified(truth: bool | None, cell: Any) -> bool | None:
    answer = truth_of(cell)
    return None if answer is None or truth is None else truth is answer


def _check_answers(records: Iterable[Record], answer: str, path: object) -> None:
    for line, cell in cells_of(records, answer):
        value = cell_text(cell)
        if truth_of(value) is None and not is_missing(value):
            msg = f"{path}:{line}: column {answer!r} holds {value[:60]!r}; expected yes or no, 1 or 0, true or false"
            raise InputError(msg)


def _wide_rows(records: Iterable[Record], image: str, labels: Sequence[str]) -> Iterator[LabelRow]:
    for line, image_cell, *cells in cells_of(records, image, *labels):
        reference = cell_text(image_cell)
        values = list(map(truth_value, cells))
        if all(value is None for value in values):
            yield LabelRow(reference, "", None, line)
            continue
        for name, value in zip(labels, values, strict=True):
            yield LabelRow(reference, name, value, line)


def _is_binary(records: Iterable[Record], column: str, path: str | Path) -> bool:
    """Whether a column holds nothing but 0/1 values, and at least one of them.

    Raises
    ------
    InputError
        It is meant as such a column, by its name or by most of its cells, but has another cell: to pass it over
        would lose its labels.
    """
    said, others = 0, []
    for line, cell in cells_of(records, column):
        try:
            said += truth_value(cell) is not None
        except ValueError:
            others.append((line, cell_text(cell)))
    if not others:
        return said > 0
    if said > len(others) or any(Taxonomy.load(version).spellings(column) for version in VERSIONS):
        line, found = others[0]
        msg = (
            f"{path}:{line}: column {column!r} holds {found[:60]!r}; expected 1 or 0, or nothing where nobody "
            "looked, in a column for one label"
        )
        raise InputError(msg)
    return False
