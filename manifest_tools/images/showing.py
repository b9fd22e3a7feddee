"""Which pictures may be decoded for people to look at."""

from __future__ import annotations

from manifest_tools.core.content_type import sniff
from manifest_tools.images import jpeg
from manifest_tools.images.facts import MAX_OTHER_PIXELS, facts_of
from manifest_tools.images.heavy import MAX_DECODED_BYTES, MAX_DECODED_PIXELS


def why_not_shown(data: bytes) -> str:
    """Return why a picture is not decoded for people to look at, by the bounds of :func:`facts_of`; "" if it may be."""
    if len(data) > MAX_DECODED_BYTES:
        return f"{len(data):,} bytes are too many to show"
    found = jpeg.walk(data) if sniff(data).format == "JPEG" else None
    if found is not None and found.excess:
        return f"it has {found.excess}"
    facts = facts_of(data, quick=True)
    known = facts.format in {"JPEG", "PNG"}
    if facts.width * facts.height > (MAX_DECODED_PIXELS if known else MAX_OTHER_PIXELS):
        return f"{facts.width:,} x {facts.height:,} pixels are too many to show"
    return facts.decode_error if facts.decode_error.startswith("bomb") else ""
