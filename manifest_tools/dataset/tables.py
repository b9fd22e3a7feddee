"""The two tables of a data set: their columns, and how a table becomes one of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

# Column -> (pandas dtype, value where nothing is known). Text is never null: "" means none.
IMAGE_COLUMNS: Mapping[str, tuple[str, Any]] = {
    "image": ("str", ""),  # key: POSIX path relative to the root, or the s3:// URI
    "uri": ("str", ""),  # where the bytes are: path relative to the root, or s3:// URI
    "bytes": ("int64", 0),
    "sha256": ("str", ""),
    "format": ("str", ""),  # by content: JPEG, PNG, GIF, ...
    "width": ("int32", 0),  # pixels, as stored
    "height": ("int32", 0),
    "mode": ("str", ""),
    "frames": ("int32", 0),
    "orientation": ("int8", 1),  # EXIF, 1-8
    "decode_error": ("str", ""),  # "", or "kind: detail"
    "remarks": ("str", ""),  # facts that do not stop decoding: "key: detail; key"
    "phash": ("str", ""),  # perceptual hash, hex; "" when the image has no usable one
    "views": ("str", ""),  # further hashes of the same picture, hex
    "sketch": ("str", ""),  # small grey thumbnail for the confirming look, hex
    "shown": ("str", ""),  # views and sketch as people see it, where transparency makes that another picture
    "group": ("str", ""),  # the smallest `image` of its look-alikes; itself when alone
    "split_group": (
        "str",
        "",
    ),  # the smallest `image` of those that one side of the split must have; "": as `group`
    "judged": ("str", ""),  # what people looked for: "all", "scope", or "" for nobody looked
    "predicted": ("str", ""),  # base model version that was asked
    "min_confidence": ("float64", np.nan),  # the confidence from which it reported
    "content_types": ("str", ""),  # "Animated", "Illustrated", both; "none"; "": the answer tells not
    "split": ("str", ""),  # train, test or ""
    "locked": ("bool", False),  # an earlier round fixed the split
    "set_aside": ("str", ""),  # why the image was not selected; "" when it was
}
LABEL_COLUMNS: Mapping[str, tuple[str, Any]] = {
    "image": ("str", ""),
    "label": ("str", ""),  # as found
    "source": ("str", ""),  # table, folder, manifest, predictions, review:NAME
    "truth": ("boolean", pd.NA),  # present, absent, or not known
    "score": ("float64", np.nan),  # base model confidence, 0-100
    "line": ("Int64", pd.NA),  # of the source's file, from 1
}
# Of a table that tells of copies in the place of images, and of no other.
COPY_COLUMNS: Mapping[str, tuple[str, Any]] = {
    "derived_sha256": ("str", ""),  # of the copy; "" where there is none
    "derived_format": ("str", ""),  # JPEG or PNG
    "derived_bytes": ("int64", 0),
    "derived_width": ("int32", 0),
    "derived_height": ("int32", 0),
    "derived_why": ("str", ""),  # what the copy is made for; or FAILED and the reason
}
TEST_SET = "test_set"
# Of a table that has several test sets, and of no other: the number of a test image's set, counted from 1; else 0.
TEST_SET_COLUMNS: Mapping[str, tuple[str, Any]] = {TEST_SET: ("int32", 0)}
KNOWN_COLUMNS: Mapping[str, tuple[str, Any]] = {**IMAGE_COLUMNS, **COPY_COLUMNS, **TEST_SET_COLUMNS}
IMAGE_KEY = ["image"]
KEPT = "kept"  # the source under which the kept columns are told
GROUPS = "groups"  # the source under which the columns that a data set is grouped by are told
SLICES = "slices"  # the source under which the columns of slices are told
KEPT_TYPES = ("str", "Int64", "float64", "boolean")  # of columns that somebody asked to keep
LABEL_KEY = ["image", "label", "source"]
_parsed = cache(pd.api.types.pandas_dtype)


def typed_images(images: pd.DataFrame) -> pd.DataFrame:
    """Return an images table with every column, typed, in order and sorted; kept columns stand behind ours."""
    for name in kept_columns(images):
        column = typed_kept(images[name])
        if column is not images[name]:
            images = images.assign(**{name: column})
    return typed(images, IMAGE_COLUMNS, IMAGE_KEY)


def kept_columns(images: pd.DataFrame) -> list[str]:
    """Return the columns of an images table that are not ours: those that somebody asked to keep."""
    return [str(name) for name in images.columns if name not in KNOWN_COLUMNS]


def typed_kept(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a kept column as text, whole numbers, numbers, or true and false; of a type that has no other form."""
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype) or str(kind) in KEPT_TYPES:
        return column.fillna("") if str(kind) == "str" and column.isna().any() else column
    if pd.api.types.is_bool_dtype(kind):
        return column.astype("boolean")
    if pd.api.types.is_integer_dtype(kind):
        return column.astype("Int64")
    if pd.api.types.is_float_dtype(kind):
        return column.astype("float64")
    if pd.api.types.is_object_dtype(kind) or pd.api.types.is_string_dtype(kind):
        kept = column.dropna()
        for dtype, types in (("boolean", bool), ("Int64", int), ("float64", int | float)):
            if len(kept) and all(
                isinstance(value, types) and (dtype == "boolean" or not isinstance(value, bool))
                for value in kept
            ):
                return column.astype(cast("Any", dtype))
        texts = [None if pd.isna(value) else str(value) for value in column]
        return pd.Series(texts, index=column.index, name=column.name, dtype="str").fillna("")
    return column


def typed_labels(labels: pd.DataFrame | None) -> pd.DataFrame:
    """Return a labels table with every column, typed, in order and sorted; an empty one for None."""
    labels = pd.DataFrame(columns=list(LABEL_COLUMNS)) if labels is None else labels
    return typed(labels, LABEL_COLUMNS, LABEL_KEY)


def _is_sorted(keys: pd.Series[str]) -> bool:
    """Whether texts ascend; pandas would make an object of each to tell."""
    texts = pa.chunked_array(keys)
    return len(texts) < 2 or bool(pc.all(pc.less_equal(texts[:-1], texts[1:])).as_py())


def typed(table: pd.DataFrame, columns: Mapping[str, tuple[str, Any]], key: list[str]) -> pd.DataFrame:
    """Complete, type, order and sort a table; columns that are not ours stay, behind ours."""
    completed = {}
    for name, (dtype, default) in columns.items():
        if name not in table.columns:
            completed[name] = pd.Series([default] * len(table), index=table.index, dtype=cast("Any", dtype))
            continue
        column, wanted = table[name], _parsed(dtype)
        if not pd.isna(default) and column.hasnans:
            column = column.astype(object).where(column.notna(), default)
        completed[name] = column if column.dtype == wanted else column.astype(wanted)
    for name in table.columns.difference(list(columns), sort=False):
        completed[name] = table[name]
    result = pd.DataFrame(completed, index=table.index, copy=False)
    if len(key) == 1 and _is_sorted(result[key[0]]):  # sorting copies the table
        return result.reset_index(drop=True)
    return result.sort_values(key, kind="stable", ignore_index=True)
