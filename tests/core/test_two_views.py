"""Each row of the table in docs/inspect.md, from pixels: what people see, what the model sees, what is shown."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from manifest_tools.core.two_views import side_by_side, two_views
from tests.images.samples import photograph

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
SIZE = (96, 64)


def saved(image, kind="PNG", **options):
    """Return an image as it comes from a file, and what is seen of it."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    stream.seek(0)
    return two_views(Image.open(stream), 1000)


def at(image, x=10, y=10):
    return np.array(image.getpixel((x, y)))


def near(image, colour, x=10, y=10, tolerance=6):
    return np.abs(at(image, x, y) - colour).max() <= tolerance


def swapped():
    """Return the profile of a space whose red light is what others call blue, and the other way round."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for number in range(struct.unpack(">I", data[128:132])[0]):
        here = slice(132 + 12 * number, 136 + 12 * number)
        data[here] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(bytes(data[here]), bytes(data[here]))
    return bytes(data)


def negative():
    """Return a profile of inks by which bare paper is black, and four inks white."""
    lightness = [sum(ink >> bit & 1 for bit in range(4)) * 255 // 4 for ink in range(16)]
    table = (
        b"mft1"
        + bytes(4)
        + bytes([4, 3, 2, 0])
        + b"".join(struct.pack(">i", 65536 * (row == column)) for row in range(3) for column in range(3))
    )
    table += (
        bytes(range(256)) * 4
        + b"".join(bytes([light, 128, 128]) for light in lightness)
        + bytes(range(256)) * 3
    )
    table += bytes(-len(table) % 4)
    head = struct.pack(">I4sI4s4s4s", 0, b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += (
        struct.pack(">6H4s", 2020, 1, 1, 0, 0, 0, b"acsp")
        + bytes(28)
        + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    )
    head = head.ljust(128, b"\0")
    data = head + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table
    return struct.pack(">I", len(data)) + data[4:]


def test_opaque_pictures_are_seen_alike():
    for mode in ("RGB", "L", "P", "RGBA", "LA", "1"):
        views = saved(photograph(96, 64).convert(mode))
        assert views.people is None
        assert views.model.mode == "RGB"
        assert side_by_side(views) is views.model


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha(mode):
    image = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    image.paste((200, 200, 200, 255), (50, 0, 96, 64))
    views = saved(image.convert(mode))
    assert near(views.model, BLACK)
    assert near(views.people, WHITE)
    assert near(views.model, (200, 200, 200), 70)
    assert near(views.people, (200, 200, 200), 70)
    both = side_by_side(views)
    assert both.size == (2 * 96 + 4, 64)
    assert near(both, BLACK)
    assert near(both, WHITE, 110)


def test_a_palette_with_transparency():
    image = Image.new("P", SIZE, 0)
    image.putpalette([*RED, *GREEN])
    image.paste(1, (50, 0, 96, 64))
    views = saved(image, transparency=bytes([0, 255]))
    assert near(views.model, RED)
    assert near(views.people, WHITE)
    assert near(views.people, GREEN, 70)


def test_a_colour_declared_transparent():
    image = Image.new("RGB", SIZE, RED)
    image.paste(GREEN, (50, 0, 96, 64))
    views = saved(image, transparency=RED)
    assert near(views.model, RED)
    assert near(views.people, WHITE)
    grey = saved(Image.new("L", SIZE, 40), transparency=40)
    assert near(grey.model, (40, 40, 40))
    assert near(grey.people, WHITE)


def test_16_bits_keep_their_tones():
    wide = np.full((64, 96), 40_000, dtype=np.uint16)
    wide[:, :48] = 10_000
    views = saved(Image.fromarray(wide))
    assert near(views.model, (39, 39, 39))
    assert near(views.model, (156, 156, 156), 70)
    assert views.people is None
    clear = saved(Image.fromarray(wide), transparency=10_000)
    assert near(clear.people, WHITE)
    assert near(clear.model, (39, 39, 39))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_jpeg_for_the_model_and_for_people(orientation):
    image = Image.new("RGB", SIZE, BLUE)
    image.paste(RED, (0, 0, 48, 32))  # the corner at the top left, as stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    views = saved(image, "JPEG", exif=exif, quality=95)
    corners = {
        1: (10, 10),
        2: (80, 10),
        3: (80, 50),
        4: (10, 50),
        5: (10, 10),
        6: (50, 10),
        7: (50, 80),
        8: (10, 80),
    }
    assert views.people is None
    assert views.model.size == (SIZE if orientation < 5 else SIZE[::-1])
    assert near(views.model, (254, 0, 0), *corners[orientation], tolerance=12)


def test_exif_turns_png_for_people_alone():
    image = Image.new("RGB", SIZE, BLUE)
    image.paste(RED, (0, 0, 48, 32))
    exif = Image.Exif()
    exif[0x0112] = 6
    views = saved(image, exif=exif)
    assert (views.model.size, views.people.size) == ((96, 64), (64, 96))
    assert near(views.model, RED)
    assert near(views.people, RED, 50, 10)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_profile_that_changes_what_is_shown(kind):
    views = saved(Image.new("RGB", SIZE, (250, 20, 20)), kind, icc_profile=swapped())
    assert at(views.model)[0] > 200
    assert at(views.people)[2] > 200
    assert at(views.people)[0] < 100


def test_a_profile_that_changes_little_or_is_broken():
    ordinary = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert saved(photograph(96, 64), icc_profile=ordinary).people is None
    assert saved(photograph(96, 64), icc_profile=b"no profile at all").people is None


def test_inks_with_and_without_a_profile():
    inks = Image.new("CMYK", SIZE, (0, 0, 0, 0))
    plain = saved(inks, "JPEG")
    assert near(plain.model, WHITE)
    assert plain.people is None
    views = saved(inks, "JPEG", icc_profile=negative())
    assert near(views.model, WHITE)
    assert near(views.people, BLACK, tolerance=40)


def test_a_large_picture_is_made_small():
    views = two_views(layered := photograph(640, 480).convert("RGBA"), 100)
    assert views.model.size == (100, 75)
    layered.putalpha(0)
    assert two_views(layered, 100).people.size == (100, 75)
