"""Drafts of mapping files: what has one reading is filled in, everything else is a suggestion for a person."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from manifest_tools.core.csv_cells import write_csv
from manifest_tools.core.files import writing
from manifest_tools.core.taxonomy import VERSIONS, Taxonomy
from manifest_tools.dataset.name_resolution import read_name
from manifest_tools.findings.policy import Policy
from manifest_tools.sources.formats.annotations import Annotations
from manifest_tools.sources.formats.questions import is_no, subject
from manifest_tools.sources.mapping import CATEGORY, IGNORE, LABEL, mapping_columns, without_missing
from manifest_tools.sources.synonyms import says_no, synonyms

_SUGGESTIONS, _COUNT = "suggestions", "count"
_PARTS = re.compile(r"[,;|/+:&()\[\]\n]|\s-\s|\band\b|\bor\b")
_VERDICTS = frozenset({"rejected", "reject", "removed", "blocked", "flagged", "violation", "unsafe", "declined", "denied",
                       "deleted", "contains", "shows"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class DraftRow:
    """One category of a first draft: what it is read as ("" where a person must say), and how often it stands."""

    category: str
    label: str
    suggestions: tuple[str, ...]
    count: int


def count_categories(found: Iterable[Annotations], policy: Policy) -> Counter[str]:
    """Return how many images have each category that files declare or use."""
    counts: Counter[str] = Counter()
    for item in found:
        said = without_missing(item, policy)
        counts.update(dict.fromkeys(said.categories, 0) | {row.label: 0 for row in said.rows if row.label})
        counts.update(row.label for row in said.rows if row.label and row.truth is not False)
    return counts


def draft(counts: Mapping[str, int], taxonomy: Taxonomy, policy: Policy) -> tuple[DraftRow, ...]:
    """Return a first draft of a mapping: names that have one reading are filled in, the rest is left to a person.

    A misspelt or merely similar name, a synonym, and an old name that may be one of several labels are not filled
    in, but suggested: what they mean is for a person to say.
    """
    # at level 1, an old name of several labels may seem to have one reading
    exact = replace(policy, label_level="all")
    return tuple(_row(name, counts[name], taxonomy, exact) for name in sorted(counts))


def _row(name: str, count: int, taxonomy: Taxonomy, policy: Policy) -> DraftRow:
    question, answer = subject(name)
    reading = read_name(question or name, taxonomy, policy)
    if question and is_no(answer):
        return DraftRow(name, IGNORE if reading.name else "", () if reading.name else (IGNORE,), count)
    label = reading.name or (policy.safe_names[0] if reading.resolved and not question else "")
    if label:
        return DraftRow(name, label, (), count)
    return DraftRow(name, "", _suggestions(question or name, reading.choices, taxonomy, policy), count)


def _suggestions(name: str, choices: tuple[str, ...], taxonomy: Taxonomy, policy: Policy) -> tuple[str, ...]:
    """Return what a name may mean, the likeliest first; several labels of one suggestion are split by ";"."""
    parts = _parts(name, taxonomy, policy)
    if parts:
        return (";".join(parts),)
    old = [
        taxonomy.migrate(spelt) for version in VERSIONS for spelt in Taxonomy.load(version).spellings(name)
    ]
    migrated = [choice for migration in old if migration for choice in migration.choices]
    near = [choice for choice in choices if not says_no(name) or says_no(choice)]
    return tuple(dict.fromkeys([*migrated, *synonyms(name, taxonomy), *near]))


def _parts(name: str, taxonomy: Taxonomy, policy: Policy) -> list[str]:
    """Return the labels that the parts of a name mean, as in "rejected: alcohol, violence"; none where one has no single meaning."""
    parts = [part.strip() for part in _PARTS.split(name) if part.strip()]
    meant = [part for part in parts if part.casefold() not in _VERDICTS]
    if len(parts) < 2 or not meant:
        return []
    labels: dict[str, None] = {}
    for part in meant:
        reading = read_name(part, taxonomy, policy)
        found = (reading.name,) if reading.name else () if says_no(part) else synonyms(part, taxonomy)
        if len(found) != 1:
            return []
        labels[found[0]] = None
    return list(labels)


def draft_text(rows: Iterable[DraftRow]) -> str:
    """Return a draft as the CSV text that :func:`read_mapping` reads, with suggestions and counts beside it."""
    cells = [[row.category, row.label, "; ".join(row.suggestions), row.count] for row in rows]
    return _text([[CATEGORY, LABEL, _SUGGESTIONS, _COUNT], *cells])


def write_draft(rows: Iterable[DraftRow], path: str | Path) -> None:
    """Write a draft to a file that does not exist yet.

    Raises
    ------
    OutputError
        The file exists, perhaps with somebody's work in it, or cannot be written.
    """
    with writing(Path(path), overwrite=False) as temporary:
        temporary.write_text(draft_text(rows), encoding="utf-8", newline="")


@dataclass(frozen=True, slots=True)
class Update:
    """What :func:`update_draft` did: the categories that are new, and the lines that match nothing any more."""

    added: tuple[DraftRow, ...]
    unused: tuple[str, ...]


def update_draft(rows: Iterable[DraftRow], path: str | Path) -> Update:
    """Bring a mapping file up to date: what is filled in stays, counts follow, new categories come at the end.

    Raises
    ------
    InputError
        The file is no mapping.
    OutputError
        The file cannot be written.
    """
    found = {row.category: row for row in rows}
    records, names, theirs, ours = mapping_columns(path)
    header = list(dict.fromkeys([*names, *(name for name in (_SUGGESTIONS, _COUNT) if name not in names)]))
    lines = []
    known = []
    for _, cells in records:
        category = str(cells.get(theirs, "")).strip()
        row = found.get(category)
        known.append(category)
        line = {**cells, _COUNT: row.count if row else 0}
        if row and not str(cells.get(ours, "")).strip():
            line |= {ours: row.label, _SUGGESTIONS: "; ".join(row.suggestions)}
        lines.append(line)
    added = tuple(row for name, row in found.items() if name not in set(known))
    for row in added:
        suggested = "; ".join(row.suggestions)
        lines.append({theirs: row.category, ours: row.label, _SUGGESTIONS: suggested, _COUNT: row.count})
    text = _text([header, *([line.get(name, "") for name in header] for line in lines)])
    with writing(Path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
    return Update(added, tuple(name for name in dict.fromkeys(known) if name not in found))


def _text(rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    write_csv(out, rows)
    return out.getvalue()
