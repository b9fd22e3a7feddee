"""What an earlier round knows, carried into this one: reviews, answers of the base model, locked sides, what was set aside."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import PREDICTIONS, REVIEW, judged_column
from manifest_tools.dataset.round_sets import ROUNDS
from manifest_tools.dataset.tables import LABEL_KEY, TEST_SET
from manifest_tools.findings.policy import Policy

ROUND = "round"  # the source under which what an earlier round had is told


def carry_over(dataset: Dataset, earlier: Dataset, policy: Policy, *, predictions: bool = True) -> Dataset:
    """Return `dataset` with the reviews, predictions and selection of an earlier round, and its trainings.

    Images are recognised by content (sha256), then by key. The base model's answers are kept for images of the same
    content, unless there are new ones. Locked sides come later (:func:`keep_locked`).

    Parameters
    ----------
    dataset : Dataset
        Inspected.
    earlier : Dataset
        What the output folder held.
    policy : Policy
        For `safe_names`.
    predictions : bool
        Whether the base model's answers are carried over.
    """
    now = match_images(earlier.images, dataset.images)
    reviews = earlier.labels[earlier.labels["source"].str.startswith(REVIEW)]
    reviews = reviews.assign(image=reviews["image"].map(lambda key: now.get(key, key)))
    labels = _with_reviews(dataset.labels, reviews)
    aside = _known(earlier.images[earlier.images["set_aside"] != ""], "set_aside", now)
    images = dataset.images
    if len(reviews):
        images = images.assign(judged=judged_column(images, labels, policy))
    images = images.assign(set_aside=[aside.get(key, "") for key in images["image"]])
    options = {"reviews": len(reviews), "set_aside": len(aside)}
    gone = _gone(dataset, earlier, now)
    if gone or any(options.values()):  # else there is nothing to tell of
        sources = {**dataset.sources, **({ROUND: {"gone": gone}} if gone else {})}
        dataset = dataset.step("carry-over", images=images, labels=labels, options=options, sources=sources)
    rounds = tuple(entry for entry in earlier.history if entry["step"] in ROUNDS)
    dataset = replace(dataset, history=(*rounds, *dataset.history))
    return _with_predictions(dataset, earlier, now) if predictions else dataset


def _with_reviews(labels: pd.DataFrame, reviews: pd.DataFrame) -> pd.DataFrame:
    """Put earlier reviews below the labels. What came from an added folder has no number: once, and older than the others."""
    added = labels["source"].str.startswith(REVIEW)
    if added.any():
        again = pd.MultiIndex.from_frame(labels.loc[added, LABEL_KEY])
        reviews = reviews[reviews["line"].notna() | ~pd.MultiIndex.from_frame(reviews[LABEL_KEY]).isin(again)]
        since = pd.MultiIndex.from_frame(reviews[LABEL_KEY])
        labels = labels[~(added & pd.MultiIndex.from_frame(labels[LABEL_KEY]).isin(since))]
    return pd.concat([labels, reviews], ignore_index=True)


def _gone(dataset: Dataset, earlier: Dataset, now: dict[str, str]) -> dict[str, list[str]]:
    """Return the locked images of each side that are missing, also since a round before the last."""
    known, here = earlier.sources.get(ROUND, {}).get("gone", {}), set(dataset.images["image"])
    gone = {side: {key for key in keys if key not in here} for side, keys in known.items()}
    for side, rows in earlier.images[earlier.images["locked"]].groupby("split"):
        gone.setdefault(str(side), set()).update(set(rows["image"]) - set(now))
    return {side: sorted(keys) for side, keys in sorted(gone.items()) if keys}


def keep_locked(dataset: Dataset, earlier: Dataset) -> Dataset:
    """Return `dataset` with its images that an earlier round locked on the side that they had there.

    No step of the history: whether the sides come from an earlier round or from this one, locked, is the same in the end.

    Parameters
    ----------
    dataset : Dataset
        Ready to be split.
    earlier : Dataset
        What the output folder held.
    """
    locked = earlier.images[earlier.images["locked"]]
    now = match_images(locked, dataset.images)
    side = _known(locked, "split", now)
    keys = dataset.images["image"]
    images = dataset.images.assign(
        split=[side.get(key, "") for key in keys], locked=[key in side for key in keys]
    )
    number = _known(locked, TEST_SET, now) if TEST_SET in locked else {}
    if max(number.values(), default=0) > 1:
        images = images.assign(**{TEST_SET: [number.get(key, 0) for key in keys]})
    return replace(dataset, images=images)


def _with_predictions(dataset: Dataset, earlier: Dataset, now: dict[str, str]) -> Dataset:
    if (dataset.images["predicted"] != "").any() or not (earlier.images["predicted"] != "").any():
        return dataset
    content = dict(zip(dataset.images["image"], dataset.images["sha256"], strict=True))
    asked = earlier.images[earlier.images["predicted"] != ""]
    same = {
        key: now[key]
        for key, digest in zip(asked["image"], asked["sha256"], strict=True)
        if key in now and content[now[key]] == digest
    }
    asked = asked[asked["image"].isin(same)]
    model, reported_from = _known(asked, "predicted", same), _known(asked, "min_confidence", same)
    types = _known(asked, "content_types", same)
    rows = earlier.labels[(earlier.labels["source"] == PREDICTIONS) & earlier.labels["image"].isin(same)]
    rows = rows.assign(image=rows["image"].map(same)).drop_duplicates(["image", "label"])
    keys = dataset.images["image"]
    images = dataset.images.assign(
        predicted=[model.get(key, "") for key in keys],
        min_confidence=[reported_from.get(key, math.nan) for key in keys],
        content_types=[types.get(key, "") for key in keys],
    )
    labels = pd.concat([dataset.labels, rows], ignore_index=True)
    sources = {**dataset.sources, PREDICTIONS: earlier.sources.get(PREDICTIONS, {})}
    return dataset.step(
        "carry-over-predictions",
        images=images,
        labels=labels,
        options={"images": len(model)},
        sources=sources,
    )


def _known(earlier: pd.DataFrame, column: str, now: dict[str, str]) -> dict[str, Any]:
    """Return what earlier images had in a column, by the key that they have now."""
    known: dict[str, Any] = {}
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
    near = now["image"].isin(earlier["image"]) | now["sha256"].isin(earlier["sha256"])
    now = now.loc[near, ["image", "sha256"]]  # few, where there are few earlier ones
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
    """Return a data set that was split last with every image that has a side locked to it, for the rounds to come.

    That is a part of the split: the same split, made again of what it locked, leaves the same history.
    """
    *before, split = dataset.history
    images = dataset.images.assign(locked=dataset.images["split"] != "")
    return replace(dataset, history=tuple(before)).step(
        "split", images=images, options={**split["options"], "lock": True}
    )
