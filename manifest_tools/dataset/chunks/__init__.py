"""Saved data sets, read and written a piece at a time: for what needs whole rows of more images than memory holds.

A piece is a range of images with the label rows that stand beside them. In the files it is a row group of
``images.parquet``; label rows whose image does not exist belong to the piece that their key would be in.
"""

from __future__ import annotations

from manifest_tools.dataset.chunks.reading import SavedDataset
from manifest_tools.dataset.chunks.writing import DatasetWriter

__all__ = ["DatasetWriter", "SavedDataset"]
