"""Damage that libjpeg takes for picture data, and sound files that look like it."""

import io
import itertools
import re

import numpy as np
import pytest
from PIL import Image, ImageFile

from manifest_tools.images import jpeg
from manifest_tools.images.facts import read_facts
from manifest_tools.images.jpeg_damage import silent_damage
from tests.images.samples import encoded, photograph

PROGRESSIVE = encoded(photograph(), quality=85, progressive=True)


def scans(data):
    """Yield first coefficient, whether it refines, start and end of the picture data of each scan."""
    found = jpeg.walk(data)
    ends = [start for _, start, _ in found.segments[1:]]
    for (marker, _, start), end in zip(found.segments, [*ends, found.end - 2], strict=True):
        if marker == jpeg.SOS:
            yield data[start - 3], data[start - 1] >> 4, start, end


def zeroed(data, at, length):
    return data[:at] + bytes(length) + data[at + length :]


def damaged(data):
    facts = read_facts(data)
    return bool(facts.decode_error) or "damaged: " in facts.remarks


def segment(marker, body):
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2) + body


@pytest.mark.parametrize("length", [512, 2048])
def test_zeroed_bytes_in_progressive_scans_are_noticed(length):
    places = [
        (start, end)
        for coefficient, _, start, end in scans(PROGRESSIVE)
        if coefficient and end - start > length
    ]
    assert len(places) > 3
    for start, end in places:
        for at in range(start, end - length, 1000):
            assert damaged(zeroed(PROGRESSIVE, at, length))


def a_hole_that_libjpeg_does_not_see():
    # the last refinement comes back into step, so that it ends where it should
    *_, (_, _, start, end) = scans(PROGRESSIVE)
    holes = (zeroed(PROGRESSIVE, at, 512) for at in range(start, end - 512, 500))
    return next(data for data in holes if "zero bytes amid" in read_facts(data).remarks)


def test_a_hole_is_told_with_its_length():
    said = read_facts(a_hole_that_libjpeg_does_not_see()).remarks
    assert re.fullmatch(r"damaged: 51\d zero bytes amid the picture data", said)


@pytest.mark.parametrize(
    ("progressive", "least", "length"),
    [(False, 64, 64), (False, 64, 65), (False, 64, 79), (False, 64, 512), (True, 256, 256), (True, 256, 300)],
)
def test_a_hole_is_found_wherever_it_begins(progressive, least, length):
    sound = encoded(photograph(), quality=85, progressive=progressive)
    scan = list(scans(sound))[-1][2]
    around = b"\x55" * 40  # so that the hole is no longer than it says
    for at in range(scan + 5000, scan + 5000 + least // 2):
        data = sound[: at - 40] + around + bytes(length) + around + sound[at + length + 40 :]
        assert silent_damage(data, jpeg.walk(data)) == f"{length} zero bytes amid the picture data"


def test_replaced_bits_of_average_colours_are_noticed():
    start, end = next((start, end) for ac, refines, start, end in scans(PROGRESSIVE) if refines and not ac)
    stuffed = PROGRESSIVE.index(b"\xff\x00", start, end)
    remarks = read_facts(zeroed(PROGRESSIVE, stuffed, 2)).remarks
    assert remarks == "damaged: a scan that refines average colours is 1 B too long"


def test_a_harmless_oddity_does_not_hide_a_hole():
    hole = a_hole_that_libjpeg_does_not_see()
    tables = hole.index(b"\xff\xdb")
    odd = hole[:tables] + bytes(3) + hole[tables:]
    assert "zero bytes amid" in read_facts(odd).remarks
    assert not damaged(PROGRESSIVE[:tables] + bytes(3) + PROGRESSIVE[tables:])


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (9, 17), (31, 130), (203, 57)])
def test_sound_progressive_files_of_all_shapes(mode, size):
    image = photograph().crop((0, 0, *size)).convert(mode)
    samplings = [0, 1, 2, "4:1:1"] if mode == "RGB" else [0]
    for sampling, quality, restarts in itertools.product(samplings, (50, 95), (0, 1)):
        options = {"subsampling": sampling} if mode == "RGB" else {}
        data = encoded(image, quality=quality, progressive=True, restart_marker_rows=restarts, **options)
        assert not damaged(data), (sampling, quality, restarts)


