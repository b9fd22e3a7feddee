"""Mapping files: from somebody's own categories to labels of the taxonomy, ``Safe``, or ``ignore``."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.core.files import adding
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.ground_truth import read_name
from manifest_tools.findings.policy import Policy
from manifest_tools.sources.formats.annotations import Annotations
from manifest_tools.sources.formats.tables import LabelRow, csv_records, find_column, read_text, split_labels

IGNORE = "ignore"
_CATEGORY, _LABEL = "category", "label"
_FROM_NAMES = ("category", "from", "theirs", "name", "source", "class", "tag")
_TO_NAMES = ("label", "labels", "to", "ours", "target", "taxonomy", "taxonomy_label", "moderation_label")


@dataclass(frozen=True, slots=True)
class DraftRow:
    """One category of a first draft: what it is read as ("" where a person must say), and how often it stands."""

    category: str
    label: str
    suggestions: tuple[str, ...]
    count: int


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
    records = csv_records(read_text(path), path)
    columns = list(dict.fromkeys(name for record in records for name in record.cells))
    theirs = find_column(columns, _FROM_NAMES)
    ours = find_column([name for name in columns if name != theirs], _TO_NAMES)
    if theirs is None or ours is None:
        found = ", ".join(columns) or "none"
        msg = f"{path}: a mapping has the columns 'category' and 'label'; found {found}"
        raise InputError(msg)
    mapping: dict[str, tuple[str, ...]] = {}
    for line, cells in records:
        category = str(cells.get(theirs, "")).strip()
        names = split_labels(cells.get(ours))
        if not category or not names:
            continue
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


def draft(annotations: Annotations, taxonomy: Taxonomy, policy: Policy) -> tuple[DraftRow, ...]:
    """Return a first draft of a mapping: names that have one reading are filled in, the rest is left to a person.

    A misspelt or merely similar name is not filled in, but suggested: what it means is for a person to say.
    """
    counts = Counter(row.label for row in annotations.rows if row.truth is not False)
    rows = []
    for name in sorted(set(annotations.categories) | set(counts)):
        reading = read_name(name, taxonomy, policy)
        label = reading.name or (policy.safe_names[0] if reading.resolved else "")
        rows.append(DraftRow(name, label, () if label else reading.choices, counts[name]))
    return tuple(rows)


def draft_text(rows: Iterable[DraftRow]) -> str:
    """Return a draft as the CSV text that :func:`read_mapping` reads, with suggestions and counts beside it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_CATEGORY, _LABEL, "suggestions", "count"])
    writer.writerows((row.category, row.label, "; ".join(row.suggestions), row.count) for row in rows)
    return out.getvalue()


def write_draft(rows: Iterable[DraftRow], path: str | Path) -> None:
    """Write a draft to a file that does not exist yet.

    Raises
    ------
    OutputError
        The file exists, perhaps with somebody's work in it, or cannot be written.
    """
    try:
        with adding(Path(path)) as temporary:
            temporary.write_text(draft_text(rows), encoding="utf-8", newline="")
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        msg = f"cannot write {path}: {error.strerror or error}; choose a place that you may write to"
        raise OutputError(msg) from error
