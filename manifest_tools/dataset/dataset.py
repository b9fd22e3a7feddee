"""The data set: two tables, what they were made from, and how.

A data set has no business methods. Steps take one and return a new one; see the columns below.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from manifest_tools.core.errors import InputError
from manifest_tools.core.json_text import parse_json
from manifest_tools.core.taxonomy import CURRENT
from manifest_tools.core.text import counted
from manifest_tools.core.version import library_version
from manifest_tools.dataset.saved_files import FORMAT, read_document, read_table, readable, see_dataset
from manifest_tools.dataset.tables import (
    GROUPS,
    IMAGE_COLUMNS,
    IMAGE_KEY,
    KEPT,
    KNOWN_COLUMNS,
    LABEL_COLUMNS,
    LABEL_KEY,
    SLICES,
    typed_images,
    typed_labels,
)

if TYPE_CHECKING:
    from hashlib import _Hash as Digest

COMPRESSION: Final = "zstd"
PIECE_ROWS = 65_536  # of a saved table that can be read by themselves (a Parquet row group)
_LOOKS = 3  # at a data set that another process changes meanwhile
_ROWS = 1 << 14  # of a table that are made into text at a time
_BETWEEN = pa.scalar("\x1f", pa.large_string())  # the values of a column


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images, labels, and where they come from. Two are equal when all of their members are.

    Parameters
    ----------
    images : pandas.DataFrame
        One row per image, sorted by `image`; columns as in ``IMAGE_COLUMNS``, and behind them those that were kept
        of people's tables (``keep`` of :func:`manifest_tools.read_images`).
    labels : pandas.DataFrame
        Long form, sorted by `image`, `label`, `source`; columns as in ``LABEL_COLUMNS``. Labels stay as found.
    root : str
        Folder that relative URIs start from; empty when every URI is absolute.
    taxonomy : str
        Version of the taxonomy that the labels are read by.
    scope : tuple of str
        The labels that people looked for in an image that is judged by "scope".
    destination : str
        ``s3://bucket/prefix`` that the images will have, or empty.
    keys : {"original", "sha256"}
        How object keys are made below the destination.
    policy : mapping
        The policy in force, as plain values; empty for the default.
    sources : mapping of str to mapping
        For each `source` of the labels: the file it was read from, and what was found in it.
    stop_list : tuple of str
        Files with hashes of known images that are neither shown nor sent (``--stop-list``).
    history : tuple of mapping
        The steps that made this value: name, options, library version, fingerprint of the result.

    Examples
    --------
    >>> import pandas as pd
    >>> from manifest_tools import Dataset
    >>> images = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "split": ["train", "test"]})
    >>> labels = pd.DataFrame({"image": ["a.jpg"], "label": ["Alcohol"], "source": ["table"], "truth": [True]})
    >>> dataset = Dataset.from_tables(images, labels)
    >>> print(dataset)
    Dataset: 2 images (1 train, 1 test), 1 label row from 1 source
    Taxonomy 7. Steps: nothing done yet
      image format  width  height judged split
      a.jpg             0       0        train
      b.jpg             0       0         test
    >>> dataset.equals(Dataset.from_tables(images, labels))
    True
    """

    images: pd.DataFrame
    labels: pd.DataFrame
    root: str = ""
    taxonomy: str = CURRENT
    scope: tuple[str, ...] = ()
    destination: str = ""
    keys: str = "original"
    policy: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    history: tuple[Mapping[str, Any], ...] = ()
    stop_list: tuple[str, ...] = ()

    @classmethod
    def from_tables(cls, images: pd.DataFrame, labels: pd.DataFrame | None = None, **options: Any) -> Self:
        """Build a data set from partial tables: columns are completed, typed and sorted.

        Parameters
        ----------
        images : pandas.DataFrame
            At least the column `image`.
        labels : pandas.DataFrame, optional
            At least `image`, `label` and `source`.
        **options
            The other members of the class.
        """
        return cls(typed_images(images), typed_labels(labels), **options)

    def step(
        self,
        name: str,
        *,
        images: pd.DataFrame | None = None,
        labels: pd.DataFrame | None = None,
        options: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> Self:
        """Return the data set after a step, with the step added to its history.

        Parameters
        ----------
        name : str
            The step's name.
        images, labels : pandas.DataFrame, optional
            The new tables, where they changed; completed, typed and sorted here.
        options : mapping, optional
            What the step was asked, as plain values. Nothing that differs from run to run.
        **changes
            Other members of the class that changed.
        """
        after = replace(
            self,
            images=self.images if images is None else typed_images(images),
            labels=self.labels if labels is None else typed_labels(labels),
            **changes,
        )
        return replace(after, history=with_step(self.history, name, options, after.fingerprint()))

    def fingerprint(self) -> str:
        """Return the SHA-256 (hex) of both tables' content; the same for the same values on any machine."""
        digest = hashlib.sha256()
        for table in (self.images, self.labels):
            for name in table.columns:
                add_column(digest, str(name), len(table), [table[name]])
        return digest.hexdigest()

    def path_of(self, uri: str) -> Path:
        """Return the local path of a relative URI."""
        return Path(self.root) / uri

    def image(self, key: str) -> dict[str, Any]:
        """Return one image's row, with its label rows under "labels".

        Raises
        ------
        KeyError
            There is no such image.
        """
        rows = self.images[self.images["image"] == key]
        if rows.empty:
            raise KeyError(key)
        labels = self.labels[self.labels["image"] == key].drop(columns="image")
        facts = {str(name): value for name, value in rows.iloc[0].items()}
        return facts | {"labels": labels.to_dict("records")}

    def equals(self, other: object) -> bool:
        """Whether another data set holds the same tables (:meth:`pandas.DataFrame.equals`) and the same of the rest."""
        if not isinstance(other, Dataset):
            return False
        tables = ("images", "labels")
        rest = [item.name for item in fields(self) if item.name not in tables]
        return all(getattr(self, name) == getattr(other, name) for name in rest) and all(
            getattr(self, name).equals(getattr(other, name)) for name in tables
        )

    def __eq__(self, other: object) -> bool:
        return self.equals(other) if isinstance(other, Dataset) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # its tables may be changed

    def __repr__(self) -> str:
        """Return the numbers and the first images in a few lines."""
        head, said, steps, shown = self._in_short()
        rows = shown.to_string(index=False, max_colwidth=48).splitlines() if len(shown) else []
        more = ["  ..."] if len(self) > len(shown) else []
        return "\n".join(
            [
                f"{head}, {said}",
                f"Taxonomy {self.taxonomy}. Steps: {steps}",
                *(f"  {row}" for row in rows),
                *more,
            ]
        )

    def _repr_html_(self) -> str:
        """Return the numbers and the first images, for a notebook. No pictures."""
        head, said, steps, shown = self._in_short()
        return (
            f"<div><p><strong>{head}</strong>, {said}. "
            f"Taxonomy {escape(self.taxonomy)}. Steps: {escape(steps)}.</p>"
            f"{shown.to_html(index=False, escape=True, border=0)}</div>"
        )

    def _in_short(self) -> tuple[str, str, str, pd.DataFrame]:
        """Return how many images, how many labels, the steps, and the first images."""
        images, labels = self.images, self.labels
        counts = images["split"].value_counts()
        sides = ", ".join(f"{counts[side]:,} {side}" for side in ("train", "test") if side in counts)
        said = f"{counted(len(labels), 'label row')} from {counted(labels['source'].nunique(), 'source')}"
        steps = " → ".join(str(entry["step"]) for entry in self.history) or "nothing done yet"
        shown = images[["image", "format", "width", "height", "judged", "split"]].head(5)
        return f"Dataset: {counted(len(self), 'image')}{f' ({sides})' if sides else ''}", said, steps, shown

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def save(self, folder: str | Path) -> None:
        """Write ``folder/dataset/{images.parquet,labels.parquet,dataset.json}``, all at once.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        from manifest_tools.dataset.chunks.writing import DatasetWriter  # noqa: PLC0415 - which needs this class

        with DatasetWriter(folder) as writer:
            writer.write(self.images, self.labels)
            writer.finish(self, fingerprint=self.fingerprint())

    def document(self, fingerprint: str) -> str:
        """Return the text of ``dataset.json``, for tables with this fingerprint."""
        document = {
            "format": FORMAT,
            "version": library_version(),
            "root": self.root,
            "taxonomy": self.taxonomy,
            "scope": list(self.scope),
            "destination": self.destination,
            "keys": self.keys,
            "policy": dict(self.policy),
            "sources": {name: dict(source) for name, source in self.sources.items()},
            "history": [dict(entry) for entry in self.history],
            "fingerprint": fingerprint,
        }
        if self.stop_list:
            document["stop_list"] = list(self.stop_list)
        return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            The folder holds no data set, a broken one, or one of a newer library.
        """
        place = see_dataset(folder)
        for _ in range(_LOOKS):
            before = (place / "dataset.json").read_bytes()
            frame = cls.load_frame(folder)
            with readable(place):
                images = read_table(place / "images.parquet", KNOWN_COLUMNS, IMAGE_KEY, unique=True)
                labels = read_table(place / "labels.parquet", LABEL_COLUMNS, LABEL_KEY, unique=False)
                loaded = replace(frame, images=typed_images(images), labels=typed_labels(labels))
            if (place / "dataset.json").read_bytes() == before:
                break
        recorded = parse_json(before, place)["fingerprint"]
        told = {
            name
            for source, member in ((KEPT, "columns"), (GROUPS, "by"), (SLICES, "by"))
            for name in frame.sources.get(source, {}).get(member, ())
        }
        ours = set(IMAGE_COLUMNS) <= set(images) <= {*KNOWN_COLUMNS, *told}  # else another library wrote it
        if ours and loaded.fingerprint() != recorded:
            msg = (
                f"the tables in {place} are not those that its dataset.json was written with; run "
                "'manifest-tools prepare' with --fresh to make them anew"
            )
            raise InputError(msg)
        return loaded

    @classmethod
    def load_frame(cls, folder: str | Path) -> Self:
        """Read everything that :meth:`save` wrote but the rows of the two tables.

        Raises
        ------
        InputError
            As :meth:`load`.
        """
        document = read_document(see_dataset(folder))
        members = ("root", "taxonomy", "destination", "keys", "policy", "sources")
        return cls.from_tables(
            pd.DataFrame(columns=IMAGE_KEY),
            scope=tuple(document["scope"]),
            history=tuple(document["history"]),
            stop_list=tuple(document.get("stop_list", ())),
            **{name: document[name] for name in members},
        )


def remembered_stop_list(folder: str | Path) -> tuple[str, ...]:
    """Return the stop lists that a folder's data set remembers; none where there is no data set."""
    if not (Path(folder) / "dataset" / "dataset.json").is_file():
        return ()
    return Dataset.load_frame(folder).stop_list


def with_step(
    history: Sequence[Mapping[str, Any]], name: str, options: Mapping[str, Any] | None, fingerprint: str
) -> tuple[Mapping[str, Any], ...]:
    """Return a history with one step more, and what it says of the tables that the step made.

    A step that is only done again takes the place of the earlier one, and several that are done again in their order
    and lead to the same tables are not told twice: a run that was killed after its work, and the same run once more,
    leave the same history.
    """
    entry = {  # in the order in which it is read back
        "fingerprint": fingerprint,
        "options": dict(sorted((options or {}).items())),
        "step": name,
        "version": library_version(),
    }
    steps = [*history, entry]
    asked = [(one["step"], one["options"]) for one in steps]
    if asked[-2:-1] == asked[-1:]:
        return (*history[:-1], entry)
    for count in range(2, len(steps) // 2 + 1):
        before = steps[-count - 1]
        if asked[-count:] == asked[-2 * count : -count] and before["fingerprint"] == fingerprint:
            return tuple(steps[:-count])
    return tuple(steps)


def add_column(digest: Digest, name: str, rows: int, parts: Iterable[pd.Series[Any]]) -> None:
    """Add one column of a table, given in parts, to the fingerprint of a data set."""
    digest.update(f"{name}\x1d{rows}\x1d".encode())
    begun = False
    for part in parts:
        if part.dtype.kind in "iufb" and not pd.api.types.is_extension_array_dtype(part.dtype):
            digest.update(np.ascontiguousarray(part.to_numpy()).tobytes())
            continue
        for at in range(0, len(part), _ROWS):  # in portions, to hold no copy of a table
            digest.update(b"\x1f" if begun else b"")
            digest.update(_as_text(part.iloc[at : at + _ROWS]))
            begun = True


def _as_text(values: pd.Series[Any]) -> bytes | pa.Buffer:
    if str(values.dtype) in ("str", "Int64", "boolean"):
        column = pa.array(values)
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if str(values.dtype) == "boolean":
            column = pc.if_else(column, "True", "False")
        if not (str(values.dtype) == "str" and column.null_count):
            texts = column.cast(pa.large_string()).fill_null("")
            rows = pa.ListArray.from_arrays([0, len(texts)], texts)
            return pc.binary_join(rows, _BETWEEN)[0].as_buffer()
    texts = ["" if value is pd.NA else str(value) for value in values.tolist()]
    return "\x1f".join(texts).encode("utf-8", "surrogatepass")
