"""Rules about where labels come from: what their readers could not read, and who disagreed there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from manifest_tools.findings.findings import Finding
from manifest_tools.rules.evidence import Evidence


def unread_entries(evidence: Evidence) -> Iterator[Finding]:
    """Pass on what the readers of label files noted, with what became of the image."""
    noted = [
        Finding.from_dict(item)
        for _, origin in sorted(evidence.dataset.sources.items())
        for item in origin.get("findings", ())
    ]
    images = sorted({found.location.image for found in noted if found.location.image is not None})
    rows = evidence.rows_of(images)
    usable = {image: image in rows and bool(evidence.eligible[rows[image]]) for image in images}
    for found in noted:
        image = found.location.image
        if image is None or usable[image]:
            yield found
        else:
            yield replace(found, data={**found.data, "left_out": True})
