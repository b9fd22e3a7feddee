from __future__ import annotations

import pytest

from manifest_tools.sources.image_index import ImageIndex

IMAGES = ["bar/pint.jpg", "bar/a b#1.jpg", "games/dice.png", "games/100%.png", "x/same.jpg", "y/same.jpg"]


@pytest.mark.parametrize(
    ("reference", "image"),
    [
        ("bar/pint.jpg", "bar/pint.jpg"),
        ("/home/ann/photos/bar/pint.jpg", "bar/pint.jpg"),
        (r"C:\Users\ann\photos\bar\pint.jpg", "bar/pint.jpg"),
        (r"\\server\share\bar\pint.jpg", "bar/pint.jpg"),
        ("file:///srv/photos/bar/pint.jpg", "bar/pint.jpg"),
        ("https://cdn.example.org/up/pint.jpg?w=640&sig=a%2Fb#top", "bar/pint.jpg"),
        ("https://cdn.example.org/bar/a%20b%231.jpg", "bar/a b#1.jpg"),
        ("s3://bucket/prefix/bar/a b#1.jpg", "bar/a b#1.jpg"),
        ("s3://bucket/games/100%.png", "games/100%.png"),
        ("/data/upload/29/0a1b2c3d-pint.jpg", "bar/pint.jpg"),
        ("/data/local-files/?d=photos%2Fbar%2Fpint.jpg", "bar/pint.jpg"),
        ("http://localhost:8080/data/local-files/?d=bar/pint.jpg", "bar/pint.jpg"),
        ("pint_jpg.rf.63f6bcaa074781a7686d68a12af2bf40.jpg", "bar/pint.jpg"),
        ("dice_png.rf.63f6bcaa074781a7686d68a12af2bf40.jpg", "games/dice.png"),
        ("pint", "bar/pint.jpg"),
        ("y/same.jpg", "y/same.jpg"),
        ("/elsewhere/y/same.jpg", "y/same.jpg"),
        ("same.jpg", None),
        ("https://[broken/pint.jpg", "bar/pint.jpg"),
        ("/data/local-files/?x=1", None),
        ("nowhere.jpg", None),
        ("", None),
    ],
)
def test_references_are_resolved_as_tools_leave_them(reference, image):
    assert ImageIndex(IMAGES).resolve(reference) == image


def test_a_name_that_only_looks_renamed_is_taken_as_it_is():
    images = ["0a1b2c3d-pint.jpg", "pint.jpg"]

    assert ImageIndex(images).resolve("/data/upload/1/0a1b2c3d-pint.jpg") == "0a1b2c3d-pint.jpg"
