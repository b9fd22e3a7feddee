"""References: how the image is found that a table means."""

from __future__ import annotations

import unicodedata

import pytest

from manifest_tools.sources.image_index import ImageIndex
from manifest_tools.sources.matching import match_references


def meant_by(index, reference, table_folder=""):
    return match_references(index, [reference], table_folder)[reference].image


IMAGES = ["bar/a.jpg", "park/a.jpg", "park/b.jpg", "ü/ä ö.jpg", "100%.jpg", "cat #1.png"]


@pytest.fixture
def index(tmp_path):
    (tmp_path / "images").mkdir()
    return ImageIndex(IMAGES, str(tmp_path / "images"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("bar/a.jpg", "bar/a.jpg"),
        ("./park/a.jpg", "park/a.jpg"),
        ("images/park/a.jpg", "park/a.jpg"),
        ("park\\a.jpg", "park/a.jpg"),
        ("/home/other/machine/images/park/a.jpg", "park/a.jpg"),
        ("b.jpg", "park/b.jpg"),
        ("somewhere/else/b.jpg", "park/b.jpg"),
        ("b", "park/b.jpg"),
        ("B.JPG", "park/b.jpg"),
        ("A.JPG", None),
        ("100%.jpg", "100%.jpg"),
        ("cat #1.png", "cat #1.png"),
        (" park/b.jpg ", "park/b.jpg"),
        (unicodedata.normalize("NFD", "ü/ä ö.jpg"), "ü/ä ö.jpg"),
        ("a.jpg", None),
        ("nothing.jpg", None),
        ("", None),
    ],
)
def test_what_is_written_is_found(index, tmp_path, written, meant):
    assert meant_by(index, written, tmp_path) == meant


def test_the_tables_folder_comes_before_the_root(tmp_path):
    (tmp_path / "images").mkdir()
    index = ImageIndex(["a.jpg", "sub/a.jpg"], str(tmp_path / "images"))
    assert meant_by(index, "a.jpg", tmp_path / "images" / "sub") == "sub/a.jpg"
    assert meant_by(index, "a.jpg", tmp_path) == "a.jpg"


def test_every_image_of_an_ambiguous_name_is_listed(index):
    assert index.find("a.jpg").images == ("bar/a.jpg", "park/a.jpg")


def test_images_in_s3_are_found_by_uri_and_by_name():
    index = ImageIndex(["s3://bucket/in/x y.jpg"])
    assert meant_by(index, "s3://bucket/in/x y.jpg") == "s3://bucket/in/x y.jpg"
    assert meant_by(index, "x y.jpg") == "s3://bucket/in/x y.jpg"


def test_names_that_differ_only_in_unicode_form_are_two_images():
    composed, decomposed = "ü.jpg", unicodedata.normalize("NFD", "ü.jpg")
    for images in ([composed, decomposed], [decomposed, composed]):
        index = ImageIndex(images)
        assert meant_by(index, composed) == composed
        assert meant_by(index, decomposed) == decomposed


def test_names_with_spaces_around_them_are_found_as_they_are():
    index = ImageIndex([" a.jpg", "a.jpg", "b.jpg "])
    assert meant_by(index, " a.jpg") == " a.jpg"
    assert meant_by(index, "a.jpg") == "a.jpg"
    assert meant_by(index, "b.jpg ") == "b.jpg "


def test_a_backslash_in_a_name_is_no_folder_when_the_file_is_called_so():
    index = ImageIndex(["park\\a.jpg", "park/a.jpg"])
    assert meant_by(index, "park\\a.jpg") == "park\\a.jpg"
    assert meant_by(index, "park/a.jpg") == "park/a.jpg"
