"""Derived copies: the files that are sent in the place of images, and the columns that tell of them.

The columns stand in the images table of a data set that has copies, and in no other. The image keeps its key, its own
SHA-256, its labels, its group and its side; what a manifest and a publication need of the copy is in these columns.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from manifest_tools.core.arrays import Mask
from manifest_tools.core.content_type import SUFFIXES
from manifest_tools.dataset.tables import COPY_COLUMNS

if TYPE_CHECKING:
    from manifest_tools.dataset.dataset import Dataset

FOLDER: Final = "derived"  # of the output folder; and the source under which its place is kept
METADATA: Final = "metadata"  # what a copy is made for that differs in nothing that is seen
FAILED: Final = "failed: "
_SENT: Final = {
    "sha256": "derived_sha256",
    "format": "derived_format",
    "bytes": "derived_bytes",
    "width": "derived_width",
    "height": "derived_height",
}


def has_copies(images: pd.DataFrame) -> bool:
    """Whether a table tells of copies."""
    return "derived_sha256" in images.columns


def copied(images: pd.DataFrame) -> Mask:
    """Return the images that have a copy, shape (images,)."""
    if not has_copies(images):
        return np.zeros(len(images), dtype=bool)
    return np.asarray((images["derived_sha256"] != "").to_numpy())


def redrawn(images: pd.DataFrame) -> Mask:
    """Return the images that have a copy with other pixels or another format, shape (images,)."""
    if not has_copies(images):
        return np.zeros(len(images), dtype=bool)
    return np.asarray(copied(images) & (images["derived_why"] != METADATA).to_numpy())


def as_sent(images: pd.DataFrame) -> pd.DataFrame:
    """Return an images table with the facts about what is sent: of the copy, where there is one."""
    rows = copied(images)
    if not rows.any():
        return images
    changed = {
        own: images[own].astype(_dtype(copy)).where(~rows, images[copy].astype(_dtype(copy)))
        for own, copy in _SENT.items()
        if own in images.columns
    }
    if (
        "decode_error" in images.columns
    ):  # what inspection could not decode, and copying could; nothing else is forgiven
        errors = images["decode_error"].astype("str")
        changed["decode_error"] = errors.where(~rows | ~errors.str.startswith("unsupported"), "")
    return images.assign(**changed)


def _dtype(column: str) -> Any:
    return COPY_COLUMNS[column][0]


def copy_names(images: pd.DataFrame) -> pd.Series[str]:
    """Return the file name of each image's copy: its SHA-256 and the suffix of its format; "" where there is none."""
    if not has_copies(images):
        return pd.Series("", index=images.index, dtype="str")
    suffix = images["derived_format"].astype("str").map({name: ends[0] for name, ends in SUFFIXES.items()})
    return images["derived_sha256"].astype("str") + suffix.fillna("").where(copied(images), "")


def copy_path(dataset: Dataset, name: str, folder: str | Path | None = None) -> Path:
    """Return where a copy is: in the output folder, where that has it, else where the copies were made."""
    here = Path(folder or "") / FOLDER / name
    if folder is not None and here.is_file():
        return here
    return Path(str(dataset.sources.get(FOLDER, {}).get("folder", ""))) / name
