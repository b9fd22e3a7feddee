"""The few TIFF-style tags that matter: orientation, and how many pictures a multi-picture file holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

IMAGE_WIDTH: Final = 0x0100
IMAGE_LENGTH: Final = 0x0101
ORIENTATION: Final = 0x0112
MPF_NUMBER_OF_IMAGES: Final = 0xB001
_SIZES: Final = {3: 2, 4: 4}  # SHORT, LONG
_WIDTHS: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_EXIF_DIRECTORY, _GPS_DIRECTORY = 0x8769, 0x8825
_MAX_DIRECTORIES: Final = 8  # that follow each other; a file has two
_MAX_ENTRIES: Final = 1_000  # of a directory
_MAX_VALUE: Final = 65_536  # bytes of a value that are looked at

Order: TypeAlias = Literal["little", "big"]
Directory: TypeAlias = dict[int, bytes]  # tag -> value, as stored


def _order(tiff: bytes) -> Order | None:
    orders: dict[bytes, Order] = {b"II*\x00": "little", b"MM\x00*": "big"}
    return orders.get(tiff[:4])


def directories(tiff: bytes) -> Iterator[tuple[str, Directory]]:
    """Yield every directory of EXIF data as ("image", "exif" or "gps", its tags). What is malformed is left out."""
    order = _order(tiff)
    at = int.from_bytes(tiff[4:8], order) if order else 0
    seen: set[int] = set()
    while order and at and at not in seen and len(seen) < _MAX_DIRECTORIES:
        seen.add(at)
        directory, following = _directory(tiff, at, order)
        yield "image", directory
        for tag, name in ((_EXIF_DIRECTORY, "exif"), (_GPS_DIRECTORY, "gps")):
            if tag in directory:
                yield name, _directory(tiff, int.from_bytes(directory[tag][:4], order), order)[0]
        at = following


def _directory(tiff: bytes, at: int, order: Order) -> tuple[Directory, int]:
    """Return a directory's tags and where the next directory begins."""
    count = int.from_bytes(tiff[at : at + 2], order)
    found: Directory = {}
    for number in range(min(count, _MAX_ENTRIES)):
        entry = tiff[at + 2 + 12 * number : at + 14 + 12 * number]
        if len(entry) < 12:
            break
        size = _WIDTHS.get(int.from_bytes(entry[2:4], order), 0) * int.from_bytes(entry[4:8], order)
        start = int.from_bytes(entry[8:12], order)
        value = entry[8 : 8 + size] if size <= 4 else tiff[start : start + min(size, _MAX_VALUE)]
        found[int.from_bytes(entry[:2], order)] = value
    end = at + 2 + 12 * count
    return found, int.from_bytes(tiff[end : end + 4], order)


def first_value(tiff: bytes, tag: int) -> int | None:
    """Return the first value of an integer `tag` of the first directory, or None.

    `tiff` starts with the byte-order mark. Anything malformed reads as absent: metadata never condemns a
    picture.
    """
    order = _order(tiff)
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
