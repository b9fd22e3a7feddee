"""The fixed cost of small jobs: processor time of a command and all its workers, beside that of loading the libraries.

Usage: python benchmarks/fixed_cost.py [--runs 10]
Commands run in turn, on an empty cache of image facts but where "again" is said, with modules compiled as an
installation has them; of each the least of its runs counts. The limit beside it is Python that loads numpy, pandas and
pyarrow, and does nothing.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "sample_data"
LIMIT = "numpy, pandas, pyarrow"


def commands(place: Path) -> dict[str, list[str]]:
    """Return what is run; `ready` is a folder that was prepared before, `new` one that is not there."""
    few, new, ready = (str(place / name) for name in ("few", "new", "ready"))
    tool = [sys.executable, "-m", "manifest_tools"]
    prepare = [*tool, "prepare", str(SAMPLE / "images"), "--labels", str(SAMPLE / "labels.csv"), "--predictions",
               str(SAMPLE / "predictions.manifest"), "--target", "Alcohol:false-positives",
               "--to", "s3://example-bucket/demo", "--out"]  # fmt: skip
    return {
        LIMIT: [sys.executable, "-c", f"import {LIMIT}"],
        "--help": [*tool, "--help"],
        "validate, 103 lines": [*tool, "validate", f"{ready}/train.manifest"],
        "status": [*tool, "status", ready],
        "inspect, 4 images": [*tool, "inspect", few],
        "check": [*tool, "check", ready],
        "split": [*tool, "split", ready, "--out", new],
        "prepare, 139 images": [*prepare, new],
        "prepare again": [*prepare, ready],
    }


def processor_time(command: list[str], place: Path, *, forget: bool) -> float:
    """Run a command, and return the seconds of processor time that it took with all its children."""
    shutil.rmtree(place / "new", ignore_errors=True)
    if forget:
        shutil.rmtree(place / "cache", ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {
        "MANIFEST_TOOLS_CACHE": str(place / "cache"),
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(place / "compiled"),
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, cwd=place, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "few").mkdir()
        for picture in sorted((SAMPLE / "images" / "food").iterdir())[:4]:
            shutil.copy(picture, place / "few")
        todo = commands(place)
        processor_time(todo["prepare again"], place, forget=True)  # makes the folder that the others look at
        best: dict[str, float] = {}
        for number in range(runs + 1):
            for name, command in todo.items():
                taken = processor_time(command, place, forget=not name.endswith("again"))
                if number:  # the first run compiles
                    best[name] = min(taken, best.get(name, taken))
    print(f"processor time of the process tree, least of {runs} runs")
    for name, seconds in best.items():
        print(f"{name:<24}{seconds:6.2f} s   {seconds / best[LIMIT]:4.1f} x")


if __name__ == "__main__":
    main()
