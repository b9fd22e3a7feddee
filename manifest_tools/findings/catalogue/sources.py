"""Codes about annotation exports: entries of theirs that cannot be read."""

from __future__ import annotations

from manifest_tools.findings.catalogue.entry import NOTE, WARNING, Entry, Variant

ENTRIES = (
    Entry(
        "source-entry",
        WARNING,
        "An entry of an annotation export cannot be read, and is skipped. What else is said of its image stays.",
        "{format}: {reason}",
        "Export the annotations again, or correct the entry.",
        "our own check",
        variants={
            "skipped": Variant(
                NOTE,
                "{format}: {reason}",
                "Nothing needs doing, if this was meant.",
            )
        },
    ),
)
