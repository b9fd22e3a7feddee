import pytest

from manifest_tools.images import png
from manifest_tools.images.facts import read_facts
from tests.images.samples import encoded, photograph, png_chunk, png_of

GOOD = encoded(photograph(160, 120), "PNG")


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def test_the_walk_tells_what_the_chunks_say():
    found = png.walk(GOOD)
    assert (found.width, found.height, found.depth, found.mode) == (160, 120, 8, "RGB")
    assert (found.end, found.problem, found.frames, found.alpha) == (len(GOOD), "", 1, False)


@pytest.mark.parametrize("keep", [0.01, 0.5, 0.9])
def test_cut_files_are_truncated(keep):
    assert read_facts(GOOD[: int(len(GOOD) * keep)]).decode_error.startswith("truncated: ")


def test_a_missing_last_chunk_is_damage():
    facts = read_facts(GOOD[:-12])
    assert facts.decode_error.startswith("truncated") or "damaged: " in facts.remarks


def test_every_flipped_byte_of_the_picture_is_noticed():
    start = GOOD.index(b"IDAT")
    for at in range(start, len(GOOD) - 12, 997):
        facts = read_facts(flipped(GOOD, at))
        assert facts.decode_error or "damaged: " in facts.remarks


def test_a_wrong_checksum_alone_is_damage():
    facts = read_facts(flipped(GOOD, GOOD.index(b"IEND") - 5))
    assert facts.decode_error == ""
    assert facts.remarks == "damaged: wrong checksum in 1 of its chunks, the first 'IDAT'"


def test_a_transfer_as_text_is_named():
    assert "as by a transfer as text" in read_facts(GOOD.replace(b"\r\n", b"\n")).decode_error


def test_no_picture_at_all():
    header = (5).to_bytes(4) + (5).to_bytes(4) + b"\x08\x02\0\0\0"
    data = png_of(png_chunk(b"IHDR", header), png_chunk(b"IEND"))
    assert read_facts(data).decode_error == "corrupt: it holds no image data"


def test_trailing_bytes_are_counted():
    assert read_facts(GOOD + b"x" * 7).remarks == "trailing-bytes: 7"


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "LA", "RGBA"])
def test_modes_are_those_of_pillow(mode):
    data = encoded(photograph(64, 48).convert(mode), "PNG")
    assert png.walk(data).mode == mode
    assert read_facts(data).mode == mode
    assert read_facts(data, quick=True).mode == mode
