"""VGG Image Annotator: told by its layout, and refused with the way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from manifest_tools.sources.formats.json_files import member, objects

REFUSAL = (
    "an export of the VGG Image Annotator (VIA), whose attributes may be questions, names or remarks of any kind; export "
    "the regions as COCO (Annotation > Export Annotations), or write a table of images and labels"
)
_COLUMNS = frozenset({"region_attributes", "file_attributes", "region_shape_attributes"})


def is_via(value: Any) -> bool:
    """Whether a JSON value is a project of VIA 2 or 3, or its annotations."""
    if not isinstance(value, dict):
        return False
    inside = value.get("_via_img_metadata", value)
    entries = objects([*inside.values()][:1]) if isinstance(inside, dict) else []
    return (
        "_via_img_metadata" in value
        or isinstance(member(value, "project", "vid_list"), list)
        or any("filename" in entry and "regions" in entry for entry in entries)
    )


def is_via_table(columns: Sequence[str]) -> bool:
    """Whether a table's columns are those of VIA's CSV."""
    plain = {column.strip(" #").casefold() for column in columns}
    return len(plain & _COLUMNS) > 1
