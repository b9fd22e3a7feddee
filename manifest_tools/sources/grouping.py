"""What ``--group-by`` names: a kept column, the folders, or a column of a file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.content_types import TYPES_COLUMN
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import listed_folder
from manifest_tools.dataset.slices import MAX_VALUES, slices_of
from manifest_tools.dataset.split_groups import BETWEEN, group_by_columns
from manifest_tools.dataset.tables import KEPT, SLICES, kept_columns
from manifest_tools.sources.formats.annotations import Annotations
from manifest_tools.sources.formats.cells import cell_text
from manifest_tools.sources.formats.column_choice import ColumnChoice
from manifest_tools.sources.formats.detect import TABLE
from manifest_tools.sources.formats.records import columns_of, read_records
from manifest_tools.sources.formats.tables import IMAGE_NAMES, find_column, listed
from manifest_tools.sources.image_index import ImageIndex
from manifest_tools.sources.kept_columns import keep_columns, kept_name, with_kept
from manifest_tools.sources.matching import match_references

FOLDERS, SOURCES, TYPES = "folders", "sources", "content-types"
_FOLDER, _SOURCE = "folder", "label_file"  # the columns that hold them


def columns_of_labels(names: Sequence[str]) -> list[str]:
    """Return those of the names that are columns of the files of labels, so that these are kept.

    Parameters
    ----------
    names : sequence of str
        As in :func:`group_by`.
    """
    return [
        name for name in names if name not in (FOLDERS, SOURCES, TYPES) and _file_and_column(name) is None
    ]


def group_by(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """Return a data set in which images of one value stay on one side of the split, and with them their look-alikes.

    Parameters
    ----------
    dataset : Dataset
        Read and, where look-alikes count, grouped by them.
    names : sequence of str
        Each is a kept column; "folders": images of one folder belong together; or a file, ``FILE`` or
        ``FILE:COLUMN``: a table with a column for the image and one for the group.

    Raises
    ------
    InputError
        There is no such column, or no image has a value.
    """
    columns = []
    for name in names:
        file = _file_and_column(name)
        if name == FOLDERS:
            dataset, column = _with_folders(dataset), _FOLDER
        elif file is not None:
            dataset, column = _with_file(dataset, *file)
        else:
            column = column_named(dataset, name, "--group-by")
        columns.append(column)
    return group_by_columns(dataset, list(dict.fromkeys(columns)))


def slice_by(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """Return a data set of which figures are told by slice, and whose slices the split keeps balanced.

    Parameters
    ----------
    dataset : Dataset
        Read.
    names : sequence of str
        As in :func:`group_by`; "sources": the files of labels that speak of an image; "content-types":
        what the base model's answers say of animations and drawings, also of answers that come later.

    Raises
    ------
    InputError
        There is no such column, or it has too many values to be one of slices.
    """
    columns = []
    for name in names:
        file = _file_and_column(name)
        if name == FOLDERS:
            dataset, column = _with_folders(dataset), _FOLDER
        elif name == SOURCES:
            dataset, column = _with_sources(dataset), _SOURCE
        elif name == TYPES:
            column = TYPES_COLUMN
        elif file is not None:
            dataset, column = _with_file(dataset, *file)
        else:
            column = column_named(dataset, name, "--slice")
        columns.append(column)
    by = list(dict.fromkeys(columns))
    dataset = dataset.step("slice", options={"columns": by}, sources={**dataset.sources, SLICES: {"by": by}})
    for column in by:
        number = sum(name == column for name, _ in slices_of(dataset))
        if number > MAX_VALUES:
            msg = f"--slice {column}: {number:,} values; at most {MAX_VALUES} make slices of which anything can be said"
            raise InputError(msg)
    return dataset


def _with_sources(dataset: Dataset) -> Dataset:
    """Return a data set with the files of labels that speak of each image."""
    files = {name: Path(said["file"]).name for name, said in dataset.sources.items() if said.get("file")}
    rows = dataset.labels[dataset.labels["source"].isin(files)]
    named = (
        rows["source"].map(files).groupby(rows["image"]).agg(lambda names: BETWEEN.join(sorted(set(names))))
    )
    return dataset.step(
        "sources", images=dataset.images.assign(**{_SOURCE: dataset.images["image"].map(named).fillna("")})
    )


def column_named(dataset: Dataset, name: str, option: str) -> str:
    """Return the kept column that a name means.

    Raises
    ------
    InputError
        There is none.
    """
    column = kept_name(name)
    known = kept_columns(dataset.images)
    if column not in known:
        msg = (
            f"{option} {name}: no such column is kept; kept are: {listed(known)}. 'manifest-tools prepare' keeps a column of "
            "its --labels with --keep"
        )
        raise InputError(msg)
    return column


def _file_and_column(name: str) -> tuple[Path, str] | None:
    if Path(name).is_file():
        return Path(name), ""
    file, colon, column = name.rpartition(":")
    if colon and Path(file).is_file():
        return Path(file), column
    if Path(name).suffix.casefold() in (".csv", ".tsv", ".jsonl", ".json", ".parquet"):
        msg = f"{name}: there is no such file; --group-by and --slice take a column, FILE, or FILE:COLUMN"
        raise InputError(msg)
    return None


def _with_folders(dataset: Dataset) -> Dataset:
    """Return a data set with the folder of each image; those that lie in no folder have none."""
    below = dataset.images["image"].str.removeprefix(listed_folder(dataset))
    folders = below.str.removeprefix("s3://").str.rpartition("/")[0]
    return dataset.step("folders", images=dataset.images.assign(**{_FOLDER: folders}))


def _with_file(dataset: Dataset, file: Path, named: str) -> tuple[Dataset, str]:
    records = read_records(file)
    names = columns_of(records)
    image = find_column(names, IMAGE_NAMES)
    if image is None:
        msg = f"{file}: no column names the image; found {listed(names)}, expected a name such as {listed(IMAGE_NAMES[:8])}"
        raise InputError(msg)
    others = [name for name in names if name != image]
    column = named or next((name for name in others if name.strip().casefold() == "group"), "")
    column = column or (others[0] if len(others) == 1 else "")
    if column not in others:
        what = f"no column {named!r}" if named else "several columns may be meant"
        msg = f"{file}: {what}; name one of {listed(others)} as {file}:COLUMN"
        raise InputError(msg)
    references = [cell_text(cells.get(image)) for _, cells in records]
    matches = match_references(ImageIndex(dataset.images["image"], dataset.root), references, file.parent)
    if references and not any(match.image for match in matches.values()):
        msg = f"{file}: none of its images is one of the data set; the first is {references[0][:200]!r}"
        raise InputError(msg)
    choice = ColumnChoice(by_role={"image": image})
    kept = keep_columns([(file, Annotations(TABLE), matches)], [column], choice)
    before = dataset.sources.get(KEPT, {})
    told = {
        "columns": sorted({*before.get("columns", ()), *kept.table.columns}),
        "several": {**before.get("several", {}), **kept.several},
    }
    images: pd.DataFrame = with_kept(dataset.images, kept)
    dataset = dataset.step("keep", images=images, sources={**dataset.sources, KEPT: told})
    return dataset, kept_name(column)
