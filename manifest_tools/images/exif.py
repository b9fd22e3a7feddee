"""The few TIFF-style tags that matter: orientation, and how many pictures a multi-picture file holds."""

from __future__ import annotations

from typing import Final, Literal

IMAGE_WIDTH: Final = 0x0100
IMAGE_LENGTH: Final = 0x0101
ORIENTATION: Final = 0x0112
MPF_NUMBER_OF_IMAGES: Final = 0xB001
_SIZES: Final = {3: 2, 4: 4}  # SHORT, LONG


def first_value(tiff: bytes, tag: int) -> int | None:
    """Return the first value of an integer `tag` of the first directory, or None.

    `tiff` starts with the byte-order mark. Anything malformed reads as absent: metadata never condemns a
    picture.
    """
    orders: dict[bytes, Literal["little", "big"]] = {b"II*\x00": "little", b"MM\x00*": "big"}
    order = orders.get(tiff[:4])
    if order is None:
        return None
    at = int.from_bytes(tiff[4:8], order)
    for i in range(int.from_bytes(tiff[at : at + 2], order)):
        entry = tiff[at + 2 + 12 * i : at + 14 + 12 * i]
        if len(entry) < 12:
            return None
        if int.from_bytes(entry[:2], order) == tag:
            size = _SIZES.get(int.from_bytes(entry[2:4], order))
            return int.from_bytes(entry[8 : 8 + size], order) if size else None
    return None


def orientation(exif: bytes) -> int:
    """Return the EXIF orientation 1-8; 1 when absent or nonsense."""
    value = first_value(exif.removeprefix(b"Exif\x00\x00"), ORIENTATION)
    return value if value is not None and 1 <= value <= 8 else 1
