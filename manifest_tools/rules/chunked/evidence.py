"""The evidence of a data set that is not in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import numpy as np
import pandas as pd

from manifest_tools.core.arrays import Mask, Rows
from manifest_tools.dataset.chunks import SavedDataset
from manifest_tools.dataset.eligibility import DuplicateGroups, copy_exclusion_reasons
from manifest_tools.dataset.outcomes import Outcomes
from manifest_tools.dataset.tables import IMAGE_KEY
from manifest_tools.findings.policy import Policy
from manifest_tools.rules.chunked.scan import PassResult, first_alike, look
from manifest_tools.rules.chunked.scratch import Scratch
from manifest_tools.rules.chunked.workers import Crew
from manifest_tools.rules.evidence import Evidence, keys_by_name, lost_rows


@dataclass(frozen=True, kw_only=True)
class LargeEvidence(Evidence):
    """Evidence of which the arrays are in files. For rules that ask for no table.

    Parameters
    ----------
    dataset
        Without rows.
    scratch : Scratch
        The arrays.
    looks : tuple of PassResult
        What the first look at each piece found.
    """

    scratch: Scratch
    looks: tuple[PassResult, ...] = ()

    @property
    def images(self) -> NoReturn:
        """Not in memory."""
        raise _too_large()

    @property
    def rows(self) -> NoReturn:
        """Not in memory."""
        raise _too_large()

    @cached_property
    def count(self) -> int:
        """The number of images."""
        return self.scratch.saved.rows

    @cached_property
    def outcomes(self) -> Outcomes:
        """Truth against the base model."""
        return self.scratch.outcomes()

    @cached_property
    def duplicates(self) -> DuplicateGroups:
        """Copies, look-alikes, and the two sides."""
        read = self.scratch.read
        return DuplicateGroups(
            first_alike(self.scratch, "files", read("hashed")),
            first_alike(self.scratch, "groups", np.ones(self.count, dtype=bool)),
            read("grouped"),
            read("sides"),
            read("locked"),
        )

    @cached_property
    def followers(self) -> Mask:
        """Images that are in the group of another one."""
        return self.scratch.read("followers")

    @cached_property
    def reasons(self) -> Mapping[str, Mask]:
        """Reasons to leave images out, by finding code."""
        return {name: self.scratch.read(name) for name in self.scratch.reasons}

    @cached_property
    def lost(self) -> pd.DataFrame:
        """Label rows for images that do not exist."""
        lost = pd.concat([lost_rows(self.dataset), *(found.lost for found in self.looks)], ignore_index=True)
        return lost.sort_values(["source", "line", "image"], kind="stable", ignore_index=True)

    @cached_property
    def predicted_names(self) -> Mapping[str, int]:
        """How often the base model's rows have each name."""
        return sum((Counter(found.predicted_names) for found in self.looks), Counter[str]())

    @cached_property
    def unread(self) -> int:
        """The number of images whose content was not looked at."""
        return sum(found.unread for found in self.looks)

    def values(self, column: str, rows: Iterable[int]) -> list[str]:
        """Return a text column's values of some images."""
        return self.scratch.saved.values(column, rows)

    def rows_of(self, keys: Sequence[str]) -> Rows:
        """Return the positions of some images, given by their keys."""
        return np.array(self.scratch.saved.rows_of(keys), dtype=np.int64)

    def named_alike(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Return the keys of the images that have one of some names in whatever folder."""
        saved, wanted = self.scratch.saved, set(names)
        found: dict[str, list[str]] = {}
        for number in range(saved.pieces if wanted else 0):
            for name, keys in keys_by_name(saved.texts(number, IMAGE_KEY)["image"], wanted).items():
                found.setdefault(name, []).extend(keys)
        return found


@dataclass(frozen=True, kw_only=True)
class PieceEvidence(Evidence):
    """Evidence of one piece, judged as a part of the whole: what is known of all images is known here."""

    scratch: Scratch
    number: int

    @classmethod
    def of(cls, scratch: Scratch, number: int) -> PieceEvidence:
        """Return the evidence of a piece after the first look at all of them."""
        saved = scratch.saved
        piece = saved.piece(number) if scratch.labelled else saved.piece_of_images(number)
        return cls(piece, scratch.policy, scratch.labelled, scratch=scratch, number=number)

    @property
    def _span(self) -> slice:
        return self.scratch.saved.span(self.number)

    @cached_property
    def outcomes(self) -> Outcomes:
        """Truth against the base model."""
        return self.scratch.outcomes(self._span)

    @cached_property
    def reasons(self) -> Mapping[str, Mask]:
        """Reasons to leave images out, by finding code."""
        return {name: self.scratch.read(name)[self._span] for name in self.scratch.reasons}

    @cached_property
    def eligible(self) -> Mask:
        """Images that may stand in a manifest."""
        return self.scratch.read("usable")[self._span]


def _too_large() -> TypeError:
    return TypeError("a rule about all images asked for their table, which may be too large for memory")


@contextmanager
def looked_at(
    saved: SavedDataset,
    policy: Policy,
    crew: Crew,
    *,
    labelled: bool = True,
    seed: int | None = None,
) -> Iterator[LargeEvidence]:
    """Look at every piece, and give the evidence of the whole; its files are gone after the block.

    Parameters
    ----------
    saved, policy, labelled
        As in :class:`manifest_tools.rules.evidence.Evidence`.
    crew : Crew
        Does the work.
    seed : int, optional
        Of the order of a selection that is to be made; an earlier selection is forgotten then.
    """
    with TemporaryDirectory(prefix="manifest-tools-") as folder:
        scratch = Scratch.make(Path(folder), saved, policy, labelled=labelled, seed=seed)
        looks = crew.in_order(look, ((scratch.folder, number) for number in range(saved.pieces)))
        evidence = LargeEvidence(saved.frame, policy, labelled, scratch=scratch, looks=tuple(looks))
        if labelled:
            for name, mask in copy_exclusion_reasons(
                evidence.duplicates, evidence.truth, evidence.label_sets
            ).items():
                scratch.write(name, mask)
            if seed is not None:
                scratch.write("image-set-aside", np.zeros(saved.rows, dtype=bool))
        scratch.write("usable", evidence.eligible)
        yield evidence
