import io

import numpy as np
import pytest
from PIL import Image

from manifest_tools.images import jpeg
from manifest_tools.images.facts import read_facts
from tests.images.samples import damaged, encoded, photograph

BASELINE = encoded(photograph(), quality=85)
PROGRESSIVE = encoded(photograph(), quality=85, progressive=True)


def before(data, marker, extra):
    """Put bytes in front of the first marker of a kind."""
    at = data.index(b"\xff" + bytes([marker]))
    return data[:at] + extra + data[at:]


def test_the_walk_tells_what_the_markers_say():
    found = jpeg.walk(BASELINE)
    assert (found.width, found.height, found.components, found.precision) == (640, 480, 3, 8)
    assert (found.process, found.scans, found.end, found.broken) == ("baseline", 1, len(BASELINE), "")
    assert (jpeg.walk(PROGRESSIVE).process, jpeg.walk(PROGRESSIVE).scans > 1) == ("progressive", True)
    assert jpeg.walk(BASELINE, scans=False).end is None


@pytest.mark.parametrize("data", [BASELINE, PROGRESSIVE])
@pytest.mark.parametrize("keep", [0.02, 0.3, 0.9, 0.999])
def test_cut_files_are_truncated(data, keep):
    assert read_facts(data[: int(len(data) * keep)]).decode_error.startswith("truncated: ")


@pytest.mark.parametrize("data", [BASELINE, PROGRESSIVE])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_missing_end_marker_is_noticed(data, missing):
    facts = read_facts(data[:-missing])
    assert facts.decode_error.startswith("truncated") or "damaged" in facts.remarks


@pytest.mark.parametrize(
    "data", [BASELINE, PROGRESSIVE, encoded(photograph(), quality=80, restart_marker_blocks=20)]
)
@pytest.mark.parametrize("how", ["zeroed", "deleted", "spliced", "joined"])
def test_silent_damage_is_noticed(data, how):
    for seed in range(5):
        facts = read_facts(damaged(data, how, seed))
        assert facts.decode_error or "damaged: " in facts.remarks


def test_damage_is_not_corruption():
    facts = read_facts(damaged(BASELINE, "deleted", 1))
    assert facts.decode_error == ""
    assert facts.remarks.startswith("damaged: ")
    assert (facts.width, facts.height) == (640, 480)


@pytest.mark.parametrize(
    "data",
    [
        before(BASELINE, 0xDB, b"\0\0\0"),  # bytes between header segments
        before(BASELINE, 0xDB, b"\xff\xff\xff"),  # fill bytes, which the standard allows
        BASELINE[:-2] + bytes(12) + BASELINE[-2:],  # padding before the end marker
        BASELINE[:-2] + bytes(3000) + BASELINE[-2:],
        BASELINE[:11] + b"\x03" + BASELINE[12:],  # JFIF version 3
        before(BASELINE, 0xDB, b"\xff\xee\x00\x0eAdobe\0\x64\0\0\0\0\x07"),  # unknown Adobe transform
        before(BASELINE, 0xDB, b"\xff\xe2\x00\x04\0\0"),
    ],
)
def test_harmless_oddities_are_not_damage(data):
    facts = read_facts(data)
    assert facts.decode_error == ""
    assert "damaged" not in facts.remarks


def test_a_harmless_oddity_does_not_hide_damage():
    data = damaged(BASELINE, "deleted", 3)
    assert "damaged: " in read_facts(before(data, 0xDB, b"\0\0\0")).remarks


def test_a_hole_at_the_end_is_not_padding():
    end = len(BASELINE) - 2
    assert "damaged: " in read_facts(BASELINE[: end - 3000] + bytes(3000) + BASELINE[end:]).remarks


def test_trailing_bytes_are_counted():
    assert read_facts(BASELINE + b"x" * 14).remarks == "trailing-bytes: 14"
    assert read_facts(BASELINE + b"x" * 104).remarks == "trailing-bytes: 104; metadata: behind"
    assert read_facts(BASELINE + BASELINE).remarks == f"trailing-bytes: {len(BASELINE)}; metadata: behind"


def test_headers_that_declare_nothing():
    sof = BASELINE.index(b"\xff\xc0")
    flat = BASELINE[: sof + 5] + b"\0\0" + BASELINE[sof + 7 :]
    assert read_facts(flat).decode_error == "corrupt: the header declares 640 x 0 pixels"
    assert read_facts(b"\xff\xd8\xff\xd9").decode_error == "corrupt: no frame header"
    lossless = BASELINE[: sof + 1] + b"\xc3" + BASELINE[sof + 2 :]
    assert read_facts(lossless).decode_error.startswith("unsupported: ")


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_grey_is_what_pillow_sees(mode):
    image = photograph(1200, 900).convert(mode)
    data = encoded(image, quality=95)
    grey = jpeg.decode_grey(data, jpeg.walk(data), short_side=96)
    assert grey.shape == (113, 150)
    with Image.open(io.BytesIO(data)) as again:
        expected = np.asarray(again.convert("RGB").convert("L").reduce(8), int)
    assert np.abs(grey - expected)[:112].mean() < 2


@pytest.mark.parametrize(
    ("size", "factor"),
    [((96, 96), 1), ((190, 300), 1), ((191, 300), 2), ((192, 192), 2), ((4000, 3000), 8), ((1, 9), 1)],
)
def test_the_reduction_keeps_the_short_side(size, factor):
    assert jpeg.scale(*size, short_side=96) == factor
