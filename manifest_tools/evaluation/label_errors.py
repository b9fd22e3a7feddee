"""Which given labels are probably wrong: the scores speak against them, and look-alikes that say otherwise may too.

From confident learning come the thresholds of each label's own: a label that is not given is doubted from the mean score
of the images that have it, a given one up to the mean score of those that have it not. Of these, the ones that are more
likely wrong than right are told, the likeliest first. Nothing here changes a label.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from manifest_tools.core.arrays import Floats, Mask, Rows, first_index
from manifest_tools.dataset.outcomes import Outcomes
from manifest_tools.evaluation.label_noise import NoiseModel, fit_noise

FEWEST = 5  # scored images with a label, and as many without it, before scores say anything of it
_PROBABLY = 0.5
_PAIRS_BEFORE = [
    [9.0, 1.0],
    [0.5, 9.5],
]  # look-alikes of an image with the label (without it) that have it, and have it not
_WITNESSES = 3  # further look-alikes that say the same add nothing


@dataclass(frozen=True, slots=True)
class Suspect:
    """A given label that is probably wrong.

    Parameters
    ----------
    row, column : int
        Which image, and which label.
    chance : float
        How likely the given label is wrong, by the fitted noise and the look-alikes.
    variant : str or None
        The variant of the finding `label-suspect`: what speaks against the label.
    told : mapping
        The values of that finding.
    """

    row: int
    column: int
    chance: float
    variant: str | None
    told: dict[str, Any]


@dataclass(frozen=True)
class Doubts:
    """How likely every given label is wrong.

    Parameters
    ----------
    outcomes : Outcomes
        Truth, as given, and the model's confidences.
    noise : NoiseModel
        What was fitted to them.
    witnesses : Witnesses
        What look-alikes say.
    """

    outcomes: Outcomes
    noise: NoiseModel
    witnesses: Witnesses

    @classmethod
    def of(cls, outcomes: Outcomes, groups: Rows, contents: Rows) -> Doubts:
        """Fit the noise of the labels.

        Parameters
        ----------
        outcomes : Outcomes
            Truth, as given, and the model's confidences.
        groups, contents : int array, shape (images,)
            Equal numbers for look-alikes, and for copies of one content; the latter below the number of images.
        """
        return cls(outcomes, fit_noise(outcomes), Witnesses.of(outcomes, groups, contents))

    def chance(self, column: int) -> Floats:
        """Return how likely each given label of one column is wrong, shape (images,).

        NaN where the truth is not known, or the model was not asked.
        """
        present = self.outcomes.truth.present[:, column]
        rows = np.flatnonzero((present | self.outcomes.truth.absent[:, column]) & self.outcomes.asked)
        given = present[rows]
        wrong = self.noise.wrong(column, self.outcomes.score[rows, column], given)
        sway = self.witnesses.sway(column)[rows] * np.where(given, -1, 1)
        odds = wrong / np.maximum(1 - wrong, 1e-9) * np.exp(sway)
        chance = np.full(len(present), np.nan)
        chance[rows] = odds / (1 + odds)
        return chance

    def suspects(self, settled: Mask | None = None) -> list[Suspect]:
        """Return the labels that are probably wrong, the likeliest first.

        Parameters
        ----------
        settled : bool array, shape (images, labels), optional
            What a reviewer said already, which is not doubted.
        """
        if not self.outcomes.asked.any():
            return []
        found = [
            suspect
            for column in range(len(self.outcomes.labels))
            for suspect in self._of(column, None if settled is None else settled[:, column])
        ]
        return sorted(found, key=lambda suspect: (-suspect.chance, suspect.row, suspect.column))

    def _of(self, column: int, settled: Mask | None) -> Iterator[Suspect]:
        outcomes = self.outcomes
        present, absent = outcomes.truth.present[:, column], outcomes.truth.absent[:, column]
        score = outcomes.score[:, column]
        chance = self.chance(column)
        with np.errstate(invalid="ignore"):
            likely = chance > _PROBABLY
        if settled is not None:
            likely &= ~settled
        rows = np.flatnonzero(likely)
        if not len(rows):
            return
        with_it, without = score[present & outcomes.asked], score[absent & outcomes.asked]
        enough = np.count_nonzero(~np.isnan(with_it)) >= FEWEST and len(without) >= FEWEST
        usual = (float(np.nan_to_num(without).mean()), float(np.nanmean(with_it))) if enough else (0.0, 0.0)
        yes, no = self.witnesses.beside(column)
        for row in rows.tolist():
            given, value = bool(present[row]), float(score[row])
            otherwise, same = (no[row], yes[row]) if given else (yes[row], no[row])
            by_score = enough and (np.nan_to_num(value) <= usual[0] if given else value >= usual[1])
            if by_score or otherwise > same:
                variant = ("silent" if np.isnan(value) else "given") if given else None
                told = {
                    "label": outcomes.labels[column],
                    "score": None if np.isnan(value) else round(value, 1),
                    "usual": round(usual[0 if given else 1], 1),
                    "chance": round(float(chance[row]), 3),
                    "otherwise": int(otherwise),
                    "so_far": "present" if given else "absent",
                    "witnesses": _witnesses(int(otherwise)),
                }
                yield Suspect(row, column, float(chance[row]), variant if by_score else "alike", told)


def _witnesses(otherwise: int) -> str:
    if not otherwise:
        return ""
    return f"; {otherwise} look-alike{'s say' if otherwise > 1 else ' says'} otherwise"


@dataclass(frozen=True)
class Witnesses:
    """What the look-alikes of an image say of its labels; copies of one content speak once.

    Parameters
    ----------
    images : int
        How many images there are.
    rows, groups : int array
        Images that have look-alikes of another content, and their groups.
    speaker : int array
        Which of `rows` speaks for the content of each.
    present, absent : bool array, shape (rows, labels)
        What is given for them.
    for_present, for_absent : float
        How much likelier a witness that says present (absent) is where the label is there (is not there), as a logarithm.
    """

    images: int
    rows: Rows
    groups: Rows
    speaker: Rows
    present: Mask
    absent: Mask
    for_present: float = 0.0
    for_absent: float = 0.0

    @classmethod
    def of(cls, outcomes: Outcomes, groups: Rows, contents: Rows) -> Witnesses:
        """Take down what look-alikes say, and how often they agree. Parameters are as in :meth:`Doubts.of`."""
        images = len(groups)
        # A content that stands in two groups has a speaker in each.
        of_content = np.unique(groups * images + contents, return_inverse=True)[1]
        speaker = first_index(of_content, np.arange(images))[of_content]
        speaks = speaker == np.arange(images)
        rows = np.flatnonzero(np.bincount(groups[speaks], minlength=images)[groups] > 1)
        place = np.searchsorted(rows, speaker[rows])
        numbers = np.unique(groups[rows], return_inverse=True)[1]
        truth = outcomes.truth
        found = cls(images, rows, numbers, place, truth.present[rows], truth.absent[rows])
        pairs = np.array(_PAIRS_BEFORE)
        speaking = place == np.arange(len(rows))
        for column in range(len(outcomes.labels)):
            yes, no = found._others(column)
            for number, given in enumerate((found.present[:, column], found.absent[:, column])):
                pairs[number] += yes[given & speaking].sum(), no[given & speaking].sum()
        there, not_there = pairs[:, 0] / pairs.sum(axis=1)
        return replace(
            found,
            for_present=max(0.0, float(np.log(there / not_there))),
            for_absent=max(0.0, float(np.log((1 - not_there) / (1 - there)))),
        )

    def _others(self, column: int) -> tuple[Rows, Rows]:
        """Return for each of `rows` how many other contents of its group say present, and absent."""
        size = int(self.groups.max(initial=-1)) + 1
        speaking = self.speaker == np.arange(len(self.rows))
        said = []
        for given in (self.present[:, column], self.absent[:, column]):
            voices = np.bincount(self.groups[given & speaking], minlength=size)[self.groups]
            said.append(voices - given[self.speaker])
        return said[0], said[1]

    def beside(self, column: int) -> tuple[Rows, Rows]:
        """Return how many look-alikes of other contents say present, and absent, shape (images,)."""
        counts = np.zeros((2, self.images), dtype=np.int64)
        counts[:, self.rows] = self._others(column)
        return counts[0], counts[1]

    def sway(self, column: int) -> Floats:
        """Return by how much the look-alikes of each image raise the log odds that the label is there, shape (images,)."""
        present, absent = (np.minimum(count, _WITNESSES) for count in self.beside(column))
        return np.asarray(present * self.for_present - absent * self.for_absent)
