import hashlib
import os

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from manifest_tools.images.facts import is_blank, read_facts
from manifest_tools.images.image_facts import ImageFacts
from tests.images.samples import encoded, photograph, png_chunk, png_of

PHOTO = encoded(photograph(), quality=85)


def test_a_photograph():
    facts = read_facts(PHOTO)
    assert facts[:10] == (
        len(PHOTO),
        hashlib.sha256(PHOTO).hexdigest(),
        "JPEG",
        640,
        480,
        "RGB",
        1,
        1,
        "",
        "",
    )


def test_a_path_and_its_bytes_give_the_same(tmp_path):
    path = tmp_path / "näh #1 %20\n.jpg"
    path.write_bytes(PHOTO)
    assert read_facts(path) == read_facts(str(path)) == read_facts(PHOTO)


@pytest.mark.parametrize(
    ("kind", "mode", "options", "remarks"),
    [
        ("PNG", "RGB", {}, ""),
        ("PNG", "RGBA", {}, "alpha"),
        ("PNG", "P", {}, ""),
        ("PNG", "1", {}, ""),
        ("PNG", "I;16", {}, "16-bit"),
        ("JPEG", "L", {}, ""),
        ("JPEG", "RGB", {"progressive": True}, ""),
        ("JPEG", "CMYK", {}, "cmyk-inverted"),
        ("GIF", "P", {}, ""),
        ("BMP", "RGB", {}, ""),
        ("TIFF", "RGB", {}, ""),
        ("WEBP", "RGB", {}, ""),
    ],
)
def test_formats_and_modes(kind, mode, options, remarks):
    image = photograph(300, 200)
    image = (
        Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 256)
        if mode == "I;16"
        else image.convert(mode)
    )
    facts = read_facts(encoded(image, kind, **options))
    assert (facts.format, facts.width, facts.height, facts.mode, facts.frames) == (kind, 300, 200, mode, 1)
    assert (facts.decode_error, facts.remarks) == ("", remarks)


def test_animations_and_several_pictures():
    first, second = photograph(64, 64, 1), photograph(64, 64, 2)
    for kind in ("GIF", "PNG", "WEBP"):
        facts = read_facts(encoded(first, kind, save_all=True, append_images=[second]))
        assert (facts.format, facts.frames, facts.remarks) == (kind, 2, "animated")
    facts = read_facts(encoded(first, "MPO", save_all=True, append_images=[second]))
    assert (facts.format, facts.frames, facts.remarks) == (
        "JPEG",
        2,
        "multi-picture: 2; metadata: behind",
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation(kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    facts = read_facts(encoded(photograph(64, 48), kind, exif=exif))
    assert (facts.width, facts.height, facts.orientation) == (64, 48, 6)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>Please log in</body></html>", "not-an-image: an HTML page"),
        (b'{"error": "not found"}', "not-an-image: JSON text"),
        (b"%PDF-1.7 ...", "not-an-image: a PDF document"),
        (bytes(4096), "not-an-image: only zero bytes"),
        (bytes(range(7, 200)) * 20, "not-an-image: unknown content"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported: SVG"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200), "unsupported: HEIC"),
    ],
)
def test_what_is_no_image_here(content, error):
    facts = read_facts(content)
    assert (facts.decode_error, facts.bytes) == (error, len(content))


def test_files_that_cannot_be_read(tmp_path):
    assert read_facts(tmp_path / "gone.jpg") == ImageFacts(decode_error="missing")
    assert read_facts(tmp_path / "a\0b.jpg").decode_error.startswith("unreadable")
    assert read_facts(tmp_path).decode_error == "unreadable: not a regular file"
    os.mkfifo(tmp_path / "pipe.jpg")  # opening it would wait for ever
    assert read_facts(tmp_path / "pipe.jpg").decode_error == "unreadable: not a regular file"


def test_bombs_are_refused_by_their_header():
    header = (30_000).to_bytes(4) + (30_000).to_bytes(4) + b"\x08\x06\0\0\0"
    png = png_of(png_chunk(b"IHDR", header), png_chunk(b"IDAT", b"x"), png_chunk(b"IEND"))
    sof = PHOTO.index(b"\xff\xc0")
    jpeg = PHOTO[: sof + 5] + b"\xff\xff\xff\xff" + PHOTO[sof + 9 :]
    webp = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\x3f\0\xff\x3f\0"
    gif = b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;"
    for data in (png, jpeg, webp, gif):
        assert read_facts(data).decode_error.startswith("bomb: ")
    assert read_facts(PHOTO, max_pixels=640 * 480).decode_error == ""
    assert (
        read_facts(PHOTO, max_pixels=640 * 480 - 1).decode_error
        == "bomb: 640 x 480 pixels, more than 307,199"
    )
    bmp = encoded(photograph(64, 48), "BMP")
    assert read_facts(bmp, max_pixels=64 * 48 - 2).decode_error.startswith("bomb: ")


def test_pillows_own_limit_neither_counts_nor_changes(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_facts(encoded(photograph(64, 48), "PNG")).decode_error == ""
    assert Image.MAX_IMAGE_PIXELS == 100


def test_quick_looks_at_the_ends_only():
    facts = read_facts(PHOTO, quick=True)
    assert (facts.decode_error, facts.remarks, facts.phash) == ("", "not-decoded", "")
    assert facts[:9] == read_facts(PHOTO)[:9]
    png = encoded(photograph(64, 48), "PNG")
    for data in (PHOTO, png):
        for cut in (1, 2, len(data) // 2):
            assert read_facts(data[:-cut], quick=True).decode_error.startswith("truncated")
    assert read_facts(PHOTO + b"more", quick=True).remarks == "trailing-bytes: 4; not-decoded"


def test_blank():
    white = Image.new("RGB", (200, 200), "white")
    assert read_facts(encoded(white, "PNG")).remarks == "blank"
    white.paste("black", (50, 50, 60, 60))
    assert read_facts(encoded(white, "PNG")).remarks == ""
    clear = photograph(200, 200).convert("RGBA")
    clear.putalpha(0)
    assert read_facts(encoded(clear, "PNG")).remarks == "alpha; hidden-by-alpha: hidden-scene"


def test_blankness_knows_noise_from_content():
    grey = np.full((100, 100), 128, np.uint8)
    assert is_blank(grey)
    grey[::2] += 8
    assert is_blank(grey)
    grey[::2] += 1
    assert not is_blank(grey)
    assert is_blank(np.zeros((1, 1), np.uint8))


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"RIFF\0\0\0\0WEBP"]),
)
@example(b"", b"\xff\xd8\xff")
def test_any_bytes_give_facts(data, head):
    facts = read_facts(head + data)
    assert facts.bytes == len(head + data)
    assert facts.decode_error
    assert "0x7" not in facts.decode_error  # no addresses: the same bytes, the same words


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(1, 40),
    st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"]),
)
def test_any_overwritten_bytes_give_facts(seed, count, kind):
    data = bytearray(encoded(photograph(64, 48), kind))
    for at, value in zip(
        *np.random.default_rng(seed).integers([[0], [0]], [[len(data)], [256]], (2, count)), strict=True
    ):
        data[at] = value
    facts = read_facts(bytes(data))
    assert facts.sha256 == hashlib.sha256(data).hexdigest()
    assert facts == read_facts(bytes(data))
