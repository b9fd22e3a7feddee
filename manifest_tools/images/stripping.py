"""Files without their metadata: the coded pixels stay byte for byte, and so does what changes how they are seen.

Kept are the colour profile, the turn (EXIF orientation) and what a decoder wants; everything else goes: EXIF, XMP, IPTC,
comments, thumbnails, further pictures, and what lies behind the picture.
"""

from __future__ import annotations

import hashlib
import io
import warnings
import zlib
from collections.abc import Iterator
from typing import Final

from PIL import Image

from manifest_tools.core.content_type import sniff
from manifest_tools.images import jpeg, png

# Chunks that say how pixels are shown, or belong to an animation.
_SHOWN: Final = frozenset(
    {b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs", b"cICP", b"mDCV", b"cLLI"}
    | {b"mDCv", b"cLLi", b"acTL", b"fcTL", b"fdAT"}
)
_ANCILLARY: Final = 0x20  # this bit of a chunk's first letter: decoders may pass over it


def stripped(data: bytes) -> bytes | None:
    """Return a JPEG or PNG file without its metadata; None for other files, and for those that hold no picture.

    The same bytes come back when there is nothing to leave out.

    Examples
    --------
    >>> from pathlib import Path
    >>> from manifest_tools.images.stripping import stripped
    >>> content = Path("sample_data/images/animals/beagle.jpg").read_bytes()
    >>> len(stripped(content)) <= len(content)
    True
    """
    kind = sniff(data).format
    if kind == "JPEG":
        return _jpeg(data)
    return _png(data) if kind == "PNG" else None


def _jpeg(data: bytes) -> bytes | None:
    found = jpeg.walk(data)
    if found.excess or not found.scans:
        return None
    end = found.end - 2 if found.end is not None else len(data)
    # what follows the header of a scan is the coded picture, up to the next segment
    stops = [start for _, start, _ in found.segments[1:]] + [end]
    parts = [b"\xff\xd8"]
    turned = False
    for (marker, start, stop), following in zip(found.segments, stops, strict=True):
        segment = data[start:stop]
        if (
            found.orientation != 1
            and not turned
            and not (marker == jpeg.APP0 and segment[4:9] == b"JFIF\x00")
        ):
            body = b"Exif\x00\x00" + _turn(found.orientation)  # behind JFIF, before all else
            parts.append(b"\xff\xe1" + (len(body) + 2).to_bytes(2) + body)
            turned = True
        parts.append(_kept(marker, segment))
        if marker == jpeg.SOS:
            parts.append(data[stop:following])
    return b"".join(parts) + (b"\xff\xd9" if found.end is not None else b"")


def _kept(marker: int, segment: bytes) -> bytes:
    """Return what stays of a segment: all of it, its part about the colours, or nothing."""
    if marker == jpeg.COM:
        return b""
    if not jpeg.APP0 <= marker <= 0xEF:
        return segment
    body = segment[4:]
    if marker == jpeg.APP0 and body.startswith(b"JFIF\x00") and len(body) >= 14:
        return segment[:2] + b"\x00\x10" + body[:12] + b"\x00\x00"  # without its thumbnail
    if marker == jpeg.APP2 and body.startswith(b"ICC_PROFILE\x00"):
        return segment
    if marker == jpeg.APP14 and body.startswith(b"Adobe") and len(body) >= 12:
        return segment[:2] + b"\x00\x0e" + body[:12]
    return b""


def _turn(orientation: int) -> bytes:
    """Return EXIF data that hold the orientation alone."""
    return (
        b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"
        + bytes([orientation])
        + bytes(6)
    )


def _png(data: bytes) -> bytes | None:
    found = png.walk(data)
    if found.excess or not found.width or not data.startswith(png.SIGNATURE):
        return None
    parts, turned = [png.SIGNATURE], found.orientation == 1
    for kind, chunk in _chunks(data, len(data) if found.end is None else found.end):
        if kind == b"IDAT" and not turned:
            parts.append(_chunk(b"eXIf", _turn(found.orientation)))
            turned = True
        if kind in _SHOWN or not (kind[:1] or b"a")[0] & _ANCILLARY:
            parts.append(chunk)
    return b"".join(parts)


def _chunks(data: bytes, end: int) -> Iterator[tuple[bytes, bytes]]:
    at = len(png.SIGNATURE)
    while at < end:
        stop = min(end, at + 12 + int.from_bytes(data[at : at + 4]))  # the file may be cut
        yield data[at + 4 : at + 8], data[at:stop]
        at = stop


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


def same_pixels(before: bytes, after: bytes) -> bool:
    """Tell whether two files decode to the same picture, in the same colours and turned the same way."""
    return before == after or _shown(before) == _shown(after)


def _shown(data: bytes) -> tuple[object, ...]:
    """Return what a decoder makes of a file.

    Raises
    ------
    OSError, ValueError, SyntaxError
        It cannot be decoded.
    """
    if not data.startswith(b"\xff\xd8"):
        data = png.without_odd(data, png.walk(data))
    with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
        warnings.simplefilter("ignore")
        image.load()
        info = [repr(image.info.get(name)) for name in ("icc_profile", "transparency", "gamma", "srgb")]
        return image.mode, image.size, *info, _turn_of(data), hashlib.sha256(image.tobytes()).digest()


def _turn_of(data: bytes) -> int:
    """Return the orientation that a file's EXIF data give."""
    found = jpeg.walk(data, scans=False) if data.startswith(b"\xff\xd8") else png.walk(data)
    return found.orientation
