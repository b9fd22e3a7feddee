"""What the rules look at: the data set, and everything that several rules derive from it, computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import repeat
from posixpath import basename
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.core.arrays import Mask, Rows, blocks
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.eligibility import (
    SIDES,
    DuplicateGroups,
    exclusion_reasons,
    label_sets,
    unusable_content,
)
from manifest_tools.dataset.ground_truth import PREDICTIONS, Truth, label_rows, rows_of_labels, truth_rows
from manifest_tools.dataset.judged import COMPARED, JUDGED
from manifest_tools.dataset.outcomes import Outcomes, compare
from manifest_tools.dataset.tables import kept_columns, typed_labels
from manifest_tools.findings.catalogue import CATALOGUE, finding
from manifest_tools.findings.findings import Finding, LazyFindings
from manifest_tools.findings.policy import Policy
from manifest_tools.rules.tally import Tally, count

Details: TypeAlias = Callable[[Rows], Iterable[dict[str, Any]]]


@dataclass(frozen=True)
class Evidence:
    """What is known of a data set, with everything that several rules derive from it: see :meth:`of`.

    Parameters
    ----------
    dataset : Dataset
        What is judged, without its label rows, and without the columns of the images table that `duplicates` stands for.
    policy : Policy
        The thresholds.
    labelled : bool
        Whether labels matter; else only an image's content keeps it from being used, and nothing is left out.
    duplicates : DuplicateGroups
        Copies, look-alikes, and the two sides.
    labels : pandas.DataFrame
        As :func:`manifest_tools.dataset.ground_truth.label_rows` gives them.
    lost : pandas.DataFrame
        Label rows of people for images that do not exist, a row for each row of the table that they stand in:
        columns `source`, `line`, `image`, `label` (the first one) and `size`, sorted by the first three.
    unread : int
        The number of images whose content was not looked at.
    """

    dataset: Dataset
    policy: Policy
    labelled: bool
    duplicates: DuplicateGroups
    labels: pd.DataFrame
    lost: pd.DataFrame
    unread: int

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        policy: Policy,
        *,
        labelled: bool = True,
        read_labels: Callable[[], pd.DataFrame] | None = None,
    ) -> Evidence:
        """Number what is compared, and keep no text that was read for that alone.

        Parameters
        ----------
        dataset : Dataset
            Whole, or as :func:`manifest_tools.dataset.judged.load_judged` reads it. Whoever wants the memory back keeps
            no other reference to it.
        policy, labelled
            As in the class.
        read_labels : callable, optional
            Gives the labels table, in place of that of `dataset`, once the images take less room.
        """
        duplicates, images = DuplicateGroups.of(dataset), dataset.images
        unread = int(((images["sha256"] == "") & (images["decode_error"] == "")).sum())
        named = {"sha256"} if dataset.keys == "sha256" else set()  # in object keys
        ours = [name for name in JUDGED if name in images.columns and (name not in COMPARED or name in named)]
        images = images[[*ours, *kept_columns(images)]]
        dataset = replace(dataset, images=images, labels=dataset.labels if labelled else typed_labels(None))
        if labelled and read_labels is not None:
            dataset = replace(dataset, labels=read_labels())
        rows = rows_of_labels(dataset)
        table, lost = label_rows(dataset, rows), _lost(dataset.labels[rows < 0])
        dataset = replace(dataset, labels=typed_labels(None))  # a slice would keep all of it
        return cls(dataset, policy, labelled, duplicates, table, lost, unread)

    @property
    def images(self) -> pd.DataFrame:
        """The images table."""
        return self.dataset.images

    @cached_property
    def count(self) -> int:
        """The number of images."""
        return len(self.images)

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The taxonomy that the labels are read by."""
        return Taxonomy.load(self.dataset.taxonomy)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Label rows of people for images that exist, as :func:`manifest_tools.dataset.ground_truth.truth_rows` gives them."""
        return truth_rows(self.dataset, self.taxonomy, self.policy, self.labels)

    @cached_property
    def outcomes(self) -> Outcomes:
        """Truth against the base model."""
        return compare(self.dataset, self.policy, self.labels)

    @property
    def truth(self) -> Truth:
        """What people said, merged."""
        return self.outcomes.truth

    @cached_property
    def followers(self) -> Mask:
        """Images that are in the group of an earlier one, shape (images,)."""
        return np.asarray((self.duplicates.groups != np.arange(self.count)) & self.duplicates.grouped)

    @cached_property
    def label_sets(self) -> Rows:
        """A number for the set of labels that each image shows, shape (images,)."""
        return label_sets(self.truth)

    @cached_property
    def reasons(self) -> Mapping[str, Mask]:
        """Reasons to leave images out, by finding code."""
        if not self.labelled:
            return unusable_content(self.dataset.images, self.policy)
        return exclusion_reasons(self.dataset, self.policy, self.outcomes, self.duplicates)

    @cached_property
    def eligible(self) -> Mask:
        """Images that may stand in a manifest, shape (images,)."""
        usable = np.ones(self.count, dtype=bool)
        for mask in self.reasons.values():
            usable &= ~mask
        return usable

    @cached_property
    def is_split(self) -> bool:
        """Whether any usable image has a side."""
        return bool((self.eligible & (self.duplicates.sides != 0)).any())

    def side(self, name: str) -> Mask:
        """Usable images of one side, shape (images,); before a split, every usable image counts as training."""
        if not self.is_split:
            return self.eligible if name == "train" else np.zeros(self.count, dtype=bool)
        return np.asarray(self.eligible & (self.duplicates.sides == SIDES.index(name)))

    @cached_property
    def tally(self) -> Tally:
        """How often each label has each outcome."""
        sides = {name: self.side(name) for name in SIDES if name}
        return count(self.outcomes, self.eligible, sides, self.duplicates.together)

    @cached_property
    def occurring(self) -> tuple[str, ...]:
        """The labels that some image shows, or that the base model says of one."""
        outcomes = self.outcomes
        return tuple(
            label
            for column, label in enumerate(outcomes.labels)
            if outcomes.truth.present[:, column].any() or outcomes.predicted_positive[:, column].any()
        )

    @cached_property
    def predicted_names(self) -> Mapping[str, int]:
        """How often the base model's rows have each name, as found."""
        names = self.labels.loc[self.labels["source"] == PREDICTIONS, "label"].value_counts()
        return {str(name): int(count) for name, count in names.items() if count}

    def values(self, column: str, rows: Iterable[int]) -> list[str]:
        """Return a text column's values of some images, given by their positions."""
        return list(self.images[column].iloc[np.asarray(rows, dtype=np.int64)])

    def rows_of(self, keys: Sequence[str]) -> dict[str, int]:
        """Return the positions of those of some images that exist, by their keys."""
        rows = np.flatnonzero(self.images["image"].isin(keys)) if keys else np.zeros(0, dtype=np.int64)
        return dict(zip(self.values("image", rows), rows.tolist(), strict=True))

    def named_alike(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Return the keys of the images that have one of some names in whatever folder, by name."""
        wanted = set(names)
        found: dict[str, list[str]] = {}
        for here in blocks(self.count if wanted else 0):
            keys = self.images["image"].iloc[here]
            for key in keys[keys.str.replace(r"(?s)^.*/", "", regex=True).isin(wanted)]:
                found.setdefault(basename(key), []).append(key)
        return found

    def facts(self, rows: Rows) -> Iterator[dict[str, Any]]:
        """Yield the table rows of some images, given by their positions."""
        for facts in self.images.iloc[rows].to_dict("records"):
            yield {str(key): value for key, value in facts.items()}

    def about(
        self, code: str, among: Mask | Rows, details: Details | None = None, *, variant: str | None = None
    ) -> LazyFindings:
        """Make findings of one kind about many images.

        Parameters
        ----------
        code, variant
            As in :func:`manifest_tools.findings.catalogue.finding`.
        among : bool array of shape (images,), or int array
            The images, as a mask, or by their positions; one may stand there several times.
        details : callable, optional
            Gives for the first ones of `among` (their positions) what else the findings say, in their order.
        """
        rows: Rows = np.flatnonzero(among) if among.dtype == bool else np.asarray(among, dtype=np.int64)
        left_out = ~self.eligible[rows] if self.labelled else np.zeros(len(rows), dtype=bool)

        def make(number: int) -> Iterator[Finding]:
            shown = rows[:number]
            known = details(shown) if details else repeat({}, number)
            about = zip(self.values("image", shown), left_out[:number].tolist(), known, strict=True)
            for key, is_out, data in about:
                more: dict[str, Any] = {"left_out": True} if is_out else {}
                yield finding(code, variant=variant, image=key, **data, **more)

        return lazy_findings(code, left_out, make, variant=variant)

    def place(self, source: str, line: Any) -> dict[str, Any]:
        """Return file and line of a label row, as far as they are known."""
        file = self.dataset.sources.get(source, {}).get("file")
        return {"file": file, "line": None if pd.isna(line) or not file else int(line)}


Rule: TypeAlias = Callable[[Evidence], Iterable[Finding | LazyFindings]]


def lazy_findings(
    code: str,
    left_out: npt.NDArray[np.bool_],
    make: Callable[[int], Iterable[Finding]],
    *,
    variant: str | None = None,
) -> LazyFindings:
    """Return findings of one code and variant that are made when they are kept."""
    entry = CATALOGUE[code]
    severity = entry.variants[variant].severity if variant else entry.severity
    return LazyFindings(code, severity, left_out, make)


def _lost(labels: pd.DataFrame) -> pd.DataFrame:
    """Return of label rows without an image what :attr:`Evidence.lost` says."""
    lost = labels[(labels["source"] != PREDICTIONS).to_numpy()].astype({"source": "str", "label": "str"})
    # One for each row of the table: a wide one has many labels in it.
    in_table = lost.groupby(["source", "line", "image"], dropna=False, sort=True)["label"]
    rows: pd.DataFrame = in_table.agg(["first", "size"]).reset_index()
    return rows.rename(columns={"first": "label"})
