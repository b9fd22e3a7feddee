"""Images that are not decoded, because the service refuses them for their size."""

from __future__ import annotations

from typing import Final

from manifest_tools.core.content_type import sniff
from manifest_tools.core.resources import load_json
from manifest_tools.images import jpeg, png
from manifest_tools.images.image_facts import ImageFacts

MAX_DECODED_BYTES: Final[int] = load_json("limits.json")["limits"]["max_image_bytes"]["value"]
MAX_DECODED_PIXELS: Final[int] = load_json("limits.json")["limits"]["max_image_side"]["value"] ** 2
HEAD: Final = 1 << 20  # bytes of a file that is not decoded from which it is told what it is


def facts_of_head(head: bytes, size: int, sha256: str) -> ImageFacts:
    """Tell what the beginning of a file says of the picture."""
    content, width, height, mode = sniff(head), 0, 0, ""
    if content.format == "JPEG":
        frame = jpeg.walk(head, scans=False)
        width, height, mode = frame.width, frame.height, frame.mode
    elif content.format == "PNG":
        header = png.header(head)
        width, height, mode = header.width, header.height, header.mode
    error = f"not-an-image: {content.other}" if content.other else ""
    remarks = "" if error else not_decoded(f"{size:,} bytes")
    return ImageFacts(size, sha256, content.format, width, height, mode, 1, 1, error, remarks)


def not_fetched(size: int) -> ImageFacts | None:
    """Return the facts about a file of `size` bytes that is far away and too heavy to be fetched; None for others."""
    return (
        ImageFacts(bytes=size, remarks=not_decoded(f"{size:,} bytes")) if size > MAX_DECODED_BYTES else None
    )


def not_decoded(why: str = "") -> str:
    """Return the remark about a picture whose pixels were not looked at; `why` is empty for a quick look."""
    return f"not-decoded: {why}" if why else "not-decoded"
