"""Check, choose and report saved data sets of growing size: time, processor time and memory of each.

Usage: python benchmarks/scale/rows.py [--rows 10000 100000 1000000] [--folder /tmp/rows]
Every measurement runs in a process of its own; memory is the most that it held.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.chunks import DatasetWriter
from manifest_tools.dataset.dataset import PIECE_ROWS, Dataset
from manifest_tools.pipeline.check_folder import check_folder
from manifest_tools.pipeline.select_folder import select_folder
from manifest_tools.reports import write_report

LABELS = Taxonomy.load().top[:6]
WORK = ("check", "select", "report")


def make(folder: Path, rows: int) -> None:
    """Write a labelled, asked and split data set; about every fifth image has something wrong with it."""
    with DatasetWriter(folder) as writer:
        for number, start in enumerate(range(0, rows, PIECE_ROWS)):
            writer.write(*piece(number, start, min(PIECE_ROWS, rows - start)))
        writer.finish(Dataset.from_tables(pd.DataFrame({"image": []}), scope=Taxonomy.load().top), "make")


def piece(number: int, start: int, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the images and label rows of one piece."""
    random = np.random.default_rng(number)
    keys = np.array([f"folder {row // 1000:06}/picture {row:09}.jpg" for row in range(start, start + count)])
    place = np.arange(count)
    copy = random.random(count) < 0.05
    first = np.where(copy, place - place % 10, place)
    images = pd.DataFrame({"image": keys, "uri": keys, "bytes": 400_000, "frames": 1, "predicted": "7.0"})
    images = images.assign(width=1600, height=1200, min_confidence=50.0, group=keys[first])
    images["sha256"] = [f"{start + row:064x}" for row in first]
    images["format"] = random.choice(["JPEG", "PNG", "WEBP"], count, p=[0.95, 0.04, 0.01])
    images["mode"] = random.choice(["RGB", "CMYK"], count, p=[0.95, 0.05])
    images["decode_error"] = np.where(random.random(count) < 0.01, "truncated: ends at byte 4096", "")
    images["split"] = np.where(first % 5 == 0, "test", "train")
    shown = random.random((count, len(LABELS))) < 0.05
    score = np.clip(random.normal(np.where(shown, 75, 20), 20), 0, 100)
    rows, columns = np.nonzero(shown)
    said = pd.DataFrame({"image": keys[rows], "label": np.array(LABELS)[columns], "source": "table"})
    safe = pd.DataFrame({"image": keys[~shown.any(axis=1)], "label": "Safe", "source": "table"})
    rows, columns = np.nonzero(score >= 50)
    model = pd.DataFrame({"image": keys[rows], "label": np.array(LABELS)[columns], "source": "predictions"})
    people = pd.concat([said, safe]).assign(truth=pd.array([True] * (len(said) + len(safe)), dtype="boolean"))
    return images, pd.concat([people, model.assign(score=score[rows, columns])])


def measure(work: str, folder: Path) -> None:
    """Do one piece of work, and print what it took as JSON."""
    wall = time.perf_counter()
    if work == "check":
        check_folder(folder)
    elif work == "select":
        select_folder(folder, limit=10_000, out=folder / "chosen")
    else:
        report = check_folder(folder)
        wall = time.perf_counter()
        write_report(report, folder)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    took = {
        "wall": time.perf_counter() - wall,
        "processor": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss * 1024,
    }
    print(json.dumps(took))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "manifest-tools-rows")
    parser.add_argument("--work", nargs="+", choices=WORK, default=WORK)
    parser.add_argument("--measure", choices=WORK, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.folder)
        return
    for rows in options.rows:
        folder = options.folder / str(rows)
        make(folder, rows)
        for work in options.work:
            call = [sys.executable, __file__, "--measure", work, "--folder", str(folder)]
            done = subprocess.run(call, check=True, capture_output=True, text=True)
            took = json.loads(done.stdout)
            print(
                f"{rows:>11,} rows  {work:<7} {took['wall']:8.1f} s  {took['processor']:8.1f} s of processor"
                f"  {took['memory'] / 1e9:5.2f} GB",
                flush=True,
            )
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
