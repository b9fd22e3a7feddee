"""One image's bytes -> facts about it. No judgement: what the facts mean is for the rules."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from manifest_tools.core.content_type import sniff
from manifest_tools.duplicates.fingerprints import NO_FINGERPRINT, describe
from manifest_tools.images import jpeg, metadata, png
from manifest_tools.images.blank import is_blank
from manifest_tools.images.frames import MAX_FRAMES
from manifest_tools.images.heavy import (
    HEAD,
    MAX_DECODED_BYTES,
    MAX_DECODED_PIXELS,
    facts_of_head,
    not_decoded,
)
from manifest_tools.images.image_facts import ImageFacts
from manifest_tools.images.jpeg_damage import silent_damage
from manifest_tools.images.transparency import Planes, what_is_hidden

MAX_PIXELS: Final = 178_956_970  # Pillow's limit; the service takes 100 million
MAX_BYTES: Final = 1 << 30  # files of more bytes are not read
# of formats that the service does not read: their decoders take more memory
MAX_OTHER_PIXELS: Final = 32_000_000

SHORT_SIDE: Final = 96  # pixels that fingerprints want of the shorter side
# Faults of the fast decoder, not of the picture.
_BEYOND: Final = re.compile("subsampling level|Unsupported color conversion")


@dataclass(slots=True)
class _Notes:
    """Facts while they are being gathered."""

    format: str = ""
    width: int = 0
    height: int = 0
    mode: str = ""
    frames: int = 0
    orientation: int = 1
    decode_error: str = ""
    remarks: list[str] = field(default_factory=list)
    not_decoded: str = ""  # why, where nobody asked for a quick look
    planes: Planes | None = None

    def fail(self, kind: str, detail: str = "") -> _Notes:
        self.decode_error = f"{kind}: {detail}" if detail else kind
        return self

    def needs_no_decode(self) -> bool:
        """Tell whether the service refuses the picture for its pixels alone."""
        if self.width * self.height > MAX_DECODED_PIXELS:
            self.not_decoded = f"{self.width:,} x {self.height:,} pixels"
        return bool(self.not_decoded)

    def too_big(self, max_pixels: int) -> bool:
        """Refuse a picture whose header declares too many pixels."""
        if self.width * self.height > max_pixels:
            self.fail("bomb", f"{self.width:,} x {self.height:,} pixels, more than {max_pixels:,}")
        return bool(self.decode_error)


def read_facts(
    source: str | os.PathLike[str] | bytes, *, quick: bool = False, max_pixels: int = MAX_PIXELS
) -> ImageFacts:
    """Read one image and tell everything about it, in one pass over its bytes. Broken images raise nothing.

    What the service refuses for its size (`MAX_DECODED_BYTES`, `MAX_DECODED_PIXELS`) is not decoded, and other formats
    than JPEG and PNG only up to `MAX_OTHER_PIXELS`; the remark ``not-decoded`` says so. Nothing takes more than 1 GB.

    Parameters
    ----------
    source : path or bytes
        The file, or its content.
    quick : bool
        Look at type, header, checksum and end of the file, but decode no pixels. The remark
        ``not-decoded`` says so.
    max_pixels : int
        Pictures that declare more pixels are refused before memory is touched (``bomb``).
    """
    if isinstance(source, bytes):
        return facts_of(source, quick=quick, max_pixels=max_pixels)
    content = read_bytes(source)
    if isinstance(content, ImageFacts):
        return content
    return facts_of(content, quick=quick, max_pixels=max_pixels)


def read_bytes(path: str | os.PathLike[str]) -> bytes | ImageFacts:
    """Return a file's bytes, or the facts about a file that cannot be read, or is too heavy to be decoded."""
    try:
        # a pipe opens at once, instead of waiting for somebody to write to it
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            return _read_all(descriptor)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return ImageFacts(decode_error="missing")
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        return ImageFacts(decode_error=f"unreadable: {getattr(error, 'strerror', None) or error}")


