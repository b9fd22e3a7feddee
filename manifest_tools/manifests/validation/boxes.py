"""Bounding boxes: inside their image, of some size, and with one entry each in the metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from manifest_tools.manifests.kinds import METADATA
from manifest_tools.manifests.validation.problems import MAX_BOXES, Problem, pointer

_ROUNDING = 1.0  # pixels that an edge may lie outside: tools round edges and sizes apart
_RESIZED_TO = 1280  # pixels; the service shrinks longer sides to this before it looks at box sizes


def box_problems(name: str, label: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems of one attribute's boxes; the shape has been checked."""
    size = label["image_size"][0]
    width, height = size["width"], size["height"]
    boxes = label["annotations"]
    place = pointer((name, "annotations"))
    if len(boxes) > MAX_BOXES:
        data = {"count": len(boxes), "limit": MAX_BOXES, "aws_code": "ERROR_TOO_MANY_BOUNDING_BOXES"}
        yield Problem("box-geometry", data, "too-many", place)
    entries = len(metadata.get("objects", boxes))
    if entries != len(boxes):
        reason = f"{len(boxes)} boxes, but {entries} entries in objects"
        data = {"reason": reason, "aws_code": "ERROR_MISSING_BOUNDING_BOX_CONFIDENCE"}
        yield Problem("class-map", data, None, pointer((name + METADATA, "objects")))
    shrink = min(1.0, _RESIZED_TO / max(width, height))
    for number, box in enumerate(boxes):
        where = f"{place}/{number}"
        reason = _misplaced(box, width, height)
        if reason:
            yield Problem(
                "box-geometry", {"reason": reason, "aws_code": "ERROR_INVALID_BOUNDING_BOX"}, None, where
            )
        elif min(box["width"], box["height"]) * shrink <= 1:
            data = {
                "width": box["width"],
                "height": box["height"],
                "aws_code": "ERROR_BOUNDING_BOX_TOO_SMALL",
            }
            yield Problem("box-geometry", data, "too-small", where)


def _misplaced(box: Mapping[str, Any], width: float, height: float) -> str:
    if box["width"] <= 0 or box["height"] <= 0:
        return f"the box is {box['width']} x {box['height']} pixels"
    if box["left"] < 0 or box["top"] < 0:
        return f"the box begins at {box['left']}, {box['top']}; edges are at least 0"
    right, bottom = box["left"] + box["width"], box["top"] + box["height"]
    if right > width + _ROUNDING or bottom > height + _ROUNDING:
        return f"the box ends at {right:g}, {bottom:g}; the image is {width} x {height} pixels"
    return ""
