"""Several people's looks at one image: where they differ, what an adjudication settled, and what counts.

People differ in a label when one says present and another absent or unsure, also by what follows: a label that is there
brings the labels above it, one that is absent takes those below it, Safe takes all. Until somebody adjudicates, nobody's
word on that label counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TypeVar

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.review.entries import Look, ReviewedImage, ReviewEntry, Said

_Key = TypeVar("_Key", str, int)
View = dict[str, bool | None]  # what one person says of every label that they spoke about, or that follows


@dataclass(frozen=True)
class Reading:
    """How names are read.

    Parameters
    ----------
    taxonomy : Taxonomy
        For what follows from a label.
    is_safe : callable
        Whether a name says that no label is there.
    """

    taxonomy: Taxonomy
    is_safe: Callable[[str], bool]

    def follows(self, said: Said) -> View:
        """Return a statement and what follows from it."""
        if self.is_safe(said.label):
            return dict.fromkeys(self.taxonomy.names, False) if said.truth else {}
        around: tuple[str, ...] = ()
        if said.label in self.taxonomy and said.truth is not None:
            near = self.taxonomy.ancestors if said.truth else self.taxonomy.descendants
            around = tuple(near(said.label))
        return dict.fromkeys((said.label, *around), said.truth)


@dataclass
class ImageLooks:
    """What people said of one image, its answers in their order.

    Attributes
    ----------
    views : dict of str to View
        By reviewer, without adjudications.
    settled : View
        What was adjudicated, and what follows.
    adjudicated : View
        What was adjudicated, without what follows.
    blind : bool
        Whether one of the looks was a second, blind one.
    """

    views: dict[str, View] = field(default_factory=dict)
    settled: View = field(default_factory=dict)
    adjudicated: View = field(default_factory=dict)
    blind: bool = False

    def hear(self, entry: ReviewEntry, reading: Reading) -> None:
        """Take in an answer."""
        adjudicated = entry.look is Look.ADJUDICATION
        view = self.settled if adjudicated else self.views.setdefault(entry.reviewer, {})
        for said in entry.answers:
            view |= reading.follows(said)
            if adjudicated:
                self.adjudicated[said.label] = said.truth
        self.blind |= entry.look is Look.SECOND

    def disputed(self, reading: Reading) -> frozenset[str]:
        """Return the labels on which people differ, and nobody adjudicated."""
        if not self.blind:
            return frozenset()
        taxonomy = reading.taxonomy
        differ = {
            label
            for one, other in combinations(self.views.values(), 2)
            for label in one.keys() & other.keys()
            if one[label] is not other[label]
        }
        return frozenset(
            label
            for label in differ
            if self.settled.keys().isdisjoint(
                (label, *(taxonomy.ancestors(label) if label in taxonomy else ()))
            )
        )

    def questions(self, reading: Reading) -> list[str]:
        """Return the labels that an adjudicator is asked about: of those that are disputed, the highest."""
        disputed, taxonomy = self.disputed(reading), reading.taxonomy
        return sorted(
            label
            for label in disputed
            if label not in taxonomy or disputed.isdisjoint(taxonomy.ancestors(label))
        )

    def overruled(self, said: Said, reading: Reading, *, later: bool) -> bool:
        """Whether an adjudication says otherwise; of an earlier Safe, the rest stands."""
        if reading.is_safe(said.label) and not later:
            return False
        return any(
            self.settled.get(label, truth) is not truth for label, truth in reading.follows(said).items()
        )


def looks_at(
    standing: Iterable[ReviewEntry], key_of: Callable[[ReviewedImage], _Key | None], reading: Reading
) -> dict[_Key, ImageLooks]:
    """Return what was said of the images that were looked at blindly or adjudicated, by key; None is no image."""
    entries = [entry for entry in standing if entry.look.counts]
    concerned = {key_of(seen) for entry in entries if entry.look for seen in entry.images}
    found: dict[_Key, ImageLooks] = {}
    if not concerned:
        return found
    for entry in entries:
        for key in {key_of(seen) for seen in entry.images} & concerned:
            if key is not None:
                found.setdefault(key, ImageLooks()).hear(entry, reading)
    return found


def label_rows_of(
    standing: Iterable[ReviewEntry], key_of: Callable[[ReviewedImage], str], reading: Reading
) -> Mapping[tuple[str, str, str], tuple[bool | None, int]]:
    """Return what counts: (image, label, reviewer) -> (truth, number); what is disputed counts as not known.

    Of what one reviewer said twice about a label of an image, the newest. What an adjudication overruled is left out.
    """
    entries = [entry for entry in standing if entry.look.counts]
    looks = looks_at(entries, key_of, reading)
    told = [(key_of(seen), entry) for entry in entries for seen in entry.images]
    newest = {
        (key, said.label, entry.reviewer): (said, entry) for key, entry in told for said in entry.answers
    }
    last = {(key, entry.reviewer): entry.number for key, entry in told}
    closed = {key: entry.number for key, entry in reversed(told) if entry.look is Look.ADJUDICATION}

    def stands(key: str, said: Said, entry: ReviewEntry) -> bool:
        if key not in closed or entry.look is Look.ADJUDICATION:
            return True
        return not looks[key].overruled(said, reading, later=entry.number > closed[key])

    rows: dict[tuple[str, str, str], tuple[bool | None, int]] = {
        about: (said.truth, entry.number)
        for about, (said, entry) in newest.items()
        if stands(about[0], said, entry)
    }
    for key, look in looks.items():
        for label in look.disputed(reading):
            for reviewer, view in look.views.items():
                if label in view:
                    rows[key, label, reviewer] = (None, last[key, reviewer])
    return rows
