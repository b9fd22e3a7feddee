"""How long people take for an answer, by what the review journal measured, and how many answers are waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.outcomes import compare
from manifest_tools.findings.policy import Policy
from manifest_tools.review.entries import Look, ReviewEntry

_PAUSE: Final = 300.0  # seconds: whoever looks longer has left the desk


class AnswerTime(NamedTuple):
    """The mean time of so many answers, in seconds."""

    seconds: float
    answers: int


def answer_time(entries: Sequence[ReviewEntry]) -> AnswerTime | None:
    """Return how long an answer takes; None where none was measured. Pauses of five minutes and more do not count."""
    times = [entry.remark.seconds for entry in entries if entry.remark.seconds is not None]
    worked = [seconds for seconds in times if 0 < seconds < _PAUSE]
    return AnswerTime(sum(worked) / len(worked), len(worked)) if worked else None


def images_waiting(dataset: Dataset, standing: Sequence[ReviewEntry]) -> tuple[int, int]:
    """Return how many images wait for people: for a first answer, and for a second look.

    Parameters
    ----------
    dataset : Dataset
        With the journal's answers.
    standing : sequence of ReviewEntry
        What was not taken back.
    """
    outcomes = compare(dataset, Policy.from_dict(dataset.policy))
    answered = {seen.image for entry in standing if entry.answers for seen in entry.images}
    unconfirmed = outcomes.predicted_positive.any(axis=1) | ~outcomes.truth.judged
    first = unconfirmed & ~dataset.images["image"].isin(answered).to_numpy()
    planned = {image for entry in standing for image in entry.second_look}
    looked = {seen.image for entry in standing if entry.look is Look.SECOND for seen in entry.images}
    return int(first.sum()), len(planned - looked)
