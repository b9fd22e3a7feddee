"""What a file is, by its first bytes; and by which names files are looked at as images at all."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from manifest_tools.core.resources import load_json

ACCEPTED_FORMATS: Final[tuple[str, ...]] = tuple(load_json("limits.json")["accepted_formats"]["value"])
HEAD_BYTES: Final = 512  # enough for every signature below
# The endings of names by format; the first is the one that we write.
SUFFIXES: Final = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "AVIF": (".avif",),
    "HEIC": (".heic", ".heif"),
}
# A file with one of these endings is meant to be an image, whatever it holds.
IMAGE_SUFFIXES: Final = frozenset(
    {suffix for suffixes in SUFFIXES.values() for suffix in suffixes} | {".ico", ".jp2", ".jxl", ".psd"}
)


class Content(NamedTuple):
    """What the first bytes say: `format` as Pillow names it, or empty; for a file that is no image, `other`."""

    format: str
    other: str = ""


_SIGNATURES: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"\x00\x00\x02\x00", "CUR"),
    (b"8BPS", "PSD"),
    (b"\xff\x0a", "JXL"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JXL"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"qoif", "QOI"),
    (b"DDS ", "DDS"),
    (b"icns", "ICNS"),
)
_OTHERS: Final = (
    (b"%PDF-", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"version https://git-lfs", "a Git LFS pointer: the image itself was never fetched"),
    (b"\x00\x05\x16\x07", "a macOS resource file"),
)
_BRANDS: Final = {  # ISO base media files: brand -> format
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), "HEIC"),
    b"crx ": "CR3",
}
_PNG_MANGLED: Final = re.compile(rb"[\x00-\xff]?PNG[\r\n\x1a]{0,4}\x00{0,3}\rIHDR|.?PNG.{1,8}IHDR", re.DOTALL)


def sniff(data: bytes) -> Content:
    """Tell what `data`, a whole file or its first :data:`HEAD_BYTES`, holds.

    A damaged signature that still shows what the file was meant to be counts as that format; its decoder
    then tells what is wrong.
    """
    head = bytes(data[:HEAD_BYTES])
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return Content(name)
    if head[:2] == b"BM" and len(head) >= 26 and head[6:10] == bytes(4):
        return Content("BMP")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Content("WEBP")
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    for signature, other in _OTHERS:
        if head.startswith(signature):
            return Content("", other)
    if _PNG_MANGLED.match(head[:32]):
        return Content("PNG")
    if head.startswith(b"\xff\xd8"):
        return Content("JPEG")
    return _text_or_nothing(head)


def _iso_media(head: bytes) -> Content:
    """Tell AVIF from HEIC and from videos by the brands of the file type box."""
    size = int.from_bytes(head[:4])
    brands = [head[8:12], *(head[i : i + 4] for i in range(16, min(max(size, 16), len(head)), 4))]
    found = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
    # AVIF files also carry the brand mif1, which alone means HEIF
    if "AVIF" in found:
        return Content("AVIF")
    return Content(found[0]) if found else Content("", "an MP4 or QuickTime video")


def _text_or_nothing(head: bytes) -> Content:
    if head and not head.strip(b"\x00"):
        return Content("", "only zero bytes")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return Content("", "an HTML page")
    if b"<svg" in text and text.startswith(b"<"):
        return Content("SVG")
    if text.startswith(b"<"):
        return Content("", "an XML or HTML text")
    if text.startswith((b"{", b"[")) and b"\x00" not in text:
        return Content("", "JSON text")
    if text and _is_text(text):
        return Content("", "plain text")
    return Content("", "")


def _is_text(head: bytes) -> bool:
    # the last character may be cut in the middle
    return not re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", head) and bool(head.decode("utf-8", "ignore"))