def _read_all(descriptor: int) -> bytes | ImageFacts:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return ImageFacts(decode_error="unreadable: not a regular file")
    if status.st_size > MAX_BYTES:
        reason = f"unreadable: {status.st_size:,} bytes, more than {MAX_BYTES:,}"
        return ImageFacts(bytes=status.st_size, decode_error=reason)
    if status.st_size > MAX_DECODED_BYTES:
        return _heavy_facts(descriptor)
    data = os.read(descriptor, status.st_size)
    while len(data) < status.st_size and (more := os.read(descriptor, status.st_size - len(data))):
        data += more
    return data


def _heavy_facts(descriptor: int) -> ImageFacts:
    """Tell what the beginning of a heavy file says, and its digest, without holding it in memory."""
    head = os.read(descriptor, HEAD)
    digest, size = hashlib.sha256(head), len(head)
    while size <= MAX_BYTES and (more := os.read(descriptor, HEAD)):  # it may be growing
        digest.update(more)
        size += len(more)
    return facts_of_head(head, size, digest.hexdigest())


def facts_of(
    data: bytes, *, quick: bool = False, max_pixels: int = MAX_PIXELS, sha256: str = ""
) -> ImageFacts:
    """Tell everything about an image's bytes; `sha256` saves computing it again where it is known."""
    digest = sha256 or hashlib.sha256(data).hexdigest()
    if len(data) > MAX_DECODED_BYTES:
        return facts_of_head(data[:HEAD], len(data), digest)
    notes = _look(data, quick=quick, max_pixels=max_pixels)
    prints, shown = NO_FINGERPRINT, NO_FINGERPRINT
    if notes.planes is not None:
        prints = describe(notes.planes.grey)
        if is_blank(notes.planes.grey):
            notes.remarks.append("blank")
        if notes.planes.shown is not None and (hidden := what_is_hidden(notes.planes)):
            shown = describe(notes.planes.shown)
            notes.remarks.append(f"hidden-by-alpha: {hidden}")
    elif not notes.decode_error:
        notes.remarks.append(not_decoded(notes.not_decoded))
    return ImageFacts(
        len(data),
        digest,
        notes.format,
        notes.width,
        notes.height,
        notes.mode,
        min(notes.frames, MAX_FRAMES),
        notes.orientation,
        notes.decode_error,
        "; ".join(notes.remarks),
        *prints,
        shown.views + shown.sketch,
    )


def needs_decoder(data: bytes) -> bool:
    """Tell whether even a quick look at `data` calls code that may crash: JPEG and PNG headers we read ourselves."""
    content = sniff(data)
    return bool(data) and not content.other and content.format not in {"JPEG", "PNG"}


def _look(data: bytes, *, quick: bool, max_pixels: int) -> _Notes:
    if not data:
        return _Notes().fail("empty")
    content = sniff(data)
    if content.other:
        return _Notes().fail("not-an-image", content.other)
    if content.format == "JPEG":
        return _jpeg(data, quick=quick, max_pixels=max_pixels)
    if content.format == "PNG":
        return _png(data, quick=quick, max_pixels=max_pixels)
    return _other(data, content.format, quick=quick, max_pixels=max_pixels)


def _jpeg(data: bytes, *, quick: bool, max_pixels: int) -> _Notes:
    found = jpeg.walk(data, scans=not quick)
    end = jpeg.last_end(data) if quick else found.end
    notes = _Notes("JPEG", found.width, found.height, found.mode, found.pictures, found.orientation)
    notes.remarks.extend(_jpeg_remarks(found, 0 if end is None else len(data) - end))
    notes.remarks.extend(_metadata(metadata.of_jpeg(data, found.segments, end)))
    if found.excess:
        return notes.fail("bomb", found.excess)
    if not found.frame:
        kind = "truncated" if found.broken.startswith("it ends") else "corrupt"
        return notes.fail(kind, found.broken or "no frame header")
    if notes.too_big(max_pixels):
        return notes
    if not found.width or not found.height:
        return notes.fail("corrupt", f"the header declares {found.width} x {found.height} pixels")
    if quick:
        return notes if end is not None else notes.fail("truncated", "no end-of-image marker")
    if notes.needs_no_decode():
        return notes if end is not None else notes.fail("truncated", found.broken)
    _jpeg_pixels(notes, data, found, max_pixels)
    return notes


