"""Which images the filter of the review page lets through."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from manifest_tools.core import bounded_json
from manifest_tools.core.arrays import Mask
from manifest_tools.core.errors import InputError
from manifest_tools.core.output_folder import FINDINGS
from manifest_tools.dataset.eligibility import exclusion_reasons
from manifest_tools.review.queue import OUTCOMES, Filter
from manifest_tools.review.state import ReviewState


def matching(wanted: Filter, state: ReviewState, masks: Mapping[str, Mapping[str, Mask]]) -> Mask:
    """Return which images a filter lets through.

    Parameters
    ----------
    wanted : Filter
        The filter.
    state : ReviewState
        What is known of the images.
    masks : mapping
        The images of each finding (under "finding") and of each content type (under "content type").

    Raises
    ------
    InputError
        It names a label, outcome, content type or finding that there is not.
    """
    outcomes = state.outcomes
    chosen = np.ones(len(state.keys), dtype=bool)
    columns = list(range(len(outcomes.labels)))
    if wanted.label:
        if wanted.label not in outcomes.labels:
            raise InputError(f"there is no label {wanted.label!r} at the level that is judged")
        columns = [outcomes.labels.index(wanted.label)]
        if not wanted.outcome:
            chosen &= (outcomes.predicted_positive | outcomes.truth.present)[:, columns[0]]
    if wanted.outcome:
        if wanted.outcome not in OUTCOMES:
            raise InputError(f"outcome is {wanted.outcome!r}; expected one of {', '.join(OUTCOMES)}")
        chosen &= (outcomes.outcome[:, columns] == OUTCOMES[wanted.outcome]).any(axis=1)
    if wanted.split:
        chosen &= state.dataset.images["split"].eq(wanted.split).to_numpy()
    for what, value in (("finding", wanted.finding), ("content type", wanted.content_type)):
        if value and value not in masks[what]:
            raise InputError(f"no image has the {what} {value!r}")
        if value:
            chosen &= masks[what][value]
    return chosen


def findings_of(folder: Path, state: ReviewState) -> dict[str, Mask]:
    """Return the images of each finding: the reasons to leave images out, and what the folder's report holds."""
    reasons = exclusion_reasons(state.dataset, state.policy, state.outcomes)
    found, hidden = {code: mask.copy() for code, mask in reasons.items()}, state.assignment.hidden
    doubted = (state.suspect > 0).any(axis=1)
    found["label-suspect"] = doubted & ~state.assignment.chosen  # it tells of the score
    try:
        lines = (folder / FINDINGS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        lines = []
    for line in lines:
        code, image = _code_and_image(line)
        row = state.position.get(image)
        told = code not in {"", "label-suspect"}
        if told and row is not None and not hidden[row]:  # a finding may tell of an answer
            mask = found.setdefault(code, np.zeros(len(state.keys), dtype=bool))
            mask[row] = True
    return {code: mask for code, mask in found.items() if mask.any()}


def _code_and_image(line: str) -> tuple[str, str]:
    """Return what a line of findings.jsonl is about; the file only helps to filter, so what it should not hold is nothing."""
    try:
        document = bounded_json.loads(line.encode())
        code, image = document["code"], document["location"]["image"]
    except (ValueError, KeyError, TypeError):
        return "", ""
    return (code, image) if isinstance(code, str) and isinstance(image, str) else ("", "")
