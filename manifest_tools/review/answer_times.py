"""How long people take for an answer, by what the review journal measured, and how many answers are waited for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import Mask
from manifest_tools.dataset.outcomes import compare
from manifest_tools.findings.policy import Policy
from manifest_tools.review.entries import Look, ReviewEntry
from manifest_tools.review.journal import ReviewJournal
from manifest_tools.review.second_look import SecondLook

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


def images_waiting(dataset: Dataset, journal: ReviewJournal) -> tuple[int, int]:
    """Return how many images wait for people: for a first answer, and for a second look.

    Parameters
    ----------
    dataset : Dataset
        With the journal's answers.
    journal : ReviewJournal
        Its answers, and which images are to have a second look.
    """
    policy = Policy.from_dict(dataset.policy)
    outcomes = compare(dataset, policy)
    standing = journal.standing
    answered, known = (
        _seen(dataset, standing),
        _seen(dataset, journal.known),
    )  # what is known waits for nobody
    unconfirmed = outcomes.predicted_positive.any(axis=1) | ~outcomes.truth.judged
    chosen = SecondLook.parse(journal.second_look, Taxonomy.load(dataset.taxonomy)).chosen(
        dataset, policy, outcomes
    )
    looked = _seen(dataset, (entry for entry in standing if entry.look is Look.SECOND))
    return int((unconfirmed & ~answered & ~known).sum()), int((chosen & ~looked & ~known).sum())


def _seen(dataset: Dataset, entries: Iterable[ReviewEntry]) -> Mask:
    """Return which images entries are about: by content, or by key where the content is not known."""
    seen = [image for entry in entries for image in entry.images]
    contents = dataset.images["sha256"].isin([image.sha256 for image in seen if image.sha256])
    keys = dataset.images["image"].isin([image.image for image in seen if not image.sha256])
    return (contents | keys).to_numpy()
