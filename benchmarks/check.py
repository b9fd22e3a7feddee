"""Check 10,000 images and write the report: how long it takes, and how large the files are.

Usage: python benchmarks/check.py [--images 10000]
The limit beside it is the work that nobody can avoid: one pass over the saved tables from disk.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.pipeline.select import select_images
from manifest_tools.reports import findings_jsonl, render_text, report_json
from manifest_tools.reports.html import render_html
from manifest_tools.rules.checking import check_dataset


def synthetic(count: int, *, faulty: bool) -> Dataset:
    """Return labelled, asked and split images; when `faulty`, about every second one has something wrong."""
    random = np.random.default_rng(0)
    keys = [f"folder {number % 37:02}/picture {number:06}.jpg" for number in range(count)]
    images = pd.DataFrame(
        {"image": keys, "uri": keys, "bytes": 400_000, "format": "JPEG", "mode": "RGB", "frames": 1}
    )
    images = images.assign(width=1600, height=1200, predicted="7.0", min_confidence=50.0, group=keys)
    images["split"] = np.where(np.arange(count) % 5 == 0, "test", "train")
    if faulty:
        images["mode"] = random.choice(["RGB", "CMYK"], count, p=[0.8, 0.2])
        images["format"] = random.choice(["JPEG", "PNG", "WEBP"], count, p=[0.83, 0.15, 0.02])
        images["group"] = [keys[number - number % 3] for number in range(count)]
        images["decode_error"] = np.where(random.random(count) < 0.02, "truncated: ends at byte 4096", "")
    rows: list[tuple[str, str, str, Any, float]] = []
    shown = np.zeros(count, dtype=bool)
    for label in Taxonomy.load().top[:6]:
        present = random.random(count) < 0.08
        shown |= present
        score = np.clip(random.normal(np.where(present, 75, 20), 20), 0, 100)
        rows += [(keys[row], label, "table", True, np.nan) for row in np.flatnonzero(present)]
        rows += [(keys[row], label, "predictions", None, score[row]) for row in np.flatnonzero(score >= 50)]
    rows += [(keys[row], "Safe", "table", True, np.nan) for row in np.flatnonzero(~shown)]
    labels = pd.DataFrame(rows, columns=["image", "label", "source", "truth", "score"])
    return Dataset.from_tables(images, labels, scope=Taxonomy.load().top)


def seconds(work: Callable[[], Any], repeats: int = 5) -> float:
    """Return the median processor time of a piece of work."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return sorted(times)[repeats // 2]


def measure(name: str, dataset: Dataset) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dataset.save(folder)
        limit = seconds(lambda: Dataset.load(folder))
    report = check_dataset(dataset)
    page = render_html(report, dataset)
    check = seconds(lambda: check_dataset(dataset))
    print(f"{name}: {len(dataset):,} images, {sum(code.count for code in report.codes):,} findings")
    print(f"  check      {check:6.2f} s   {check / limit:4.1f} x loading the saved tables ({limit:.2f} s)")
    print(
        f"  page       {seconds(lambda: render_html(report, dataset), 3):6.2f} s   {len(page.encode()) / 1e6:.2f} MB"
    )
    print(
        f"  text       {seconds(lambda: render_text(report), 3):6.2f} s   {len(render_text(report)) / 1e3:.0f} KB"
    )
    document = report_json(report) + "".join(findings_jsonl(report))
    print(
        f"  JSON       {seconds(lambda: report_json(report), 3):6.2f} s   {len(document) / 1e6:.2f} MB with findings.jsonl"
    )
    half = len(dataset) // 2
    print(f"  select     {seconds(lambda: select_images(dataset, limit=half), 3):6.2f} s   {half:,} of them")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    count = parser.parse_args().images
    measure("sound", synthetic(count, faulty=False))
    measure("faulty", synthetic(count, faulty=True))


if __name__ == "__main__":
    main()
