"""What people looked for, where it is said: for all files of labels, for one of them, or in a row of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Self, TypeAlias

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.name_resolution import read_name
from manifest_tools.findings.policy import Policy
from manifest_tools.sources.by_file import require_files, value_of
from manifest_tools.sources.formats.annotations import Annotations
from manifest_tools.sources.formats.label_table import EVERYTHING
from manifest_tools.sources.formats.tables import LabelRow

CheckedLabels: TypeAlias = Sequence[str] | Mapping[str, Sequence[str]]


def parse_checked(texts: Iterable[str]) -> dict[str, list[str]]:
    """Read ``LABEL,...`` and ``FILE=LABEL,...``; without a file it is for all files that are not named.

    Raises
    ------
    InputError
        A file is named twice, or no label stands there.
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        file, _, names = text.rpartition("=")
        labels = [name for name in map(str.strip, names.split(",")) if name]
        if file in found or not labels:
            what = "is given twice for one file" if file in found else "names no label"
            msg = f"--checked-labels {text!r} {what}; expected LABEL,... or FILE=LABEL,... once for each file"
            raise InputError(msg)
        found[file] = labels
    return found


@dataclass(frozen=True)
class CheckedScopes:
    """The labels that people looked for, by file of labels; under "" for every file that is not named."""

    by_file: Mapping[str, list[str]]

    @classmethod
    def of(cls, checked: CheckedLabels, taxonomy: str) -> Self:
        """Check the names against the taxonomy.

        Raises
        ------
        InputError
            A name is no label.
        """
        given = checked if isinstance(checked, Mapping) else {"": checked} if checked else {}
        return cls({file: _known(names, taxonomy) for file, names in given.items() if names})

    @property
    def told(self) -> list[str]:
        """What was said, for the history of a data set."""
        return [
            f"{PurePath(file).name}={','.join(names)}" if file else name
            for file, names in sorted(self.by_file.items())
            for name in ([""] if file else names)
        ]

    def of_file(self, file: str) -> list[str] | None:
        """Return the labels for one file of labels; None where nothing was said."""
        return value_of(self.by_file, file)

    def require_used(self, files: Iterable[str]) -> None:
        """Raise InputError where a file is named that is none of the files of labels."""
        require_files(self.by_file, files, "--checked-labels")


def _known(names: Sequence[str], taxonomy: str) -> list[str]:
    known = Taxonomy.load(taxonomy)
    if [name.casefold() for name in names] == [EVERYTHING]:
        return list(known.top)
    for name in names:
        if name not in known and len(known.spellings(name)) != 1:
            near = ", ".join(known.suggest(name)) or "none"
            msg = f"checked label {name!r} is not in taxonomy {taxonomy}; nearest: {near}"
            raise InputError(msg)
    return sorted(name if name in known else known.spellings(name)[0] for name in names)


def with_checked(said: Annotations, taxonomy: Taxonomy, policy: Policy) -> Annotations:
    """Return what a file says with the labels that its rows say were looked for, as absent where they were not found.

    In an image whose row lists labels, Safe means that none of these is there.
    """
    if not said.checked:
        return said
    shown: dict[str, set[str]] = {}
    for row in said.rows:
        if row.truth and row.label:
            name = read_name(row.label, taxonomy, policy).name
            shown.setdefault(row.reference, set()).update([name, *taxonomy.ancestors(name)] if name else ())
    lists = {
        image: _known(names, taxonomy.version)
        for image, names in said.checked.items()
        if EVERYTHING not in map(str.casefold, names)
    }
    rows = [
        row
        for row in said.rows
        if row.reference not in said.checked
        or (row.label and not (row.reference in lists and policy.is_safe(row.label)))
    ]
    rows += [
        LabelRow(image, label, False, None)
        for image in said.checked
        for label in lists.get(image, taxonomy.top)
        if label not in shown.get(image, ())
    ]
    return replace(said, rows=tuple(rows))
