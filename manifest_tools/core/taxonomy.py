"""The moderation taxonomies: look up, suggest, roll up to level 1, and migrate from 6.1 to 7."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache, cached_property

from manifest_tools.core.errors import InputError
from manifest_tools.core.resources import load_json

VERSIONS = ("7", "6.1")
CURRENT = "7"
_SIMILAR = 0.6  # of difflib's ratio: below it a suggestion puzzles more than it helps


@dataclass(frozen=True, slots=True)
class Label:
    """One label. `parent` is empty at level 1; levels are 1 to 3."""

    name: str
    parent: str
    level: int


@dataclass(frozen=True, slots=True)
class Definition:
    """What a label covers, in our own words after Amazon's guide, and what it does not (mostly empty)."""

    covers: str
    excludes: str = ""

    def __str__(self) -> str:
        """Return both as one text."""
        return f"{self.covers} Not: {self.excludes}" if self.excludes else self.covers


@dataclass(frozen=True, slots=True)
class Migration:
    """What a label of an older taxonomy may be called today; ambiguous when there are several choices."""

    name: str
    version: str
    choices: tuple[str, ...]
    note: str = ""

    @property
    def ambiguous(self) -> bool:
        """Whether a person has to choose."""
        return len(self.choices) > 1


def fold(name: str) -> str:
    """Return `name` without what people vary: capitals, spaces, hyphens, underscores, ``&`` against ``and``."""
    text = unicodedata.normalize("NFKC", name).casefold().replace("&", " and ")
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


