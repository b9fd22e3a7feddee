"""Peak memory and time of inspecting many images.

Usage: python benchmarks/inspect_memory.py [--count 100000]
The files are hard links to a few small photographs; nothing comes from a cache, so each is read and decoded.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import inspect_corpus
import pandas as pd

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.images import inspect_images


def peak() -> tuple[float, float]:
    """Return the peak resident memory of this process and of its largest child, in MB."""
    own, child = (
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own / 1024, child / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as scratch:
        sources = inspect_corpus.make(Path(scratch), 50, sizes=((320, 240), (240, 320)))
        links = Path(scratch) / "many"
        links.mkdir()
        names = [f"{number:07}.jpg" for number in range(count)]
        for number, name in enumerate(names):
            os.link(sources[number % len(sources)], links / name)
        dataset = Dataset.from_tables(pd.DataFrame({"image": names, "uri": names}), root=str(links))
        before, _ = peak()
        start = time.perf_counter()
        after = inspect_images(dataset, cache=False)
        seconds = time.perf_counter() - start
        table = after.images.memory_usage(deep=True).sum() / 2**20
        own, child = peak()
    print(f"{count} images in {seconds:.1f} s, {count / seconds:.0f} per s")
    print(
        f"peak memory: {own:.0f} MB in the parent ({before:.0f} before), {child:.0f} MB in the largest worker"
    )
    print(f"the table: {table:.0f} MB, {table * 2**20 / count:.0f} bytes an image")


if __name__ == "__main__":
    main()
