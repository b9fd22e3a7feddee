"""What one image may cost, and that sound pictures of unusual coding are no damage."""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from manifest_tools.images import facts
from manifest_tools.images.facts import read_facts
from manifest_tools.images.frames import MAX_FRAMES
from manifest_tools.images.heavy import MAX_DECODED_BYTES
from manifest_tools.images.inspection import inspect_images
from manifest_tools.parallel.executors import SerialExecutor
from manifest_tools.review.pictures import show
from manifest_tools.rules.checking import check_dataset
from manifest_tools.sources.reading import read_images
from tests.images.samples import encoded, photograph, png_chunk

SECONDS = 10.0  # far above what any of these takes


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg_of(frame: int, width: int, height: int, factors: list[tuple[int, int]], scans: bytes) -> bytes:
    """A JPEG by hand: one code in each Huffman table, for the category 0 or the end of a block."""
    components = b"".join(bytes([n + 1, h << 4 | v, 0]) for n, (h, v) in enumerate(factors))
    one_code = bytes([1] + [0] * 15 + [0])
    return (
        b"\xff\xd8"
        + segment(0xDB, bytes([0]) + bytes([1] * 64))
        + segment(frame, struct.pack(">BHHB", 8, height, width, len(factors)) + components)
        + segment(0xC4, bytes([0x00]) + one_code)
        + segment(0xC4, bytes([0x10]) + one_code)
        + scans
        + b"\xff\xd9"
    )


def scan_header(components: int, first: int, last: int) -> bytes:
    body = (
        bytes([components]) + b"".join(bytes([n + 1, 0]) for n in range(components)) + bytes([first, last, 0])
    )
    return segment(0xDA, body)


