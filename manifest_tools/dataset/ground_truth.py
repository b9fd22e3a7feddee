"""What people said, made comparable: names read, sources merged, levels closed, and what was looked for.

Nothing here changes the tables; labels stay as found. The rules, in short:

* A row says that a label is present, absent, or not known. An explicit Safe says that every label is absent.
* In an image that a source judged, a label of the source's scope without a row is absent; others are unknown.
* A present label makes its ancestors present; an absent label makes its descendants absent; nothing else follows.
* Sources are merged from the oldest to the newest: manifest, folder, table, then reviews in their order. Several
  tables are equals: what the rows of two contradict makes the image contradictory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from manifest_tools.core.arrays import Mask as Mask  # noqa: PLC0414 - for those who read a truth
from manifest_tools.core.arrays import blocks
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.name_resolution import NameResolution, read_names
from manifest_tools.findings.policy import Policy

PREDICTIONS = "predictions"  # the source of the base model's own rows
REVIEW = "review:"  # begins the source of a person's review
_PRIORITY = {
    "manifest": 0,
    "folder": 1,
    "table": 2,
}  # the newer a source, the higher; unknown ones count as tables

Matrix: TypeAlias = npt.NDArray[np.int8]

_UNSTATED, _ABSENT, _PRESENT, _UNKNOWN = -1, 0, 1, 2


def source_priority(source: str) -> int:
    """Return how new a kind of source is: the higher one counts where two disagree; reviews are the newest."""
    return len(_PRIORITY) if source.startswith(REVIEW) else _PRIORITY.get(source, _PRIORITY["table"])


def source_order(sources: Iterable[str]) -> list[str]:
    """Sort the sources of truth from the oldest to the newest kind; all reviews stand last, as one."""
    return sorted(
        {source for source in sources if source != PREDICTIONS and not source.startswith(REVIEW)},
        key=lambda source: (source_priority(source), source),
    )


@dataclass(frozen=True)
class Truth:
    """The effective truth of a data set, as matrices of images x labels.

    Parameters
    ----------
    labels : tuple of str
        The columns: level 1 names, or every label of the taxonomy (policy `label_level`).
    present, absent : bool array, shape (images, labels)
        Looked for and found; looked for and not there. Where both are false, nobody knows.
    unsure : bool array, shape (images, labels)
        A reviewer looked and could not say.
    judged : bool array, shape (images,)
        Somebody said something about the image.
    unresolved : bool array, shape (images,)
        A label of the image could not be read.
    contradictory : bool array, shape (images,)
        One source says two things that cannot both be true.
    """

    labels: tuple[str, ...]
    present: Mask
    absent: Mask
    unsure: Mask
    judged: Mask
    unresolved: Mask
    contradictory: Mask

    @cached_property
    def known(self) -> Mask:
        """Where the label was looked for and the answer is known, shape (images, labels)."""
        known: Mask = self.present | self.absent
        return known

    def label_set(self, row: int) -> tuple[str, ...]:
        """Names of the labels that are present in one image, in the taxonomy's order."""
        return tuple(self.labels[column] for column in np.flatnonzero(self.present[row]))


def effective_truth(dataset: Dataset, policy: Policy, labels: pd.DataFrame | None = None) -> Truth:
    """Merge what every source says of every image into one truth.

    Parameters
    ----------
    dataset : Dataset
        With label rows of people; rows of the base model are not looked at.
    policy : Policy
        For `label_level` and `safe_names`.
    labels : pandas.DataFrame, optional
        As :func:`label_rows` returns them, when the caller has them already.
    """
    taxonomy = Taxonomy.load(dataset.taxonomy)
    rows = truth_rows(dataset, taxonomy, policy, labels)
    columns, count = _view(taxonomy, policy), len(dataset.images)
    present, absent, unsure = (np.zeros((count, len(columns)), dtype=bool, order="F") for _ in range(3))
    judged = (dataset.images["judged"] != "").to_numpy(copy=True)
    contradictory = np.zeros(count, dtype=bool)
    place = rows["row"].to_numpy()
    for here in blocks(
        count
    ):  # every label of the taxonomy is looked at: for all images at once, that is too much
        said = rows.iloc[slice(*np.searchsorted(place, (here.start, here.stop)))]
        said = said.assign(row=said["row"] - here.start)
        part = replace(dataset, images=dataset.images.iloc[here])
        merged, torn, doubtful = _merged(part, said, policy, judged[here])
        present[here] = (merged == _PRESENT)[:, columns]
        absent[here] = (merged == _ABSENT)[:, columns]
        unsure[here] = doubtful[:, columns]
        contradictory[here] = torn
    unresolved = np.zeros(count, dtype=bool)
    claimed = rows["truth"].to_numpy(dtype=bool, na_value=False)
    unresolved[place[claimed & ~rows["resolved"].to_numpy()]] = True
    labels_in_view = tuple(taxonomy.names[column] for column in columns)
    return Truth(labels_in_view, present, absent, unsure, judged, unresolved, contradictory)


