"""A data set's labels, back into files that other tools and people read."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
import pandas as pd

from manifest_tools.core.csv_cells import write_csv
from manifest_tools.core.errors import InputError
from manifest_tools.core.files import writing
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import effective_truth, truth_rows
from manifest_tools.dataset.tables import kept_columns
from manifest_tools.findings.policy import Policy
from manifest_tools.sources.kept_columns import TAKEN


class _Answers(NamedTuple):
    """One image, and what is known of each column: True, False, or None."""

    image: str
    split: str
    truths: tuple[bool | None, ...]


def write_labels(dataset: Dataset, path: str | Path, *, overwrite: bool = True) -> int:
    """Write the labels in the form that the file's name asks for: ``.csv`` a table, ``.jsonl`` for `imagefolder`.

    Parameters
    ----------
    dataset : Dataset
        As in :func:`write_table`.
    path : path
        The file; it appears whole or not at all.
    overwrite : bool
        Whether it may replace a file of other content.

    Returns
    -------
    int
        How many images were written.

    Raises
    ------
    InputError
        The name ends in neither.
    OutputError
        The file cannot be written.
    """
    writers = {".csv": write_table, ".jsonl": write_imagefolder}
    write = writers.get(Path(path).suffix.lower())
    if write is None:
        msg = f"{path}: labels are written as .csv or, for Hugging Face, as .jsonl; a manifest needs --kind"
        raise InputError(msg)
    return write(dataset, path, overwrite=overwrite)


def write_table(dataset: Dataset, path: str | Path, *, overwrite: bool = True) -> int:
    """Write a wide CSV table: ``file``, ``split``, the kept columns, and a column for each label with 1, 0, or nothing.

    An image of which nobody said anything has empty cells. Reading the table gives the same truth again.

    Parameters
    ----------
    dataset : Dataset
        The images and labels; left-out images are written too.
    path : path
        The file; it appears whole or not at all.
    overwrite : bool
        Whether it may replace a file of other content.

    Returns
    -------
    int
        How many images were written.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    columns, answers = _answers(dataset)
    out = io.StringIO()
    cells = {True: "1", False: "0", None: ""}
    names, kept = _kept(dataset, ("file", "split", *columns))
    rows = (
        [image, split, *map(_cell, values), *(cells[truth] for truth in truths)]
        for (image, split, truths), values in zip(answers, kept, strict=True)
    )
    write_csv(out, chain([["file", "split", *names, *columns]], rows))
    _write(path, out.getvalue().encode("utf-8", "replace"), overwrite=overwrite)
    return len(dataset)


def write_imagefolder(dataset: Dataset, path: str | Path, *, overwrite: bool = True) -> int:
    """Write ``metadata.jsonl`` as Hugging Face's `imagefolder` reads it, to be put beside the images.

    Each line has ``file_name``, ``labels`` (present; null where nobody said anything), ``absent`` (looked for and
    not there), ``split``, and the kept columns.

    Parameters
    ----------
    dataset : Dataset
        As in :func:`write_table`.
    path : path
        The file; it appears whole or not at all.
    overwrite : bool
        Whether it may replace a file of other content.

    Returns
    -------
    int
        How many images were written.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    columns, answers = _answers(dataset)
    lines = []
    names, kept = _kept(dataset, ("file_name", "labels", "absent", "split"))
    for (image, split, truths), values in zip(answers, kept, strict=True):
        by_truth = {
            wanted: [name for name, truth in zip(columns, truths, strict=True) if truth is wanted]
            for wanted in (True, False)
        }
        labels = by_truth[True] if any(by_truth.values()) else None
        line = {"file_name": image, "labels": labels, "absent": by_truth[False], "split": split or None}
        lines.append(orjson.dumps(line | dict(zip(names, values, strict=True))) + b"\n")
    _write(path, b"".join(lines), overwrite=overwrite)
    return len(lines)


def _kept(dataset: Dataset, taken: Sequence[str]) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Return the names of the kept columns, none of them one that is taken, and their values for each image."""
    columns = kept_columns(dataset.images)
    table = dataset.images[columns].astype(object)
    rows = (
        tuple(None if pd.isna(value) or value == "" else value for value in values)
        for values in (table.itertuples(index=False, name=None) if columns else ((),) * len(table))
    )
    return [f"{TAKEN}{name}" if name in taken else name for name in columns], rows


def _cell(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _answers(dataset: Dataset) -> tuple[tuple[str, ...], Iterator[_Answers]]:
    """Return the columns and the answers of each image, sorted by image.

    The columns are level 1, where it is known of any image, lower labels that are present in any, and names that
    could not be resolved, as found. An image of which a source contradicts itself has no answers.
    """
    policy = replace(Policy.from_dict(dataset.policy), label_level="all")
    taxonomy = Taxonomy.load(dataset.taxonomy)
    truth = effective_truth(dataset, policy)
    present = truth.present & ~truth.contradictory[:, None]
    absent = truth.absent & ~truth.contradictory[:, None]
    top = np.array([taxonomy[name].level == 1 for name in truth.labels])
    kept = np.flatnonzero(present.any(axis=0) | (absent.any(axis=0) & top))
    names = [truth.labels[column] for column in kept]
    odd = _unresolved(dataset, taxonomy, policy)
    strange = sorted({name for found in odd.values() for name in found})

    def rows() -> Iterator[_Answers]:
        for row, (image, split) in enumerate(
            zip(dataset.images["image"], dataset.images["split"], strict=True)
        ):
            theirs = odd.get(row, ())  # what they mean may be any label: none is known to be absent
            known = [_truth(present[row, column], absent[row, column] and not theirs) for column in kept]
            found = [True if name in theirs else None for name in strange]
            yield _Answers(image, split, (*known, *found))

    return (*names, *strange), rows()


def _truth(present: bool, absent: bool) -> bool | None:
    return True if present else False if absent else None


def _unresolved(dataset: Dataset, taxonomy: Taxonomy, policy: Policy) -> dict[int, Sequence[str]]:
    """Return the names of each image, by its row, that stand for no label."""
    rows = truth_rows(dataset, taxonomy, policy)
    odd = rows[~rows["resolved"] & rows["truth"].fillna(value=False).astype(bool)]
    return {int(str(row)): list(group) for row, group in odd.groupby("row")["label"]}


def _write(path: str | Path, content: bytes, *, overwrite: bool) -> None:
    with writing(Path(path), overwrite=overwrite) as temporary:
        temporary.write_bytes(content)
