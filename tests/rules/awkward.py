"""Small data sets in which everything that a rule looks for occurs, several of them at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.findings import Severity
from manifest_tools.findings.policy import Goal, Policy, Reading, Target

NAMES = (
    "Alcohol",
    "Alcoholic Beverages",
    "Drinking",
    "alcohol",
    "Violence",
    "Weapons",
    "Safe",
    "Nudity",
    "Alchohol",
    "Beer",
)
KEYS = ("{}.jpg", "{}.png", "{}.PNG", "sub/{}.jpg", "sub//{}.jpg", "s3://other/{}.gif", "ü #{}.jpeg", "{}")
ERRORS = ("",) * 8 + (
    "missing",
    "truncated: ends at byte 4",
    "corrupt",
    "bomb: 3 gigapixels",
    "not-an-image: text",
)
REMARKS = ("",) * 6 + (
    "blank",
    "damaged: 12 rows",
    "multi-picture; 16-bit",
    "coding: lossless; name-not-utf-8",
)
OTHERWISE = {
    "label-old-taxonomy": Severity.NOTE,
    "object-key": Severity.ERROR,
    "image-animated": Severity.NOTE,
}
SOURCES = ("table", "table", "table", "folder", "review:ann", "review:bob")


def awkward(seed: int, count: int) -> Dataset:
    """Return a data set of some images that differs with the seed."""
    random = np.random.default_rng(seed)
    pick = random.choice
    keys = sorted({str(pick(KEYS)).format(f"{number:02}") for number in random.permutation(count)})
    size = len(keys)
    asked, split = (
        random.random(size) < pick([0, 0.8, 1]),
        pick(["", "train", "test"], size, p=[0.1, 0.6, 0.3]),
    )
    images = pd.DataFrame(
        {
            "image": keys,
            "uri": keys,
            "bytes": pick([40_000, 0, 16_000_000], size, p=[0.9, 0.05, 0.05]),
            "sha256": pick(["", "aa", "bb", "cc"], size)
            if random.random() < 0.5
            else pick(["", "aa", "bb", *keys], size),
            "format": pick(["JPEG", "PNG", "GIF", "", "HEIC"], size, p=[0.6, 0.2, 0.05, 0.1, 0.05]),
            "width": pick([640, 20, 11_000, 0], size, p=[0.85, 0.05, 0.05, 0.05]),
            "height": 480,
            "mode": pick(["RGB", "CMYK", "L"], size),
            "frames": pick([1, 3], size, p=[0.8, 0.2]),
            "orientation": pick([1, 6], size),
            "decode_error": pick(ERRORS, size),
            "remarks": pick(REMARKS, size),
            "group": pick(["", *keys[:4], keys[-1], "elsewhere"], size) if random.random() < 0.9 else "",
            "judged": pick(["", "scope", "all"], size, p=[0.8, 0.1, 0.1]),
            "predicted": np.where(asked, "7.0", ""),
            "min_confidence": np.where(asked, pick([50.0, 30.0, 80.0], size), np.nan),
            "split": split if random.random() < 0.8 else "",
            "locked": random.random(size) < 0.2,
            "set_aside": pick(["", "over the limit of 9"], size, p=[0.9, 0.1]),
        }
    )
    return Dataset.from_tables(
        images,
        _labels(random, keys, size * 2),
        scope=tuple(pick(NAMES[:4], 2, replace=False)),
        destination=str(pick(["", "s3://bucket/in"])),
        keys=str(pick(["original", "sha256"])),
        sources=_sources(random, keys),
    ).step("split", options={"test_size": 0.2})


def _labels(random: np.random.Generator, keys: list[str], size: int) -> pd.DataFrame:
    pick = random.choice
    images = pick([*keys, *keys, *keys, "gone.jpg", "aa/00.jpg", "zz/01.png"], size)
    people = pd.DataFrame(
        {
            "image": images,
            "label": pick(NAMES, size),
            "source": pick(SOURCES, size),
            "truth": pd.array(pick([True, True, True, False, None], size), dtype="boolean"),
            "line": pd.array(random.integers(1, 9, size), dtype="Int64"),
        }
    )
    people.loc[random.random(size) < 0.1, "line"] = pd.NA
    model = pd.DataFrame({"image": pick(keys, size), "label": pick(NAMES, size), "source": "predictions"})
    model["score"] = pick([20.0, 49.99, 50.0, 77.123456, 99.9], size)
    return pd.concat([people, model], ignore_index=True)


def _sources(random: np.random.Generator, keys: list[str]) -> dict[str, dict[str, object]]:
    noted = [
        {
            "code": "source-entry",
            "severity": "warning",
            "location": {"file": "labels.csv", "line": 3} | ({"image": key} if key else {}),
            "message": "m",
            "fix": "f",
            "data": {},
        }
        for key in ("", keys[0], keys[-1], "gone.jpg")
    ]
    found: dict[str, dict[str, object]] = {"table": {"file": "labels.csv", "findings": noted}}
    if random.random() < 0.5:
        found["folder"] = {"file": "folders", "format": "coco", "scope": ["Violence"]}
    if random.random() < 0.5:
        found["predictions"] = {"unmatched": 2, "examples": ["x"], "file": "predictions.jsonl"}
        found["round"] = {"gone": {"train": ["old.jpg"]}}
        found["split"] = {
            "gave_way": [
                {"constraint": "test-share", "label": "Alcohol", "detail": "5 images", "wanted": 2, "got": 5}
            ]
        }
    return found


@st.composite
def policies(draw) -> Policy:
    targets = draw(
        st.lists(
            st.builds(Target, st.sampled_from(("Alcohol", "Violence", "Drinking")), st.sampled_from(Goal)),
            max_size=2,
            unique=True,
        )
    )
    return Policy(
        targets=tuple(targets),
        reading=draw(st.sampled_from(Reading)),
        label_level=draw(st.sampled_from(("1", "all"))),
        confidence_threshold=draw(st.sampled_from((50.0, 30.0, 77.123456))),
        min_false_positives=draw(st.sampled_from((1, 3, 20))),
        min_false_negatives=draw(st.sampled_from((1, 3, 50))),
        min_test_images=draw(st.sampled_from((1, 20))),
        max_training_images=draw(st.sampled_from((5, 10_000))),
        keep_unchecked=draw(st.booleans()),
        severities=draw(st.sampled_from(({}, OTHERWISE))),
    )
