"""Mapping files: from somebody's own categories to labels of the taxonomy, ``Safe``, or ``ignore``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.core.text import is_missing
from manifest_tools.dataset.name_resolution import read_name
from manifest_tools.findings.policy import Policy
from manifest_tools.sources.formats.annotations import Annotations
from manifest_tools.sources.formats.cells import split_labels, visible
from manifest_tools.sources.formats.csv_rows import read_csv
from manifest_tools.sources.formats.label_rows import like
from manifest_tools.sources.formats.records import columns_of
from manifest_tools.sources.formats.tables import LabelRow, Record, find_column
from manifest_tools.sources.synonyms import synonyms

IGNORE = "ignore"
CATEGORY, LABEL = "category", "label"
_FROM_NAMES = ("category", "from", "theirs", "name", "source", "class", "tag")
_TO_NAMES = ("label", "labels", "to", "ours", "target", "taxonomy", "taxonomy_label", "moderation_label")


class MappingTable(NamedTuple):
    """The rows of a mapping file, its columns, and which of them hold category and label."""

    records: Sequence[Record]
    names: list[str]
    category: str
    label: str


def mapping_columns(path: str | Path) -> MappingTable:
    """Return the rows of a mapping file and its columns.

    Raises
    ------
    InputError
        The file cannot be read, or lacks a column.
    """
    records = read_csv(path)
    columns = columns_of(records)
    theirs = find_column(columns, _FROM_NAMES)
    ours = find_column([name for name in columns if name != theirs], _TO_NAMES)
    if theirs is None or ours is None:
        found = ", ".join(columns) or "none"
        msg = f"{path}: a mapping has the columns 'category' and 'label'; found {found}"
        raise InputError(msg)
    return MappingTable(records, columns, theirs, ours)


def read_mapping(path: str | Path, taxonomy: Taxonomy, policy: Policy) -> dict[str, tuple[str, ...]]:
    """Read a mapping file: CSV with the columns ``category`` and ``label``.

    Several labels of one category are split at ";". ``ignore`` drops the category. A row without a label is
    not mapped yet.

    Parameters
    ----------
    path : path
        The file.
    taxonomy : Taxonomy
        That the labels must be in.
    policy : Policy
        For `safe_names`.

    Returns
    -------
    dict of str to tuple of str
        Labels by category; an empty tuple for ``ignore``.

    Raises
    ------
    InputError
        The file cannot be read, a label is not in the taxonomy, or a category is mapped in two ways.
    """
    records, _, theirs, ours = mapping_columns(path)
    mapping: dict[str, tuple[str, ...]] = {}
    for line, cells in records:
        category = visible(str(cells.get(theirs, "")))
        names = split_labels(cells.get(ours))
        if not names:
            continue
        if not category:
            msg = f"{path}:{line}: no category, but a label; an empty cell is nobody's answer, and cannot be mapped"
            raise InputError(msg)
        labels = _labels(names, taxonomy, policy, f"{path}:{line}")
        if mapping.setdefault(category, labels) != labels:
            msg = f"{path}:{line}: category {category!r} is mapped a second time, to something else"
            raise InputError(msg)
    return mapping


def _labels(names: list[str], taxonomy: Taxonomy, policy: Policy, place: str) -> tuple[str, ...]:
    if [name.casefold() for name in names] == [IGNORE]:
        return ()
    for name in names:
        if not read_name(name, taxonomy, policy).resolved:
            near = ", ".join(read_name(name, taxonomy, policy).choices) or "none"
            msg = (
                f"{place}: {name!r} is not a label of taxonomy {taxonomy.version} (nearest: {near}); "
                f"expected a label, Safe, or {IGNORE}"
            )
            raise InputError(msg)
    if len(names) > 1 and any(policy.is_safe(name) for name in names):
        msg = f"{place}: Safe cannot stand beside other labels"
        raise InputError(msg)
    return tuple(names)


def apply_mapping(
    annotations: Annotations, mapping: Mapping[str, tuple[str, ...]], policy: Policy
) -> Annotations:
    """Return the annotations with categories replaced by what they are mapped to.

    A category without a mapping stays as it is. Where several categories share a label, one that is present is
    enough; the label is absent only where every one of them was looked for and absent. That a category which
    means Safe is absent says nothing.
    """
    sharing = Counter(label for name in annotations.categories for label in mapping.get(name, (name,)))
    said: dict[tuple[str, str], list[LabelRow]] = {}
    for row in annotations.rows:
        for label in mapping.get(row.label, (row.label,)):
            said.setdefault((row.reference, label), []).append(row._replace(label=label))
    rows: list[LabelRow] = []
    for (_, label), same in said.items():
        truths = [row.truth for row in same]
        absent = truths.count(False)
        if absent < len(truths):
            rows.append(same[truths.index(True if True in truths else None)])
        elif absent >= sharing[label] and not policy.is_safe(label):
            rows.append(same[0])
    categories = dict.fromkeys(
        label for name in annotations.categories for label in mapping.get(name, (name,))
    )
    return replace(annotations, rows=tuple(rows), categories=tuple(categories))


def without_missing(annotations: Annotations, policy: Policy) -> Annotations:
    """Return the annotations with words for "missing" (None, nan, N/A, -) taken for what they are: nobody said anything.

    A word that the policy counts among its safe names is kept.
    """

    def says_nothing(name: str) -> bool:
        return is_missing(name) and not policy.is_safe(name)

    said = {row.reference for row in annotations.rows if row.label and not says_nothing(row.label)}
    unsaid = {row.reference for row in annotations.rows if row.label and says_nothing(row.label)} - said
    rows = (
        row._replace(label="", truth=None) if says_nothing(row.label) else row for row in annotations.rows
    )
    return replace(
        annotations,
        rows=like(annotations.rows, rows),
        references=tuple(name for name in annotations.references if name not in unsaid),
        categories=tuple(name for name in annotations.categories if not says_nothing(name)),
    )


def unused_lines(mapping: Mapping[str, Sequence[str]], annotations: Iterable[Annotations]) -> list[str]:
    """Return the categories of a mapping that no file declares or uses."""
    used = {name for said in annotations for name in (*said.categories, *(row.label for row in said.rows))}
    return sorted(mapping.keys() - used)


def without_asides(
    annotations: Annotations, mapping: Mapping[str, Sequence[str]], taxonomy: Taxonomy, policy: Policy
) -> Annotations:
    """Return a table with a column for each label without the 0/1 columns that are none, such as "is_test".

    To be asked for where it was said which labels people looked for. A column is kept where it is mapped, is a
    label by its name, or comes near one.
    """

    def is_aside(name: str) -> bool:
        reading = read_name(name, taxonomy, policy)
        return not (name in mapping or reading.resolved or reading.choices or synonyms(name, taxonomy))

    asides = {name for name in annotations.categories if is_aside(name)}
    return replace(
        annotations,
        rows=like(annotations.rows, (row for row in annotations.rows if row.label not in asides)),
        categories=tuple(name for name in annotations.categories if name not in asides),
        unread=(*annotations.unread, *sorted(asides)),
    )