def subsampled(factors: list[tuple[int, int]]) -> bytes:
    """A flat baseline picture with any sampling factors: two bits a block, all zero."""
    across, down = max(h for h, _ in factors), max(v for _, v in factors)
    units = -(-96 // (8 * across)) * -(-96 // (8 * down))
    bits = 2 * units * sum(h * v for h, v in factors)
    return jpeg_of(
        0xC0, 96, 96, factors, scan_header(len(factors), 0, 63) + bytes(bits // 8) + ones(bits % 8)
    )


def ones(used: int) -> bytes:
    """The last byte of a scan, filled up with ones."""
    return bytes([0xFF >> used]) if used else b""


def lossless() -> bytes:
    return jpeg_of(0xC3, 96, 96, [(1, 1)], scan_header(1, 1, 0) + bytes(96 * 96 // 8))


def progressive(width: int, height: int, scans: int) -> bytes:
    """A progressive picture whose further scans are empty, but go over every block all the same."""
    blocks = -(-width // 8) * -(-height // 8)
    data = jpeg_of(
        0xC2, width, height, [(1, 1)], scan_header(1, 0, 0) + bytes(blocks // 8) + ones(blocks % 8)
    )
    end_of_blocks = segment(0xC4, bytes([0x10]) + bytes([1] + [0] * 15 + [0xE0]))
    runs = -(-blocks // 32767)
    bits = ("0" + "1" * 14) * runs
    bits += "1" * (-len(bits) % 8)
    raw = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)).replace(b"\xff", b"\xff\x00")
    more = b"".join(scan_header(1, 1 + n % 63, 1 + n % 63) + raw for n in range(scans - 1))
    return data[:-2] + end_of_blocks + more + b"\xff\xd9"


UNUSUAL = {
    "4:1:0": [(4, 2), (1, 1), (1, 1)],
    "3x1": [(3, 1), (1, 1), (1, 1)],
    "3x2": [(3, 2), (1, 1), (1, 1)],
    "2x4": [(2, 4), (1, 1), (1, 1)],
    "chroma apart": [(2, 2), (1, 2), (2, 1)],
}


@pytest.mark.parametrize("factors", UNUSUAL.values(), ids=UNUSUAL)
def test_sound_pictures_of_unusual_subsampling_are_no_damage(factors):
    found = read_facts(subsampled(factors))
    assert (found.format, found.width, found.height, found.decode_error) == ("JPEG", 96, 96, "")
    assert found.remarks == "blank"  # the one thing that is odd about it
    assert read_facts(subsampled(factors)[:-40]).decode_error + read_facts(subsampled(factors)[:-40]).remarks


@pytest.mark.parametrize("executor", [None, SerialExecutor()], ids=["own workers", "executor"])
def test_lossless_pictures_cost_no_decoder_and_at_most_a_note(tmp_path, executor):
    (tmp_path / "lossless.jpg").write_bytes(lossless())
    (tmp_path / "good.jpg").write_bytes(encoded(photograph(120, 100), quality=90))
    dataset = inspect_images(read_images(tmp_path), executor=executor, workers=1, cache=False)
    assert dataset.images["decode_error"].tolist() == ["", ""]
    report = check_dataset(dataset)
    about = [
        f for f in report.findings if f.location.image == "lossless.jpg" and f.code == "image-color-mode"
    ]
    assert [f.severity for f in about] == ["note"]
    assert "lossless coding" in about[0].message
    assert not [f for f in report.findings if f.code in ("image-damaged", "image-unreadable")]


def million_chunks() -> bytes:
    sound = encoded(photograph(100, 90), "PNG")
    return sound[:33] + png_chunk(b"tEXt", b"a\0b") * 120_000 + sound[33:]


def gif_of(frames: int) -> bytes:
    frame = b"," + struct.pack("<HHHH", 0, 0, 1, 1) + b"\0\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HH", 100, 100) + b"\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b";"


def tiff_of(directories: int) -> bytes:
    """A TIFF file whose directories are all like its first."""
    data = encoded(Image.new("L", (100, 90)), "TIFF")
    at = struct.unpack("<I", data[4:8])[0]
    stop = at + 2 + 12 * struct.unpack("<H", data[at : at + 2])[0]
    one, base = data[at:stop], len(data) + len(data) % 2
    size = len(one) + 4
    links = [base + size * n for n in range(directories - 1)] + [0]
    parts = [one + struct.pack("<I", link) for link in links[1:]]
    return (
        data[:stop]
        + struct.pack("<I", links[0])
        + data[stop + 4 :]
        + b"\0" * (len(data) % 2)
        + b"".join(parts)
    )


EXPENSIVE = {
    "scans": (progressive(800, 800, 300), "bomb: more than 100 scans"),
    "markers": (b"\xff\xd8" + b"\xff\xfe\x00\x02" * 300_000 + b"\xff\xd9", "bomb: more than 10,000 markers"),
    "bare markers": (b"\xff\xd8" + b"\xff\xd0" * 1_000_000, "bomb: more than 10,000 markers"),
    "chunks": (million_chunks(), "bomb: more than 100,000 chunks"),
    "text": (
        encoded(photograph(100, 90), "PNG")[:33]
        + png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000)))
        + encoded(photograph(100, 90), "PNG")[33:],
        "bomb: ",
    ),
}


@pytest.mark.parametrize(("data", "error"), EXPENSIVE.values(), ids=EXPENSIVE)
def test_what_costs_too_much_is_refused_at_once(data, error):
    began = time.process_time()
    assert read_facts(data).decode_error.startswith(error)
    assert read_facts(data, quick=True).width >= 0
    assert time.process_time() - began < SECONDS
    with pytest.raises((OSError, ValueError)):
        show(data)


def test_pictures_of_many_scans_are_read_up_to_the_bound():
    found = read_facts(progressive(200, 160, 90))
    assert (found.decode_error, found.width) == ("", 200)
    assert show(encoded(photograph(), progressive=True)).picture


@pytest.mark.parametrize(
    ("data", "frames"),
    [
        (gif_of(1), 1), (gif_of(3), 3), (gif_of(300_000), MAX_FRAMES),
        (tiff_of(1), 1), (tiff_of(3), 3), (tiff_of(60_000), MAX_FRAMES),
    ],
)  # fmt: skip
def test_the_pictures_of_a_file_are_counted_without_reading_each(data, frames):
    began = time.process_time()
    assert read_facts(data).frames == frames
    assert time.process_time() - began < SECONDS


def test_the_directories_of_a_tiff_file_may_point_in_a_circle():
    data = bytearray(tiff_of(1))
    at = struct.unpack("<I", data[4:8])[0]
    stop = at + 2 + 12 * struct.unpack("<H", data[at : at + 2])[0]
    data[stop : stop + 4] = struct.pack("<I", at)
    assert read_facts(bytes(data)).frames == 1


def test_a_picture_of_many_pictures_keeps_a_number_that_a_table_holds():
    body = b"MPF\0" + b"MM\0*" + struct.pack(">IHHHI4s", 8, 1, 0xB001, 4, 1, b"\xff\xff\xff\xff") + bytes(4)
    sound = encoded(photograph(100, 90))
    assert read_facts(sound[:2] + segment(0xE2, body) + sound[2:]).frames == MAX_FRAMES


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux tells it")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
def test_a_file_over_the_services_limit_is_not_decoded(tmp_path, kind):
    """A sparse gigabyte: its beginning and its digest are told, in the memory of a small file."""
    path = tmp_path / "heavy.jpg"
    path.write_bytes(encoded(photograph(200, 160), kind))
    os.truncate(path, 300_000_000)
    program = (
        "import re; from manifest_tools.images.facts import read_facts\n"
        f"found = read_facts({str(path)!r})\n"
        "print(found.bytes, found.format, found.width, found.remarks, found.decode_error, sep='|')\n"
        "print(int(re.search('VmHWM: *\t *([0-9]+)', open('/proc/self/status').read())[1]) // 1024)"
    )
    text, memory = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    width = 0 if kind == "GIF" else 200
    assert text == f"300000000|{kind}|{width}|not-decoded: 300,000,000 bytes|"
    assert int(memory) < 250


def test_heavy_files_are_told_heavy_and_their_neighbours_are_untouched(tmp_path):
    sound = encoded(photograph(200, 160))
    (tmp_path / "good.jpg").write_bytes(sound)
    (tmp_path / "heavy.jpg").write_bytes(sound)
    os.truncate(tmp_path / "heavy.jpg", MAX_DECODED_BYTES + 1)
    for quick in (False, True):
        dataset = inspect_images(read_images(tmp_path), workers=1, cache=False, quick=quick)
        report = check_dataset(dataset)
        assert {f.location.image for f in report.findings if f.code == "image-too-heavy"} == {"heavy.jpg"}
        assert dataset.image("good.jpg")["decode_error"] == dataset.image("heavy.jpg")["decode_error"] == ""
    with pytest.raises(OSError, match="too many to show"):
        show((tmp_path / "heavy.jpg").read_bytes())


def test_pictures_over_the_services_pixels_are_not_decoded(monkeypatch):
    data = encoded(Image.new("1", (12_000, 9_000)), "PNG")
    found = read_facts(data)
    assert (found.width, found.decode_error, found.remarks) == (
        12_000,
        "",
        "not-decoded: 12,000 x 9,000 pixels",
    )
    monkeypatch.setattr(facts, "MAX_OTHER_PIXELS", 10_000)
    for kind in ("WEBP", "GIF", "TIFF", "BMP"):
        found = read_facts(encoded(photograph(120, 100), kind))
        assert (found.width, found.decode_error, found.phash) == (120, "", ""), kind
        assert f"not-decoded: 120 x 100 pixels of {kind}" in found.remarks
        assert not read_facts(encoded(photograph(99, 100), kind)).remarks, kind


@pytest.mark.parametrize("mode", ["RGBA", "F", "I;16", "P", "LA", "1", "CMYK"])
def test_large_pictures_are_turned_to_grey_band_by_band(mode):
    """The same grey whatever the height of the bands, and no second copy of the picture."""
    from manifest_tools.images import raster  # noqa: PLC0415

    picture = photograph(400, 300)
    if mode == "F":
        picture = Image.fromarray(np.asarray(picture.convert("L"), np.float32) * 3.5 - 90)
    elif mode == "I;16":
        picture = Image.fromarray(np.asarray(picture.convert("L"), np.uint16) * 257)
    else:
        picture = picture.convert(mode)
        if mode in {"RGBA", "LA"}:
            picture.putalpha(photograph(400, 300, 1).convert("L"))
    whole = raster.planes_of(picture, 96)
    before = raster._BAND
    try:
        raster._BAND = 5_000
        for plane, expected in zip(raster.planes_of(picture, 96), whole, strict=True):
            assert np.array_equal(plane, expected)
    finally:
        raster._BAND = before


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux tells it")
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_no_decode_takes_a_gigabyte(tmp_path, kind):
    """The largest that are decoded: 100 million pixels of PNG, 32 million of the others."""
    side = (9_990, 9_990) if kind == "PNG" else (6_000, 5_300)
    mode = "F" if kind == "TIFF" else "RGB"
    options = {"compression": "tiff_adobe_deflate"} if kind == "TIFF" else {}
    (tmp_path / "large.png").write_bytes(encoded(Image.new(mode, side), kind, **options))
    pid = os.fork()
    if not pid:
        read_facts(tmp_path / "large.png")
        os._exit(0)
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert usage.ru_maxrss < max(1_000_000, ours + 700_000)
