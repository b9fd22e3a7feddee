"""Which images get a second, blind look.

The choice depends on the images and on the base model alone, never on an answer: nobody can tell from being asked what
somebody else said.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.eligibility import group_names
from manifest_tools.dataset.ground_truth import Mask
from manifest_tools.dataset.outcomes import Outcomes, targets_in_force
from manifest_tools.findings.policy import Goal, Policy

READINESS = "readiness"


@dataclass(frozen=True)
class SecondLook:
    """How many images get a second look.

    Parameters
    ----------
    share : float
        Of all images, look-alikes counted as one; 0 to 1.
    labels : mapping of str to float
        Of the images in which the base model sees a label, or which it was not asked about.
    readiness : bool
        All images whose answer decides whether training has enough mistakes of the targets; without targets, of any
        label.
    """

    share: float = 0.0
    labels: Mapping[str, float] = field(default_factory=dict)
    readiness: bool = False

    @classmethod
    def parse(cls, texts: Iterable[str], taxonomy: Taxonomy) -> SecondLook:
        """Read what ``--second-look`` was given: shares, ``LABEL=SHARE`` and ``readiness``.

        Raises
        ------
        InputError
            A text is none of these.
        """
        share, labels, readiness = 0.0, {}, False
        for text in texts:
            name, equals, number = text.rpartition("=")
            name = name.strip()
            if text.strip().casefold() == READINESS:
                readiness = True
            elif not equals:
                share = _share(number, text)
            else:
                taxonomy.require(name, f"--second-look {text!r}")
                labels[name] = _share(number, text)
        return cls(share, labels, readiness)

    def __bool__(self) -> bool:
        """Whether any image gets a second look."""
        return bool(self.share or any(self.labels.values()) or self.readiness)

    def chosen(self, dataset: Dataset, policy: Policy, outcomes: Outcomes) -> Mask:
        """Return which images get a second look, look-alikes always together."""
        images, taxonomy = dataset.images, Taxonomy.load(dataset.taxonomy)
        groups, names = pd.factorize(group_names(images))
        drawn = np.argsort(
            [hashlib.sha256(str(name).encode("utf-8", "surrogatepass")).digest() for name in names]
        )
        shown = (images["decode_error"] == "").to_numpy()
        found = np.zeros(len(names), dtype=bool)
        found[_first(drawn, _any(groups[shown], len(names)), self.share)] = True
        for label, share in self.labels.items():
            column = outcomes.labels.index(label if label in outcomes.labels else taxonomy.level_1(label))
            here = shown & (outcomes.predicted_positive[:, column] | ~outcomes.asked)
            found[_first(drawn, _any(groups[here], len(names)), share)] = True
        if self.readiness:
            found |= _any(groups[shown & _deciding(dataset, policy, outcomes)], len(names))
        return np.asarray(found[groups])


def _share(text: str, whole: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        msg = (
            f"--second-look {whole!r}: expected a share from 0 to 1 such as 0.1, LABEL=SHARE, or {READINESS}"
        )
        raise InputError(msg)
    return share


def _any(groups: npt.NDArray[np.int64], count: int) -> Mask:
    return np.bincount(groups, minlength=count) > 0


def _first(drawn: npt.NDArray[np.int64], among: Mask, share: float) -> npt.NDArray[np.int64]:
    """Return the first of the groups, in the order in which they were drawn, that make up a share of some."""
    candidates = drawn[among[drawn]]
    return candidates[: math.ceil(share * len(candidates) - 1e-9)]


def _deciding(dataset: Dataset, policy: Policy, outcomes: Outcomes) -> Mask:
    """Return the images in which an answer may be a mistake of the model that is to be mended."""
    images = dataset.images
    counted = images["set_aside"].eq("").to_numpy() & images["split"].ne("test").to_numpy()
    counted &= outcomes.asked | (not outcomes.asked.any())
    targets = targets_in_force(policy, Taxonomy.load(dataset.taxonomy))
    if not targets:
        return np.asarray(counted)
    found = np.zeros(len(images), dtype=bool)
    for target in targets:
        column = outcomes.labels.index(target.label)
        sides = (
            outcomes.predicted_positive
            if target.goal is Goal.FALSE_POSITIVES
            else outcomes.predicted_negative
        )
        found |= sides[:, column]
    return np.asarray(counted & found)
