"""Hugging Face data sets as Parquet, in one file or in several, with the images inside."""

from __future__ import annotations

from pathlib import Path

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import Annotations
from manifest_tools.sources.formats.label_table import label_table
from manifest_tools.sources.formats.parquet_tables import parquet_files, parquet_records

NAME = "parquet"


def read(path: Path) -> Annotations:
    """Read what every Parquet file with images says of them.

    Raises
    ------
    InputError
        There is none, or one of them has no labels.
    """
    files = parquet_files(path)
    if not files:
        msg = f"{path}: expected Parquet with images inside, in one file or in several of a folder"
        raise InputError(msg)
    tables = [(file.stem, label_table(parquet_records(file), file)) for file in files]
    return Annotations(
        NAME,
        tuple(
            row._replace(reference=f"{stem}/{row.reference}" if len(files) > 1 else row.reference)
            for stem, table in tables
            for row in table.rows
        ),
        categories=tuple(dict.fromkeys(name for _, table in tables for name in table.columns)),
        unread=tuple(dict.fromkeys(name for _, table in tables for name in table.unread)),
    )
