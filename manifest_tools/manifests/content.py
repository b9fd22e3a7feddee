"""What one parsed line says about its image: by people, and by a model. Reads leniently, invents nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from manifest_tools.dataset.content_types import types_cell
from manifest_tools.manifests.kinds import (
    BASE_PREDICTION,
    LABELS,
    METADATA,
    PREDICTION,
    TRUTH,
    Attribute,
    Kind,
    attributes,
    superseded,
)

OUTPUT_MIN_CONFIDENCE = 5.0  # of the predictions in a training's output manifest; documented
FAILURE = "failure-reason"


@dataclass(frozen=True, slots=True)
class Said:
    """What people said of one image.

    `labels`: name -> True, or None where too few of them agreed to know. `scope`: the labels that they could
    choose from, as far as the line tells. `safe`: everything was looked for and nothing is there.
    `failed`: why a labelling job gave no answer.
    """

    judged: bool = False
    safe: bool = False
    labels: Mapping[str, bool | None] = field(default_factory=dict)
    scope: frozenset[str] = frozenset()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said of one image: its version, label -> confidence (0-100), from which confidence, and the content types as a cell."""

    version: str
    scores: Mapping[str, float]
    asked: float | None
    types: str = ""


def what_people_said(line: Mapping[str, Any], label_confidence: float = 0.0) -> Said:
    """Return what people said in a line of any kind.

    Parameters
    ----------
    line : mapping
        The parsed line.
    label_confidence : float
        Confidence (0-1) of a labelling job below which a label is not known.
    """
    if TRUTH in line:
        return _from_moderation(line[TRUTH])
    found = [attribute for attribute in attributes(line) if attribute.kind is not Kind.OTHER]
    replaced = superseded(line, found)
    labels: dict[str, bool | None] = {}
    scope: set[str] = set()
    failed: list[str] = []
    judged = False
    for attribute in found:
        if attribute.name in replaced:
            continue
        metadata = line[attribute.name + METADATA]
        reason = failure(line, attribute)
        if reason:
            failed.append(reason)
            continue
        judged = True
        scope.update(_class_names(metadata))
        for name, confidence in _chosen(attribute, line[attribute.name], metadata):
            sure = confidence is None or confidence >= label_confidence
            labels[name] = labels.get(name) or (True if sure else None)
    return Said(judged, False, labels, frozenset(scope), tuple(failed))


def failure(line: Mapping[str, Any], attribute: Attribute) -> str:
    """Return why a labelling job gave no answer for this image, or "" when it gave one."""
    reason = line[attribute.name + METADATA].get(FAILURE)
    if reason:
        return str(reason)
    return "" if attribute.name in line else f"{attribute.name + METADATA} is there, {attribute.name} is not"


def base_prediction(line: Mapping[str, Any]) -> Prediction | None:
    """Return what the base model said, or None when the line does not tell."""
    if BASE_PREDICTION in line:
        return _prediction(line[BASE_PREDICTION], OUTPUT_MIN_CONFIDENCE)
    if PREDICTION in line and TRUTH not in line:
        answer = line[PREDICTION]
        if isinstance(answer, dict) and not answer.get("ProjectVersion"):  # else an adapter answered
            return _prediction(answer, None)
    return None


def _from_moderation(value: Any) -> Said:
    entries = value.get(LABELS) if isinstance(value, dict) else None
    if not isinstance(entries, list):
        return Said()
    names = [entry["Name"] for entry in entries if isinstance(entry, dict) and _is_name(entry.get("Name"))]
    if len(names) < len(entries):
        return Said()  # a label that cannot be read: nothing can be said of the image as a whole
    return Said(True, not names, dict.fromkeys(names, True), frozenset(names))


def _is_name(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value)


def _class_names(metadata: Mapping[str, Any]) -> Iterator[str]:
    classes = metadata.get("class-map")
    names = list(classes.values()) if isinstance(classes, dict) else []
    yield from filter(_is_name, [*names, metadata.get("class-name")])


def _chosen(
    attribute: Attribute, value: Any, metadata: Mapping[str, Any]
) -> Iterator[tuple[str, float | None]]:
    """Yield the class names that a label attribute gives, with the job's confidence where there is one."""
    if attribute.kind is Kind.IMAGE_CLASSIFICATION:
        pairs = [(metadata.get("class-name"), metadata.get("confidence"))]
    else:
        classes = metadata.get("class-map")
        classes = classes if isinstance(classes, dict) else {}
        confidences = metadata.get("confidence-map")
        confidences = confidences if isinstance(confidences, dict) else {}
        pairs = [(classes.get(key), confidences.get(key)) for key in _class_ids(attribute.kind, value)]
    for name, confidence in pairs:
        if _is_name(name):
            yield name, confidence if isinstance(confidence, int | float) else None


def _class_ids(kind: Kind, value: Any) -> Iterator[str]:
    """Yield the ids of a multi-label list or of boxes, as the keys of their class-map."""
    if kind is Kind.OBJECT_DETECTION:
        boxes = value.get("annotations") if isinstance(value, dict) else None
        value = [box.get("class_id") for box in boxes or () if isinstance(box, dict)]
    yield from map(str, value if isinstance(value, list) else ())


def _prediction(answer: Any, asked: float | None) -> Prediction:
    entries = answer.get(LABELS) if isinstance(answer, dict) else None
    scores: dict[str, float] = {}
    for entry in entries if isinstance(entries, list) else ():
        name, score = (
            (entry.get("Name"), entry.get("Confidence")) if isinstance(entry, dict) else (None, None)
        )
        if _is_name(name) and isinstance(score, int | float):
            # v6.1 has one name at two levels: the higher score answers for it.
            scores[name] = max(float(score), scores.get(name, 0.0))
    version = answer.get("ModerationModelVersion") if isinstance(answer, dict) else None
    types = types_cell(answer.get("ContentTypes")) if isinstance(answer, dict) else ""
    return Prediction(str(version or "unknown"), scores, asked, types)
