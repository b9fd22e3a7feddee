"""Speed of inspecting photographs, beside the decode that nobody can avoid and beside peers, in one run.

Usage: python benchmarks/inspect_speed.py [--images FOLDER] [--count 200]
CPU figures count the processor time of the process and its children, so that a busy machine disturbs them less.
"""
# ruff: noqa: E402 - numerical libraries read their settings when they are imported

from __future__ import annotations

import argparse
import hashlib
import io
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # one core is one core
    os.environ.setdefault(variable, "1")

import inspect_corpus
import pandas as pd
from PIL import Image

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.images import inspect_images
from manifest_tools.images.facts import read_facts
from manifest_tools.parallel.executors import default_workers


def cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def measure(work: Callable[[], Any], count: int, repeats: int = 3) -> tuple[float, float]:
    """Return images a second of CPU and of the clock, the best of several runs."""
    best = []
    for _ in range(repeats):
        clock, used = time.perf_counter(), cpu()
        work()
        best.append((cpu() - used, time.perf_counter() - clock))
    return count / min(c for c, _ in best), count / min(w for _, w in best)


def each(function: Callable[[Any], Any], items: Sequence[Any]) -> Callable[[], None]:
    def work() -> None:
        for item in items:
            function(item)

    return work


def draft(data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as image:
        image.draft("L", (image.width // 8, image.height // 8))
        image.load()


def verify(path: Path) -> None:
    with Image.open(path) as image:
        image.verify()


def inspection(paths: Sequence[Path], **options: Any) -> Callable[[], Dataset]:
    names = [path.name for path in paths]
    dataset = Dataset.from_tables(pd.DataFrame({"image": names, "uri": names}), root=str(paths[0].parent))
    return lambda: inspect_images(dataset, cache=False, **options)


def command(paths: Sequence[Path], workers: int) -> Callable[[], object]:
    """Return the whole command, from the start of Python to the findings: what a user waits for."""
    asked = [sys.executable, "-m", "manifest_tools", "inspect", str(paths[0].parent), "--no-cache"]
    return lambda: subprocess.run(
        [*asked, "--quiet", "--workers", str(workers)], check=False, capture_output=True
    )


def peers(paths: Sequence[Path]) -> list[tuple[str, Callable[[], Any], int]]:
    found: list[tuple[str, Callable[[], Any], int]] = []
    few = paths[:40]  # they are slow
    try:
        import imagehash  # noqa: PLC0415 - a peer may be absent

        found.append(("ImageHash phash", each(lambda path: imagehash.phash(Image.open(path)), few), len(few)))
    except ImportError:
        print("ImageHash is not installed: left out")
    try:
        from cleanvision import Imagelab  # noqa: PLC0415

        def lab() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                Imagelab(filepaths=[str(path) for path in few]).find_issues(verbose=False)

        found.append(("cleanvision find_issues", lab, len(few)))
    except ImportError:
        print("cleanvision is not installed: left out")
    return found


def show(name: str, figures: tuple[float, float], limit: tuple[float, float]) -> None:
    by_cpu, by_clock = figures
    print(f"{name:44}{by_cpu:10.0f}{by_clock:10.0f}{by_cpu / limit[0]:9.2f}x{by_clock / limit[1]:9.2f}x")


def table(title: str, paths: Sequence[Path], *, with_peers: bool) -> None:
    data = [path.read_bytes() for path in paths]
    size = sum(map(len, data)) / len(data)
    print(f"\n{title}: {len(paths)} files, {size / 1000:.0f} kB each")
    print(f"{'':44}{'per CPU s':>10}{'per s':>10}{'CPU':>10}{'clock':>10}")
    count, cores = len(paths), default_workers()
    limit = measure(each(draft, data), count)
    show("Pillow draft decode 1/8, bytes in memory", limit, limit)
    show("read_facts", measure(each(read_facts, paths), count), limit)
    for name, work in (("inspect_images", inspection), ("the command inspect", command)):
        rates = {}
        for workers in sorted({1, cores}):
            rates[workers] = measure(work(paths, workers=workers), count)
            show(f"{name}, workers={workers}", rates[workers], limit)
        print(f"    by the clock {rates[cores][1] / rates[1][1]:.2f}x one worker")
    if with_peers:
        for name, work, number in peers(paths):
            show(name, measure(work, number, repeats=1), limit)
    show(
        "SHA-256 alone, bytes in memory",
        measure(each(lambda d: hashlib.sha256(d).digest(), data), count),
        limit,
    )
    show("read_facts(quick=True)", measure(each(lambda p: read_facts(p, quick=True), paths), count), limit)
    show("inspect_images(quick=True)", measure(inspection(paths, quick=True), count), limit)
    show("Pillow open + verify", measure(each(verify, paths), count), limit)
    print("files from the cache: ", end="")
    with tempfile.TemporaryDirectory() as folder:
        inspection(paths)()
        names = [path.name for path in paths]
        dataset = Dataset.from_tables(pd.DataFrame({"image": names, "uri": names}), root=str(paths[0].parent))
        inspect_images(dataset, cache=folder)
        print(f"{measure(lambda: inspect_images(dataset, cache=folder), count)[1]:.0f} per s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, help="folder of photographs (JPEG), not searched deeper")
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if options.images:
            found = sorted(options.images.glob("*.jpg"))[: options.count]
            paths = [Path(shutil.copy(path, scratch)) for path in found]
        else:
            paths = inspect_corpus.make(Path(scratch) / "large", options.count)
        table("photographs", paths, with_peers=True)
        if not options.images:
            small = inspect_corpus.make(
                Path(scratch) / "small", 4 * options.count, sizes=((320, 240), (200, 200))
            )
            table("small files", small, with_peers=False)


if __name__ == "__main__":
    main()
