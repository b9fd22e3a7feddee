"""What the service refuses becomes JPEG or PNG: which, how, and always the same bytes."""

import io

import numpy as np
import pytest
from PIL import Image, features

from manifest_tools.images.facts import read_facts
from manifest_tools.images.redraw import CannotRedrawError, Limits, reasons, redrawn
from tests.images import cameras
from tests.images.samples import encoded, photograph

LIMITS = Limits(10_000, 15_728_640)
PHOTO = photograph(200, 120, 4)
TRANSPARENT = PHOTO.convert("RGBA")
TRANSPARENT.putalpha(Image.linear_gradient("L").resize((200, 120)))


def copy_of(data, limits=LIMITS):
    """Return reasons, copy, its format and its picture."""
    facts = read_facts(data)._asdict()
    made, kind = redrawn(data, facts, limits)
    assert redrawn(data, facts, limits) == (made, kind)
    after = read_facts(made)
    assert (after.decode_error, after.format, after.orientation, after.frames) == ("", kind, 1, 1)
    assert "metadata" not in after.remarks
    assert not reasons(after._asdict(), limits)
    return reasons(facts, limits), kind, Image.open(io.BytesIO(made))


def test_an_image_that_the_service_takes_has_no_reason():
    for data in (
        encoded(PHOTO),
        encoded(TRANSPARENT, "PNG"),
        encoded(PHOTO.convert("P"), "PNG"),
        b"<html>",
        b"",
    ):
        assert not reasons(read_facts(data)._asdict(), LIMITS)


@pytest.mark.parametrize(
    ("kind", "image", "options", "becomes"),
    [
        ("WEBP", PHOTO, {"quality": 90}, "JPEG"),
        ("WEBP", TRANSPARENT, {"lossless": True}, "PNG"),
        ("WEBP", PHOTO, {"save_all": True, "append_images": [photograph(200, 120, 9)]}, "JPEG"),
        ("GIF", PHOTO.convert("P"), {"save_all": True, "append_images": [Image.new("P", (200, 120))]}, "PNG"),
        ("BMP", PHOTO, {}, "PNG"),
        ("TIFF", PHOTO, {"compression": "tiff_lzw"}, "PNG"),
        ("TIFF", PHOTO.convert("1"), {"compression": "group4"}, "PNG"),
        ("TIFF", PHOTO.convert("CMYK"), {}, "PNG"),
    ],
)
def test_formats(kind, image, options, becomes):
    why, made, picture = copy_of(encoded(image, kind, **options))
    assert why[0] == kind
    assert (made, picture.size) == (becomes, (200, 120))
    near = np.asarray(image.convert("RGB"), float) - np.asarray(picture.convert("RGB"), float)
    assert np.abs(near).mean() < (0.01 if kind in {"BMP", "GIF"} else 12)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif():
    assert copy_of(encoded(PHOTO, "AVIF"))[:2] == (["AVIF"], "JPEG")


def test_heic_of_a_phone_stands_upright():
    heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    heif.from_pillow(PHOTO).save(buffer, exif=cameras.exif(6), quality=90)
    why, kind, picture = copy_of(buffer.getvalue())
    assert (why, kind) == (["HEIC"], "JPEG")
    assert picture.size in {(200, 120), (120, 200)}
    assert not picture.getexif()


def test_heic_without_the_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
    with pytest.raises(CannotRedrawError, match=r"manifest-tools\[heif\]"):
        redrawn(data, read_facts(data)._asdict(), LIMITS)


@pytest.mark.parametrize("kind", ["WEBP", "TIFF"])
def test_turned_pictures_stand_upright_and_keep_their_profile(kind):
    _, _, picture = copy_of(encoded(PHOTO, kind, exif=cameras.exif(6, gps=False), icc_profile=cameras.ICC))
    assert picture.size == (120, 200)
    assert picture.info["icc_profile"] == cameras.ICC


def test_print_and_wide_samples():
    why, kind, picture = copy_of(encoded(PHOTO.convert("CMYK"), quality=95))
    assert (why, kind, picture.mode) == (["CMYK"], "JPEG", "RGB")
    assert np.abs(np.asarray(PHOTO, float) - np.asarray(picture, float)).mean() < 6
    wide = Image.fromarray(np.asarray(PHOTO.convert("L")).astype(np.uint16) * 257)
    why, kind, picture = copy_of(encoded(wide, "PNG"))
    assert (why, kind, picture.mode) == (["more than 8 bits"], "PNG", "RGB")
    assert np.array_equal(np.asarray(picture)[..., 0], np.asarray(PHOTO.convert("L")))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_too_large_ones_are_scaled_to_the_limit(kind):
    why, _, picture = copy_of(encoded(photograph(900, 300), kind), Limits(450, 10**7))
    assert why[-1] == "900 x 300 pixels"
    assert picture.size == (450, 150)


def test_too_heavy_ones_are_encoded_anew_and_at_last_made_smaller():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8))
    why, kind, picture = copy_of(encoded(noise, "PNG"), Limits(10_000, 120_000))
    assert (why[0].endswith(" bytes"), kind, picture.size) == (True, "JPEG", (300, 300))
    _, kind, picture = copy_of(encoded(noise, "PNG"), Limits(10_000, 20_000))
    assert (kind, picture.width < 300) == ("JPEG", True)


@pytest.mark.parametrize("data", [encoded(PHOTO, "WEBP")[:300], encoded(PHOTO, "TIFF")[:5000]])
def test_what_cannot_be_decoded_says_why(data):
    facts = read_facts(data)._asdict()
    with pytest.raises(CannotRedrawError):
        redrawn(data, facts, LIMITS)
