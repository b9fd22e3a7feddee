"""Rules about the names that objects will have in S3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from manifest_tools.core.arrays import Rows, blocks
from manifest_tools.dataset.object_keys import (
    discouraged_characters,
    may_be_discouraged,
    refused_keys,
    source_refs,
)
from manifest_tools.findings.findings import LazyFindings
from manifest_tools.rules.evidence import Evidence


def object_keys(evidence: Evidence) -> Iterator[LazyFindings]:
    """Keys that S3 refuses, and keys with characters that it advises against.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    """
    refused = evidence.reasons["object-key"]

    def reasons(rows: Rows) -> Iterator[dict[str, Any]]:
        shown = replace(evidence.dataset, images=evidence.images.iloc[rows])
        return ({"reason": reason} for reason in refused_keys(shown))

    yield evidence.about("object-key", refused, reasons)

    found: dict[int, str] = {}
    for here in blocks(evidence.count):
        references = source_refs(replace(evidence.dataset, images=evidence.images.iloc[here]))
        suspects = np.flatnonzero(may_be_discouraged(references).to_numpy() & ~refused[here])
        for row, reference in zip(suspects.tolist(), references.iloc[suspects], strict=True):
            if characters := discouraged_characters(reference):
                found[here.start + row] = characters

    def details(rows: Rows) -> Iterator[dict[str, Any]]:
        return ({"characters": " ".join(map(_shown, found[row]))} for row in rows.tolist())

    advised = np.fromiter(found, dtype=np.int64)
    yield evidence.about("object-key", advised, details, variant="advised-against")


def _shown(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]