@dataclass(frozen=True)
class Taxonomy:
    """One version of the taxonomy.

    Parameters
    ----------
    version : str
        "7" or "6.1"; :meth:`load` gives a packaged one.
    source : str
        The page that it is from.
    labels : tuple of Label
        Its labels, in the order of that page.

    Examples
    --------
    >>> taxonomy = Taxonomy.load("7")
    >>> taxonomy.level_1("Weapon Violence")
    'Violence'
    >>> taxonomy.suggest("Alchohol")
    ('Alcohol',)
    """

    version: str
    source: str
    labels: tuple[Label, ...] = field(repr=False)

    @staticmethod
    def load(version: str = CURRENT) -> Taxonomy:
        """Return a packaged version.

        Parameters
        ----------
        version : str
            "7", "6.1", or a model version such as "7.0".

        Raises
        ------
        InputError
            There is no such version.
        """
        name = version_of(version)
        if name is None:
            msg = f"unknown taxonomy version {version!r}; known: {', '.join(VERSIONS)}"
            raise InputError(msg)
        return _load(name)

    @cached_property
    def _by_name(self) -> Mapping[str, Label]:
        # v6.1 has "Gambling" at levels 1 and 2: the upper one answers to the bare name.
        return {label.name: label for label in sorted(self.labels, key=lambda label: -label.level)}

    @cached_property
    def _by_fold(self) -> Mapping[str, tuple[str, ...]]:
        names: dict[str, list[str]] = {}
        for name in self._by_name:
            names.setdefault(fold(name), []).append(name)
        return {key: tuple(value) for key, value in names.items()}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All label names, each once, in the taxonomy's order."""
        return tuple(dict.fromkeys(label.name for label in self.labels))

    @cached_property
    def top(self) -> tuple[str, ...]:
        """The names of level 1, in the taxonomy's order."""
        return tuple(label.name for label in self.labels if label.level == 1)

    def __contains__(self, name: object) -> bool:
        """Whether `name` is spelt exactly like a label."""
        return name in self._by_name

    def __iter__(self) -> Iterator[Label]:
        return iter(self.labels)

    def __getitem__(self, name: str) -> Label:
        """Return the label spelt exactly like `name`; KeyError when there is none."""
        return self._by_name[name]

    def definition(self, name: str) -> Definition | None:
        """Return what a label covers; None in a taxonomy whose definitions are not known.

        Examples
        --------
        >>> Taxonomy.load("7").definition("Pills").excludes
        'A person who takes pills.'
        """
        if self.version != CURRENT:
            return None
        return Definition(**load_json(f"taxonomy-{CURRENT}-definitions.json")["definitions"][name])

    def children(self, name: str) -> tuple[str, ...]:
        """Names of the labels one level below `name`."""
        return tuple(label.name for label in self.labels if label.parent == name and label.name != name)

    def ancestors(self, name: str) -> tuple[str, ...]:
        """Names of the labels above `name`, nearest first; empty at level 1."""
        chain = []
        label = self[name]
        while label.parent:
            label = self[label.parent]
            chain.append(label.name)
        return tuple(chain)

    def descendants(self, name: str) -> tuple[str, ...]:
        """Names of all labels below `name`, depth first."""
        below: list[str] = []
        for child in self.children(name):
            below += (child, *self.descendants(child))
        return tuple(below)

    def level_1(self, name: str) -> str:
        """Return the level 1 label that `name` belongs to: itself, or its topmost ancestor."""
        return (name, *self.ancestors(name))[-1]

    def roll_up(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the distinct level 1 labels of `names`, in the taxonomy's order."""
        tops = {self.level_1(name) for name in names}
        return tuple(name for name in self.top if name in tops)

    def spellings(self, name: str) -> tuple[str, ...]:
        """Labels that differ from `name` in capitals, spaces and punctuation at most."""
        return self._by_fold.get(fold(name), ())

    def require(self, name: str, place: str) -> None:
        """Refuse a name that is no label.

        Parameters
        ----------
        name : str
            As it was given.
        place : str
            What gives it: an option, or a line of a file.

        Raises
        ------
        InputError
            The taxonomy has no such label; the message names the nearest.
        """
        if name not in self:
            near = ", ".join(self.suggest(name)) or "none"
            raise InputError(f"{place}: {name!r} is not a label of the taxonomy; nearest: {near}")

    def suggest(self, name: str, limit: int = 3) -> tuple[str, ...]:
        """Return the labels spelt most like `name`, best first; empty when none is near.

        Parameters
        ----------
        name : str
            What somebody wrote.
        limit : int
            How many to return at most. Only names nearly as near as the nearest are returned.
        """
        wanted = fold(name)
        scored = []
        for position, label in enumerate(self.names):
            folded = fold(label)
            shorter, both = min(len(wanted), len(folded)), len(wanted) + len(folded)
            # else no matching can reach it, and a huge cell takes minutes
            near_enough = 2 * shorter >= _SIMILAR * both
            ratio = SequenceMatcher(None, wanted, folded).ratio() if near_enough else 0.0
            if wanted and set(wanted.split()) <= set(folded.split()):
                ratio = max(ratio, 0.8)  # "drugs" means "Drugs & Tobacco" however long the name is
            scored.append((-ratio, position, label))
        scored.sort()
        best = -scored[0][0]
        return tuple(label for ratio, _, label in scored[:limit] if -ratio >= max(_SIMILAR, best - 0.1))

    def migrate(self, name: str, parent: str | None = None) -> Migration | None:
        """Return what a label of taxonomy 6.1 is called in this one, or None if it is no such label.

        Parameters
        ----------
        name : str
            The old label, spelt exactly.
        parent : str, optional
            Its parent, where it is known: "Gambling" stands at two levels of 6.1.
        """
        if self.version != "7":
            return None
        document = load_json("taxonomy-6.1-to-7.json")
        for mapping in document["mappings"]:
            if mapping["from"]["name"] == name and parent in (None, mapping["from"]["parent"]):
                choices = tuple(target["name"] for target in mapping["to"])
                if mapping.get("ambiguous"):
                    choices += tuple(
                        self.level_1(other["to"][0]["name"])
                        for other in document["mappings"]
                        if other["from"]["parent"] == name
                        and self.level_1(other["to"][0]["name"]) not in choices
                    )
                return Migration(
                    name, document["from"], tuple(dict.fromkeys(choices)), mapping.get("note", "")
                )
        return None


@cache
def _load(version: str) -> Taxonomy:
    document = load_json(f"taxonomy-{version}.json")
    labels = tuple(Label(item["name"], item["parent"], item["level"]) for item in document["labels"])
    return Taxonomy(document["version"], document["source"], labels)


def version_of(model_version: str) -> str | None:
    """Return the taxonomy that a base model version speaks ("7.0" speaks "7"), or None if it is unknown."""
    if model_version in VERSIONS:
        return model_version
    major = model_version.split(".", maxsplit=1)[0]
    return next((version for version in VERSIONS if version.split(".")[0] == major), None)
