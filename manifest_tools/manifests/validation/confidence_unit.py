"""Whether what a model said is in per cent: fractions in a manifest turn its right answers into silence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from manifest_tools.dataset.reported_scores import Doubt, doubt_about_unit
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding
from manifest_tools.manifests.kinds import BASE_PREDICTION, LABELS, PREDICTION, Kind
from manifest_tools.manifests.line_reader import Block, LongLine
from manifest_tools.manifests.validation.problems import Problem
from manifest_tools.manifests.validation.tally import Tally

CODE = "confidence-unit"
_PER_CENT = re.compile(rb'"Confidence": ?(?:[2-9]|[1-9][0-9]|1\.0*[1-9])')
_SCORE = re.compile(rb'"Confidence": ?([0-9]+(?:\.[0-9]+)?)')


def predicted_scores(line: Mapping[str, Any]) -> list[float]:
    """Return the confidences of the labels that models report in a line."""
    answers = [line.get(key) for key in (PREDICTION, BASE_PREDICTION)]
    lists = [answer.get(LABELS) for answer in answers if isinstance(answer, dict)]
    labels = [
        entry for found in lists if isinstance(found, list) for entry in found if isinstance(entry, dict)
    ]
    scores = [entry.get("Confidence") for entry in labels]
    return [float(score) for score in scores if isinstance(score, int | float)]


def unit_problem(line: Mapping[str, Any]) -> Problem | None:
    """Return the problem of a line whose highest confidence is at most 1: a fraction, if others of the file are so."""
    highest = max(predicted_scores(line), default=0.0)
    return Problem(CODE, {"score": highest}, "mixed") if 0 < highest <= 1 else None


def has_per_cent(data: bytes) -> bool:
    """Whether a confidence above 1 stands in some lines."""
    return _PER_CENT.search(data) is not None


def unit_finding(
    name: str, kind: Kind | None, tally: Tally, blocks: Iterable[Block | LongLine]
) -> Finding | None:
    """Return what is to be said of a file's unit; `blocks` are read where some of its lines are in doubt.

    The lines in doubt are taken out of the tally.
    """
    seen = tally.problems.pop((CODE, "mixed"), None)
    if seen is None:
        return None
    number, image, problem = seen.first[0]
    score = problem.data["score"] if problem else 0.0
    place: dict[str, Any] = {
        "file": name,
        "line": number,
        "image": image or None,
        "count": seen.count,
        "score": score,
    }
    if not tally.per_cent:
        return finding(CODE, **place)
    if kind is Kind.MODERATION_OUTPUT:  # reports from 5 on
        return finding(CODE, variant="output", **place)
    scores = {
        float(text) for block in blocks if isinstance(block, Block) for text in _SCORE.findall(block.data)
    }
    doubt = doubt_about_unit(np.array(sorted(scores)))
    return finding(CODE, variant="mixed", **place) if doubt is Doubt.MIXED else None
