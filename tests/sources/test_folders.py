"""Folders: which files are candidates, in whatever order and under whatever name."""

from __future__ import annotations

import os
import subprocess
import sys

import pandas as pd
import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.images.inspection import inspect_images
from manifest_tools.rules.checking import check_dataset
from manifest_tools.sources.folders import folder_labels, list_folder
from manifest_tools.sources.formats.detect import read_labels
from manifest_tools.sources.parts import keep_test_part
from manifest_tools.sources.reading import read_images
from tests.pictures import save

ODD_NAMES = ["with space.jpg", "100%.jpg", "hash#1.jpg", "ünï.jpg", "日本語.jpg", "a;b|c.jpg", "line\nfeed.jpg",
             "quote'\".jpg", "🙂.jpg", "UPPER.JPG"]  # fmt: skip


def test_images_are_found_at_any_depth_and_under_any_name(tmp_path):
    for number, name in enumerate(ODD_NAMES):
        save(tmp_path / "deep" / "deeper" / name, number, format="JPEG")
    found = list_folder(tmp_path).images
    assert sorted(found["image"]) == sorted(f"deep/deeper/{name}" for name in ODD_NAMES)
    assert (found["bytes"] > 0).all()


def test_other_files_are_counted_by_extension(tmp_path):
    save(tmp_path / "a.jpg", 1)
    for name in ("notes.txt", "more.TXT", "README", ".DS_Store"):
        (tmp_path / name).write_text("words")
    listing = list_folder(tmp_path)
    assert list(listing.images["image"]) == ["a.jpg"]
    assert listing.skipped == {"(hidden)": 1, "(none)": 1, ".txt": 2}


def test_a_signature_makes_a_candidate_without_an_extension(tmp_path):
    save(tmp_path / "picture.data", 1, format="PNG")
    save(tmp_path / "no-extension", 2, format="JPEG")
    assert sorted(list_folder(tmp_path).images["image"]) == ["no-extension", "picture.data"]


def test_an_extension_makes_a_candidate_whatever_it_holds(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"")
    assert list(list_folder(tmp_path).images["image"]) == ["broken.jpg"]


def test_links_are_followed_and_loops_are_not(tmp_path):
    save(tmp_path / "real" / "a.jpg", 1)
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "real", target_is_directory=True)
    (tmp_path / "real" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "real" / "a.jpg")
    assert sorted(list_folder(tmp_path).images["image"]) == ["link.jpg", "real/a.jpg", "real/gone.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_pipes_are_counted_and_never_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    listing = list_folder(tmp_path)
    assert listing.images.empty
    assert listing.skipped == {"(special)": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes names that are not UTF-8")
def test_a_name_that_is_no_text_is_kept_and_marked(tmp_path):
    save(tmp_path / "good.jpg", 1)
    with open(os.fsencode(tmp_path) + b"/bad\xff.jpg", "wb") as file:
        file.write((tmp_path / "good.jpg").read_bytes())
    found = list_folder(tmp_path).images.set_index("image")
    assert found.loc["bad\\xff.jpg", "remarks"] == "name-not-utf-8"
    assert found.loc["bad\\xff.jpg", "decode_error"] == "unreadable: the file name is not UTF-8"
    assert found.loc["good.jpg", "decode_error"] == ""


def test_a_place_that_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(InputError, match="does not exist"):
        list_folder(tmp_path / "nothing")
    with pytest.raises(InputError, match="is a file"):
        list_folder(tmp_path / "file.txt")


def test_folder_labels_are_the_topmost_folders(tmp_path):
    for name in ("Alcohol/a.jpg", "Alcohol/2026/b.jpg", "Safe/c.jpg", "d.jpg"):
        save(tmp_path / name, 1)
    labels = folder_labels(list_folder(tmp_path).images["image"])
    assert dict(zip(labels["image"], labels["label"], strict=True)) == {
        "Alcohol/a.jpg": "Alcohol",
        "Alcohol/2026/b.jpg": "Alcohol",
        "Safe/c.jpg": "Safe",
    }


def test_a_locale_that_would_change_the_keys_is_refused(tmp_path, monkeypatch):
    save(tmp_path / "a.jpg", 1)
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "iso8859-1")
    with pytest.raises(InputError, match="PYTHONUTF8=1"):
        list_folder(tmp_path)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (["train/Alcohol/1.jpg", "val/Safe/1.jpg", "test/Alcohol/x/2.jpg"], ["Alcohol", "Safe", "Alcohol"]),
        (
            ["training/Alcohol/1.jpg", "valid/Safe/1.jpg", "Validation/Safe/1.jpg"],
            ["Alcohol", "Safe", "Safe"],
        ),
        (["train/Alcohol/1.jpg", "Safe/1.jpg"], ["train", "Safe"]),
        (["Alcohol/train/1.jpg", "drug test/1.jpg"], ["Alcohol", "drug test"]),
        (["train/Alcohol/1.jpg", "train/loose.jpg", "top.jpg"], ["Alcohol"]),
    ],
)
def test_the_parts_of_a_data_set_above_the_labels_are_no_labels(images, labels):
    assert list(folder_labels(pd.Series(images))["label"]) == labels


