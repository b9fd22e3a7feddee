"""Check a training and a test manifest against each other."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from manifest_tools.core.progress import Progress
from manifest_tools.core.taxonomy import CURRENT
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.duplicates.grouping import group_duplicates
from manifest_tools.findings.findings import MAX_FINDINGS, Report, merge_reports
from manifest_tools.findings.policy import Policy
from manifest_tools.images.inspection import inspect_images
from manifest_tools.manifests.reading import read_manifest
from manifest_tools.manifests.validation.validate import validate_manifest
from manifest_tools.rules import PAIR_RULES
from manifest_tools.rules.checking import check_dataset
from manifest_tools.sources.local_files import find_files


def check_pair(
    train: str | Path,
    test: str | Path,
    *,
    images: str | Path | None = None,
    policy: Policy | None = None,
    taxonomy: str = CURRENT,
    max_findings: int = MAX_FINDINGS,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Validate two manifests, and judge them as the two sides of one training.

    Parameters
    ----------
    train, test : path
        Manifests of any labelled kind.
    images : path, optional
        Folder with the images, to look for look-alikes across the two.
    policy : Policy, optional
        Thresholds and targets.
    taxonomy : str
        Version that labels are read by.
    max_findings : int
        How many findings of each code the report keeps.
    workers : int, optional
        Processes and threads; by default one for each processor that this process may use.
    progress : callable, optional
        Told of the inspection of the images.

    Returns
    -------
    Report
        Findings of both files, their overlap, labels that one side lacks, sizes, and look-alikes across them.
    """
    policy = policy or Policy()
    shape = validate_manifest(
        train, test, taxonomy=taxonomy, policy=policy, max_findings=max_findings, workers=workers
    )
    dataset = _read_pair(train, test, taxonomy, policy)
    if images is not None:
        dataset = inspect_images(find_files(dataset, images), workers=workers, progress=progress)
        dataset = group_duplicates(dataset, workers=workers)
    return merge_reports(
        shape, check_dataset(dataset, policy=policy, max_findings=max_findings, rules=PAIR_RULES)
    )


def _read_pair(train: str | Path, test: str | Path, taxonomy: str, policy: Policy) -> Dataset:
    """Return both manifests as one data set; an image that stands in both counts as training."""
    sides = {
        "train": read_manifest(train, taxonomy=taxonomy, policy=policy),
        "test": read_manifest(test, taxonomy=taxonomy, policy=policy),
    }
    images = pd.concat([side.images.assign(split=name) for name, side in sides.items()], ignore_index=True)
    labels = pd.concat([side.labels for side in sides.values()], ignore_index=True)
    scope = sorted({label for side in sides.values() for label in side.scope})
    return Dataset.from_tables(
        images.drop_duplicates("image", keep="first"), labels, taxonomy=taxonomy, scope=tuple(scope)
    )
