"""Copies and look-alikes: from fingerprints to groups. What needs tables loads when it is first used: workers do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tools.core.lazy import lazy_names
from manifest_tools.duplicates.near_pairs import near_pairs

if TYPE_CHECKING:
    from manifest_tools.duplicates.grouping import group_duplicates

__all__ = ["group_duplicates", "near_pairs"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "group_duplicates": "manifest_tools.duplicates.grouping",
        "near_pairs": "manifest_tools.duplicates.near_pairs",
    },
)
