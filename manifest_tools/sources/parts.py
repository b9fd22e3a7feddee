"""The parts that a data set is cut into, as people name them: train, val, test."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import listed_folder

TEST = "test"
_PARTS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": TEST,
          "testing": TEST}  # fmt: skip


def part_of(folders: Iterable[str]) -> str:
    """Return the part of a data set that folders name, the lowest one; "" for none: train2017 is train."""
    named = (_PARTS.get(_without_year(folder), "") for folder in reversed([*folders]))
    return next(filter(None, named), "")


def part_of_file(stem: str) -> str:
    """Return the part that the last word of a file's name tells: instances_train2017 is about train."""
    return _PARTS.get(re.split(r"[-_. ]", _without_year(stem))[-1], "")


def parts_of_images(images: pd.Series[str], root: str = "") -> list[str]:
    """Return the part that each image's folders name.

    Parameters
    ----------
    images : Series of str
        Image keys.
    root : str
        What all keys in S3 begin with.
    """
    return [part_of(key.removeprefix(root).split("/")[:-1]) for key in images]


def keep_test_part(dataset: Dataset) -> Dataset:
    """Return the data set with the images below ``test/`` locked as test images, and all others as training images.

    Images that an earlier round locked stay where they are.

    Raises
    ------
    InputError
        No image, or every image, lies in a folder of that name.
    """
    images = dataset.images
    is_test = pd.Series(parts_of_images(images["image"], listed_folder(dataset)), index=images.index).eq(TEST)
    if not is_test.any() or is_test.all():
        found = "every image" if is_test.any() else "no image"
        msg = f"{found} lies in a folder called test: there are no two parts to keep; leave --keep-test out"
        raise InputError(msg)
    side = is_test.map({True: "test", False: "train"})
    split = images["split"].where(images["locked"], side)
    return dataset.step("keep-test", images=images.assign(split=split, locked=True))


def _without_year(name: str) -> str:
    return re.sub(r"[-_.]?(19|20)\d\d$", "", name.casefold())
