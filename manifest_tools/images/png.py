"""PNG: a walk over the chunks, with their checksums, before anything is inflated."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Final

from manifest_tools.images import metadata
from manifest_tools.images.exif import orientation

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS: Final = 100_000  # a picture of 15 MB in chunks of 1 kB has 15,000
_MODES: Final = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}  # colour type -> mode, at 8 bits
# Chunks that decoders may pass over without any pixel changing.
_BESIDE_PIXELS: Final = frozenset({b"tEXt", b"zTXt", b"iTXt", b"tIME", b"pHYs", b"hIST", b"sPLT", b"eXIf"})


@dataclass(slots=True)
class Structure:
    """What the chunks of a PNG file say. `end` is just after IEND; None when the file has none.

    `odd`: name, begin and end of each chunk of wrong checksum that has no say in the pixels, such as text.
    """

    width: int = 0
    height: int = 0
    depth: int = 0
    colour: int = -1
    frames: int = 1
    alpha: bool = False
    orientation: int = 1
    end: int | None = None
    truncated: bool = False
    excess: str = ""  # what there is too much of, when the walk stopped for that
    problem: str = ""  # the first thing that is wrong with the structure
    # chunks of wrong checksum that say nothing of pixels
    odd: list[tuple[str, int, int]] = field(default_factory=list)
    metadata: set[str] = field(default_factory=set)  # kinds, as in metadata.KINDS

    @property
    def mode(self) -> str:
        """Return the colour mode as Pillow names it."""
        if self.colour == 0 and self.depth in {1, 16}:
            return "1" if self.depth == 1 else "I;16"
        if self.colour == 4 and self.depth == 16:
            return "RGBA"
        return _MODES.get(self.colour, "")


def header(head: bytes) -> Structure:
    """Return what the first chunk of a PNG file says, from its first bytes."""
    found = Structure()
    if head[12:16] == b"IHDR":
        _note(found, b"IHDR", head[16:29])
    return found


def walk(data: bytes) -> Structure:
    """Walk over the chunks of a PNG file, verifying every checksum."""
    found = Structure()
    if not data.startswith(SIGNATURE):
        found.problem = "the PNG signature is damaged, as by a transfer as text"
        return found
    at, view, pixels_seen, wrong = len(SIGNATURE), memoryview(data), False, []
    for _ in range(_MAX_CHUNKS):
        stop = at + 12 + int.from_bytes(view[at : at + 4])
        kind = bytes(view[at + 4 : at + 8])
        if len(kind) < 4 or stop > len(data):
            found.truncated = True
            name = f"its {kind.decode()} chunk" if len(kind) == 4 and kind.isalpha() else "a chunk"
            found.problem = f"it ends inside {name}, without an IEND chunk"
            break
        if zlib.crc32(view[at + 4 : stop - 4]) != int.from_bytes(view[stop - 4 : stop]):
            if kind in _BESIDE_PIXELS:
                found.odd.append((kind.decode(), at, stop))
                at = stop
                continue
            wrong.append(kind.decode("latin-1"))
        if kind == b"IEND":
            found.end = stop
            break
        if kind == b"IDAT":
            pixels_seen = True
        else:
            _note(found, kind, bytes(view[at + 8 : min(stop - 4, at + 8 + 65_536)]))
        at = stop
    else:
        found.excess = f"more than {_MAX_CHUNKS:,} chunks"
    if wrong:
        found.truncated = False
        found.problem = f"wrong checksum in {len(wrong)} of its chunks, the first {wrong[0]!r}"
    elif found.end is not None and not pixels_seen:
        found.problem = "it holds no image data"
    return found


def without_odd(data: bytes, found: Structure) -> bytes:
    """Return a PNG file without the chunks of wrong checksum that say nothing of its pixels."""
    ends = [0, *(stop for _, _, stop in found.odd)]
    begins = [*(start for _, start, _ in found.odd), len(data)]
    return b"".join(data[end:begin] for end, begin in zip(ends, begins, strict=True)) if found.odd else data


def _note(found: Structure, kind: bytes, body: bytes) -> None:
    """Take from one chunk what it says about the picture."""
    if kind == b"IHDR" and len(body) >= 13 and not found.width:
        found.width, found.height = int.from_bytes(body[:4]), int.from_bytes(body[4:8])
        found.depth, found.colour = body[8], body[9]
        found.alpha = found.colour in {4, 6}
    elif kind == b"acTL" and len(body) >= 4:
        found.frames = max(1, int.from_bytes(body[:4]))
    elif kind == b"tRNS":
        found.alpha = True
    elif kind == b"eXIf":
        found.orientation = orientation(body)
    found.metadata |= metadata.of_png_chunk(kind, body)