def _merged(dataset: Dataset, rows: pd.DataFrame, policy: Policy, judged: Mask) -> tuple[Matrix, Mask, Mask]:
    """Merge what the sources say of some images; return also which contradict themselves, and what is unsure.

    `judged` is completed in place.
    """
    taxonomy = Taxonomy.load(dataset.taxonomy)
    hierarchy, count = Hierarchy.of(taxonomy), len(dataset.images)
    merged = np.full((count, len(taxonomy.names)), _UNSTATED, dtype=np.int8)
    contradictory = np.zeros(count, dtype=bool)
    for _, equals in groupby(source_order(rows["source"].unique()), key=source_priority):
        tables = []
        for source in equals:
            said = rows[rows["source"] == source]
            scope = dataset.sources.get(source, {}).get("scope", dataset.scope)
            tables.append((said, _columns(scope, taxonomy, policy)))
            judged[said.loc[said["truth"].notna(), "row"]] = True
        stated, conflict = _statements_of_equals(tables, hierarchy, count)
        merged = np.where(stated != _UNSTATED, stated, merged)
        contradictory |= conflict
    _fill_from_judged(merged, dataset, hierarchy, policy)
    merged, unsure = _apply_reviews(merged, rows, hierarchy, judged)
    return merged, contradictory, unsure


def rows_of_labels(dataset: Dataset) -> npt.NDArray[np.int32]:
    """Return, for each row of the labels table, the position of its image; -1 where there is none."""
    labels, images = dataset.labels, dataset.images
    found = pc.index_in(pa.chunked_array(labels["image"]), value_set=pa.chunked_array(images["image"]))
    return np.asarray(found.fill_null(-1).to_numpy())


def label_rows(dataset: Dataset, rows: npt.NDArray[np.int32] | None = None) -> pd.DataFrame:
    """Return the labels table by position: what takes the least memory, and compares fastest.

    `rows` are those of :func:`rows_of_labels`, when the caller has them already.

    Returns
    -------
    pandas.DataFrame
        Columns of the labels table, `label` and `source` as categories in the order of their texts, and in place of
        `image` the column `row`: the position of the image, -1 where there is none. Sorted by it, `label` and `source`.
    """
    rows = rows_of_labels(dataset) if rows is None else rows
    table = dataset.labels.drop(columns="image").assign(row=rows)
    order = rows.astype(np.int64)
    for name in ("label", "source"):
        texts = table[name].astype("category")
        table[name] = texts.cat.set_categories(sorted(texts.cat.categories))
        order = order * (len(table[name].cat.categories) + 1) + table[name].cat.codes.to_numpy()
    return table if (order[1:] >= order[:-1]).all() else table.iloc[np.argsort(order, kind="stable")]


