"""Rules about where labels come from: what their readers could not read, and who disagreed there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from manifest_tools.findings import Finding
from manifest_tools.rules.evidence import Evidence


def unread_entries(evidence: Evidence) -> Iterator[Finding]:
    """Pass on what the readers of label files noted, with what became of the image."""
    usable = dict(zip(evidence.keys, evidence.usable, strict=True))
    for _, origin in sorted(evidence.dataset.sources.items()):
        for item in origin.get("findings", ()):
            noted = Finding.from_dict(item)
            image = noted.location.image
            if image is not None and not usable.get(image, False):
                noted = replace(noted, data={**noted.data, "left_out": True})
            yield noted
