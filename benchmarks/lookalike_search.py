"""All pairs of hashes within a radius: seconds of one core, beside faiss.

    python benchmarks/lookalike_search.py [COUNT ...]

5 % of the hashes of 64 bits are others with a few bits changed; pairs within 8 bits are found. Beyond 100,000 hashes faiss
compares a part of them, and its time is scaled up.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from manifest_tools.duplicates import near_pairs

COUNTS = (10_000, 100_000, 1_000_000)
RADIUS = 8
QUERIES = 20_000


def planted(count: int) -> npt.NDArray[np.uint64]:
    random = np.random.default_rng(64)
    hashes = random.integers(0, 1 << 64, count, dtype=np.uint64)
    copies = hashes[: count // 20].copy()
    for _ in range(6):
        copies ^= np.uint64(1) << random.integers(0, 64, len(copies), dtype=np.uint64)
    hashes[-len(copies) :] = copies
    return np.unique(hashes)


def cpu_seconds(work: Callable[[], int]) -> tuple[float, int]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def by_faiss(hashes: npt.NDArray[np.uint64], radius: int) -> float:
    import faiss  # noqa: PLC0415  a peer that need not be installed

    faiss.omp_set_num_threads(1)
    codes = hashes.view(np.uint8).reshape(len(hashes), -1)
    index = faiss.IndexBinaryFlat(codes.shape[1] * 8)
    index.add(codes)
    some = codes[: QUERIES if len(codes) > 100_000 else None]
    seconds, _ = cpu_seconds(lambda: len(index.range_search(some, radius + 1)[1]))
    return seconds * len(codes) / len(some)


def main() -> None:
    counts = [int(word) for word in sys.argv[1:]] or COUNTS
    print(f"{'hashes':>9} {'pairs':>7} {'seconds':>8} {'faiss flat':>10} {'ratio':>7} {'peak MB':>8}")
    for count in counts:
        hashes = planted(count)
        seconds, pairs = cpu_seconds(
            lambda h=hashes: sum(len(first) for first, _, _ in near_pairs(h, RADIUS))
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        try:
            other = by_faiss(hashes, RADIUS)
            beside = f"{other:>10.2f} {other / seconds:>6.1f}x"
        except ImportError:
            beside = f"{'absent':>10} {'':>7}"
        print(f"{count:>9,} {pairs:>7,} {seconds:>8.2f} {beside} {peak:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
