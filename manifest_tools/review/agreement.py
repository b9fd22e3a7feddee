"""How far the reviewers of a folder agree, and how each of them does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.evaluation.agreement import MISSING, Codes, agreement
from manifest_tools.evaluation.statistics import wilson
from manifest_tools.findings.findings import Report
from manifest_tools.findings.policy import Policy
from manifest_tools.review.answer_times import answer_time
from manifest_tools.review.entries import Look, ReviewEntry
from manifest_tools.review.gold import error_rates, no_gold
from manifest_tools.review.journal import ReviewJournal
from manifest_tools.review.looks import ImageLooks, Reading


def reviewer_agreement(folder: str | Path, *, seed: int = 0) -> dict[str, Any]:
    """Return how far the reviewers of a folder agree on each label, and how each of them does.

    Parameters
    ----------
    folder : path
        An output folder.
    seed : int
        For the resampling of images.

    Returns
    -------
    dict
        Ready for JSON. `labels`: for each label that somebody named in an image which several people judged: `label`
        and the members of :class:`manifest_tools.evaluation.agreement.Agreement`. `reviewers`: `reviewer`, `answers`,
        `images`, `gold`, `gold_wrong`, `gold_share` and `gold_interval` (:func:`manifest_tools.review.gold.error_rates`), `compared` and `overruled` (statements on labels that were adjudicated, and those that
        the adjudication contradicts), their share `overruled_share` with `overruled_interval`, and `seconds` for an answer.
        `images` and `blind`: judged by several people, and of these by one who did not see the others' answers.

    Raises
    ------
    InputError
        The folder holds no data set.
    """
    frame = Dataset.load_frame(folder)
    policy, taxonomy = Policy.from_dict(frame.policy), Taxonomy.load(frame.taxonomy)
    labels = taxonomy.names if policy.label_level == "all" else taxonomy.top
    journal = ReviewJournal.of(folder)
    return agreement_of(
        journal.standing, Reading(taxonomy, policy.is_safe), labels, known=journal.known, seed=seed
    )


def with_people(report: Report, folder: str | Path) -> Report:
    """Return the report of a folder with ``facts["people"]``: what :func:`reviewer_agreement` says, if anybody answered."""
    if not ReviewJournal.of(folder).standing:
        return report
    return replace(report, facts={**report.facts, "people": reviewer_agreement(folder)})


def agreement_of(
    standing: Iterable[ReviewEntry],
    reading: Reading,
    labels: Sequence[str],
    *,
    known: Iterable[ReviewEntry] = (),
    seed: int = 0,
) -> dict[str, Any]:
    """Return of answers what :func:`reviewer_agreement` returns of a folder; `labels` are those that are judged."""
    given = [entry for entry in standing if entry.answers]
    entries = [entry for entry in given if entry.look.counts]
    looks: dict[str, ImageLooks] = defaultdict(ImageLooks)
    heard: dict[str, list[int]] = defaultdict(list)
    for entry in entries:
        for key in {seen.identity for seen in entry.images}:
            looks[key].hear(entry, reading)
            heard[key].append(entry.number)
    # Look-alikes that the same answers are about were looked at once.
    units = {tuple(heard[key]): look for key, look in sorted(looks.items(), reverse=True)}
    several = [look for look in units.values() if len(look.views) > 1]
    named = {
        name
        for entry in entries
        for said in entry.answers
        if not reading.is_safe(said.label)  # whoever says Safe names no label
        for name in reading.follows(said)
    }
    told = [(label, _answers(label, several)) for label in labels if label in named]
    found = [(label, agreement(answers, seed=seed)) for label, answers in told]
    return {
        "images": len(several),
        "blind": sum(look.blind for look in several),
        "labels": [{"label": label, **on.to_dict()} for label, on in found if on.images],
        "reviewers": _reviewers(given, list(units.values()), error_rates(given, known, reading)),
    }


def _answers(label: str, looks: Sequence[ImageLooks]) -> Codes:
    """Return what people said of a label as codes, shape (images, people). Who is unsure said nothing."""
    people = sorted({name for look in looks for name in look.views})
    column = {name: number for number, name in enumerate(people)}
    answers = np.full((len(looks), len(people)), MISSING)
    for row, look in enumerate(looks):
        for name, view in look.views.items():
            truth = view.get(label)
            if truth is not None:
                answers[row, column[name]] = truth
    return answers


def _reviewers(
    entries: Sequence[ReviewEntry], looks: Sequence[ImageLooks], gold: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    given = [entry for entry in entries if entry.look is not Look.ADJUDICATION]
    rows = []
    for name in sorted({entry.reviewer for entry in given}):
        own = [entry for entry in given if entry.reviewer == name]
        settled = [
            (look.views[name][label], truth)
            for look in looks
            if name in look.views
            for label, truth in look.adjudicated.items()
            if truth is not None and look.views[name].get(label) is not None
        ]
        overruled = sum(said is not truth for said, truth in settled)
        interval, time = wilson(overruled, len(settled)), answer_time(own)
        rows.append(
            {
                "reviewer": name,
                "answers": len(own),
                "images": len({seen.identity for entry in own for seen in entry.images}),
                "compared": len(settled),
                "overruled": overruled,
                "overruled_share": overruled / len(settled) if settled else None,
                "overruled_interval": interval.to_dict() if interval else None,
                "seconds": round(time.seconds, 1) if time else None,
                **gold.get(name, no_gold()),
            }
        )
    return rows
