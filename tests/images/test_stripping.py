"""Metadata: told by kind, and left out of copies whose pixels stay."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from manifest_tools.images.facts import read_facts
from manifest_tools.images.stripping import same_pixels, stripped
from tests.images import cameras
from tests.images.samples import encoded, photograph, scan_of


def kinds(data, **options):
    """Return the kinds of metadata that inspection tells of."""
    remarks = dict(remark.partition(": ")[::2] for remark in read_facts(data, **options).remarks.split("; "))
    return set(filter(None, remarks.get("metadata", "").split(", ")))


@pytest.mark.parametrize("name", cameras.SAMPLES)
def test_pixels_profile_and_turn_stay_and_all_else_goes(name):
    data = cameras.SAMPLES[name]
    clean = stripped(data)
    assert kinds(data), "nothing to strip"
    assert not kinds(clean)
    assert not cameras.position(clean)
    assert not [secret for secret in cameras.SECRETS if secret in clean]
    before, after = read_facts(data), read_facts(clean)
    for fact in ("width", "height", "mode", "orientation", "decode_error", "phash", "views", "sketch"):
        assert getattr(before, fact) == getattr(after, fact), fact
    with Image.open(io.BytesIO(data)) as old, Image.open(io.BytesIO(clean)) as new:
        assert np.array_equal(np.asarray(old), np.asarray(new))
        assert old.info.get("icc_profile") == new.info.get("icc_profile")
        if name != "camera with thumbnail":  # Pillow wants more of a directory than this one has
            assert old.getexif().get(0x0112, 1) == new.getexif().get(0x0112, 1)
    assert same_pixels(data, clean)
    assert stripped(clean) == clean


@pytest.mark.parametrize("name", ["camera little-endian", "progressive", "restarts", "print"])
def test_the_coded_picture_is_the_same_bytes(name):
    data = cameras.SAMPLES[name]
    start, end = scan_of(data)
    assert data[start:end] in stripped(data)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("camera little-endian", {"gps", "owner", "comment"}),
        ("camera with thumbnail", {"thumbnail"}),
        ("editor", {"gps", "owner", "xmp", "iptc"}),
        ("JFIF thumbnail", {"thumbnail"}),
        ("film", {"gps", "owner", "comment", "behind"}),
        ("png", {"gps", "owner", "comment", "xmp"}),
        ("png palette", {"gps", "owner", "comment"}),
    ],
)
def test_each_kind_is_told(name, told):
    assert kinds(cameras.SAMPLES[name]) == told
    assert kinds(cameras.SAMPLES[name], quick=True) == told


@pytest.mark.parametrize(
    "innocent",
    [
        encoded(photograph(100, 100)),
        encoded(photograph(100, 100), icc_profile=cameras.ICC),
        encoded(photograph(100, 100), comment=b"  \0"),
        encoded(photograph(100, 100), "PNG", icc_profile=cameras.ICC, dpi=(72, 72)),
        encoded(photograph(100, 100)) + bytes(64),
    ],
)
def test_innocent_files_hold_nothing(innocent):
    assert not kinds(innocent)
    assert same_pixels(innocent, stripped(innocent))


def test_camera_and_time_alone_are_not_told():
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "Maker", "Model", "2026:01:02 03:04:05"
    data = encoded(photograph(100, 100), exif=exif)
    assert not kinds(data)
    assert b"Model" not in stripped(data)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8", b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n"])
def test_what_holds_no_picture_is_not_stripped(data):
    assert stripped(data) is None


@pytest.mark.skipif(cameras.EXIFTOOL is None, reason="exiftool is not installed")
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_files_written_and_read_by_exiftool(tmp_path, kind):
    path = tmp_path / f"photo.{kind.lower()}"
    path.write_bytes(encoded(photograph(200, 150), kind, icc_profile=cameras.ICC))
    cameras.by_exiftool(path)
    assert "GPSLatitude" in cameras.told_by_exiftool(path)
    data = path.read_bytes()
    assert {"gps", "owner", "xmp", "comment"} <= kinds(data)
    path.write_bytes(stripped(data))
    told = cameras.told_by_exiftool(path)
    assert "GPS" not in told
    assert not [word for word in ("Zebulon", "SN-4711", "cropped", "XMP") if word in told]
    assert "Orientation" in told
    assert "ICC" in told
    assert same_pixels(data, path.read_bytes())


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(cameras.SAMPLES)), st.integers(0, 10**9), st.binary(min_size=1, max_size=6))
def test_damage_never_stops_it(name, at, noise):
    data = bytearray(cameras.SAMPLES[name])
    at %= len(data)
    data[at : at + len(noise)] = noise
    clean = stripped(bytes(data))
    assert clean is None or len(clean) <= len(data) + 64
    read_facts(bytes(data), quick=True)
