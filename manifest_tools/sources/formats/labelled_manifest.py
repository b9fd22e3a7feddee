"""Manifests as a source of labels for images elsewhere: Ground Truth, Custom Labels, and our own kinds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations

NAME = "manifest"
_REFERENCE = "source-ref"
_REMARKS = frozenset({"errors", "warnings", "cl-errors", "cl-metadata"})  # of validation results
_SIGNS = ("content-moderation-groundtruth", "detect-moderation-labels")


def recognise(keys: Sequence[str]) -> bool:
    """Whether the keys of a line are those of a manifest: a source-ref, and labels with metadata."""
    others = set(keys) - {_REFERENCE}
    signed = any(key in _SIGNS or key.endswith("-metadata") for key in others)
    return _REFERENCE in keys and (signed or others <= _REMARKS)


def read(path: Path) -> Annotations:
    """Read what people said in a manifest of any labelled kind; what a model said is not read.

    Raises
    ------
    InputError
        The file cannot be read, or holds no labels of people.
    """
    from manifest_tools.manifests.reading import SOURCE, read_manifest  # noqa: PLC0415 - only for manifests

    dataset = read_manifest(path)
    said = dataset.labels[dataset.labels["source"] == SOURCE]
    judged = dataset.images.loc[dataset.images["judged"] != "", "image"]
    if said.empty and judged.empty:
        kinds = ", ".join(dataset.sources[SOURCE]["kinds"]) or "none that is known"
        msg = f"{path}: a manifest without labels of people (kind: {kinds}); what a model said goes to --predictions"
        raise InputError(msg)
    drawn = "object-detection" in dataset.sources[SOURCE]["kinds"]  # boxes say nothing of what was not drawn
    notes = AnnotationBuilder(NAME, str(path), open_world=drawn or not dataset.scope)
    for number in dataset.sources[SOURCE]["first_lines_left_out"]:
        notes.problem("the line cannot be read; 'manifest-tools validate' says why", line=number)
    for name in dataset.scope:
        notes.category(name)
    columns = (said[name] for name in ("image", "label", "truth", "line"))
    for image, label, truth, line in zip(*columns, strict=True):
        notes.say(
            image, label, None if pd.isna(truth) else bool(truth), line=None if pd.isna(line) else int(line)
        )
    for image in judged[~judged.isin(said["image"])]:
        notes.image(image)
        for name in () if drawn else dataset.scope:  # people chose from these, and chose none
            notes.say(image, name, False)
    return notes.close()