def flat():
    picture = Image.new("RGB", (1500, 1100), (250, 250, 250))
    picture.paste(photograph(), (700, 300))
    return picture


def pattern():
    """Return a pattern whose squares of 8 x 8 pixels are all the same."""
    square = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(np.tile(square, (150, 150, 1)))


def ramp(width):
    levels = np.linspace(255, 0, width).astype(np.uint8)
    return Image.fromarray(np.tile(levels, (64, 1)))


def blocks_of_one_colour():
    colours = np.random.default_rng(2).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    return Image.fromarray(colours).resize((640, 640), Image.Resampling.NEAREST)


REPEATING = {
    "flat": flat(),
    "pattern": pattern(),
    "ramp of 2040": ramp(2040),
    "ramp of 3840": ramp(3840),
    "blocks": blocks_of_one_colour(),
}


@pytest.mark.parametrize("quality", [75, 100])
@pytest.mark.parametrize("name", REPEATING)
def test_pictures_whose_codes_repeat_are_sound(name, quality):
    assert not damaged(encoded(REPEATING[name], quality=quality, progressive=True))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("picture", [pattern, photograph])
def test_files_saved_twice_are_sound(picture, mode, monkeypatch):
    """Halved steps leave even coefficients, whose last bits, coded by themselves, are nothing but zeros."""
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 1 << 23)  # Pillow's buffer, which such files exceed
    options = {} if mode == "L" else {"subsampling": 0}
    before = encoded(picture().convert(mode), qtables=[[8] * 64] * 2, **options)
    with Image.open(io.BytesIO(before)) as image:
        data = encoded(image, qtables=[[4] * 64] * 2, progressive=True, **options)
    *_, (_, _, start, end) = scans(data)
    assert data.count(b"\x00", start, end) > 0.1 * (end - start)
    assert not damaged(data)


def with_scan(last, symbols, bits):
    """Return a file whose only AC scan, of coefficients 1 to `last`, has as many zero `bits` for each of its blocks."""
    data = encoded(Image.new("L", (392, 400), 90), progressive=True)
    colours = next(end for coefficient, _, _, end in scans(data) if not coefficient)
    lengths = bytes([1, len(symbols) - 1, *bytes(14)])
    table = segment(jpeg.DHT, b"\x10" + lengths + symbols)
    scan = segment(jpeg.SOS, bytes([1, 1, 0, 1, last, 0]))
    blocks = bytes(49 * 50 * bits // 8) + b"\x0f"  # the last four bits are padding
    return data[:colours] + table + scan + blocks + b"\xff\xd9"


def test_an_encoder_that_ends_each_empty_block_by_itself_is_right():
    assert not damaged(with_scan(63, b"\x00", 1))
    assert damaged(with_scan(63, b"\x00\x10", 1))  # it knows how to end two at once


def test_a_gradient_may_repeat_one_coefficient():
    assert not damaged(with_scan(1, b"\x01", 2))


def test_headers_that_contradict_each_other_break_nothing():
    small = encoded(photograph().resize((48, 40)), progressive=True)
    for marker, start, stop in jpeg.walk(small).segments:
        wholes = [small[:start] + small[stop:], small[:start] + bytes([0xFF, marker, 0, 2]) + small[stop:]]
        for at in {*range(start + 2, min(start + 20, stop)), *range(stop - 4, stop)}:
            wholes += [small[:at] + bytes([value]) + small[at + 1 :] for value in (0, 1, 255)]
        for whole in wholes:
            assert isinstance(silent_damage(whole, jpeg.walk(whole)), str)
