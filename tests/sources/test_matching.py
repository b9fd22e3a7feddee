"""References weighed together: a loose match never wins over evidence against it, and innocent ones stay."""

from __future__ import annotations

import pytest

from manifest_tools.sources.image_index import ImageIndex
from manifest_tools.sources.matching import match_references


def outcome(images, references, root="/data/pics", folder="", **options):
    """Return the image, or the reason why there is none, of each reference."""
    matches = match_references(ImageIndex(images, root), references, folder, **options)
    return [match.image or match.reason for match in matches.values()]


TRAIN = ["train/1.jpg", "train/2.jpg", "train/3.jpg"]


class TestEvidenceAgainstAMatch:
    @pytest.mark.parametrize(
        "part", ["val", "valid", "validation", "test", "testing", "export/val", "val2017", "val/images"]
    )
    def test_another_part_of_the_data_set_is_another_picture(self, part):
        assert outcome(TRAIN, ["train/1.jpg", f"{part}/1.jpg", f"{part}/3.jpg"]) == [
            "train/1.jpg", "elsewhere", "elsewhere",
        ]  # fmt: skip

    def test_the_part_may_stand_in_the_name_of_the_images_folder(self):
        assert (
            outcome(["1.jpg", "cat/2.jpg"], ["val/1.jpg", "val/cat/2.jpg"], "/data/train")
            == ["elsewhere"] * 2
        )

    def test_folders_that_differ_in_a_number(self):
        assert outcome(["cam1/1.jpg"], ["cam2/1.jpg"]) == ["elsewhere"]

    def test_a_folder_that_is_here_without_the_file(self):
        assert outcome(["bar/a.jpg", "park/b.jpg"], ["bar/b.jpg"]) == ["elsewhere"]
        assert outcome(["s3://b/bar/a.jpg", "s3://b/park/b.jpg"], ["s3://b/bar/b.jpg"], "") == ["elsewhere"]

    def test_another_reference_is_the_path_of_the_image(self):
        assert outcome(["bar/a.jpg"], ["bar/a.jpg", "pub/a.jpg"]) == ["bar/a.jpg", "taken"]
        assert outcome(["a.jpg"], ["a.jpg", "pub/a.jpg"]) == ["a.jpg", "taken"]

    def test_a_folder_that_was_once_found_to_be_another_one(self):
        images = ["bar/a.jpg", "bar/b.jpg"]
        assert outcome(images, ["bar/a.jpg", "pub/a.jpg", "pub/b.jpg"]) == ["bar/a.jpg", "taken", "elsewhere"]

    def test_two_that_fit_equally_well(self):
        assert outcome(["z/a.jpg"], ["x/a.jpg", "y/a.jpg"]) == ["rivals", "rivals"]
        assert outcome(["a.jpg"], ["/data/upload/1/0a1b2c3d-a.jpg", "/data/upload/1/1a1b2c3d-a.jpg"]) == [
            "rivals", "rivals",
        ]  # fmt: skip

    def test_the_one_that_fits_better_is_matched(self):
        assert outcome(["bar/a.jpg"], ["old/bar/a.jpg", "pub/a.jpg"]) == ["bar/a.jpg", "taken"]

    def test_a_name_that_is_only_undone_gives_way_to_the_name_itself(self):
        assert outcome(["a b.jpg"], ["a b.jpg", "a+b.jpg"]) == ["a b.jpg", "taken"]
        assert outcome(["a.jpg"], ["a.jpg", "/data/upload/1/0a1b2c3d-a.jpg"]) == ["a.jpg", "taken"]
        assert outcome(["a.jpg"], ["a.jpg", "A.JPG"]) == ["a.jpg", "taken"]

    def test_a_file_of_annotations_in_another_folder(self):
        written = {"cam1/0.jpg": "0.jpg", "cam2/0.jpg": "0.jpg", "cam2/1.jpg": "1.jpg"}
        found = outcome(["0.jpg", "1.jpg"], list(written), "/data/cam1", written=written)
        assert found == ["0.jpg", "taken", "elsewhere"]

    def test_an_image_that_is_known_already_is_evidence_too(self):
        assert outcome(["bar/a.jpg"], ["s3://b/x", "pub/a.jpg"], known={"s3://b/x": "bar/a.jpg"}) == [
            "bar/a.jpg", "taken",
        ]  # fmt: skip


class TestInnocentReferences:
    @pytest.mark.parametrize(
        "prefix",
        [
            "export/images/",
            "/home/me/data/photos/",
            "C:\\data\\",
            "https://cdn.example.org/up/",
            "s3://b/in/",
        ],
    )
    def test_all_from_one_other_place(self, prefix):
        images = ["a.jpg", "b.jpg", "c d.jpg"]
        assert outcome(images, [prefix + image for image in images]) == images

    def test_paths_of_several_machines(self):
        images = ["a.jpg", "b.jpg", "c.jpg"]
        assert outcome(images, ["/home/ann/pics/a.jpg", "D:\\pics\\b.jpg", "c.jpg"]) == images

    def test_folders_laid_together(self):
        assert outcome(["a.jpg", "b.jpg"], ["bar/a.jpg", "park/b.jpg"]) == ["a.jpg", "b.jpg"]

    def test_pictures_sorted_into_classes_after_labelling(self):
        assert outcome(["Alcohol/a.jpg", "Safe/b.jpg"], ["batch/a.jpg", "batch/b.jpg"]) == [
            "Alcohol/a.jpg", "Safe/b.jpg",
        ]  # fmt: skip

    def test_a_bare_name_beside_the_path_of_the_same_picture(self):
        assert outcome(["bar/a.jpg"], ["bar/a.jpg", "a.jpg"]) == ["bar/a.jpg"] * 2

    def test_the_same_address_in_two_forms(self):
        pair = ["s3://bucket/bar/a.jpg", "https://bucket.s3.amazonaws.com/bar/a.jpg?X-Amz-Expires=1"]
        assert outcome(["bar/a.jpg"], pair) == ["bar/a.jpg"] * 2

    def test_several_copies_that_roboflow_made_of_one_picture(self):
        copies = [f"train/a_jpg.rf.{digit * 32}.jpg" for digit in "012"]
        assert outcome(["a.jpg"], copies) == ["a.jpg"] * 3

    def test_folders_that_only_say_what_lies_in_them(self):
        images = ["cam1/JPEGImages/0.jpg", "cam2/JPEGImages/0.jpg"]
        assert outcome(images, ["cam1/Annotations/0.jpg", "cam2/Annotations/0.jpg"]) == images
        assert outcome(["images/train/0.jpg", "images/val/0.jpg"], ["train/images/0.jpg"]) == [
            "images/train/0.jpg"
        ]

    def test_capitals_of_folders_do_not_count(self):
        assert outcome(["Bar/a.jpg", "Bar/b.jpg"], ["bar/A.jpg", "bar/b.jpg"]) == ["Bar/a.jpg", "Bar/b.jpg"]
