"""Gold images, whose answer is known: mixed unseen into each reviewer's queue, they tell how often a reviewer errs.

To a reviewer a gold image is one that nobody said anything of: what was given or answered about it is taken away before
anything is derived, so that its place, its questions and its counts are those of any such image. Answers about it go into the
journal as others do and say something of the reviewer alone: no label follows from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from manifest_tools.core.arrays import Rows
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import PREDICTIONS
from manifest_tools.evaluation.statistics import wilson
from manifest_tools.review.entries import Look, ReviewedImage, ReviewEntry, Said
from manifest_tools.review.looks import Reading, View

if TYPE_CHECKING:
    from manifest_tools.review.state import ReviewState


def known_answers(
    known: Iterable[ReviewEntry], row_of: Callable[[ReviewedImage], int | None]
) -> dict[int, list[Said]]:
    """Return the known answers of a journal by the position of their image."""
    found: dict[int, list[Said]] = {}
    for entry in known:
        for seen in entry.images:
            if (row := row_of(seen)) is not None:
                found.setdefault(row, []).extend(entry.answers)
    return found


def labels_there(dataset: Dataset, gold: Mapping[int, Sequence[Said]]) -> dict[int, set[str]]:
    """Return the labels that are known, or said in the data set, to be there in the gold images."""
    if not gold:
        return {}
    there = {row: {said.label for said in answers if said.truth} for row, answers in gold.items()}
    keys = dataset.images["image"]
    rows = {keys.iloc[row]: row for row in gold}
    labels = dataset.labels
    given = labels[labels["image"].isin(list(rows)) & labels["truth"].fillna(value=False).astype(bool)]
    for image, label in zip(given["image"], given["label"], strict=True):
        there[rows[image]].add(label)
    return there


def as_unlabelled(dataset: Dataset, gold: Collection[int]) -> Dataset:
    """Return the data set as if nobody had said anything of some images, given by position."""
    if not gold:
        return dataset
    images, labels = dataset.images, dataset.labels
    here = np.isin(np.arange(len(images)), list(gold))
    said = labels["image"].isin(images["image"][here]) & (labels["source"] != PREDICTIONS)
    return replace(
        dataset,
        images=images.assign(judged=images["judged"].mask(here, "")),
        labels=labels[~said].reset_index(drop=True),
    )


def by_itself(groups: Rows, gold: Collection[int]) -> Rows:
    """Return the numbers of groups with each gold image in one of its own."""
    groups = groups.copy()
    groups[list(gold)] = groups.max(initial=-1) + 1 + np.arange(len(gold))
    return groups


def mixed_in(rows: Sequence[int], state: ReviewState, rate: float) -> list[int]:
    """Return a queue with as many of its gold images as the rate says, each in the place that the queue gives it.

    Parameters
    ----------
    rows : sequence of int
        Positions of images in the order of the queue, with all gold images that the reviewer did not answer.
    state : ReviewState
        For the gold images, and what the reviewer answered since they are known.
    rate : float
        The share of gold images in all that the reviewer is asked: those answered so far and those of `rows`. Which ones
        depends on their names alone, so that all reviewers get the same first.
    """
    if not state.gold:
        return list(rows)
    # Somebody may have ended it since this session began.
    since = max((entry.number for entry in state.journal.known), default=0)
    name = state.assignment.reviewer
    answered = {
        row
        for entry in state.standing()
        if entry.reviewer == name and entry.number > since
        for row in state.rows_of(entry)
    }
    waiting = [row for row in rows if row in state.gold]
    others = len(rows) - len(waiting) + len(answered - state.gold.keys())
    most = int(others * rate / (1 - rate) + 0.5) - len(answered & state.gold.keys())
    drawn = sorted(
        waiting, key=lambda row: hashlib.sha256(state.keys[row].encode("utf-8", "surrogatepass")).digest()
    )
    left_out = set(drawn[max(most, 0) :])
    return [row for row in rows if row not in left_out]


def error_rates(
    standing: Iterable[ReviewEntry], known: Iterable[ReviewEntry], reading: Reading
) -> dict[str, dict[str, Any]]:
    """Return for each reviewer how many gold images they answered wrongly.

    An image is wrong when a reviewer's newest word on a label contradicts what is known of it. Who is unsure, or says
    nothing of a label that is known, was not compared.

    Parameters
    ----------
    standing : iterable of ReviewEntry
        The answers that were not taken back, oldest first.
    known : iterable of ReviewEntry
        The known answers.
    reading : Reading
        How names are read.

    Returns
    -------
    dict of str to dict
        By reviewer `gold` and `gold_wrong` (images that were compared, and those that are wrong), the share `gold_share`
        with `gold_interval` (Wilson's); as for :func:`no_gold` where nothing was compared.
    """
    truths: dict[str, View] = {}
    for entry in known:
        for seen in entry.images:
            for said in entry.answers:
                truths.setdefault(seen.identity, {}).update(reading.follows(said))
    views: dict[str, dict[str, View]] = {}
    for entry in standing:
        for seen in entry.images if entry.look is Look.GOLD else ():
            view = views.setdefault(entry.reviewer, {}).setdefault(seen.identity, {})
            for said in entry.answers:
                view |= reading.follows(said)
    return {
        name: _rate([_wrong(view, truths.get(key, {})) for key, view in own.items()])
        for name, own in views.items()
    }


def no_gold() -> dict[str, Any]:
    """Return the figures of somebody of whom no answer was compared."""
    return _rate([])


def _wrong(view: View, truth: View) -> bool | None:
    told = [
        view[label] is not truth[label] for label in view.keys() & truth.keys() if view[label] is not None
    ]
    return any(told) if told else None


def _rate(wrong: Sequence[bool | None]) -> dict[str, Any]:
    compared = [each for each in wrong if each is not None]
    interval = wilson(sum(compared), len(compared))
    return {
        "gold": len(compared),
        "gold_wrong": sum(compared),
        "gold_share": sum(compared) / len(compared) if compared else None,
        "gold_interval": interval.to_dict() if interval else None,
    }
