"""Choose among the images of a prepared folder, and write what follows from the choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from manifest_tools.core.arrays import Mask, Rows, first_index, order_of
from manifest_tools.core.commit import remove_with, replacing_files
from manifest_tools.core.output_folder import claimed, manifests_in
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.chunks import DatasetWriter, SavedDataset
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.judged import JUDGED, freed_at_once
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.findings.findings import MAX_FINDINGS, Report
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.writing import stage_manifests
from manifest_tools.pipeline.check_folder import check_folder, load_evidence
from manifest_tools.pipeline.select import aside_because, check_limit, select
from manifest_tools.reports import write_report
from manifest_tools.review.agreement import with_people
from manifest_tools.review.journal import save_answers


class Selected(NamedTuple):
    """What came of a selection: its numbers, the report, and in words why there are no manifests yet, or ""."""

    facts: Mapping[str, Any]
    report: Report
    missing: str


class _Choice(NamedTuple):
    """The images set aside, those that stay in the manifests, and the keys that lead the groups of these."""

    aside: Mask
    stay: Mask
    leaders: pd.Series[str]
    facts: dict[str, Any]
    options: dict[str, int]


def select_folder(
    folder: str | Path,
    *,
    limit: int,
    out: str | Path | None = None,
    policy: Policy | None = None,
    seed: int = 0,
    thumbnails: str = "none",
    max_findings: int = MAX_FINDINGS,
    progress: Progress | None = None,
) -> Selected:
    """Choose as :func:`manifest_tools.select_images` does, and write data set, manifests and report.

    Without manifests, when nothing is split yet or images have no place in S3.

    Parameters
    ----------
    folder : path
        An output folder. Answers that only its review journal has are written into its data set first.
    limit, policy, seed
        As in :func:`manifest_tools.select_images`.
    out : path, optional
        Where the results go. In `folder` itself (the default) the data set stays whole, and a later selection can take
        images back. Another folder gets the chosen images and the test side alone, none of them set aside; of look-alikes,
        the first one that is there leads the group.
    thumbnails, max_findings
        As in :func:`manifest_tools.prepare`.
    progress : callable, optional
        Told of the images written.

    Returns
    -------
    Selected

    Raises
    ------
    InputError
        `limit` is below 1, or the folder holds no data set.
    OutputError
        The results cannot be written.
    """
    check_limit(limit)
    policy = policy or Policy.from_dict(Dataset.load_frame(folder).policy)
    with claimed(out or folder) as target:
        save_answers(folder)
        with freed_at_once():
            choice = _choose(folder, limit, policy, seed)
        whole = target.resolve() == Path(folder).resolve()
        facts = choice.facts if whole else choice.facts | {"left_behind": int((~choice.stay).sum())}
        with replacing_files(target) as stage:
            saved = SavedDataset.open(folder)
            staying = _write(saved, stage, choice, facts, whole=whole, progress=progress)
            del choice
            report = with_people(check_folder(stage, policy=policy, max_findings=max_findings), folder)
            missing = _missing_for_manifests(staying)
            if missing:
                remove_with(stage, manifests_in(target))
            else:
                stage_manifests(staying, stage, target, policy=policy)
            write_report(report, stage, dataset=staying, thumbnails=thumbnails)
    return Selected(facts, report, missing)


def _choose(folder: str | Path, limit: int, policy: Policy, seed: int) -> _Choice:
    """Choose, and let go of everything else."""
    evidence = load_evidence(folder, policy)
    keys = evidence.images["image"]
    images = evidence.images.assign(set_aside="")  # an earlier selection is forgotten
    evidence = replace(evidence, dataset=replace(evidence.dataset, images=images))
    selection = select(evidence, order_of(keys, seed), limit)
    stay = selection.chosen | evidence.side("test")
    groups: Rows = evidence.duplicates.groups
    first = first_index(groups, np.flatnonzero(stay))[groups]
    leaders = (
        keys.iloc[first[stay]].where(evidence.duplicates.grouped[stay], "").set_axis(np.flatnonzero(stay))
    )
    return _Choice(selection.aside, stay, leaders, selection.facts, {"limit": limit, "seed": seed})


def _write(
    saved: SavedDataset,
    folder: Path,
    choice: _Choice,
    facts: dict[str, Any],
    *,
    whole: bool,
    progress: Progress | None,
) -> Dataset:
    """Write the data set after the choice; return the images that stay, for manifests and the page."""
    reason = aside_because(choice.options["limit"])
    staying = [(saved.frame.images, saved.frame.labels)]
    with DatasetWriter(folder) as writer:
        for number in range(saved.pieces):
            images, labels, here = saved.images(number, None), saved.labels(number), saved.span(number)
            stay = choice.stay[here]
            leaders = choice.leaders.loc[here.start : here.stop - 1].to_numpy()
            kept = images[stay].assign(set_aside="", group=leaders)
            about = labels[labels["image"].isin(kept["image"])]
            if whole:
                images = images.assign(set_aside=np.where(choice.aside[here], reason, ""))
                writer.write(images, labels)
            else:
                writer.write(kept, about)
            staying.append((kept[[name for name in JUDGED if name in kept.columns]], about))
            if progress is not None:
                progress(here.stop, saved.rows)
        frame = replace(saved.frame, sources={**saved.frame.sources, "select": facts})
        writer.finish(frame, "select", choice.options)
    tables = (pd.concat(parts, ignore_index=True) for parts in zip(*staying, strict=True))
    return replace(frame, **dict(zip(("images", "labels"), tables, strict=True)))


def _missing_for_manifests(chosen: Dataset) -> str:
    """Return in words why no manifests can be written of chosen images yet; "" when they can."""
    if not chosen.images["split"].any():
        return "nothing is split yet; for the manifests run: manifest-tools split DIR"
    if source_refs(chosen).eq("").any():
        return "images have no place in S3 yet, so there are no manifests; manifest-tools prepare --to gives them one"
    return ""
