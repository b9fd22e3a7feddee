"""Rank wrong labels beside cleanlab: some labels are flipped at random, and both rank on the same scores.

    python benchmarks/label_errors.py MATRIX.npz... [--table labels.csv [--images FOLDER]] [--seeds 10]

A matrix is one of labels (scipy sparse, images x labels); a table has the columns `file` and `labels` (several between ";").
With --images its look-alikes are found, and are witnesses. Scores are made from the true labels in four ways, and
5, 10 and 20 % of all statements (a label of an image, present or absent) are flipped. Printed is the average precision of
the ranking of statements and of images, the mean over seeds, cleanlab's with its defaults.
"""

# ruff: noqa: PLC0415 - the peer is imported only when the benchmark runs

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from scipy import sparse
from sklearn.metrics import average_precision_score

from manifest_tools.evaluation.label_errors import Doubts

RATES = (0.05, 0.1, 0.2)


def clear(y, random):
    """High where the label is there, low elsewhere."""
    return 100 * np.where(y, random.beta(5, 2, y.shape), random.beta(1.2, 6, y.shape))


def uncalibrated(y, random):
    """Each label with an offset and a sharpness of its own."""
    columns = y.shape[1]
    offset, sharpness = random.normal(-1, 1, columns), random.uniform(1.5, 4, columns)
    odds = offset + np.where(y, 0.75, -0.75) * sharpness + random.normal(0, 1.2, y.shape)
    return 100 / (1 + np.exp(-odds))


def from_50(y, random):
    """As a moderation service answers: silence below 50, and each label with an offset of its own."""
    offset = random.normal(0, 0.5, y.shape[1])
    odds = np.where(y, random.normal(2.2, 1.6, y.shape), random.normal(-4, 2.2, y.shape)) + offset
    score = 100 / (1 + np.exp(-odds))
    return np.where(score >= 50, score, np.nan)


def calibrated(y, random):
    """The chance itself: no ranking of statements by one score can be better than by these as they are."""
    common = np.clip(y.mean(axis=0), 0.002, 0.5)
    odds = np.where(y, 1, -1) * 2.5**2 / 2 + random.normal(0, 2.5, y.shape) + np.log(common / (1 - common))
    return 100 / (1 + np.exp(-odds))


SCORES: tuple[Callable, ...] = (clear, uncalibrated, from_50, calibrated)


def ours(given, score, groups):
    truth = SimpleNamespace(present=given, absent=~given)
    asked = np.ones(len(given), dtype=bool)
    outcomes = SimpleNamespace(truth=truth, asked=asked, score=score, labels=range(given.shape[1]))
    doubts = Doubts.of(outcomes, groups, np.arange(len(given)))
    chance = np.stack([doubts.chance(column) for column in range(given.shape[1])], axis=1)
    return chance, 1 - np.prod(1 - np.clip(chance, 0, 1 - 1e-9), axis=1)


def cleanlab(given, score):
    from cleanlab.multilabel_classification import get_label_quality_scores
    from cleanlab.multilabel_classification.rank import get_label_quality_scores_per_class

    labels = [list(np.flatnonzero(row)) for row in given]
    share = np.nan_to_num(score) / 100
    return -get_label_quality_scores_per_class(labels, share), -get_label_quality_scores(labels, share)


def compare(name: str, y, groups, seeds: int) -> None:
    for make in SCORES:
        for rate in RATES:
            found = []
            for seed in range(seeds):
                random = np.random.default_rng(seed)
                score = make(y, random)
                flipped = random.random(y.shape) < rate
                given = y ^ flipped
                row = []
                for cells, images in (ours(given, score, groups), cleanlab(given, score)):
                    row.append(average_precision_score(flipped.ravel(), cells.ravel()))
                    row.append(average_precision_score(flipped.any(axis=1), images))
                found.append(row)
            cells, images, their_cells, their_images = np.mean(found, axis=0)
            wins = sum(row[0] >= row[2] for row in found)
            print(
                f"{name:14s} {make.__name__:13s} {rate:5.0%} {cells:9.3f} {their_cells:9.3f} {wins:5d} of {seeds}"
                f" {images:9.3f} {their_images:9.3f}"
            )


def of_table(path: Path, images: Path | None):
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    sets = [set(row["labels"].split(";")) - {"Safe"} for row in rows]
    names = sorted(set().union(*sets))
    y = np.array([[name in labels for name in names] for labels in sets])
    if images is None:
        return y, np.arange(len(y))
    import pandas as pd

    from manifest_tools import group_duplicates, inspect_images, read_images

    dataset = group_duplicates(inspect_images(read_images(images)))
    group = dict(zip(dataset.images["image"], dataset.images["group"], strict=True))
    keys = [next(key for key in (row["file"], row["file"].partition("/")[2]) if key in group) for row in rows]
    return y, pd.factorize(np.array([group[key] or key for key in keys]))[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("matrices", nargs="*", type=Path)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    print(
        f"{'data':14s} {'scores':13s} {'wrong':>5s} {'AP':>9s} {'cleanlab':>9s} {'seeds':>11s} {'AP images':>9s} {'cleanlab':>9s}"
    )
    if options.table:
        compare(options.table.parent.name[:14], *of_table(options.table, options.images), options.seeds)
    for path in options.matrices:
        y = sparse.load_npz(path).toarray().astype(bool)
        compare(path.stem, y, np.arange(len(y)), options.seeds)


if __name__ == "__main__":
    main()
