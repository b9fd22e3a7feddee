"""From files to findings: every code about single images, by a file that earns it."""

from PIL import Image

from manifest_tools.pipeline.inspect import inspect
from tests.images.samples import encoded, photograph

PHOTO = encoded(photograph(320, 240), quality=90)


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(photograph(320, 240, 5), exif=exif)


def zeroed(data):
    middle = len(data) // 2
    return data[:middle] + bytes(4096) + data[middle + 4096 :]


FILES = {
    "bomb.gif": b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;",
    "bomb.png": encoded(Image.new("1", (20_000, 10_000)), "PNG"),
    "empty.jpg": b"",
    "page.jpg": b"<html>",
    "heic.jpg": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
    "cut.jpg": PHOTO[: len(PHOTO) // 2],
    "corrupt.png": encoded(photograph(160, 120), "PNG").replace(b"\r\n", b"\n"),
    "damaged.jpg": zeroed(PHOTO),
    "tiny.png": encoded(photograph(79, 200), "PNG"),
    "wide.png": encoded(Image.new("1", (10_001, 100)), "PNG"),
    "png.jpg": encoded(photograph(160, 120, 3), "PNG"),
    "moving.png": encoded(photograph(99, 99, 1), "PNG", save_all=True, append_images=[photograph(99, 99, 2)]),
    "print.jpg": encoded(photograph(320, 240, 4).convert("CMYK")),
    "white.png": encoded(Image.new("L", (100, 100), 255), "PNG"),
    "turned.jpg": turned(),
}
CODES = {
    "bomb.gif": "image-format",
    "bomb.png": "image-bomb",
    "empty.jpg": "image-empty",
    "page.jpg": "image-format",
    "heic.jpg": "image-format",
    "cut.jpg": "image-truncated",
    "corrupt.png": "image-corrupt",
    "damaged.jpg": "image-damaged",
    "tiny.png": "image-too-small",
    "wide.png": "image-too-large",
    "png.jpg": "image-extension",
    "moving.png": "image-animated",
    "print.jpg": "image-color-mode",
    "white.png": "image-blank",
    "turned.jpg": "image-orientation",
}


def test_each_trouble_has_its_finding(tmp_path):
    (tmp_path / "sound.jpg").write_bytes(encoded(photograph(320, 240, 9)))
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    report = inspect(tmp_path, cache=False, workers=1)
    found = {(finding.location.image, finding.code) for finding in report.findings}
    assert {("sound.jpg", code) for code in CODES.values()}.isdisjoint(found)
    assert set(CODES.items()) <= found
    messages = {finding.location.image: finding.message for finding in report.findings}
    assert "20,000 x 10,000 pixels" in messages["bomb.png"]