def _jpeg_pixels(notes: _Notes, data: bytes, found: jpeg.Structure, max_pixels: int) -> None:
    if found.lossless or found.precision > 8:
        _by_pillow(notes, data, found, max_pixels)
        return
    try:
        notes.planes = Planes(jpeg.decode_grey(data, found, short_side=SHORT_SIDE))
    except ValueError as error:
        if _BEYOND.search(str(error)):
            _by_pillow(notes, data, found, max_pixels)
        else:
            _settle(notes, data, found, str(error), max_pixels)
    else:
        _note_silent_damage(notes, data, found)


def _note_silent_damage(notes: _Notes, data: bytes, found: jpeg.Structure) -> None:
    if said := silent_damage(data, found):
        notes.remarks.append(f"damaged: {said}")


def _jpeg_remarks(found: jpeg.Structure, trailing: int) -> Iterator[str]:
    if found.pictures > 1:  # they follow the first one, so what follows is not a stray
        yield f"multi-picture: {found.pictures}"
    elif trailing:
        yield f"trailing-bytes: {trailing}"
    if found.components == 4 and found.adobe:
        yield "cmyk-inverted"
    if found.frame and found.process not in {"baseline", "extended", "progressive"}:
        yield f"coding: {found.process}"
    if found.precision > 8:
        yield f"{found.precision}-bit"


def _metadata(kinds: set[str]) -> Iterator[str]:
    if kinds:
        yield f"metadata: {metadata.in_order(kinds)}"


def _by_pillow(notes: _Notes, data: bytes, found: jpeg.Structure, max_pixels: int) -> None:
    """Decode what the fast decoder cannot, or must not be given."""
    from manifest_tools.images import raster  # noqa: PLC0415 - workers that meet only JPEG do without Pillow

    picture = raster.read(
        data, ("JPEG", "MPO"), short_side=SHORT_SIDE, max_pixels=max_pixels, max_decoded=MAX_DECODED_PIXELS
    )
    if isinstance(picture, raster.DecodedImage):
        notes.planes = picture.planes
        if found.end is None:
            notes.remarks.append(f"damaged: {found.broken}")
    else:
        _undecodable(notes, found, picture.detail)


def _undecodable(notes: _Notes, found: jpeg.Structure, detail: str) -> None:
    notes.planes = None
    if found.precision > 8 or found.lossless:
        notes.fail("unsupported", f"{found.precision}-bit {found.process} JPEG")
    elif found.end is None:
        notes.fail("truncated", found.broken)
    else:
        notes.fail("corrupt", detail)


def _settle(notes: _Notes, data: bytes, found: jpeg.Structure, warning: str, max_pixels: int) -> None:
    """Tell harmless from damaged from undecodable, after the strict decoder has objected."""
    from manifest_tools.images import raster  # noqa: PLC0415 - workers that meet only JPEG do without Pillow

    harmless = False
    clean = jpeg.normalised(data, found, warning)
    if clean is not None:
        try:
            notes.planes = Planes(jpeg.decode_grey(clean, found, short_side=SHORT_SIDE))
            harmless = True
        except ValueError as error:
            warning = str(error)
    picture = raster.read(
        data, ("JPEG", "MPO"), short_side=SHORT_SIDE, max_pixels=max_pixels, max_decoded=MAX_DECODED_PIXELS
    )
    if isinstance(picture, raster.DecodeFailure):
        notes.planes = None
        _undecodable(notes, found, picture.detail)
    elif harmless:
        _note_silent_damage(notes, data, found)
    else:
        notes.remarks.append(f"damaged: {warning.removeprefix('Corrupt JPEG data: ')}")
        try:
            notes.planes = Planes(jpeg.decode_grey(data, found, short_side=SHORT_SIDE, strict=False))
        except ValueError:
            notes.planes = picture.planes


