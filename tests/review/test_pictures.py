"""What is shown of an image: upright, flattened, and without detail before it is revealed."""

from __future__ import annotations

import io
import threading

import pandas as pd
import pytest
from PIL import Image

from manifest_tools.core.errors import RemoteError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.images import showing
from manifest_tools.review import pictures
from manifest_tools.review.pictures import Pictures, show
from tests.pictures import picture


def data_of(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def opened(data):
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "1", "CMYK", "I;16"])
def test_every_mode_is_shown(mode):
    source = picture(1).convert("L").convert("I") if mode == "I;16" else picture(1).convert(mode)
    source = source.convert("I;16") if mode == "I;16" else source
    shown = show(data_of(source, "TIFF" if mode == "CMYK" else "PNG"))
    assert opened(shown.picture).size == (120, 96)
    assert opened(shown.picture).mode == "RGB"
    assert opened(shown.veil).mode == "L"


def test_turned_photographs_are_shown_upright_and_without_metadata():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "where I live"
    shown = show(data_of(picture(1), "JPEG", exif=exif))
    assert opened(shown.picture).size == (96, 120)
    assert b"where I live" not in shown.picture
    assert not opened(shown.picture).getexif()


def test_what_is_transparent_is_shown_as_the_model_sees_it_and_as_people_do():
    shown = show(data_of(Image.new("RGBA", (50, 50), (0, 0, 0, 0))))
    assert max(opened(shown.picture).getpixel((25, 25))) < 5
    assert min(opened(shown.people).getpixel((25, 25))) > 250


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK"])
def test_what_is_seen_alike_is_shown_once(mode):
    assert show(data_of(picture(1).convert(mode), "TIFF" if mode == "CMYK" else "PNG")).people == b""
    assert show(data_of(picture(1).convert("RGBA"))).people == b""


def test_a_large_picture_is_reduced_and_a_tiny_or_thin_one_is_not_lost():
    assert max(opened(show(data_of(Image.new("L", (4000, 100)))).picture).size) == 1600
    assert opened(show(data_of(Image.new("L", (1, 1)))).picture).size == (1, 1)
    assert opened(show(data_of(Image.new("L", (900, 1)))).veil).size[0] > 0


def stored(count, reader):
    images = pd.DataFrame({"image": [f"s3://bucket/{n:03}.png" for n in range(count)]})
    return Pictures(Dataset.from_tables(images), reader)


def test_images_in_storage_are_read_once_and_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr(pictures, "KEPT", 3)
    asked = []

    def reader(uri):
        asked.append(uri)
        return data_of(picture(1))

    held = stored(5, reader)
    for row in (0, 1, 2, 0, 3, 0, 4, 1):
        assert held[row].picture
    assert [int(uri[-7:-4]) for uri in asked] == [0, 1, 2, 3, 4, 1]
    assert len(held._kept) == 3


def test_whoever_asks_meanwhile_waits_for_the_same_picture():
    started, go = threading.Event(), threading.Event()
    asked = []

    def reader(uri):
        asked.append(uri)
        started.set()
        assert go.wait(30)
        return data_of(picture(1))

    held, found = stored(1, reader), []
    threads = [threading.Thread(target=lambda: found.append(held[0])) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert started.wait(30)
    go.set()
    for thread in threads:
        thread.join()
    assert len(asked) == 1
    assert found[0] is found[1]


@pytest.mark.parametrize("data", [b"", b"no picture", data_of(picture(1))[:200]])
def test_what_cannot_be_shown_says_why(data):
    shown = stored(1, lambda _: data)[0]
    assert shown.error
    assert shown.picture == b""


def test_too_many_pixels_and_a_bucket_that_fails_are_said(monkeypatch):
    monkeypatch.setattr(showing, "MAX_DECODED_PIXELS", 100)
    assert "too many" in stored(1, lambda _: data_of(picture(1)))[0].error

    def fails(uri):
        raise RemoteError("access denied")

    assert stored(1, fails)[0].error == "access denied"
