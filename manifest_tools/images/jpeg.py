"""JPEG: the structure by an own walk over the markers, the pixels by a strict scaled decode.

libjpeg-turbo calls most damage a warning and goes on, and most libraries throw the warnings away. simplejpeg
raises on the first. Some warnings are harmless, and hide those that come after them; then the decode runs
again on a copy without their cause (:func:`normalised`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import simplejpeg

from manifest_tools.images.exif import MPF_NUMBER_OF_IMAGES, first_value, orientation

SOI, EOI, SOS, DHT, DNL, DRI = 0xD8, 0xD9, 0xDA, 0xC4, 0xDC, 0xDD
APP0, APP1, APP2, APP14, COM = 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
SEQUENTIAL, PROGRESSIVE = frozenset({0xC0, 0xC1}), 0xC2
_FRAMES: Final = {0xC0 + i for i in range(16)} - {DHT, 0xC8, 0xCC}  # SOF0..SOF15
_BARE: Final = {0x01, SOI, *range(0xD0, 0xD8)}  # markers without a length
# in entropy data: neither stuffing nor restart
_NEXT_MARKER: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_PROCESSES: Final = {
    0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive", 0xC3: "lossless", 0xC9: "arithmetic",
    0xCA: "arithmetic progressive", 0xCB: "arithmetic lossless",
}  # fmt: skip
_EXTRANEOUS: Final = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
# No camera or encoder comes near; each marker takes memory, and each scan goes over the whole picture again.
_MAX_MARKERS: Final = 10_000
_MAX_SCANS: Final = 100
_MARKER: Final = re.compile(rb"\xff+([^\xff])", re.DOTALL)
_PREFETCH: Final = 8  # bytes that libjpeg-turbo may have taken in before it counts spare ones

Grey = npt.NDArray[np.uint8]


@dataclass(slots=True)
class Structure:
    """What the markers of a JPEG file say. Sizes in pixels, positions in bytes; `end` is just after EOI."""

    width: int = 0
    height: int = 0
    precision: int = 8
    components: int = 0
    frame: int = 0  # the start-of-frame marker; 0: none found
    adobe: bool = False
    orientation: int = 1
    pictures: int = 1  # by the multi-picture index
    scans: int = 0
    end: int | None = None
    broken: str = ""  # why the walk stopped, when it did not reach the end
    excess: str = ""  # what there is too much of, when the walk stopped for that
    segments: list[tuple[int, int, int]] = field(default_factory=list)  # marker, start, end

    @property
    def process(self) -> str:
        """Return the coding process in words."""
        return _PROCESSES.get(self.frame, "hierarchical")

    @property
    def lossless(self) -> bool:
        """Whether the pixels are coded in a way that crashes the fast decoder."""
        return self.frame != 0 and self.process in {"lossless", "arithmetic lossless", "hierarchical"}

    @property
    def mode(self) -> str:
        """Return the colour mode as Pillow names it."""
        return {1: "L", 3: "RGB", 4: "CMYK"}.get(self.components, "")


def walk(data: bytes, *, scans: bool = True) -> Structure:
    """Walk over the markers of a JPEG file.

    Parameters
    ----------
    data : bytes
        The whole file.
    scans : bool
        Whether to pass over the entropy-coded data to the end; otherwise the walk stops at the first scan.
    """
    found = Structure()
    at = 2
    for _ in range(_MAX_MARKERS):
        # fill bytes (0xFF) may precede a marker; anything else there is skipped, as decoders do
        sign = _MARKER.search(data, at)
        if sign is None:
            found.broken = "it ends before the end-of-image marker"
            return found
        at, marker = sign.end() - 2, sign[1][0]
        if marker == EOI:
            found.end = at + 2
            return found
        if marker in _BARE or marker == 0:
            at += 2
            continue
        length = max(2, int.from_bytes(data[at + 2 : at + 4]))  # as libjpeg reads impossible lengths
        stop = at + 2 + length
        if stop > len(data) or at + 4 > len(data):
            found.broken = "it ends inside a header segment"
            return found
        found.segments.append((marker, at, stop))
        _note(found, marker, data[at + 4 : stop] if marker != SOS else b"")
        at = stop
        if marker == SOS:
            found.scans += 1
            if not scans:
                return found
            if found.scans > _MAX_SCANS:
                found.excess = f"more than {_MAX_SCANS} scans"
                return found
            match = _NEXT_MARKER.search(data, at)
            at = match.start() if match else len(data)
    found.excess = f"more than {_MAX_MARKERS:,} markers"
    return found


def _note(found: Structure, marker: int, body: bytes) -> None:
    """Take from one segment what it says about the picture."""
    if marker in _FRAMES and not found.frame and len(body) >= 6:
        found.frame = marker
        found.precision, found.components = body[0], body[5]
        found.height, found.width = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
    elif marker == DNL and not found.height:
        found.height = int.from_bytes(body[:2])
    elif marker == APP1 and body.startswith(b"Exif\x00"):
        found.orientation = orientation(body)
    elif marker == APP2 and body.startswith(b"MPF\x00"):
        found.pictures = max(1, first_value(body[4:], MPF_NUMBER_OF_IMAGES) or 1)
    elif marker == APP14 and body.startswith(b"Adobe"):
        found.adobe = True


def scale(width: int, height: int, *, short_side: int) -> int:
    """Return the strongest reduction of 8, 4, 2, 1 that leaves `short_side` pixels, 1 for smaller pictures."""
    return next((k for k in (8, 4, 2) if -(-min(width, height) // k) >= short_side), 1)


def decode_grey(data: bytes, found: Structure, *, short_side: int, strict: bool = True) -> Grey:
    """Decode every coefficient of `data`, and give the picture in grey, reduced as :func:`scale` says.

    Raises
    ------
    ValueError
        With libjpeg-turbo's words, on the first error; when `strict`, on the first warning too.
    """
    k = scale(found.width, found.height, short_side=short_side)
    size = {"min_height": -(-found.height // k), "min_width": -(-found.width // k)}
    if found.components != 4:
        pixels: Grey = simplejpeg.decode_jpeg(data, "GRAY", strict=strict, **size)
        return np.ascontiguousarray(pixels[:, :, 0])
    inks: Grey = simplejpeg.decode_jpeg(data, "CMYK", strict=strict, **size)
    return cmyk_to_grey(inks if found.adobe else 255 - inks)


def cmyk_to_grey(light: Grey) -> Grey:
    """Turn CMYK as Adobe stores it (255: no ink), shape (h, w, 4), into ITU-R 601 luma."""
    wide = light.astype(np.uint32)
    luma = wide[..., 0] * 299 + wide[..., 1] * 587 + wide[..., 2] * 114
    return np.asarray((luma * wide[..., 3] + 127_500) // 255_000, dtype=np.uint8)


def normalised(data: bytes, found: Structure, warning: str) -> bytes | None:
    """Return `data` without what may cause a harmless `warning`, or None when nothing of the kind is there.

    Harmless are bytes between header segments, metadata that libjpeg dislikes, spectral parameters that a
    sequential scan ignores, and zero bytes that some cameras write before the end-of-image marker.
    """
    parts = [b"\xff\xd8"]
    first_scan = next((i for i, (marker, _, _) in enumerate(found.segments) if marker == SOS), None)
    if first_scan is None:
        return None
    for marker, start, stop in found.segments[: first_scan + 1]:
        segment = data[start:stop]
        if marker == SOS and found.frame in SEQUENTIAL:
            segment = segment[:-3] + b"\x00\x3f\x00"
        if _keep(marker, segment):
            parts.append(segment)
    tail = data[found.segments[first_scan][2] :]
    spare = _EXTRANEOUS.search(warning)
    if spare and found.end is not None:
        tail = _without_padding(data[found.segments[first_scan][2] : found.end], int(spare[1]))
    parts.append(tail)
    clean = b"".join(parts)
    return clean if clean != data else None


def _keep(marker: int, segment: bytes) -> bool:
    """Tell whether a header segment says something about the pixels that libjpeg can use."""
    if marker == APP0:
        return segment[4:9] == b"JFIF\x00" and segment[9:10] == b"\x01"
    if marker == APP14:
        return segment[4:9] == b"Adobe" and segment[15:16] in (b"\x00", b"\x01", b"\x02")
    return not (APP0 <= marker < 0xF0 or marker == COM)


def _without_padding(scan: bytes, spare: int) -> bytes:
    """Drop the zero bytes before the end-of-image marker, if they are just the `spare` ones."""
    body = scan[:-2]
    zeros = len(body) - len(body.rstrip(b"\x00"))
    # more zeros than spare bytes: the decoder used some as picture data, so they are a hole
    return body[: len(body) - zeros] + scan[-2:] if spare <= zeros <= spare + _PREFETCH else scan


def last_end(data: bytes) -> int | None:
    """Return the position just after the last end-of-image marker, None without one: a look at the end only."""
    at = data.rfind(b"\xff\xd9")
    return at + 2 if at >= 0 else None
