"""Whose look an image still needs, and what each reviewer may see of what others said.

Of an image that gets a second look, nobody sees another person's answer before both looks agree or a third person has
settled what they differ in. So a reviewer's desk is made without those answers: to who comes second, the image is as
one that nobody looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.ground_truth import Mask
from manifest_tools.review.entries import TOGETHER, Look, ReviewedImage, ReviewEntry
from manifest_tools.review.looks import ImageLooks, Reading, looks_at


class Assignment:
    """What one reviewer of a folder is asked, and may see.

    Parameters
    ----------
    reviewer : str
        Who looks; an empty name sees everything.
    groups : int array, shape (images,)
        Look-alikes have the same number; they are looked at as one.
    row_of : callable
        The position of an image of the journal, or None.
    reading : Reading
        How names are read.
    adjudicating : bool
        The reviewer settles what others differ in.

    Attributes
    ----------
    chosen : bool array, shape (images,)
        Which images get a second look.
    gold : bool array, shape (images,)
        Which images have a known answer: of these the reviewer sees no answers but their own.
    withheld : bool array, shape (images,)
        Those that this reviewer is not handed.
    due : bool array, shape (images,)
        Those whose second look this reviewer can give, or that this reviewer can adjudicate.
    finished : bool array, shape (images,)
        Those that get a second look or are gold, of which this reviewer's own is done.
    """

    def __init__(
        self,
        reviewer: str,
        groups: npt.NDArray[np.int64],
        row_of: Callable[[ReviewedImage], int | None],
        reading: Reading,
        *,
        adjudicating: bool = False,
    ) -> None:
        self.reviewer, self.adjudicating, self.reading = reviewer, adjudicating, reading
        self.chosen: Mask = np.zeros(len(groups), dtype=bool)
        self.gold, self.withheld, self.due, self.finished = (self.chosen.copy() for _ in range(4))
        self._groups, self._row_of = groups, row_of
        self._roles: dict[int, dict[str, Look]] = {}  # of each image that was looked at, who did so and how
        self._looks: dict[int, ImageLooks] = {}
        self._open = np.zeros(int(groups.max(initial=-1)) + 1, dtype=bool)  # groups whose answers are hidden

    def update(self, standing: Iterable[ReviewEntry]) -> None:
        """Find anew what is needed, from the answers that stand. Whoever reads meanwhile finds what was before."""
        needed = self.chosen.any() or self.gold.any() or self.adjudicating
        entries = list(standing) if needed else []
        roles: dict[int, dict[str, Look]] = {}
        for entry in entries:
            for row in self.rows_of(entry) if entry.look is not Look.ADJUDICATION else ():
                if entry.look is Look.GOLD and not self.gold[row]:  # it was gold once
                    continue
                roles.setdefault(row, {})[entry.reviewer] = entry.look
        looks = looks_at(entries, self._row_of, self.reading)
        people, own, torn = (np.zeros(len(self.chosen), dtype=np.int64) for _ in range(3))
        people[list(roles)] = [len(each) for each in roles.values()]
        own[[row for row, each in roles.items() if self.reviewer in each]] = 1
        torn[[row for row, look in looks.items() if look.disputed(self.reading)]] = 1
        open_groups = np.zeros_like(self._open)
        open_groups[self._groups[self.chosen & ((people == 1) | (torn > 0))]] = True
        due = self.chosen & (people == 1) & (own == 0)
        withheld = self.chosen & (people > 1) & ((own > 0) | open_groups[self._groups])
        if self.adjudicating:
            mending = [row for row in np.flatnonzero(torn) if self._may_settle(looks[int(row)])]
            due = np.isin(np.arange(len(torn)), mending)
            withheld = ~due
        self._roles, self._looks, self._open = roles, looks, open_groups
        self.withheld, self.due, self.finished = withheld, due, (self.chosen | self.gold) & (own > 0)

    def _may_settle(self, look: ImageLooks) -> bool:
        names, parties = set(self.reviewer.split(TOGETHER)), look.views.keys()
        return names.isdisjoint(parties) or names >= parties

    def rows_of(self, entry: ReviewEntry) -> list[int]:
        """Return the positions of the images that an entry is about."""
        return [row for seen in entry.images if (row := self._row_of(seen)) is not None]

    @property
    def hidden(self) -> Mask:
        """Images of which this reviewer sees no answers but their own."""
        return np.asarray((self.chosen & self._open[self._groups] & (not self.adjudicating)) | self.gold)

    def sees(self, reviewer: str, row: int) -> bool:
        """Whether this reviewer may see what somebody said of an image."""
        if self.gold[row]:
            return self.reviewer == reviewer
        if not self.chosen[row] or self.adjudicating or self.reviewer in ("", reviewer):
            return True
        return not self._open[self._groups[row]]

    def visible(self, entries: Iterable[ReviewEntry]) -> list[ReviewEntry]:
        """Return the entries as this reviewer may see them: one's own about gold images are like any other."""
        found = []
        for entry in entries:
            images = tuple(
                seen
                for seen in entry.images
                if (row := self._row_of(seen)) is None or self.sees(entry.reviewer, row)
            )
            if images:
                own_gold = entry.look is Look.GOLD and self._is_gold(images[0])
                look = Look.FIRST if own_gold else entry.look
                found.append(replace(entry, images=images, look=look))
        return found

    def _is_gold(self, seen: ReviewedImage) -> bool:
        row = self._row_of(seen)
        return row is not None and bool(self.gold[row])

    def role(self, reviewer: str, row: int) -> Look:
        """Return in which role somebody answers about an image.

        Raises
        ------
        InputError
            They gave one of the answers that are to be adjudicated.
        """
        if self.adjudicating:
            look = self._looks.get(row)
            if look is None or not self._may_settle(look):
                msg = (
                    f"image {row} is not {reviewer}'s to adjudicate: a third person settles what two differ in, "
                    "or both together (--with)"
                )
                raise InputError(msg)
            return Look.ADJUDICATION
        if self.gold[row]:
            return Look.GOLD
        people = self._roles.get(row, {})
        if reviewer in people:
            return people[reviewer]
        return Look.SECOND if self.chosen[row] and people else Look.FIRST

    def noted(self, reviewer: str, row: int, look: Look) -> None:
        """Take note that somebody looked at an image, and how."""
        self._roles.setdefault(row, {})[reviewer] = look

    def differing(self, row: int) -> dict[str, list[bool | None]]:
        """Return the labels to adjudicate, and what the people say who spoke about them, in no order of theirs."""
        look = self._looks.get(row)
        if look is None or not self.adjudicating:
            return {}
        return {
            label: sorted(
                (view[label] for view in look.views.values() if label in view), key=str, reverse=True
            )
            for label in look.questions(self.reading)
        }


def to_settle(label: str, truths: list[bool | None], definition: str) -> dict[str, Any]:
    """Return what the page asks an adjudicator about a label, in the form of its other questions."""
    return {
        "label": label,
        "score": None,
        "hidden": True,
        "said": False,
        "truth": "unknown",
        "conflict": False,
        "doubt": "",
        "detail": [],
        "definition": definition,
        "differ": truths,
    }
