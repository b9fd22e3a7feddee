"""The facts about one image."""

from __future__ import annotations

from typing import NamedTuple


class ImageFacts(NamedTuple):
    """What one image's bytes tell: the columns of ``Dataset.images`` of the same names."""

    bytes: int = 0
    sha256: str = ""
    format: str = ""
    width: int = 0
    height: int = 0
    mode: str = ""
    frames: int = 0
    orientation: int = 1
    decode_error: str = ""
    remarks: str = ""
    phash: str = ""
    views: str = ""
    sketch: str = ""
    shown: str = ""
