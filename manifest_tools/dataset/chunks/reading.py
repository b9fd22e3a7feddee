"""A saved data set, read piece by piece."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.judged import JUDGED
from manifest_tools.dataset.saved_files import frame_of, open_table, readable, typed_arrow
from manifest_tools.dataset.tables import (
    IMAGE_KEY,
    KNOWN_COLUMNS,
    LABEL_COLUMNS,
    LABEL_KEY,
    typed_images,
    typed_labels,
)


@dataclass(frozen=True)
class SavedDataset:
    """A data set on disk. Light, and free to be sent to another process.

    Parameters
    ----------
    folder : Path
        The folder that :meth:`manifest_tools.dataset.dataset.Dataset.save` wrote to.
    frame : Dataset
        Everything but the rows: its two tables are empty.
    starts : tuple of int
        Position of each piece's first image, and the number of images at the end.
    firsts : tuple of str
        Key of each piece's first image.
    label_firsts : tuple of str
        Key of the first row of each row group of the labels.
    """

    folder: Path
    frame: Dataset
    starts: tuple[int, ...]
    firsts: tuple[str, ...]
    label_firsts: tuple[str, ...]

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Look at a saved data set.

        Raises
        ------
        InputError
            The folder holds no data set, a broken one, or one of a newer library.
        """
        frame = Dataset.load_frame(folder)
        place = Path(folder) / "dataset"
        with readable(place):
            sizes, firsts = _row_groups(place / "images.parquet", IMAGE_KEY)
            _, label_firsts = _row_groups(place / "labels.parquet", LABEL_KEY)
        starts = tuple(np.cumsum([0, *sizes]).tolist())
        return cls(Path(folder), frame, starts, tuple(firsts), tuple(label_firsts))

    @property
    def rows(self) -> int:
        """The number of images."""
        return self.starts[-1]

    @property
    def pieces(self) -> int:
        """The number of pieces."""
        return len(self.firsts)

    @cached_property
    def _images(self) -> pq.ParquetFile:
        return pq.ParquetFile(self.folder / "dataset" / "images.parquet")

    @cached_property
    def _labels(self) -> pq.ParquetFile:
        return pq.ParquetFile(self.folder / "dataset" / "labels.parquet")

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open files behind."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_images", "_labels")}

    def span(self, number: int) -> slice:
        """Return the positions of a piece's images."""
        return slice(self.starts[number], self.starts[number + 1])

    def images(self, number: int, columns: Sequence[str] | None = JUDGED) -> pd.DataFrame:
        """Return a piece's images: some columns, completed and typed; None for every column of the file."""
        if columns is not None:
            stored = set(self._images.schema_arrow.names)
            columns = [name for name in columns if name in stored]
        with readable(self.folder / "dataset"):
            table = self._images.read_row_group(number, columns=columns)
            return typed_images(
                frame_of(typed_arrow(table, KNOWN_COLUMNS, IMAGE_KEY, "images.parquet"), KNOWN_COLUMNS)
            )

    def labels(self, number: int) -> pd.DataFrame:
        """Return a piece's label rows."""
        first = self.firsts[number] if number else None
        end = self.firsts[number + 1] if number + 1 < self.pieces else None
        begin = 0 if first is None else max(0, bisect_left(self.label_firsts, first) - 1)
        stop = len(self.label_firsts) if end is None else bisect_left(self.label_firsts, end)
        if begin >= stop:
            return typed_labels(self.frame.labels)
        with readable(self.folder / "dataset"):
            table = self._labels.read_row_groups(list(range(begin, stop)))
            table = typed_arrow(table, LABEL_COLUMNS, LABEL_KEY, "labels.parquet").to_pandas()
        keys = table["image"]
        low = 0 if first is None else int(keys.searchsorted(first))
        high = len(keys) if end is None else int(keys.searchsorted(end))
        return typed_labels(table.iloc[low:high])

    def piece(self, number: int, columns: Sequence[str] | None = JUDGED) -> Dataset:
        """Return a piece as a data set of its own; `columns` as in :meth:`images`."""
        return replace(self.frame, images=self.images(number, columns), labels=self.labels(number))


def _row_groups(path: Path, key: Sequence[str]) -> tuple[list[int], list[str]]:
    """Return how many rows each row group of a table has, and the first key of each; empty ones are passed over."""
    sizes, firsts = [], []
    with open_table(path, key) as file:
        metadata = file.metadata
        place = file.schema_arrow.get_field_index("image")
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            if not group.num_rows:  # the table is empty
                continue
            statistics = group.column(place).statistics
            if statistics is not None and statistics.has_min_max:
                first = str(statistics.min)
            else:  # not written by us, or a key of several thousand bytes
                first = str(file.read_row_group(number, columns=["image"])["image"][0])
            sizes.append(group.num_rows)
            firsts.append(first)
    if firsts != sorted(firsts):
        msg = f"{path.name} is not sorted by image"
        raise ValueError(msg)
    return sizes, firsts
