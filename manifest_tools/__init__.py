"""Get images ready to train an Amazon Rekognition Custom Moderation adapter, and stay with them through training.

Public names load when they are first used, so that ``import manifest_tools`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tools.core import printing
from manifest_tools.core.lazy import lazy_names

if TYPE_CHECKING:
    from manifest_tools import aws as aws
    from manifest_tools.core.errors import ManifestToolsError as ManifestToolsError
    from manifest_tools.core.taxonomy import Taxonomy as Taxonomy
    from manifest_tools.core.version import __version__ as __version__
    from manifest_tools.dataset.combining import filter_images as filter_images
    from manifest_tools.dataset.combining import merge_datasets as merge_datasets
    from manifest_tools.dataset.dataset import Dataset as Dataset
    from manifest_tools.duplicates.grouping import group_duplicates as group_duplicates
    from manifest_tools.evaluation import compare_evaluation as compare_evaluation
    from manifest_tools.findings.findings import Finding as Finding
    from manifest_tools.findings.findings import Report as Report
    from manifest_tools.findings.findings import Severity as Severity
    from manifest_tools.findings.policy import Policy as Policy
    from manifest_tools.findings.policy import Target as Target
    from manifest_tools.images.inspection import inspect_images as inspect_images
    from manifest_tools.manifests.convert import convert_manifest as convert_manifest
    from manifest_tools.manifests.reading import read_manifest as read_manifest
    from manifest_tools.manifests.validation.validate import validate_manifest as validate_manifest
    from manifest_tools.manifests.writing import write_manifests as write_manifests
    from manifest_tools.pipeline.prepare import prepare as prepare
    from manifest_tools.pipeline.select import select_images as select_images
    from manifest_tools.rules.checking import check_dataset as check_dataset
    from manifest_tools.sources.predictions import attach_predictions as attach_predictions
    from manifest_tools.sources.reading import read_images as read_images
    from manifest_tools.splits.model_selection import (
        MultilabelStratifiedGroupKFold as MultilabelStratifiedGroupKFold,
    )
    from manifest_tools.splits.model_selection import (
        MultilabelStratifiedGroupSplit as MultilabelStratifiedGroupSplit,
    )
    from manifest_tools.splits.step import split_dataset as split_dataset

_HOMES = {
    "Dataset": "manifest_tools.dataset.dataset",
    "Finding": "manifest_tools.findings.findings",
    "ManifestToolsError": "manifest_tools.core.errors",
    "MultilabelStratifiedGroupKFold": "manifest_tools.splits.model_selection",
    "MultilabelStratifiedGroupSplit": "manifest_tools.splits.model_selection",
    "Policy": "manifest_tools.findings.policy",
    "Report": "manifest_tools.findings.findings",
    "Severity": "manifest_tools.findings.findings",
    "Target": "manifest_tools.findings.policy",
    "Taxonomy": "manifest_tools.core.taxonomy",
    "__version__": "manifest_tools.core.version",
    "attach_predictions": "manifest_tools.sources.predictions",
    "aws": "manifest_tools.aws",
    "check_dataset": "manifest_tools.rules.checking",
    "compare_evaluation": "manifest_tools.evaluation",
    "convert_manifest": "manifest_tools.manifests.convert",
    "filter_images": "manifest_tools.dataset.combining",
    "group_duplicates": "manifest_tools.duplicates.grouping",
    "inspect_images": "manifest_tools.images.inspection",
    "merge_datasets": "manifest_tools.dataset.combining",
    "prepare": "manifest_tools.pipeline.prepare",
    "read_images": "manifest_tools.sources.reading",
    "read_manifest": "manifest_tools.manifests.reading",
    "select_images": "manifest_tools.pipeline.select",
    "split_dataset": "manifest_tools.splits.step",
    "validate_manifest": "manifest_tools.manifests.validation.validate",
    "write_manifests": "manifest_tools.manifests.writing",
}

__all__ = [name for name in _HOMES if name != "__version__"]
__getattr__, __dir__ = lazy_names(__name__, _HOMES)


def _as_text(report: Report) -> str:
    from manifest_tools.reports import render_text  # noqa: PLC0415 - the rooms that word things load when they are used

    return render_text(report)


printing.words["Report"] = _as_text
