"""A saved data set as far as judging needs it: millions of images in a few gigabytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.saved_files import frame_of, open_table, readable, typed_arrow
from manifest_tools.dataset.tables import (
    COPY_COLUMNS,
    IMAGE_COLUMNS,
    IMAGE_KEY,
    LABEL_COLUMNS,
    LABEL_KEY,
    TEST_SET,
    typed,
)

FINGERPRINTS = ("phash", "views", "sketch", "shown")  # columns that only the search for look-alikes reads
_LEAN = {name: kind for name, kind in IMAGE_COLUMNS.items() if name not in FINGERPRINTS}
JUDGED = (*_LEAN, *COPY_COLUMNS, TEST_SET)  # those that not every table has, where they are
COMPARED = (
    "sha256",
    "group",
    "split_group",
)  # columns of which judging needs to know which images have one value
_OWN = (
    "image",
    "uri",
    "sha256",
    "group",
)  # text that differs from image to image; all other text is repeated


@contextmanager
def freed_at_once() -> Iterator[None]:
    """Let Arrow give memory back as soon as it is free; its own pool keeps half as much again, for speed."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)


def load_judged(folder: str | Path) -> Dataset:
    """Read the images of a saved data set to judge them: without fingerprints, and with repeated texts as categories.

    To be looked at, not to be saved: what was not read would be lost. :func:`load_labels` reads the label rows.

    Raises
    ------
    InputError
        The folder holds no data set, a broken one, or one of a newer library.
    """
    frame = Dataset.load_frame(folder)
    images = _read(folder, "images", _LEAN, IMAGE_KEY)
    with readable(Path(folder) / "dataset"):
        _see_unique(images["image"])
    if images["uri"].equals(images["image"]):  # as nearly always: the text is held once
        images["uri"] = images["image"]
    return replace(frame, images=images)


def _see_unique(keys: pd.Series[str]) -> None:
    """Refuse two rows of one image; they stand in order, so that only neighbours can be equal."""
    texts = pa.chunked_array(keys)
    same = pc.equal(texts[:-1], texts[1:]) if len(texts) > 1 else pa.chunked_array([[False]])
    if pc.any(same).as_py():
        name = keys[pc.index(same, True).as_py()]
        msg = f"images.parquet: several rows have the image {name[:100]!r}"
        raise ValueError(msg)


def load_labels(folder: str | Path) -> pd.DataFrame:
    """Read the label rows of a saved data set, likewise."""
    return _read(folder, "labels", LABEL_COLUMNS, LABEL_KEY)


def _read(
    folder: str | Path,
    name: str,
    columns: Mapping[str, tuple[str, Any]],
    key: Sequence[str],
) -> pd.DataFrame:
    lean = {
        column: ("category" if kind == "str" and column not in _OWN else kind, default)
        for column, (kind, default) in columns.items()
    }
    place = Path(folder) / "dataset"
    file_name = f"{name}.parquet"
    read = {}
    with readable(place), freed_at_once(), open_table(place / file_name, key) as file:
        kept = [
            column for column in file.schema_arrow.names if column not in IMAGE_COLUMNS and name == "images"
        ]
        for column in (*lean, *kept):
            if column in file.schema_arrow.names:  # one after the other: none is held twice for long
                table = typed_arrow(file.read([column]), columns, key, file_name)
                texts = pa.types.is_large_string(table[column].type) and column not in _OWN
                read[column] = (
                    table[column].dictionary_encode().to_pandas()
                    if texts
                    else frame_of(table, columns)[column]
                )
        return typed(pd.DataFrame(read, copy=False), lean, IMAGE_KEY)
