"""The kinds of metadata that a picture's file may hold, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# In the order in which they are told.
KINDS: Final[Mapping[str, str]] = {
    "gps": "GPS position",
    "owner": "names or serial numbers",
    "thumbnail": "embedded thumbnail",
    "comment": "comments",
    "xmp": "XMP",
    "iptc": "IPTC captions",
    "maker-note": "maker note",
    "credentials": "content credentials",
    "behind": "data behind the picture",
}
