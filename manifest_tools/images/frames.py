"""How many pictures a file holds, by its structure alone: decoders would read each one for it."""

from __future__ import annotations

from typing import Final, Literal

MAX_FRAMES: Final = 10_000  # pictures of one file that are counted


def tiff_pictures(tiff: bytes) -> int:
    """Return the number of directories of a TIFF file. One that points back or outside is the last."""
    order: Literal["little", "big"] = "little" if tiff[:1] == b"I" else "big"
    wide = int.from_bytes(tiff[2:4], order) == 43  # BigTIFF
    size, counted, entry = (8, 8, 20) if wide else (4, 2, 12)
    seen: set[int] = set()
    at = int.from_bytes(tiff[8:16] if wide else tiff[4:8], order)
    while at and at not in seen and len(seen) < MAX_FRAMES and at + counted <= len(tiff):
        seen.add(at)
        at += counted + entry * int.from_bytes(tiff[at : at + counted], order)
        at = int.from_bytes(tiff[at : at + size], order)
    return len(seen)


def gif_pictures(data: bytes) -> int:
    """Return the number of images in a GIF file."""
    count, at = 0, 13 + _colour_table(data[10:11])
    while at < len(data) and count < MAX_FRAMES and data[at] != 0x3B:
        if data[at] == 0x2C:
            count += 1
            at = _after_blocks(data, at + 11 + _colour_table(data[at + 9 : at + 10]))
        elif data[at] == 0x21:
            at = _after_blocks(data, at + 2)
        else:
            at += 1
    return count


def _colour_table(flags: bytes) -> int:
    """Return the bytes of the colour table that the flags announce."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += data[at] + 1
    return at + 1
