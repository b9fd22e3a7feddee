"""Copies and look-alikes: from fingerprints to groups."""

from __future__ import annotations

from manifest_tools.duplicates.grouping import group_duplicates
from manifest_tools.duplicates.near_pairs import near_pairs

__all__ = ["group_duplicates", "near_pairs"]
