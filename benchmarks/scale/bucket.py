"""The whole of a run over a bucket: list, fetch, decode, write shards, group, collect; beside `inspect` in one go.

    python benchmarks/scale/bucket.py [--images 50000] [--workers 2]

Real JPEGs of 20 kB, distinct in their bytes, behind a real S3 server (SeaweedFS) that shares the processors. Needs the
extras `testing` and `cluster`. The data sets must come out the same to the byte.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the photographs are made beside this folder

import engine
import inspect_corpus
import objects

from manifest_tools.parallel.worker_process import IDLE_WORKERS
from manifest_tools.pipeline.batch.run import inspect_run
from manifest_tools.pipeline.inspect import inspect
from manifest_tools.testing import local_s3

PREFIX = f"s3://{objects.BUCKET}/share-000/"


class Clock:
    """Prints how long each step of a run takes."""

    def begin(self, step: str) -> Callable[[int, int | None], None]:  # noqa: ARG002
        """Start the clock."""
        self.start = time.perf_counter()
        return lambda done, total: None  # noqa: ARG005

    def end(self, step: str, summary: str) -> None:
        """Stop it."""
        print(f"    {step:<10} {time.perf_counter() - self.start:>7.1f} s   {summary}", flush=True)


def in_one_go(out: str, workers: int) -> None:
    inspect(PREFIX, out=out, workers=workers, cache=False)


def by_threads(out: str, workers: int) -> None:
    inspect_run(PREFIX, run=out, workers=workers, watcher=Clock())


def by_dask(out: str, workers: int) -> None:
    run = f"s3://{objects.BUCKET}/runs/dask"
    with engine.dask(workers) as (executor, _):
        inspect_run(PREFIX, run=run, out=out, executor=executor, workers=workers, watcher=Clock())


def child(work: Callable[[str, int], None], out: str, workers: int, told: Any) -> None:
    """Do the work in a process of its own; tell seconds by the clock and of processors, and peak memory."""
    start = time.perf_counter()
    work(out, workers)
    seconds = time.perf_counter() - start
    IDLE_WORKERS.clear()  # only processes that have ended are counted
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    used = sum(use.ru_utime + use.ru_stime for use in (own, children))
    told.put((seconds, used, own.ru_maxrss / 1024, children.ru_maxrss / 1024))


def measure(name: str, work: Callable[[str, int], None], out: Path, options: argparse.Namespace) -> bytes:
    spawn = get_context("spawn")
    told: Any = spawn.Queue()
    process = spawn.Process(target=child, args=(work, str(out), options.workers, told))
    print(name, flush=True)
    process.start()
    seconds, used, own, largest = told.get()
    process.join()
    rate = options.images / seconds
    print(
        f"    {rate:,.0f} images/s, {1000 * used / options.images:.2f} ms of processor time an image"
        f" (workers of dask not counted); peak {own:,.0f} MB, largest child {largest:,.0f} MB",
        flush=True,
    )
    return (out / "dataset" / "images.parquet").read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, local_s3(buckets=[objects.BUCKET]) as s3:
        os.environ |= s3.environment
        folder = Path(scratch)
        inspect_corpus.make(folder, objects.MODELS, sizes=((320, 240), (200, 200)))
        size = objects.fill(folder, [[f"{PREFIX}{number:07}.jpg" for number in range(options.images)]])
        print(f"{options.images:,} JPEGs, {size / 1e6:,.0f} MB, {options.workers} workers")
        ways = {
            "inspect, in one go": in_one_go,
            "a run by threads": by_threads,
            "a run by dask, kept in S3": by_dask,
        }
        tables = [
            measure(name, work, folder / str(at), options) for at, (name, work) in enumerate(ways.items())
        ]
        assert len(set(tables)) == 1, "the data sets differ"
        print("the three data sets are the same to the byte")


if __name__ == "__main__":
    main()
