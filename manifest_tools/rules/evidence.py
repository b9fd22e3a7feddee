"""What the rules look at: the data set, and everything that several rules derive from it, computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.catalogue import finding
from manifest_tools.dataset import Dataset
from manifest_tools.findings import Finding
from manifest_tools.outcomes import Outcomes, compare
from manifest_tools.policy import Policy
from manifest_tools.taxonomy import Taxonomy
from manifest_tools.truth import Mask, Truth, truth_rows
from manifest_tools.usable import left_out, unusable_content


@dataclass(frozen=True)
class Evidence:
    """A data set with its comparison, and which images may be used.

    Parameters
    ----------
    dataset, policy
        What is judged, and by which thresholds.
    labelled : bool
        Whether labels matter; else only an image's content keeps it from being used, and nothing is left out.
    """

    dataset: Dataset
    policy: Policy
    labelled: bool = True

    @cached_property
    def images(self) -> pd.DataFrame:
        """The images table."""
        return self.dataset.images

    @cached_property
    def keys(self) -> list[str]:
        """The image keys, by position."""
        return list(self.images["image"])

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The taxonomy that the labels are read by."""
        return Taxonomy.load(self.dataset.taxonomy)

    @cached_property
    def outcomes(self) -> Outcomes:
        """Truth against the base model."""
        return compare(self.dataset, self.policy)

    @property
    def truth(self) -> Truth:
        """What people said, merged."""
        return self.outcomes.truth

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Label rows of people for images that exist, as :func:`manifest_tools.truth.truth_rows` gives them."""
        return truth_rows(self.dataset, self.taxonomy, self.policy)

    @cached_property
    def reasons(self) -> Mapping[str, Mask]:
        """Reasons to leave images out, by finding code."""
        if not self.labelled:
            return unusable_content(self.dataset.images, self.policy)
        return left_out(self.dataset, self.policy, self.outcomes)

    @cached_property
    def usable(self) -> Mask:
        """Images that may stand in a manifest, shape (images,)."""
        usable: Mask = ~np.logical_or.reduce(list(self.reasons.values()))
        return usable

    @cached_property
    def groups(self) -> npt.NDArray[np.int64]:
        """A number for each image's group of look-alikes, shape (images,); ungrouped images stand alone."""
        groups = self.images["group"].where(self.images["group"] != "", self.images["image"])
        return np.asarray(pd.factorize(groups)[0])

    @cached_property
    def splits(self) -> npt.NDArray[np.object_]:
        """The side of each image: "train", "test" or "", shape (images,)."""
        return self.images["split"].to_numpy(dtype=object)

    @cached_property
    def is_split(self) -> bool:
        """Whether any usable image has a side."""
        return bool((self.usable & (self.splits != "")).any())

    def side(self, name: str) -> Mask:
        """Usable images of one side, shape (images,); before a split, every usable image counts as training."""
        if not self.is_split:
            return self.usable if name == "train" else np.zeros(len(self.images), dtype=bool)
        return np.asarray(self.usable & (self.splits == name))

    def facts(self, mask: Mask) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield position and table row of the images that a mask chooses."""
        if not mask.any():
            return
        for row, facts in zip(positions(mask), self.images[mask].to_dict("records"), strict=True):
            yield row, {str(key): value for key, value in facts.items()}

    def about(self, row: int, code: str, **data: Any) -> Finding:
        """Make a finding about one image; the other arguments are those of :func:`manifest_tools.catalogue.finding`."""
        if self.labelled and not self.usable[row]:
            data["left_out"] = True
        return finding(code, image=self.keys[row], **data)

    def place(self, source: str, line: Any) -> dict[str, Any]:
        """Return file and line of a label row, as far as they are known."""
        file = self.dataset.sources.get(source, {}).get("file")
        return {"file": file, "line": None if pd.isna(line) or not file else int(line)}


Rule: TypeAlias = Callable[[Evidence], Iterable[Finding]]


def positions(mask: Mask) -> Iterator[int]:
    """Yield the positions at which a mask is set."""
    return map(int, np.flatnonzero(mask))
