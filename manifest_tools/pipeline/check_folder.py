"""Check a prepared folder, with the answers of its reviewers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.judged import freed_at_once, load_judged, load_labels
from manifest_tools.dataset.saved_files import see_dataset
from manifest_tools.findings.findings import MAX_FINDINGS, Report
from manifest_tools.findings.policy import Policy
from manifest_tools.review.agreement import with_people
from manifest_tools.review.journal import ReviewJournal, answered_tables
from manifest_tools.rules.checking import check_evidence
from manifest_tools.rules.evidence import Evidence

_LOOKS = 3  # at a folder that somebody writes meanwhile, so that its two tables are of one time


def check_folder(
    folder: str | Path, *, policy: Policy | None = None, max_findings: int = MAX_FINDINGS
) -> Report:
    """Judge a saved data set by every rule, in the least memory; nothing is written.

    Parameters
    ----------
    folder : path
        An output folder; answers that only its review journal has count, too.
    policy, max_findings
        As in :func:`manifest_tools.check_dataset`.

    Returns
    -------
    Report
        The same as that of ``check_dataset(Dataset.load(folder))``; where people answered, with ``facts["people"]``.

    Raises
    ------
    InputError
        The folder holds no data set, or a broken one.
    """
    policy = policy or Policy.from_dict(Dataset.load_frame(folder).policy)
    with freed_at_once():
        report = check_evidence(load_evidence(folder, policy), max_findings=max_findings)
    return with_people(report, folder)


def load_evidence(folder: str | Path, policy: Policy) -> Evidence:
    """Gather the evidence of a saved data set and of its review journal."""
    document = see_dataset(folder) / "dataset.json"
    for _ in range(_LOOKS):
        before = document.read_bytes()
        evidence = _read(folder, policy)
        if document.read_bytes() == before:
            break
    return evidence


def _read(folder: str | Path, policy: Policy) -> Evidence:
    journal = ReviewJournal.of(folder)
    if not journal.entries:
        return Evidence.of(load_judged(folder), policy, read_labels=partial(load_labels, folder))
    # Answers find their images by content, so that both tables are needed at once. History tells of steps alone.
    dataset = replace(load_judged(folder), labels=load_labels(folder))
    images, labels = answered_tables(dataset, journal.entries, journal.standing)
    return Evidence.of(replace(dataset, images=images, labels=labels), policy)
