"""Choose the most useful images of a saved data set that is too large for memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from manifest_tools.core.arrays import Mask, first_index
from manifest_tools.core.commit import remove_with, replacing_files
from manifest_tools.core.output_folder import MANIFESTS
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.chunks import DatasetWriter, SavedDataset
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.findings.findings import MAX_FINDINGS, Report
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.writing import write_manifests
from manifest_tools.pipeline.select import Selection, aside_because, check_limit, select
from manifest_tools.reports import write_report
from manifest_tools.rules.chunked.check import check_saved
from manifest_tools.rules.chunked.evidence import LargeEvidence, looked_at
from manifest_tools.rules.chunked.scratch import ORDER
from manifest_tools.rules.chunked.workers import Crew


def select_saved(
    folder: str | Path,
    *,
    limit: int,
    whole: str | Path | None = None,
    policy: Policy | None = None,
    seed: int = 0,
    workers: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Choose the images that :func:`manifest_tools.pipeline.select.select_images` would, without loading the data set.

    Parameters
    ----------
    folder : path
        An output folder; answers that only its review journal has are not seen.
    limit, policy, seed
        As in :func:`manifest_tools.pipeline.select.select_images`.
    whole : path, optional
        Where the whole data set goes, with `set_aside` filled in, as ``select_images(...).save(whole)`` would write
        it; may be `folder`.
    workers, memory, progress
        As in :func:`manifest_tools.rules.chunked.check.check_saved`.

    Returns
    -------
    Dataset
        The chosen images and the usable ones of the test side: an ordinary data set for the steps that follow.
        Of look-alikes, the first one here leads the group. ``sources["select"]`` has the numbers, with those
        of all others in `left_behind`.

    Raises
    ------
    InputError
        `limit` is below 1, or the folder holds no data set.
    """
    check_limit(limit)
    saved = SavedDataset.open(folder)
    policy = policy or Policy.from_dict(saved.frame.policy)
    options = {"limit": limit, "seed": seed}
    with (
        Crew.of(saved, workers, memory, progress, passes=1) as crew,
        looked_at(saved, policy, crew, seed=seed) as evidence,
    ):
        order = np.column_stack([evidence.scratch.read(name) for name in ORDER])
        selection = select(evidence, order, limit)
        if whole is not None:
            _write(saved, whole, selection, options)
        stay = selection.chosen | evidence.side("test")
        images, labels = _rows(evidence, stay)
    facts = selection.facts | {"left_behind": saved.rows - len(images)}
    chosen = Dataset.from_tables(images, labels)
    chosen = replace(saved.frame, images=chosen.images, labels=chosen.labels)
    return chosen.step("select", options=options, sources={**saved.frame.sources, "select": facts})


def select_in_place(
    folder: Path,
    *,
    limit: int,
    policy: Policy,
    seed: int = 0,
    max_findings: int = MAX_FINDINGS,
    workers: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> tuple[Dataset, Report]:
    """Choose, and write everything that an output folder holds: the whole data set, manifests and report.

    Without manifests, when something is missing for them (:func:`missing_for_manifests`).

    The parameters are those of :func:`select_saved` and :func:`manifest_tools.rules.chunked.check.check_saved`.

    Returns
    -------
    Dataset
        As :func:`select_saved` returns it.
    Report
        About the whole data set.
    """
    with replacing_files(folder) as stage:
        chosen = select_saved(
            folder,
            limit=limit,
            whole=stage,
            policy=policy,
            seed=seed,
            workers=workers,
            memory=memory,
            progress=progress,
        )
        report = check_saved(
            stage, policy=policy, max_findings=max_findings, workers=workers, memory=memory, progress=progress
        )
        if missing_for_manifests(chosen):
            remove_with(stage, MANIFESTS)
        else:
            write_manifests(chosen, stage, policy=policy)
        write_report(report, stage)
    return chosen, report


def missing_for_manifests(chosen: Dataset) -> str:
    """Return in words why no manifests can be written of chosen images yet; "" when they can."""
    if not chosen.images["split"].any():
        return "nothing is split yet; for the manifests run: manifest-tools split DIR"
    if source_refs(chosen).eq("").any():
        return "images have no place in S3 yet, so there are no manifests; manifest-tools prepare --to gives them one"
    return ""


def _write(saved: SavedDataset, whole: str | Path, selection: Selection, options: dict[str, int]) -> None:
    reason = aside_because(options["limit"])
    with DatasetWriter(whole) as writer:
        for number in range(saved.pieces):
            aside = np.where(selection.aside[saved.span(number)], reason, "")
            writer.write(saved.images(number, None).assign(set_aside=aside), saved.labels(number))
        sources = {**saved.frame.sources, "select": selection.facts}
        writer.finish(replace(saved.frame, sources=sources), "select", options)


def _rows(evidence: LargeEvidence, stay: Mask) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table rows of some images, none set aside, and their label rows."""
    saved, duplicates = evidence.scratch.saved, evidence.duplicates
    leader = first_index(duplicates.groups, np.flatnonzero(stay))[duplicates.groups]
    images, labels = [saved.frame.images], [saved.frame.labels]
    for number in range(saved.pieces):
        here = stay[saved.span(number)]
        if here.any():
            images.append(saved.images(number, None)[here].assign(set_aside=""))
            said = saved.labels(number)
            labels.append(said[said["image"].isin(images[-1]["image"])])
    table = pd.concat(images[1:] or images, ignore_index=True)
    if stay.any():
        place = np.cumsum(stay) - 1  # of each row among those that stay
        leaders = table["image"].iloc[place[leader[stay]]].to_numpy()
        table["group"] = table["group"].where(~duplicates.grouped[stay], leaders)
    return table, pd.concat(labels[1:] or labels, ignore_index=True)
