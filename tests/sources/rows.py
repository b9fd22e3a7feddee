"""What readers hand on, short enough to compare."""

from __future__ import annotations

from manifest_tools.sources.formats.annotations import Annotations


def said(annotations: Annotations) -> list[tuple[str, str, bool | None]]:
    """Return reference, label and truth of each row."""
    return [row[:3] for row in annotations.rows]


def reasons(annotations: Annotations) -> list[str]:
    """Return why entries could not be read."""
    return [finding.data["reason"] for finding in annotations.findings if finding.code == "source-entry"]
