"""Answers that were paid for, and stay when a run is stopped."""

from __future__ import annotations

from pathlib import Path

from manifest_tools.aws.prediction.answer_journal import answers_in
from manifest_tools.aws.prediction.question import Answers, Question, recall


def answers_kept(
    out: str | Path,
    *,
    journal: str,
    adapter: str,
    min_confidence: float,
    fresh: bool,
) -> int:
    """Return how many answers to a question the journal of a folder holds; those of a run that begins anew with `fresh`."""
    return len(recall(answers_in(Path(out) / journal, fresh=fresh), Question(adapter, min_confidence)).found)


def fall_back(answers: Answers, earlier: Answers) -> None:
    """Let earlier answers stand where a run that begins anew was stopped by its limit."""
    answers.found.update({key: found for key, found in earlier.found.items() if key not in answers.found})