def truth_rows(
    dataset: Dataset, taxonomy: Taxonomy, policy: Policy, labels: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the label rows of people for images that exist, with what their names mean.

    `labels` are those of :func:`label_rows`, when the caller has them already.

    Returns
    -------
    pandas.DataFrame
        As :func:`label_rows`, and `column` (position of the label in the taxonomy's names; -1 for Safe and for
        unresolved names), `safe` and `resolved` (bool).
    """
    labels = label_rows(dataset) if labels is None else labels
    rows = labels[((labels["source"] != PREDICTIONS) & (labels["row"] >= 0)).to_numpy()].drop(columns="score")
    names = rows["label"].cat.categories
    readings = read_names(names, taxonomy, policy)
    number = {name: column for column, name in enumerate(taxonomy.names)}
    codes = rows["label"].cat.codes.to_numpy()

    def of_each(values: Iterable[int], kind: str) -> npt.NDArray[Any]:
        return np.array(list(values), dtype=kind)[codes]

    return rows.assign(
        column=of_each((number.get(readings[name].name, -1) for name in names), "int16"),
        safe=of_each((readings[name].resolution is NameResolution.SAFE for name in names), "bool"),
        resolved=of_each((readings[name].resolved for name in names), "bool"),
    )


def judged_column(images: pd.DataFrame, labels: pd.DataFrame, policy: Policy) -> pd.Series[str]:
    """Return `judged` as it was, or as the label rows have it: "all" after an explicit Safe, "scope" after others."""
    rows = labels[(labels["source"] != PREDICTIONS) & labels["truth"].notna()]
    safe = rows["label"].map({name: policy.is_safe(name) for name in rows["label"].unique()}).astype(bool)
    said_safe = images["image"].isin(rows.loc[safe & rows["truth"].astype(bool), "image"])
    said_anything = images["image"].isin(rows["image"])
    before = images["judged"]
    return before.mask(said_anything & before.eq(""), "scope").mask(said_safe, "all")


@dataclass(frozen=True)
class Hierarchy:
    """The taxonomy as matrices of labels x labels: `up[i, j]` when j is an ancestor of i.

    Products are taken in float32: exact for counts of this size, and many times faster than in integers.
    """

    up: Mask

    @classmethod
    @cache
    def of(cls, taxonomy: Taxonomy) -> Hierarchy:
        """Return the matrices of one taxonomy."""
        names = taxonomy.names
        up = np.array([[other in taxonomy.ancestors(name) for other in names] for name in names])
        return cls(up)

    def ancestors_of(self, matrix: Mask) -> Mask:
        """Where any descendant of the column is set."""
        return _reached(matrix, self.up)

    def descendants_of(self, matrix: Mask) -> Mask:
        """Where any ancestor of the column is set."""
        return _reached(matrix, self.up.T)


def _reached(matrix: Mask, leads_to: Mask) -> Mask:
    """Return where any column that leads to this one is set. Columns that are empty or lead nowhere cost nothing."""
    used = np.flatnonzero(matrix.any(axis=0) & leads_to.any(axis=1))
    if not len(used):
        return np.zeros_like(matrix)
    return np.asarray(matrix[:, used].astype(np.float32) @ leads_to[used].astype(np.float32) > 0)


def _view(taxonomy: Taxonomy, policy: Policy) -> list[int]:
    if policy.label_level == "all":
        return list(range(len(taxonomy.names)))
    return [taxonomy.names.index(name) for name in taxonomy.top]


def _columns(names: Iterable[str], taxonomy: Taxonomy, policy: Policy) -> list[int]:
    readings = read_names(names, taxonomy, policy).values()
    return sorted({taxonomy.names.index(reading.name) for reading in readings if reading.name})


def _statements(
    rows: pd.DataFrame, hierarchy: Hierarchy, count: int, covered: list[int]
) -> tuple[Matrix, Mask]:
    """Return what one source says of every image and label, closed over the levels, and where it contradicts itself."""
    width = len(hierarchy.up)
    present = _mask(rows[rows["truth"].eq(other=True).fillna(value=False)], count, width)
    absent = _mask(rows[rows["truth"].eq(other=False).fillna(value=False)], count, width)
    unknown = _mask(rows[rows["truth"].isna()], count, width)
    safe = np.zeros(count, dtype=bool)
    safe[rows.loc[rows["safe"] & rows["truth"].fillna(value=False).astype(bool), "row"]] = True
    judged = np.zeros(count, dtype=bool)
    judged[rows.loc[rows["truth"].notna(), "row"]] = True

    present |= hierarchy.ancestors_of(present)
    contradictory = (present & absent).any(axis=1) | (safe & present.any(axis=1))
    held_open = unknown | hierarchy.ancestors_of(unknown)
    by_scope = np.zeros_like(present)
    by_scope[:, covered] = judged[:, None]
    by_scope[safe] = True
    absent |= by_scope & ~present & ~held_open
    absent |= hierarchy.descendants_of(absent) & ~present & ~unknown
    return _coded(present, absent, unknown), contradictory


def _statements_of_equals(
    tables: Sequence[tuple[pd.DataFrame, list[int]]], hierarchy: Hierarchy, count: int
) -> tuple[Matrix, Mask]:
    """Return what sources of one kind say together: none is newer, so where two contradict each other, neither counts.

    What one says by its rows stands above what another leaves out.
    """
    (first, covered), *others = tables
    stated, contradictory = _statements(first, hierarchy, count, covered)
    if not others:
        return stated, contradictory
    in_rows, _ = _statements(first, hierarchy, count, [])
    for said, covered in others:
        whole, conflict = _statements(said, hierarchy, count, covered)
        own, _ = _statements(said, hierarchy, count, [])
        opposed = ((own == _PRESENT) & (in_rows == _ABSENT)) | ((own == _ABSENT) & (in_rows == _PRESENT))
        contradictory |= conflict | opposed.any(axis=1)
        in_rows = np.where(
            (in_rows == _UNSTATED) | ((in_rows == _UNKNOWN) & (own != _UNSTATED)), own, in_rows
        )
        stated = np.where(stated == _UNSTATED, whole, stated)
    return np.where(in_rows != _UNSTATED, in_rows, stated), contradictory


def _fill_from_judged(merged: Matrix, dataset: Dataset, hierarchy: Hierarchy, policy: Policy) -> None:
    """Honour `judged` where no row says it: tables that were built by hand may have no explicit Safe row."""
    judged = dataset.images["judged"].to_numpy()
    open_cells = merged == _UNSTATED
    merged[(judged == "all")[:, None] & open_cells] = _ABSENT
    covered = np.zeros(merged.shape[1], dtype=bool)
    covered[_columns(dataset.scope, Taxonomy.load(dataset.taxonomy), policy)] = True
    has_scope_of_its_own = any("scope" in source for source in dataset.sources.values())
    if not has_scope_of_its_own:
        covered |= hierarchy.descendants_of(covered[None, :])[0]
        held_open = hierarchy.ancestors_of((merged == _PRESENT) | (merged == _UNKNOWN))
        merged[(judged == "scope")[:, None] & covered[None, :] & (merged == _UNSTATED) & ~held_open] = _ABSENT


def _apply_reviews(
    merged: Matrix, rows: pd.DataFrame, hierarchy: Hierarchy, judged: Mask
) -> tuple[Matrix, Mask]:
    """Lay reviews over the merged sources, answer by answer, the newest (highest `line`) last."""
    unsure = np.zeros(merged.shape, dtype=bool)
    reviews = rows[rows["source"].str.startswith(REVIEW)]
    if reviews.empty:
        return merged, unsure
    # The first answers about every image, then the second ones, and so on: few rounds, each over all images.
    nth_answer = reviews.groupby("row")["line"].rank("dense").fillna(0)
    for _, answers in reviews.groupby(nth_answer, sort=True):
        stated, _ = _statements(answers, hierarchy, len(merged), [])
        merged = np.where(stated != _UNSTATED, stated, merged)
        unsure = np.where(stated != _UNSTATED, stated == _UNKNOWN, unsure)
        judged[answers.loc[answers["truth"].notna(), "row"]] = True
    return merged, unsure


def _mask(rows: pd.DataFrame, count: int, width: int) -> Mask:
    mask = np.zeros((count, width), dtype=bool)
    named = rows[rows["column"] >= 0]
    mask[named["row"], named["column"]] = True
    return mask


def _coded(present: Mask, absent: Mask, unknown: Mask) -> Matrix:
    coded = np.full(present.shape, _UNSTATED, dtype=np.int8)
    coded[unknown] = _UNKNOWN
    coded[absent] = _ABSENT
    coded[present] = _PRESENT
    return coded
