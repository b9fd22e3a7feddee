"""Images inside Parquet files, written out once into the output folder, where everything else can read them."""

from __future__ import annotations

from pathlib import Path

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.parquet_tables import (
    is_parquet,
    parquet_columns,
    parquet_files,
    unpack_images,
)
from manifest_tools.sources.formats.tables import LABEL_NAMES, find_column

MARK = "images-unpacked"  # the file that makes a folder ours before there is a data set in it
_IMAGES = "images"


def packed_images(images: str | Path) -> list[Path]:
    """Return the Parquet files that hold the images of a place; none where they are files of their own.

    Raises
    ------
    InputError
        The place is a Parquet file without images inside.
    """
    if str(images).startswith("s3://"):
        return []
    files = parquet_files(images)
    if not files and is_parquet(images):
        msg = f"{images}: Parquet without images inside; give the folder of the images, and this file as --labels"
        raise InputError(msg)
    return files


def unpack(files: list[Path], folder: Path) -> Path:
    """Write the images inside Parquet files into an output folder of ours; return the folder that holds them.

    What the files no longer hold is removed.
    """
    target = folder / _IMAGES
    target.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    kept = unpack_images(files, target)
    for path in target.rglob("*"):
        if path.is_file() and path.relative_to(target).as_posix() not in kept:
            path.unlink()
    return target


def labels_inside(files: list[Path]) -> bool:
    """Whether each of the files has a column of labels."""
    return bool(files) and all(find_column(parquet_columns(file), LABEL_NAMES) for file in files)
