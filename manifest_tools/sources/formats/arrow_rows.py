"""Many rows of few texts and numbers, held by column in Arrow's memory: a third of what objects take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from manifest_tools.dataset.judged import freed_at_once

TEXT = pa.large_string()
WORD = pa.dictionary(pa.int32(), TEXT)  # text that is the same in many rows
_PIECE = 1 << 12  # rows that are objects at a time
_DTYPES = {TEXT: "str", WORD: "str", pa.bool_(): "boolean", pa.int64(): "Int64", pa.float64(): "float64"}


class ArrowRows:
    """Rows that are added one by one.

    Parameters
    ----------
    fields : mapping of str to pyarrow.DataType
        The columns in order; text, word, bool_, int64 or float64.
    """

    def __init__(self, fields: Mapping[str, pa.DataType]) -> None:
        self._fields = dict(fields)
        self._pieces: list[list[Any]] = []
        self._open: list[Sequence[Any]] = []

    def append(self, row: Sequence[Any]) -> None:
        """Add a row with a value for each column."""
        self._open.append(row)
        if len(self._open) == _PIECE:
            self._close()

    def extend(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows."""
        for row in rows:
            self.append(row)

    def _close(self) -> None:
        columns = zip(*self._open, strict=True)
        with freed_at_once():
            arrays = [
                # pyarrow 17 makes no such words of a list
                pa.array(values, TEXT).dictionary_encode() if kind == WORD else pa.array(values, kind)
                for values, kind in zip(columns, self._fields.values(), strict=True)
            ]
        self._pieces.append(arrays)
        self._open = []

    def frame(self) -> pd.DataFrame:
        """Return the rows as a table."""
        if self._open:
            self._close()
        columns: dict[str, Any] = {}
        for place, (name, kind) in enumerate(self._fields.items()):
            column = pa.chunked_array([piece[place] for piece in self._pieces], kind)
            text = column.cast(TEXT) if kind == WORD else column
            columns[name] = pd.array(
                text if kind in (TEXT, WORD) else column.to_pandas(), dtype=_DTYPES[kind]
            )
        return pd.DataFrame(columns, copy=False)

    def __len__(self) -> int:
        return _PIECE * len(self._pieces) + len(self._open)

    def __getitem__(self, place: int) -> tuple[Any, ...]:
        number, place = divmod(range(len(self))[place], _PIECE)
        if number == len(self._pieces):
            return tuple(self._open[place])
        return tuple(column[place].as_py() for column in self._pieces[number])

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for piece in self._pieces:
            yield from zip(*map(objects, piece), strict=True)
        yield from self._open


def objects(column: Any) -> list[Any]:
    """Return the values of an Arrow array as Python's."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_integer(column.type) and column.null_count:
        return list(column.to_pylist())  # numpy would make fractions of them
    return list(column.to_numpy(zero_copy_only=False).tolist())
