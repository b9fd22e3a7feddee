"""Class ids: each has a name, and a confidence where there is a map of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from manifest_tools.manifests.kinds import METADATA, Attribute, Kind
from manifest_tools.manifests.validation.problems import Problem, pointer

_AWS_CODE = "ERROR_MISSING_CLASS_MAP_ID"


def class_map_problems(attribute: Attribute, label: Any, metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield where ids and maps of a multi-label or box attribute do not fit; the shape has been checked."""
    boxes = attribute.kind is Kind.OBJECT_DETECTION
    ids = [box["class_id"] for box in label["annotations"]] if boxes else label
    within = (attribute.name, "annotations") if boxes else (attribute.name,)
    classes = metadata["class-map"]
    confidences = metadata.get("confidence-map", classes)
    seen: set[str] = set()
    for number, class_id in enumerate(ids):
        place = pointer((*within, number, "class_id") if boxes else (*within, number))
        key = str(int(class_id))
        if key not in classes:
            yield Problem(
                "class-map",
                {"reason": f"id {key} has no name in class-map", "aws_code": _AWS_CODE},
                None,
                place,
            )
        elif key not in confidences:
            yield Problem("class-map", {"reason": f"id {key} has no entry in confidence-map"}, None, place)
        if key in seen and not boxes:
            yield Problem("class-map", {"reason": f"id {key} stands twice"}, None, place)
        seen.add(key)
    for key in confidences:
        if key not in classes:
            place = pointer((attribute.name + METADATA, "confidence-map", key))
            yield Problem(
                "class-map", {"reason": f"confidence-map has id {key}, class-map has not"}, None, place
            )