def _png(data: bytes, *, quick: bool, max_pixels: int) -> _Notes:
    found = png.walk(data)
    notes = _Notes("PNG", found.width, found.height, found.mode, found.frames, found.orientation)
    notes.remarks.extend(_png_remarks(found, len(data)))
    notes.remarks.extend(_metadata(found.metadata))
    if found.excess:
        return notes.fail("bomb", found.excess)
    if notes.too_big(max_pixels):
        return notes
    kind = "truncated" if found.truncated else "corrupt"
    if quick or notes.needs_no_decode():
        return notes.fail(kind, found.problem) if found.problem else notes
    from manifest_tools.images import raster  # noqa: PLC0415 - workers that meet only JPEG do without Pillow

    picture = raster.read(
        png.without_odd(data, found),
        ("PNG",),
        short_side=SHORT_SIDE,
        max_pixels=max_pixels,
        max_decoded=MAX_DECODED_PIXELS,
    )
    if isinstance(picture, raster.DecodeFailure):
        return notes.fail("bomb" if picture.kind == "bomb" else kind, found.problem or picture.detail)
    notes.mode, notes.frames, notes.planes = picture.mode, picture.frames, picture.planes
    if found.problem or picture.damage:
        notes.remarks.append(f"damaged: {found.problem or picture.damage}")
    return notes


def _png_remarks(found: png.Structure, size: int) -> Iterator[str]:
    if found.frames > 1:
        yield "animated"
    if found.depth == 16:
        yield "16-bit"
    if found.alpha:
        yield "alpha"
    if found.end is not None and found.end < size:
        yield f"trailing-bytes: {size - found.end}"
    if found.odd:
        yield f"text-checksum: {', '.join(dict.fromkeys(name for name, _, _ in found.odd))}"


def _other(data: bytes, name: str, *, quick: bool, max_pixels: int) -> _Notes:
    from manifest_tools.images import raster  # noqa: PLC0415 - workers that meet only JPEG do without Pillow

    notes = _Notes(name)
    if name == "WEBP":
        notes.width, notes.height = raster.webp_size(data)
        if notes.too_big(max_pixels) or _too_many(notes):  # Pillow makes the canvas when it opens the file
            return notes
    if name and name not in raster.FORMATS:
        return notes.fail("unsupported", name)
    formats = (name,) if name else raster.FORMATS
    picture = raster.read(
        data,
        formats,
        short_side=None if quick else SHORT_SIDE,
        max_pixels=max_pixels,
        max_decoded=MAX_OTHER_PIXELS,
    )
    if isinstance(picture, raster.DecodeFailure):
        return notes.fail(*picture) if name else notes.fail("not-an-image", "unknown content")
    notes.format, notes.width, notes.height = picture.format, picture.width, picture.height
    notes.mode, notes.frames, notes.orientation = picture.mode, picture.frames, picture.orientation
    notes.planes = picture.planes
    _too_many(notes)
    if picture.animated:
        notes.remarks.append("animated")
    elif picture.frames > 1:
        notes.remarks.append(f"multi-picture: {picture.frames}")
    if picture.mode.startswith("I;16"):
        notes.remarks.append("16-bit")
    if picture.alpha:
        notes.remarks.append("alpha")
    if picture.damage:
        notes.remarks.append(f"damaged: {picture.damage}")
    return notes


def _too_many(notes: _Notes) -> bool:
    """Tell whether a picture in a format that the service does not read has more pixels than are decoded."""
    if notes.width * notes.height > MAX_OTHER_PIXELS:
        notes.not_decoded = f"{notes.width:,} x {notes.height:,} pixels of {notes.format}"
    return bool(notes.not_decoded)