def test_folder_labels_of_images_in_s3_are_below_the_listed_prefix():
    images = pd.Series(["s3://b/in/Alcohol/1.jpg", "s3://b/in/2.jpg"])
    assert list(folder_labels(images, "s3://b/in/")["label"]) == ["Alcohol"]


class TestKeepTest:
    def test_the_given_test_part_is_locked(self):
        images = pd.DataFrame({"image": ["train/a/1.jpg", "val/a/2.jpg", "test/a/3.jpg", "4.jpg"]})
        kept = keep_test_part(Dataset.from_tables(images)).images

        assert dict(zip(kept["image"], kept["split"], strict=True)) == {
            "train/a/1.jpg": "train", "val/a/2.jpg": "train", "test/a/3.jpg": "test", "4.jpg": "train",
        }  # fmt: skip
        assert kept["locked"].all()

    def test_what_an_earlier_round_locked_stays(self):
        images = pd.DataFrame(
            {"image": ["train/1.jpg", "test/2.jpg"], "split": "train", "locked": [False, True]}
        )
        assert list(keep_test_part(Dataset.from_tables(images)).images["split"]) == ["train", "train"]

    @pytest.mark.parametrize("images", [["train/1.jpg"], ["test/1.jpg"]])
    def test_without_two_parts_it_is_refused(self, images):
        with pytest.raises(InputError, match="leave --keep-test out"):
            keep_test_part(Dataset.from_tables(pd.DataFrame({"image": images})))


needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")


def inspected(folder):
    """Return what became of each image: the codes of its findings."""
    report = check_dataset(inspect_images(read_images(folder), workers=1, cache=False))
    codes = {}
    for found in report.findings:
        if found.code.startswith("image-") and found.code not in ("image-blank", "image-unlabelled"):
            codes[found.location.image] = found.code
    return codes


@needs_pipes
def test_pipes_and_devices_behind_links_never_hang(tmp_path):
    save(tmp_path / "images" / "good.jpg", 1)
    os.mkfifo(tmp_path / "pipe")
    for name, target in {
        "pipe.jpg": tmp_path / "pipe",
        "zero.jpg": "/dev/zero",
        "pipe": tmp_path / "pipe",
    }.items():
        (tmp_path / "images" / name).symlink_to(target)
    found = inspected(tmp_path / "images")
    assert found == {"pipe.jpg": "image-unreadable", "zero.jpg": "image-unreadable"}
    assert list_folder(tmp_path / "images").skipped == {"(special)": 1}


@needs_pipes
def test_a_pipe_among_annotations_is_passed_over(tmp_path):
    os.mkfifo(tmp_path / "a.xml")
    (tmp_path / "b.xml").symlink_to(tmp_path / "a.xml")
    with pytest.raises(InputError, match="folder without annotations"):
        read_labels(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="links of this kind are POSIX")
def test_links_to_themselves_are_findings(tmp_path):
    save(tmp_path / "good.jpg", 1)
    for name in ("loop.jpg", "loop"):
        (tmp_path / name).symlink_to(tmp_path / name)
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    found = inspected(tmp_path)
    assert found == dict.fromkeys(["a", "b", "loop", "loop.jpg"], "image-unreadable")


def test_a_subfolder_that_cannot_be_listed_is_a_finding(tmp_path, monkeypatch):
    save(tmp_path / "good.jpg", 1)
    save(tmp_path / "private" / "a.jpg", 2)
    save(tmp_path / "private-too.jpg", 2)
    listed = os.scandir

    def refuse(path):
        if str(path).endswith("private"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert list(list_folder(tmp_path).images["image"]) == ["good.jpg", "private-too.jpg", "private/"]
    assert inspected(tmp_path) == {"private/": "image-unreadable"}


@pytest.mark.skipif(os.name != "posix", reason="paths are shorter elsewhere")
@pytest.mark.parametrize("name", ["d", "a long name of a folder"])
def test_folders_nested_deeper_than_calls_or_paths_may_be_stop_nothing(tmp_path, name):
    """1,200 levels: more than Python nests calls, and with the long name more than a path may have characters."""
    save(tmp_path / "good.jpg", 1)
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(1200):
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
    finally:
        os.close(here)
    try:
        listing = list_folder(tmp_path).images
        assert listing["image"].iloc[-1] == "good.jpg"
        assert len(listing) == 1 + (len(name) > 1)
        with pytest.raises(InputError):
            read_labels(tmp_path)
        subprocess.run(["rm", "-rf", str(tmp_path / name)], check=True)
    finally:  # Python cannot remove them
        subprocess.run(["rm", "-rf", str(tmp_path / name)], check=True)
