"""What a label name, as somebody wrote it, means in a taxonomy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.findings.policy import Policy


class NameResolution(StrEnum):
    """What a label name, as found, turns out to be."""

    LABEL = "label"  # a label of the taxonomy, spelt exactly
    SPELLING = "spelling"  # a label, but for capitals, spaces or punctuation
    OLD = "old"  # a label of an older taxonomy with one new name
    SAFE = "safe"  # everything was looked for, nothing is there
    AMBIGUOUS = "ambiguous"  # an old label that may be one of several
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NameReading:
    """How one label name is read. `name` is empty unless the name was resolved to a label."""

    found: str
    resolution: NameResolution
    name: str = ""
    choices: tuple[str, ...] = ()
    version: str = ""

    @property
    def resolved(self) -> bool:
        """Whether the name stands for a label, or for Safe."""
        return self.resolution not in (NameResolution.AMBIGUOUS, NameResolution.UNKNOWN)


def read_name(found: str, taxonomy: Taxonomy, policy: Policy) -> NameReading:
    """Read one label name, as somebody wrote it.

    Only differences in capitals, spaces and punctuation are repaired; a misspelt name is unknown, with
    suggestions in `choices`. An old name whose choices share one level 1 label is no doubt at level 1.
    """
    name = found.strip()
    if policy.is_safe(name):
        return NameReading(found, NameResolution.SAFE)
    if name in taxonomy:
        return NameReading(found, NameResolution.LABEL if name == found else NameResolution.SPELLING, name)
    migration = taxonomy.migrate(name)
    if migration is not None:
        choices = migration.choices
        if policy.label_level == "1":
            choices = tuple(dict.fromkeys(map(taxonomy.level_1, choices))) if migration.ambiguous else choices
        resolution = NameResolution.OLD if len(choices) == 1 else NameResolution.AMBIGUOUS
        return NameReading(
            found,
            resolution,
            choices[0] if resolution is NameResolution.OLD else "",
            choices,
            migration.version,
        )
    spellings = taxonomy.spellings(name)
    if len(spellings) == 1:
        return NameReading(found, NameResolution.SPELLING, spellings[0])
    return NameReading(found, NameResolution.UNKNOWN, "", spellings or taxonomy.suggest(name))


def read_names(names: Iterable[str], taxonomy: Taxonomy, policy: Policy) -> dict[str, NameReading]:
    """Read each distinct name once."""
    return {name: read_name(name, taxonomy, policy) for name in dict.fromkeys(names)}
