"""Which rows are of one kind or connected, as numbers: cheap to compare, and the same for a table of any size."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Mask: TypeAlias = npt.NDArray[np.bool_]
Rows: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Order: TypeAlias = npt.NDArray[np.uint64]

BLOCK_ROWS = 65_536  # of a table that are looked at together, so that what is derived on the way stays small
_BITS = 30  # columns that one number takes; two such numbers stay below 2**63


def blocks(rows: int) -> Iterator[slice]:
    """Yield the stretches in which so many rows are looked at, one after the other."""
    for start in range(0, rows, BLOCK_ROWS):
        yield slice(start, min(start + BLOCK_ROWS, rows))


def first_equal(values: pd.Series[Any]) -> Rows:
    """Return, for each row, the first row with the same value."""
    import pandas as pd  # noqa: PLC0415 - the other functions need it not

    codes = np.asarray(pd.factorize(values)[0], dtype=np.int64)
    return np.asarray(first_index(codes, np.arange(len(codes)))[codes])


def first_index(ids: Rows, rows: Rows) -> Rows:
    """Return a table from kinds to the first of some rows, given in ascending order; -1 where there is none.

    Kinds are numbers from 0 to below the number of rows.
    """
    first = np.full(len(ids), -1, dtype=np.int64)
    first[ids[rows][::-1]] = rows[::-1]  # where a place is written several times, the last value stays
    return first


def distinct(ids: Rows, mask: Mask) -> int:
    """Count the kinds among some rows. Kinds are as in :func:`first_index`."""
    seen = np.zeros(len(ids), dtype=bool)
    seen[ids[mask]] = True
    return int(seen.sum())


def cumcount(ids: Rows) -> Rows:
    """Return, for each row, how many rows before it are of the same kind."""
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(ids) else order
    sizes = np.diff(np.append(begins, len(ids)))
    before = np.empty(len(ids), dtype=np.int64)
    before[order] = np.arange(len(ids)) - np.repeat(begins, sizes)
    return before


def connected(count: int, first: Rows, second: Rows) -> Rows:
    """Return, for each of `count` items, the smallest item that pairs of items connect it to.

    >>> connected(5, np.array([1, 4]), np.array([4, 3])).tolist()
    [0, 1, 2, 1, 1]
    """
    least = np.arange(count)
    while (apart := least[first] != least[second]).any():
        first, second = first[apart], second[apart]
        one, other = least[first], least[second]
        np.minimum.at(least, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(least, further := least[least]):
            least = further
    return least


def group_ids(columns: Iterable[Mask], rows: int) -> Rows:
    """Number the rows by which of the columns are set: equal numbers for equal rows."""
    ids = np.zeros(rows, dtype=np.int64)
    block = np.zeros(rows, dtype=np.int64)
    for number, column in enumerate(columns):
        place = number % _BITS
        if number and not place:
            ids, block = _together(ids, block), np.zeros(rows, dtype=np.int64)
        block |= column.astype(np.int64) << place
    return _together(ids, block)


def _together(ids: Rows, block: Rows) -> Rows:
    """Number the pairs of two numbers."""
    if not ids.any():
        return block
    return np.asarray(np.unique(ids, return_inverse=True)[1] << _BITS) | block


def order_of(keys: Sequence[str] | pd.Series[str], seed: int) -> Order:
    """Return two numbers for each image that put it into an order which only its key and the seed decide."""
    order = np.empty((len(keys), 2), dtype=np.uint64)
    for here in blocks(len(keys)):
        digests = b"".join(hashlib.sha256(f"{seed}\0{key}".encode()).digest()[:16] for key in keys[here])
        order[here] = np.frombuffer(digests, dtype=">u8").reshape(-1, 2)
    return order
