"""What an earlier round fixed, carried into this one: reviews, the sides of locked images, and what was set aside."""

from __future__ import annotations

import pandas as pd

from manifest_tools.dataset import Dataset
from manifest_tools.policy import Policy
from manifest_tools.truth import REVIEW, judged_column


def carry_over(dataset: Dataset, earlier: Dataset, policy: Policy) -> Dataset:
    """Return `dataset` with the reviews, the locked split and the selection of an earlier round.

    Images are recognised by content (sha256), then by key. A locked image that is gone stays gone.

    Parameters
    ----------
    dataset : Dataset
        Inspected.
    earlier : Dataset
        What the output folder held.
    policy : Policy
        For `safe_names`.
    """
    now = match_images(earlier.images, dataset.images)
    reviews = earlier.labels[earlier.labels["source"].str.startswith(REVIEW)]
    reviews = reviews.assign(image=reviews["image"].map(lambda key: now.get(key, key)))
    labels = pd.concat([dataset.labels, reviews], ignore_index=True)
    side = _known(earlier.images[earlier.images["locked"]], "split", now)
    aside = _known(earlier.images[earlier.images["set_aside"] != ""], "set_aside", now)
    images = dataset.images
    if len(reviews):
        images = images.assign(judged=judged_column(images, labels, policy))
    keys = images["image"]
    images = images.assign(
        split=[side.get(key, "") for key in keys],
        locked=[key in side for key in keys],
        set_aside=[aside.get(key, "") for key in keys],
    )
    options = {"reviews": len(reviews), "locked": len(side), "set_aside": len(aside)}
    return dataset.step("carry-over", images=images, labels=labels, options=options)


def _known(earlier: pd.DataFrame, column: str, now: dict[str, str]) -> dict[str, str]:
    """Return what earlier images had in a column, by the key that they have now."""
    known: dict[str, str] = {}
    for key, value in zip(earlier["image"], earlier[column], strict=True):
        if key in now:
            known.setdefault(now[key], value)
    return known


def match_images(earlier: pd.DataFrame, now: pd.DataFrame) -> dict[str, str]:
    """Return where each earlier image is now: the same key with the same content, else by content, else by key.

    Parameters
    ----------
    earlier, now : pandas.DataFrame
        Images tables; `sha256` may be empty.
    """
    content = dict(zip(now["image"], now["sha256"], strict=True))
    hashed = now[now["sha256"] != ""].drop_duplicates("sha256", keep="first")
    by_content = dict(zip(hashed["sha256"], hashed["image"], strict=True))
    found = {}
    for key, digest in zip(earlier["image"], earlier["sha256"], strict=True):
        image = key if content.get(key) == digest else by_content.get(digest, key if key in content else None)
        if image is not None:
            found[key] = image
    return found


def lock_split(dataset: Dataset) -> Dataset:
    """Return the data set with every image that has a side locked to it, for the rounds to come."""
    images = dataset.images
    return dataset.step("lock", images=images.assign(locked=images["split"] != ""))
