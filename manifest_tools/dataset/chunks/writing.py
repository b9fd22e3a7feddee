"""A saved data set, written piece by piece."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from manifest_tools.core.commit import replacing_files
from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.dataset.dataset import (
    COMPRESSION,
    PIECE_ROWS,
    Dataset,
    add_column,
    with_step,
)
from manifest_tools.dataset.tables import typed_images, typed_labels


class DatasetWriter:
    """Writes a data set piece by piece, with the same bytes as ``Dataset.save`` would, in constant memory.

    Used in a ``with`` block: nothing appears in the folder unless the block succeeds.

    Parameters
    ----------
    folder : path
        The data set goes to ``folder/dataset/``, in place of one that is there.
    piece_rows : int
        Rows of one piece.
    """

    def __init__(self, folder: str | Path, *, piece_rows: int = PIECE_ROWS) -> None:
        self._folder = Path(folder)
        self._rows = piece_rows
        self._stack = ExitStack()
        self._finished = False

    def __enter__(self) -> Self:
        """Make the temporary files."""
        place = self._stack.enter_context(replacing_files(self._folder)) / "dataset"
        place.mkdir()
        self._document = place / "dataset.json"
        self._images = _Table(place / "images.parquet", self._rows)
        self._labels = _Table(place / "labels.parquet", self._rows)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Move the files to their places, or remove them when the block failed."""
        for table in (self._images, self._labels):
            table.close()
        if error is None and not self._finished:
            error = RuntimeError("the data set was not finished; call finish() at the end of the block")
            self._stack.__exit__(type(error), error, None)
            raise error
        self._stack.__exit__(kind, error, trace)

    def write(self, images: pd.DataFrame, labels: pd.DataFrame | None = None) -> None:
        """Add images and the label rows beside them; columns are completed, typed and sorted.

        Raises
        ------
        InputError
            A key does not come after all the keys of the earlier calls.
        OutputError
            The files cannot be written.
        """
        try:
            self._images.write(typed_images(images))
            self._labels.write(typed_labels(labels))
        except OSError as error:
            raise self._refusal(error) from error

    def finish(
        self,
        frame: Dataset,
        step: str | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        steps: Sequence[tuple[str, Mapping[str, Any]]] = (),
        fingerprint: str = "",
    ) -> str:
        """Say what the tables are part of, and which steps made them.

        Parameters
        ----------
        frame : Dataset
            For its members; its tables are not looked at.
        step, options
            The step that is added to the history.
        steps : sequence of (str, mapping)
            Steps that went before it. They get the fingerprint of the finished tables, too.
        fingerprint : str
            Of the tables, where it is known: else what was written is read once more.

        Returns
        -------
        str
            The fingerprint of the tables.

        Raises
        ------
        OutputError
            The files cannot be written.
        """
        digest = hashlib.sha256()
        try:
            for table, empty in (
                (self._images, typed_images(frame.images.iloc[:0])),
                (self._labels, typed_labels(None)),
            ):
                table.finish(empty)
                for name in () if fingerprint else table.names:
                    add_column(digest, name, table.count, table.column(name))
            fingerprint = fingerprint or digest.hexdigest()
            made = [*steps, *([(step, options or {})] if step else [])]
            history = frame.history
            for name, asked in made:
                history = with_step(history, name, asked, fingerprint)
            whole = replace(frame, history=history)
            self._document.write_text(whole.document(fingerprint), encoding="utf-8")
            _to_disk(self._document)
        except OSError as error:
            raise self._refusal(error) from error
        self._finished = True
        return fingerprint

    def _refusal(self, error: OSError) -> OutputError:
        return OutputError(
            f"cannot write {self._folder / 'dataset'}: {error.strerror or error}; choose a folder that you may write to"
        )


class _Table:
    """One Parquet file in the making. Row groups have their full size whatever the portions that arrive."""

    def __init__(self, path: Path, rows: int) -> None:
        self.path = path
        self.count = 0
        self._rows = rows
        self._last: str | None = None
        self._waiting: list[pa.Table] = []
        self._file: pq.ParquetWriter | None = None

    def write(self, table: pd.DataFrame) -> None:
        if table.empty:
            return
        first = str(table["image"].iloc[0])
        if self._last is not None and first <= self._last:
            msg = f"{first!r} was written after {self._last!r}; pieces are written in the order of their keys"
            raise InputError(msg)
        self._last = str(table["image"].iloc[-1])
        self._waiting.append(self._arrow(table))
        self.count += len(table)
        while sum(map(len, self._waiting)) >= self._rows:
            self._flush()

    def _arrow(self, table: pd.DataFrame) -> pa.Table:
        schema = self._file.schema if self._file else None
        arrow = pa.Table.from_pandas(table, schema=schema, preserve_index=False)
        if self._file is None:
            self._file = pq.ParquetWriter(self.path, arrow.schema, compression=COMPRESSION)
        return arrow

    def _flush(self) -> None:
        """Write one row group of what is waiting."""
        table = pa.concat_tables(self._waiting)
        self._waiting = [table.slice(self._rows)]
        if self._file is not None:
            self._file.write_table(table.slice(0, self._rows).combine_chunks(), row_group_size=self._rows)

    def finish(self, empty: pd.DataFrame) -> None:
        """Write what is waiting; a table without rows gets the columns of an empty one."""
        if self._file is None:
            self._waiting = [self._arrow(empty)]
        if sum(map(len, self._waiting)) or not self.count:
            self._flush()
        self.close()
        _to_disk(self.path)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def names(self) -> list[str]:
        with pq.ParquetFile(self.path) as file:
            return list(file.schema_arrow.names)

    def column(self, name: str) -> Iterator[pd.Series[Any]]:
        """Yield a column of the finished file in parts."""
        with pq.ParquetFile(self.path) as file:
            for number in range(file.num_row_groups):
                yield file.read_row_group(number, columns=[name]).to_pandas()[name]


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
