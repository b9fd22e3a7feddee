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


def with_chunk(kind, body=b"Comment\0hello"):
    """Put a chunk of a wrong checksum before the pixels."""
    chunk = png_chunk(kind, body)
    start = GOOD.index(b"IDAT") - 4
    return GOOD[:start] + flipped(chunk, len(chunk) - 1) + GOOD[start:]


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf"])
def test_a_wrong_checksum_beside_the_pixels_is_a_remark(kind):
    facts = read_facts(with_chunk(kind))
    assert facts.decode_error == ""
    assert facts.remarks == f"text-checksum: {kind.decode()}"
    assert (facts.phash, facts.orientation) == (read_facts(GOOD).phash, 1)
    assert read_facts(with_chunk(kind), quick=True).decode_error == ""


def test_a_wrong_checksum_of_text_hides_no_damage_of_pixels():
    data = with_chunk(b"tEXt")
    facts = read_facts(flipped(data, data.index(b"IEND") - 5))
    assert "damaged: wrong checksum in 1 of its chunks, the first 'IDAT'" in facts.remarks
    assert read_facts(data[:-40]).decode_error.startswith("truncated: ")


@pytest.mark.parametrize("kind", [b"PLTE", b"tRNS", b"IHDR"])
def test_a_wrong_checksum_that_bears_on_the_pixels_is_no_mere_remark(kind):
    facts = read_facts(with_chunk(kind, b"\0\0\0\0\0\0"))
    assert facts.decode_error or "damaged" in facts.remarks


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
