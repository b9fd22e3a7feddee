"""Look-alikes among thousands to millions of images: growth of seconds and memory with their number.

    python benchmarks/scale/lookalikes.py [--workers N] [--radius BITS] [--scratch FOLDER] [COUNT ...]

The fingerprints are made: those of some thousand pictures, each XORed with a random mask, the same for all views of an
image. So far fewer images than among real ones are near each other by chance. One image in twenty is an easy copy of
another: up to two bits off in each view, its sketch a little noisy. All of them must be found, and nothing else. The
fingerprints stand in files of a scratch folder; each count runs in a process of its own, whose peak memory is told.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.duplicates.fingerprint_table import FingerprintTable
from manifest_tools.duplicates.fingerprints import HASH_BITS, SKETCH_SIDE, describe
from manifest_tools.duplicates.grouping import fitting_radius, leaders

COUNTS = (10_000, 100_000, 1_000_000, 10_000_000)
PATTERNS = 2_000
PIECE = 50_000  # images made together
COPIES = 20  # one image in so many is a copy of another
BITS_OFF, NOISE = 2, 0.1  # of each view of a copy; part of the bytes of its sketch that are one off

UInt64Array = npt.NDArray[np.uint64]
UInt8Array = npt.NDArray[np.uint8]


def patterns(count: int = PATTERNS) -> UInt64Array:
    """Return the views of made pictures with detail at every scale."""
    views = []
    for seed in range(count):
        state = np.random.default_rng(seed)
        picture = np.zeros((96, 128))
        for cells in (3, 6, 12, 24):
            grid = state.normal(size=(cells, cells)) / np.sqrt(cells)
            picture += _stretched(_stretched(grid, 96).T, 128).T
        picture -= picture.min()
        words = describe((picture * (255 / picture.max())).astype(np.uint8)).views
        views.append(np.frombuffer(bytes.fromhex(words), dtype=">u8"))
    return np.array(views).astype(np.uint64)


def _stretched(grid: npt.NDArray[np.floating], size: int) -> npt.NDArray[np.floating]:
    """Return rows between those of a grid."""
    at = np.linspace(0, len(grid) - 1, size)
    low = np.minimum(at.astype(int), len(grid) - 2)
    return grid[low] + (grid[low + 1] - grid[low]) * (at - low)[:, None]


def made_prints(count: int, seed: int = 0) -> Iterator[pd.DataFrame]:
    """Yield the columns `sha256`, `phash`, `views`, `sketch` and `shown` of made images, in pieces with copies as `copies` says."""
    known = patterns()
    for number, start in enumerate(range(0, count, PIECE)):
        size = min(PIECE, count - start)
        state = np.random.default_rng((seed, number))
        masks = state.integers(0, 1 << HASH_BITS, (size, 1), dtype=np.uint64)
        views = known[state.integers(0, len(known), size)] ^ masks
        sketches = state.integers(0, 256, (size, SKETCH_SIDE**2 // 2), dtype=np.uint8)
        original, copy = copies(size)
        views[copy] = views[original]
        for _ in range(BITS_OFF):
            views[copy] ^= np.uint64(1) << state.integers(0, HASH_BITS, views[copy].shape, dtype=np.uint64)
        sketches[copy] = sketches[original] ^ (state.random(sketches[copy].shape) < NOISE)
        yield pd.DataFrame(
            {
                "sha256": [hashlib.sha256(b"%d %d" % (seed, start + row)).hexdigest() for row in range(size)],
                "phash": _hex(state.integers(0, 1 << 64, (size, 1), dtype=np.uint64)),
                "views": _hex(views),
                "sketch": _hex(sketches),
                "shown": "",
            }
        )


def copies(count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rows of originals and of their copies among so many images of a piece."""
    number = count // COPIES
    return np.arange(number), count - number + np.arange(number)


def _hex(rows: UInt64Array | UInt8Array) -> list[str]:
    data = rows.astype(rows.dtype.newbyteorder(">"))
    width = data.shape[1] * data.itemsize * 2
    text = data.tobytes().hex()
    return [text[at : at + width] for at in range(0, len(text), width)]


def filled(count: int, folder: Path) -> FingerprintTable:
    """Return made fingerprints in files of a folder."""
    prints = FingerprintTable.allocate(count, folder)
    start = 0
    for images in made_prints(count):
        prints.fill(start, images)
        start += len(images)
    return prints


def measure(count: int, workers: int, radius: int | None, scratch: Path | None) -> str:
    """Group so many images and return a line of the table."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        prints = filled(count, Path(folder))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cpu, wall = time.process_time(), time.perf_counter()
        radius = fitting_radius(prints) if radius is None else radius
        leader = leaders(prints, radius=radius, workers=workers)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    expected = np.arange(count)
    for start in range(0, count, PIECE):
        original, copy = copies(min(PIECE, count - start))
        expected[start + copy] = start + original
    found = int((leader == expected)[expected != np.arange(count)].sum())
    wrong = int((leader != expected).sum()) - (count // COPIES - found)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"{count:>11,} {radius:>6} {wall:>8.1f} {cpu:>8.1f} {cpu / count * 1e6:>8.1f} "
        f"{before:>9.0f} {peak:>8.0f} {found:>9,} {count // COPIES:>9,} {wrong:>6}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("counts", nargs="*", type=int, default=COUNTS)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--radius", type=int)
    parser.add_argument("--scratch", type=Path)
    options = parser.parse_args()
    print(
        f"{'images':>11} {'radius':>6} {'wall s':>8} {'CPU s':>8} {'us/image':>8} "
        f"{'filled MB':>9} {'peak MB':>8} {'found':>9} {'copies':>9} {'wrong':>6}"
    )
    for count in options.counts:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            task = process.submit(measure, count, options.workers, options.radius, options.scratch)
            print(task.result(), flush=True)


if __name__ == "__main__":
    main()
