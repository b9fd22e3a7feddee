"""Given labels that the base model's scores and look-alikes speak against."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np

from manifest_tools.core.arrays import Rows
from manifest_tools.dataset.reviewed import reviewed_cells
from manifest_tools.evaluation.label_errors import Doubts, Suspect
from manifest_tools.findings.findings import LazyFindings
from manifest_tools.rules.evidence import Evidence


def probably_wrong(evidence: Evidence) -> Iterator[LazyFindings]:
    """Labels that are probably wrong, of those that no reviewer confirmed."""
    outcomes = evidence.outcomes
    if not outcomes.asked.any():
        return
    settled = reviewed_cells(evidence.rows, outcomes.labels, evidence.taxonomy, evidence.count)
    doubts = Doubts.of(outcomes, evidence.duplicates.groups, evidence.duplicates.files)
    suspects = sorted(doubts.suspects(settled), key=lambda suspect: (suspect.variant or "", suspect.row))
    for variant, found in groupby(suspects, key=lambda suspect: suspect.variant):
        told = list(found)
        rows: Rows = np.array([suspect.row for suspect in told], dtype=np.int64)

        def details(shown: Rows, told: list[Suspect] = told) -> Iterator[dict[str, Any]]:
            return (suspect.told for suspect in told[: len(shown)])

        yield evidence.about("label-suspect", rows, details, variant=variant)
