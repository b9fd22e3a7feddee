"""Many label rows in little memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import pandas as pd
import pyarrow as pa

from manifest_tools.sources.formats.arrow_rows import TEXT, WORD, ArrowRows
from manifest_tools.sources.formats.tables import LabelRow

_FIELDS = dict(zip(LabelRow._fields, (TEXT, WORD, pa.bool_(), pa.int64()), strict=True))


class LabelRows(Sequence[LabelRow]):
    """Label rows that are held in Arrow's memory, and made into objects when they are read.

    Parameters
    ----------
    rows : iterable of LabelRow
        Read once.

    Examples
    --------
    >>> rows = LabelRows([LabelRow("a.jpg", "Alcohol", True, 2)])
    >>> rows[0].label, rows == (LabelRow("a.jpg", "Alcohol", True, 2),)
    ('Alcohol', True)
    """

    def __init__(self, rows: Iterable[LabelRow] = ()) -> None:
        self._rows = ArrowRows(_FIELDS)
        self._rows.extend(rows)

    def frame(self) -> pd.DataFrame:
        """Return the rows as a table."""
        return self._rows.frame()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[LabelRow]:
        return map(LabelRow._make, self._rows)

    @overload
    def __getitem__(self, index: int) -> LabelRow: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[LabelRow]: ...

    def __getitem__(self, index: int | slice) -> LabelRow | Sequence[LabelRow]:
        return tuple(self)[index] if isinstance(index, slice) else LabelRow._make(self._rows[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"LabelRows({list(self)!r})"


def like(rows: Sequence[LabelRow], new: Iterable[LabelRow]) -> Sequence[LabelRow]:
    """Return new rows in what holds the others."""
    return LabelRows(new) if isinstance(rows, LabelRows) else tuple(new)
