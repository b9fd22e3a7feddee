"""Small data sets in a few words."""

from __future__ import annotations

import pandas as pd

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.findings import Report
from manifest_tools.findings.policy import Policy
from manifest_tools.rules.checking import check_dataset

SOUND = {"format": "JPEG", "width": 640, "height": 480, "mode": "RGB", "frames": 1, "bytes": 50_000}
ASKED = {"predicted": "7.0", "min_confidence": 50.0}


def data(images, truth=(), scores=(), **options) -> Dataset:
    """Build a data set.

    `images` maps keys to what differs from a sound image; `truth` holds (image, label, truth[, source[, line]]);
    `scores` holds (image, label, confidence).
    """
    if not isinstance(images, dict):
        images = {key: {} for key in images}
    table = pd.DataFrame(
        [{"image": key, "uri": key, "group": key, **SOUND, **facts} for key, facts in images.items()]
    )
    rows = [dict(zip(("image", "label", "truth", "source", "line"), row, strict=False)) for row in truth]
    rows = [{"source": "table", **row} for row in rows]
    rows += [
        {"image": i, "label": name, "score": score, "source": "predictions"} for i, name, score in scores
    ]
    columns = ["image", "label", "source", "truth", "score", "line"]
    return Dataset.from_tables(table, pd.DataFrame(rows, columns=columns), **options)


def mixture(
    label="Alcohol", *, tp=0, fp=0, fn=0, tn=0, split="train", prefix="", asked=True, **options
) -> Dataset:
    """Build a data set of labelled and asked images with these outcomes of one label, all on one side."""
    images, truth, scores = {}, [], []
    for kind, count, present, said in (
        ("tp", tp, True, True),
        ("fp", fp, False, True),
        ("fn", fn, True, False),
        ("tn", tn, False, False),
    ):
        for number in range(count):
            key = f"{prefix}{kind}{number:03}.jpg"
            images[key] = {"split": split, **(ASKED if asked else {})}
            truth.append((key, label if present else "Safe", True))
            if said and asked:
                scores.append((key, label, 90.0))
    return data(images, truth, scores, scope=(label,), **options)


def together(*sets: Dataset) -> Dataset:
    """Put data sets side by side."""
    return Dataset.from_tables(
        pd.concat([part.images for part in sets], ignore_index=True),
        pd.concat([part.labels for part in sets], ignore_index=True),
        scope=tuple(dict.fromkeys(label for part in sets for label in part.scope)),
    )


def for_testing(count=25) -> Dataset:
    """Return enough test images to keep the test set's rules quiet."""
    return mixture(tn=count, split="test", prefix="test/")


def check(dataset: Dataset, **policy) -> Report:
    return check_dataset(dataset, policy=Policy(**policy))


def codes(report: Report) -> dict[str, int]:
    return {count.code: count.count for count in report.codes}


def one(report: Report, code: str):
    """Return the only finding of a code."""
    (finding,) = (finding for finding in report.findings if finding.code == code)
    return finding
