"""The kinds of manifest, and how to tell which one a line belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from manifest_tools.core.errors import InputError

SOURCE_REF = "source-ref"
TRUTH = "content-moderation-groundtruth"  # what people say, in an adapter manifest
PREDICTION = "detect-moderation-labels"  # what a model says; the adapter's in a training output
BASE_PREDICTION = "detect-moderation-labels-base-model"
LABELS = "ModerationLabels"
METADATA = "-metadata"  # ends the key that describes a label attribute
JOB = "groundtruth/"  # begins the type of a label attribute


class Kind(StrEnum):
    """What a line is. `OTHER`: a labelling job's line that says nothing about the image as a whole."""

    MODERATION = "moderation"
    MODERATION_OUTPUT = "moderation-output"
    BULK_ANALYSIS = "bulk-analysis"
    IMAGE_LIST = "image-list"
    IMAGE_CLASSIFICATION = "image-classification"
    MULTI_LABEL = "multi-label"
    OBJECT_DETECTION = "object-detection"
    OTHER = "other"


KINDS = tuple(kind for kind in Kind if kind is not Kind.OTHER)  # what users may ask for
MODERATION_KINDS = frozenset({Kind.MODERATION, Kind.MODERATION_OUTPUT})
JOB_TYPES: Mapping[str, Kind] = {
    "groundtruth/image-classification": Kind.IMAGE_CLASSIFICATION,
    "groundtruth/image-classification-multilabel": Kind.MULTI_LABEL,
    "groundtruth/object-detection": Kind.OBJECT_DETECTION,
}
TYPE_OF: Mapping[Kind, str] = {kind: name for name, kind in JOB_TYPES.items()}
# Of a line that carries several kinds of label, the first of these gives its name.
_RANK = (Kind.MULTI_LABEL, Kind.IMAGE_CLASSIFICATION, Kind.OBJECT_DETECTION)


class Attribute(NamedTuple):
    """A label attribute of a labelling job's line: its name, its job type, and the kind of that type."""

    name: str
    type: str
    kind: Kind


def parse_kind(name: str) -> Kind | None:
    """Return the kind that a user names, or None for "auto".

    Raises
    ------
    InputError
        There is no such kind.
    """
    if name == "auto":
        return None
    if name not in KINDS:
        msg = f"unknown manifest kind {name!r}; known: auto, {', '.join(KINDS)}"
        raise InputError(msg)
    return Kind(name)


def attributes(line: Mapping[str, Any]) -> Iterator[Attribute]:
    """Yield the label attributes that a line's ``-metadata`` members describe, in the line's order."""
    for key, value in line.items():
        if key.endswith(METADATA) and isinstance(value, dict):
            job = value.get("type")
            if isinstance(job, str) and job.startswith(JOB):
                yield Attribute(key.removesuffix(METADATA), job, JOB_TYPES.get(job, Kind.OTHER))


def kind_of(line: Mapping[str, Any]) -> Kind:
    """Return the kind of one parsed line, by the members that it has."""
    predicted = PREDICTION in line or BASE_PREDICTION in line
    if TRUTH in line:
        return Kind.MODERATION_OUTPUT if predicted else Kind.MODERATION
    if predicted:
        return Kind.BULK_ANALYSIS
    found = {attribute.kind for attribute in attributes(line)}
    if found:
        return next((kind for kind in _RANK if kind in found), Kind.OTHER)
    return Kind.OTHER if "source" in line and SOURCE_REF not in line else Kind.IMAGE_LIST


def superseded(line: Mapping[str, Any], found: Iterable[Attribute]) -> frozenset[str]:
    """Return the names of the attributes that an adjustment job on the same line has replaced."""
    found = list(found)
    adjusted = {a.kind for a in found if "adjustment-status" in line[a.name + METADATA]}
    return frozenset(
        a.name for a in found if a.kind in adjusted and "adjustment-status" not in line[a.name + METADATA]
    )
