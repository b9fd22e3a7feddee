"""What look-alikes are found by: the fingerprints of many images as plain arrays, in memory or in files."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.core.output_folder import reserve
from manifest_tools.duplicates.fingerprints import SKETCH_SIDE, VIEWS
from manifest_tools.duplicates.sorting import IntArray, UInt64Array

ROWS = 1 << 16  # read and turned from hex together
DIGEST = 32  # bytes of a SHA-256
SKETCH = SKETCH_SIDE**2 // 2  # bytes of a sketch

UInt8Array = npt.NDArray[np.uint8]
_Table = TypeVar("_Table", bound=npt.NDArray[Any])


@dataclass(frozen=True)
class FingerprintTable:
    """The fingerprints of images, one row each, in the order of the images; behind them those of second looks.

    A picture of which people see something else than the model has a second look (:mod:`manifest_tools.images.transparency`),
    so that copies are found by what is seen either way.

    Attributes
    ----------
    sha256 : ndarray of uint8, shape (n, 32)
    hashed : ndarray of bool, shape (n,)
        Whether the SHA-256 is known.
    phash : ndarray of uint64, shape (n,)
    views : ndarray of uint64, shape (n + second looks, views)
    sketches : ndarray of uint8, shape (n + second looks, 512)
    seen : ndarray of bool, shape (n + second looks,)
        Whether there is a fingerprint: `phash`, `views` and `sketches`.
    owner : ndarray of int64, shape (second looks,)
        The image of each second look. Files have room for more of them than there are.
    """

    sha256: UInt8Array
    hashed: npt.NDArray[np.bool_]
    phash: UInt64Array
    views: UInt64Array
    sketches: UInt8Array
    seen: npt.NDArray[np.bool_]
    owner: IntArray

    @property
    def images(self) -> int:
        """Return the number of images."""
        return len(self.hashed)

    @property
    def second_looks(self) -> IntArray:
        """Return the rows of the second looks."""
        return self.images + np.flatnonzero(self.seen[self.images :])

    @classmethod
    def of(cls, images: pd.DataFrame) -> FingerprintTable:
        """Return the fingerprints of a table with the columns `sha256`, `phash`, `views`, `sketch` and `shown`."""
        count, more = len(images), int((images["shown"] != "").sum())
        prints = cls(
            **{
                name: np.zeros((_rows(name, count, more), *shape), dtype=kind)
                for name, (kind, shape) in _LAYOUT.items()
            }
        )
        for start in range(0, count, ROWS):
            prints.fill(start, images.iloc[start : start + ROWS])
        return prints

    @classmethod
    def allocate(cls, count: int, folder: Path, *, filled: Collection[str] | None = None) -> FingerprintTable:
        """Return room for the fingerprints of so many images, in files of a folder: 642 bytes an image.

        Second looks take their room, 609 bytes each, when they come.

        Parameters
        ----------
        count : int
        folder : Path
        filled : collection of str, optional
            The members that will be filled, by default all: the others take no room on the disk.

        Raises
        ------
        OutputError
            There is no room on the disk.
        """
        full = max(count, 1)  # a file cannot be mapped while it is empty
        try:
            return cls(
                **{
                    name: _mapped_file(
                        folder / f"{name}.bin",
                        kind,
                        (_rows(name, full, full), *shape),
                        reserved=full if name != "owner" and (filled is None or name in filled) else 0,
                    )[: _rows(name, count, count)]
                    for name, (kind, shape) in _LAYOUT.items()
                }
            )
        except OSError as error:
            size = sum(full * np.dtype(kind).itemsize * math.prod(shape) for kind, shape in _LAYOUT.values())
            msg = f"cannot write {folder}: {error.strerror or error}; {count:,} images need {size / 1e9:.1f} GB there"
            raise OutputError(msg) from error

    def fill(self, start: int, images: pd.DataFrame) -> None:
        """Set the rows from `start` to those of a table with the columns `sha256`, `phash`, `views`, `sketch`, `shown`.

        Raises
        ------
        OutputError
            There is no room on the disk for second looks.
        """
        here = slice(start, start + len(images))
        hashed = (images["sha256"] != "").to_numpy(dtype=np.bool_)
        widths = {"phash": 8, "views": 8 * len(VIEWS), "sketch": SKETCH}
        seen = np.logical_and.reduce(
            [(images[name].str.len() == 2 * width).to_numpy(dtype=np.bool_) for name, width in widths.items()]
        )
        words = {name: _fingerprints(images[name][seen], width) for name, width in widths.items()}
        for table, rows, values in (
            (self.hashed, slice(None), hashed),
            (self.seen, slice(None), seen),
            (self.sha256, hashed, _digests(images["sha256"][hashed])),
            (self.phash, seen, words["phash"].view(">u8")[:, 0]),
            (self.views, seen, words["views"].view(">u8")),
            (self.sketches, seen, words["sketch"]),
        ):
            mapped(table, "r+")[here][rows] = values
        self._add_second_looks(start, images["shown"])

    def _add_second_looks(self, start: int, shown: pd.Series[str]) -> None:
        rows = np.flatnonzero((shown.str.len() == 2 * (8 * len(VIEWS) + SKETCH)).to_numpy(dtype=np.bool_))
        if not len(rows):
            return
        words = _fingerprints(shown.iloc[rows], 8 * len(VIEWS) + SKETCH)
        known = int(np.count_nonzero(self.seen[self.images :]))
        for table, first, values in (
            (self.views, self.images + known, np.ascontiguousarray(words[:, : 8 * len(VIEWS)]).view(">u8")),
            (self.sketches, self.images + known, words[:, 8 * len(VIEWS) :]),
            (self.owner, known, start + rows),
            (self.seen, self.images + known, True),
        ):
            _make_room(table, first + len(rows))
            mapped(table, "r+")[first : first + len(rows)] = values


_LAYOUT: dict[str, tuple[Any, tuple[int, ...]]] = {
    "sha256": (np.uint8, (DIGEST,)),
    "hashed": (np.bool_, ()),
    "phash": (np.uint64, ()),
    "views": (np.uint64, (len(VIEWS),)),
    "sketches": (np.uint8, (SKETCH,)),
    "seen": (np.bool_, ()),
    "owner": (np.int64, ()),
}


def _rows(name: str, images: int, second_looks: int) -> int:
    """Return how many rows a member has."""
    if name == "owner":
        return second_looks
    return images + second_looks if name in {"views", "sketches", "seen"} else images


def _mapped_file(path: Path, kind: Any, shape: tuple[int, ...], *, reserved: int) -> npt.NDArray[Any]:
    """Make a mapped file, with room on the disk for the first so many rows."""
    table = np.memmap(path, dtype=kind, mode="w+", shape=shape)
    if reserved:
        reserve(path, reserved * (table.nbytes // len(table)))
    return table


def _make_room(table: npt.NDArray[Any], rows: int) -> None:
    """See that there is room on the disk for the first so many rows of a table in a file."""
    if not isinstance(table, np.memmap):
        return
    try:
        reserve(Path(table.filename or ""), rows * (table.nbytes // len(table)))
    except OSError as error:
        raise OutputError(f"cannot write {table.filename}: {error.strerror or error}") from error


def mapped(table: _Table, mode: Literal["r", "r+"] = "r") -> _Table:
    """Return a table in a file mapped anew, and one in memory as it is.

    What has been read of a mapping stays in memory as long as the mapping; one that is used once and dropped takes
    no more than was read by it.
    """
    if not isinstance(table, np.memmap):
        return table
    again = np.memmap(table.filename or "", dtype=table.dtype, mode=mode, shape=table.shape)
    return cast(_Table, again)


def _bytes_of(column: pd.Series[str], width: int) -> UInt8Array:
    """Return hex strings of equal length as rows of bytes."""
    return np.frombuffer(bytes.fromhex("".join(column)), dtype=np.uint8).reshape(-1, width)


def _fingerprints(column: pd.Series[str], width: int) -> UInt8Array:
    try:
        return _bytes_of(column, width)
    except ValueError as error:
        name = column.name
        msg = f"column {name!r} of the images holds what is no fingerprint; inspect them anew, in another folder"
        raise InputError(msg) from error


def _digests(column: pd.Series[str]) -> UInt8Array:
    """Return SHA-256 in hex as rows of bytes; another mark of the content is hashed itself."""
    try:
        if (column.str.len() == 2 * DIGEST).all():
            return _bytes_of(column, DIGEST)
    except ValueError:
        pass  # not hex
    digests = b"".join(hashlib.sha256(mark.encode()).digest() for mark in column)
    return np.frombuffer(digests, dtype=np.uint8).reshape(-1, DIGEST)
