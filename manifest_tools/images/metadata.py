"""What a picture's file tells beside the picture, by kind: where it was taken, whose camera it was. No value is kept."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Final

from manifest_tools.core.metadata_kinds import KINDS
from manifest_tools.images.exif import Directory, directories

XMP: Final = (b"http://ns.adobe.com/xap/1.0/\x00", b"http://ns.adobe.com/xmp/extension/\x00")
_POSITION: Final = {0x02, 0x04, 0x06, 0x14, 0x16, 0x1B, 0x1C}  # tags of the GPS directory that tell a place
_BY_TAG: Final = {
    0x010E: "comment", 0x9286: "comment", 0x9C9B: "comment", 0x9C9C: "comment", 0x9C9E: "comment", 0x9C9F: "comment",
    0x013B: "owner", 0x8298: "owner", 0x9C9D: "owner", 0xA420: "owner", 0xA430: "owner", 0xA431: "owner",
    0xA435: "owner", 0xC62F: "owner", 0x0201: "thumbnail", 0x02BC: "xmp", 0x83BB: "iptc", 0x8649: "iptc",
    0x927C: "maker-note",
}  # fmt: skip
_IN_XMP: Final = {
    "gps": re.compile(rb"GPSL(?:at|ong)itude"),
    "owner": re.compile(rb"SerialNumber|OwnerName|dc:creator|dc:rights|CreatorContactInfo"),
    "thumbnail": re.compile(rb"xmp:Thumbnails|xmpGImg:image|G(?:Depth|Image):Data"),
}
_STRAY: Final = 16  # bytes behind a picture that are no data of any kind
_BLANK: Final = b"\x00 "  # what fills a text that says nothing
_INFLATED: Final = 1 << 20  # bytes that a compressed text may unpack to, to be looked at
_SAYS_NOTHING: Final = {b"Software", b"Creation Time", b"date:create", b"date:modify", b"date:timestamp"}
_NAMES: Final = {b"Author", b"Copyright", b"Artist"}
_PROFILE: Final = b"Raw profile type "  # begins the keyword of texts that hold other metadata, in hex


def in_order(kinds: set[str]) -> str:
    """Return kinds as a remark lists them."""
    return ", ".join(kind for kind in KINDS if kind in kinds)


def of_jpeg(data: bytes, segments: Sequence[tuple[int, int, int]], end: int | None) -> set[str]:
    """Return the kinds of metadata in a JPEG file.

    Parameters
    ----------
    data : bytes
        The whole file.
    segments : sequence of (int, int, int)
        Marker, start and end of each segment (:func:`manifest_tools.images.jpeg.walk`).
    end : int or None
        Where the picture ends; what comes behind it is looked at too.
    """
    found: set[str] = set()
    for marker, start, stop in segments:
        if 0xE0 <= marker <= 0xEF:
            found |= _of_application(marker, data[start + 4 : stop])
        elif marker == 0xFE and data[start + 4 : stop].strip(_BLANK):
            found.add("comment")
    if end is not None and len(data[end:].strip(b"\x00\xff\r\n ")) > _STRAY:
        found.add("behind")
        at = end
        while (at := data.find(b"Exif\x00\x00", at)) >= 0:  # of further pictures
            at += 6
            found |= of_exif(data[at : at + 65_536])
        if data.find(b"\xa9xyz", end) >= 0:  # of a film
            found.add("gps")
    return found


def _of_application(marker: int, body: bytes) -> set[str]:
    if body.startswith(b"Exif\x00"):
        return of_exif(body[6:])
    if body.startswith(XMP):
        return of_xmp(body)
    if body.startswith(b"Photoshop 3.0\x00") or marker == 0xED:
        return _of_photoshop(body)
    if body.startswith(b"JFXX\x00") or (body.startswith(b"JFIF\x00") and len(body) > 14):
        return {"thumbnail"}
    return {"credentials"} if marker == 0xEB and b"jumb" in body[:64] else set()


def _of_photoshop(body: bytes) -> set[str]:
    found = of_xmp(body) - {"xmp"}
    if b"8BIM\x04\x04" in body:
        found.add("iptc")
    if b"8BIM\x04\x09" in body or b"8BIM\x04\x0c" in body:
        found.add("thumbnail")
    return found.union(
        *(of_exif(body[match.end() :]) for match in re.finditer(rb"8BIM\x04[\x22\x23].{6}", body, re.DOTALL))
    )


def of_xmp(packet: bytes) -> set[str]:
    """Return the kinds that an XMP packet holds, ``xmp`` among them."""
    plain = packet.replace(b"\x00", b"")  # it may be UTF-16
    return {"xmp"} | {kind for kind, pattern in _IN_XMP.items() if pattern.search(plain)}


def of_exif(tiff: bytes) -> set[str]:
    """Return the kinds that EXIF data hold; `tiff` starts with the byte-order mark."""
    found: set[str] = set()
    for name, directory in directories(tiff):
        if name == "gps":
            found |= {"gps"} if _POSITION & directory.keys() else set()
            continue
        for tag, kind in _BY_TAG.items():
            if tag in directory and _says_something(directory, tag):
                found.add(kind)
        if 0x02BC in directory:
            found |= of_xmp(directory[0x02BC])
    return found


def _says_something(directory: Directory, tag: int) -> bool:
    value = directory[tag]
    if tag == 0x9286:  # its first bytes name the character set
        value = value[8:]
    return bool(value.strip(_BLANK)) or tag == 0x0201


def of_png_chunk(kind: bytes, body: bytes) -> set[str]:
    """Return the kinds of metadata in one chunk of a PNG file."""
    if kind == b"eXIf":
        return of_exif(body.removeprefix(b"Exif\x00\x00"))
    if kind == b"caBX":
        return {"credentials"}
    if kind not in {b"tEXt", b"zTXt", b"iTXt"}:
        return set()
    keyword, text = png_text(kind, body)
    if keyword == b"XML:com.adobe.xmp":
        return of_xmp(text)
    if keyword.startswith(_PROFILE):
        name = keyword.removeprefix(_PROFILE).lower()
        if name == b"xmp":
            return of_xmp(_unhex(text))
        return {"iptc"} if name in {b"iptc", b"8bim"} else of_exif(raw_exif(keyword, text))
    if keyword in _SAYS_NOTHING or not text.strip(_BLANK):
        return set()
    return {"owner"} if keyword in _NAMES else {"comment"}


def png_text(kind: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Return keyword and text of a text chunk, unpacked as far as it is looked at."""
    keyword, _, text = body.partition(b"\x00")
    if kind == b"zTXt":
        return keyword, _inflated(text[1:])
    if kind == b"iTXt":
        packed, text = text[:1] == b"\x01", text[2:]
        text = text.partition(b"\x00")[2].partition(b"\x00")[2]
        return keyword, _inflated(text) if packed else text
    return keyword, text


def raw_exif(keyword: bytes, text: bytes) -> bytes:
    """Return the EXIF data in a text chunk, from the byte-order mark on; nothing where it holds none."""
    if keyword.lower() not in {b"raw profile type exif", b"raw profile type app1"}:
        return b""
    return _unhex(text).removeprefix(b"Exif\x00\x00")


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _INFLATED)
    except zlib.error:
        return b""


def _unhex(text: bytes) -> bytes:
    """Return what a raw profile holds: name, length, then hex in lines."""
    parts = text.split(maxsplit=2)
    try:
        return bytes.fromhex(b"".join(parts[2].split()).decode("ascii")) if len(parts) == 3 else b""
    except ValueError:
        return b""
