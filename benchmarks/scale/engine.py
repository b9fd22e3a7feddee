"""What an engine costs: inspection tasks with a stub for the decoder, on every kind of executor.

    python benchmarks/scale/engine.py [--images 1000000] [--workers 2]

Each task goes the whole way - batches of 1,000, handed to a worker, through its decoder process, into a shard that is
written and synced - but no file is read and no pixel decoded. The peer is the same function called in a loop. Last
comes a kill: a worker process of the pool, and one of the cluster, die in the middle; the shards must be all there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from manifest_tools.images.batches import BatchReader
from manifest_tools.images.facts import MAX_PIXELS
from manifest_tools.images.image_facts import ImageFacts
from manifest_tools.images.task import Task
from manifest_tools.parallel.dask_cluster import cluster
from manifest_tools.parallel.executors import Failure, SerialExecutor, run
from manifest_tools.pipeline.batch.inspect import InspectionTask
from manifest_tools.pipeline.batch.listing import ListedImage
from manifest_tools.pipeline.batch.plan import BATCH_IMAGES, Batch
from manifest_tools.pipeline.batch.run_folder import RunFolder

HERE = Path(__file__).resolve().parent


def stub_bytes(uri: str) -> bytes:
    """Stand in for a read."""
    return uri.encode()


def stub_look(data: bytes, *, quick: bool, max_pixels: int, sha256: str) -> ImageFacts:  # noqa: ARG001
    """Stand in for a decoder."""
    return ImageFacts(len(data), sha256, "JPEG", 640, 480, "RGB", 1)


def batches(images: int) -> Iterator[Batch]:
    for number in range(-(-images // BATCH_IMAGES)):
        uris = (f"s3://bucket/{number:06}/{at:04}.jpg" for at in range(BATCH_IMAGES))
        yield Batch(number, tuple(ListedImage(uri, uri, 1000) for uri in uris))


def inspection(place: Path) -> InspectionTask:
    import engine  # noqa: PLC0415 - by its own name, as workers import it

    task = Task(
        engine.stub_look, quick=False, max_pixels=MAX_PIXELS, cache_folder=None, reader=engine.stub_bytes
    )
    return InspectionTask(RunFolder.at(place), "s3://bucket/", BatchReader(task, "", 60.0), task.recipe)


def measure(name: str, executor: Executor, images: int, kill: Callable[[], None] | None = None) -> float:
    place = Path(tempfile.mkdtemp(prefix="engine-"))
    count = -(-images // BATCH_IMAGES)
    start, own = time.perf_counter(), time.process_time()
    try:
        for done, (_, result) in enumerate(run(inspection(place), batches(images), executor=executor)):
            assert not isinstance(result, Failure), result
            if kill and done == count // 3:
                kill()
        shards = len(RunFolder.at(place).finished())
    finally:
        shutil.rmtree(place)
    seconds, own = time.perf_counter() - start, time.process_time() - own
    lost = "nothing lost" if shards == count else f"{count - shards} BATCHES LOST"
    print(
        f"{name:<28} {images / seconds:>9,.0f} images/s {1e6 * seconds / images:>7.1f} us an image"
        f" {1e6 * own / images:>7.1f} us of them here   {lost}",
        flush=True,
    )
    return images / seconds


@contextmanager
def dask(workers: int) -> Iterator[tuple[Executor, list[subprocess.Popen[bytes]]]]:
    file = Path(tempfile.mkdtemp(prefix="dask-")) / "scheduler.json"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)])}

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        return subprocess.Popen(
            command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    processes = [start("scheduler", "--scheduler-file", str(file), "--host", "127.0.0.1", "--port", "0")]
    try:
        while not (file.exists() and file.read_text().endswith("}")):
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        crew = [start("worker", address, "--nthreads", "1") for _ in range(workers)]
        processes += crew
        with cluster(address) as executor:
            executor._client.wait_for_workers(workers)  # noqa: SLF001 - a fair start
            yield executor, crew
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()
        shutil.rmtree(file.parent)


def kill_one(pool: ProcessPoolExecutor) -> Callable[[], None]:
    return lambda: os.kill(next(iter(pool._processes)), signal.SIGKILL)  # noqa: SLF001 - to harm it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    count = options.images
    start = time.perf_counter()
    some = [entry.uri for batch in batches(min(count, 100_000)) for entry in batch.entries]
    for uri in some:
        stub_look(stub_bytes(uri), quick=False, max_pixels=MAX_PIXELS, sha256="")
    print(f"a bare loop over the stub: {len(some) / (time.perf_counter() - start):,.0f} images/s")
    measure("serial", SerialExecutor(), count)
    with ThreadPoolExecutor(options.workers) as threads:
        measure(f"{options.workers} threads", threads, count)
    with ProcessPoolExecutor(options.workers) as processes:
        measure(f"{options.workers} processes", processes, count)
    with ProcessPoolExecutor(options.workers) as processes:
        measure("processes, one is killed", processes, count, kill_one(processes))
    with dask(options.workers) as (executor, _):
        measure(f"dask, {options.workers} workers", executor, count)
    with dask(options.workers) as (executor, crew):
        measure("dask, a worker is killed", executor, count, crew[0].kill)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH", "")]))
    main()
