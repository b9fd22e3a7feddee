"""Check a saved data set piece by piece, by the same rules and with the same report as in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from manifest_tools.core.progress import Progress
from manifest_tools.dataset.chunks import SavedDataset
from manifest_tools.findings.collector import FindingCollector
from manifest_tools.findings.findings import MAX_FINDINGS, Report, Severity
from manifest_tools.findings.policy import Policy
from manifest_tools.rules import IMAGE_RULES, ROW_RULES, RULES
from manifest_tools.rules.checking import images_verdict, verdict
from manifest_tools.rules.chunked.evidence import LargeEvidence, PieceEvidence, looked_at
from manifest_tools.rules.chunked.scratch import job_in
from manifest_tools.rules.chunked.workers import Crew
from manifest_tools.rules.evidence import Rule

# Findings arrive rule after rule, and within a rule kind after kind (its place among what the rule yields); so they
# are collected apart, piece after piece, and put together in that order.
_Stage: TypeAlias = tuple[int, int]
_Kept: TypeAlias = Mapping[_Stage, Mapping[tuple[str, Severity], int]]


def check_saved(
    folder: str | Path,
    *,
    policy: Policy | None = None,
    max_findings: int = MAX_FINDINGS,
    rules: tuple[Rule, ...] = RULES,
    workers: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Judge a saved data set by every rule, without loading it.

    Parameters
    ----------
    folder : path
        An output folder; answers that only its review journal has are not seen.
    policy, max_findings, rules
        As in :func:`manifest_tools.rules.checking.check_dataset`.
    workers : int, optional
        Processes that look at the pieces; by default one for each processor.
    memory : int, optional
        Bytes that the work should stay below; fewer processes work then.
    progress : callable, optional
        Told of the pieces done.

    Returns
    -------
    Report
        The same as that of ``check_dataset(Dataset.load(folder))``.

    Raises
    ------
    InputError
        The folder holds no data set, or a broken one.
    """
    saved = SavedDataset.open(folder)
    policy = policy or Policy.from_dict(saved.frame.policy)
    with Crew.of(saved, workers, memory, progress) as crew, looked_at(saved, policy, crew) as evidence:
        return verdict(evidence, _collect(evidence, rules, max_findings, crew))


def check_images_saved(
    folder: str | Path,
    *,
    policy: Policy | None = None,
    max_findings: int = MAX_FINDINGS,
    workers: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Judge the images alone, as :func:`manifest_tools.rules.checking.check_images` does, without loading them.

    The parameters are those of :func:`check_saved`.
    """
    saved = SavedDataset.open(folder)
    with (
        Crew.of(saved, workers, memory, progress) as crew,
        looked_at(saved, policy or Policy(), crew, labelled=False) as evidence,
    ):
        return images_verdict(evidence, _collect(evidence, IMAGE_RULES, max_findings, crew))


def _collect(
    evidence: LargeEvidence, rules: tuple[Rule, ...], max_findings: int, crew: Crew
) -> FindingCollector:
    severities = evidence.policy.severities
    stages: dict[_Stage, FindingCollector] = {}
    for number, rule in enumerate(rules):
        if rule not in ROW_RULES:
            stages[number, 0] = FindingCollector(max_findings, severities)
            stages[number, 0].extend(rule(evidence))
    by_row = tuple((number, rule) for number, rule in enumerate(rules) if rule in ROW_RULES)
    folder = evidence.scratch.folder

    def kept() -> _Kept:
        return {stage: collector.kept for stage, collector in stages.items()}

    # A piece need not make what the pieces before it have filled already, as far as they are done.
    items = (
        (folder, number, by_row, max_findings, kept()) for number in range(evidence.scratch.saved.pieces)
    )
    for found in crew.in_order(_judge, items):
        for stage, collector in found.items():
            stages.setdefault(stage, FindingCollector(max_findings, severities)).merge(collector)
    whole = FindingCollector(max_findings, severities)
    for _, collector in sorted(stages.items(), key=lambda item: item[0]):
        whole.merge(collector)
    return whole


def _judge(
    item: tuple[Path, int, tuple[tuple[int, Rule], ...], int, _Kept],
) -> dict[_Stage, FindingCollector]:
    """Give one piece to the rules about single images."""
    folder, piece, rules, max_findings, kept = item
    scratch = job_in(folder)
    evidence = PieceEvidence.of(scratch, piece)
    found: dict[_Stage, FindingCollector] = {}
    for number, rule in rules:
        for place, findings in enumerate(rule(evidence)):
            stage = number, place
            found[stage] = FindingCollector(
                max_findings, scratch.policy.severities, kept_before=kept.get(stage)
            )
            found[stage].extend([findings])
    return found
