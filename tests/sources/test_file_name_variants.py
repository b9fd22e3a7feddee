from __future__ import annotations

import base64

import pytest

from manifest_tools.sources.image_index import ImageIndex
from manifest_tools.sources.matching import match_references


def meant_by(images, reference):
    return match_references(ImageIndex(images), [reference])[reference].image


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
    assert meant_by(IMAGES, reference) == image


def test_a_name_that_only_looks_renamed_is_taken_as_it_is():
    images = ["0a1b2c3d-pint.jpg", "pint.jpg"]

    assert meant_by(images, "/data/upload/1/0a1b2c3d-pint.jpg") == "0a1b2c3d-pint.jpg"


URI = base64.b64encode("s3://bucket/bar/café 1+2.jpg".encode()).decode()


@pytest.mark.parametrize(
    ("reference", "image"),
    [
        (f"/tasks/2/presign/?fileuri={URI}", "bar/café 1+2.jpg"),
        (
            f"https://labels.example.org/tasks/2/resolve/?fileuri={URI.replace('=', '%3D')}",
            "bar/café 1+2.jpg",
        ),
        (
            f"/projects/7/presign/?fileuri={URI.rstrip('=').replace('+', '-').replace('/', '_')}",
            "bar/café 1+2.jpg",
        ),
        ("/tasks/2/presign/?fileuri=s3%3A%2F%2Fbucket%2Fbar%2Fcaf%C3%A9%201%2B2.jpg", "bar/café 1+2.jpg"),
        ("/tasks/2/presign/?fileuri=!!!", None),
        ("/data/upload/3/abcdef01-Caf%C3%A9.jpg", "Café.jpg"),
        ("/data/upload/3/abcdef01-my_photo_1.jpg", "my photo (1).jpg"),
        ("/data/upload/3/abcdef01-%C3%84rger__Co.jpg", "Ärger & Co.jpg"),
        ("-rger---Co_jpg.rf.63f6bcaa074781a7686d68a12af2bf40.jpg", "Ärger & Co.jpg"),
        ("/data/upload/3/abcdef01-twin_a.jpg", None),
        ("https://b.s3.eu-west-1.amazonaws.com/in/my+photo+%281%29.jpg", "my photo (1).jpg"),
        ("s3://b/in/Caf%C3%A9.jpg", "Café.jpg"),
        ("https://b.s3.amazonaws.com/a%2Bb.jpg", "a+b.jpg"),
        ("a+b.jpg", "a+b.jpg"),
        ("a b.jpg", None),
        ("x%20y.jpg", "x%20y.jpg"),
        ("https://h/in/x%2520y.jpg", "x%20y.jpg"),
        ("data/photos\\bar\\deep.jpg", "bar/deep.jpg"),
        ("data\\photos/bar\\deep.jpg", "bar/deep.jpg"),
    ],
)
def test_names_are_found_where_tools_hide_them(reference, image):
    images = ["bar/café 1+2.jpg", "Café.jpg", "my photo (1).jpg", "Ärger & Co.jpg", "twin (a).jpg", "twin [a].jpg",
              "a+b.jpg", "x%20y.jpg", "bar/deep.jpg"]  # fmt: skip

    assert meant_by(images, reference) == image
