"""Asking Rekognition at an account's limit: this package against boto3's own retries.

A local Rekognition answers at most 50 calls in any second, each after 0.2 s. Printed for each client: answered
images per second, images lost, and the share of calls that the service refused.

    python benchmarks/predict.py [--images 1500] [--limit 50]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from manifest_tools.aws.prediction.predict import predict_labels
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.testing import Faults, LocalRekognition, fault_proxy, local_rekognition

HEAD = b"\xff\xd8\xff\xe0"
THREADS = 32


def write_pictures(folder: Path, count: int) -> Dataset:
    rows = []
    for number in range(count):
        content = HEAD + number.to_bytes(4, "big") + bytes(20_000)
        (folder / f"{number:05}.jpg").write_bytes(content)
        rows.append({"image": f"{number:05}.jpg", "bytes": len(content), "format": "JPEG"})
    return Dataset.from_tables(pd.DataFrame(rows), root=str(folder))


def ours(client, dataset: Dataset, limit: float) -> int:
    with tempfile.TemporaryDirectory() as out:
        answered = predict_labels(dataset, out, client=client, tps=limit)
        return int((answered.images["predicted"] != "").sum())


def plain(client, dataset: Dataset) -> int:
    def ask(image: str) -> bool:
        try:
            client.detect_moderation_labels(
                Image={"Bytes": dataset.path_of(image).read_bytes()}, MinConfidence=5
            )
        except (ClientError, BotoCoreError):
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(ask, dataset.images["image"]))


def retrying(mode: str, attempts: int) -> Config:
    return Config(retries={"mode": mode, "total_max_attempts": attempts}, max_pool_connections=64)


@contextmanager
def no_proxy(server: LocalRekognition) -> Iterator[str]:
    yield server.url


def measure(
    name: str, run: Callable[..., int], config: Config, *, limit: float, dataset: Dataset, errors: float = 0.0
) -> None:
    with local_rekognition(tps=limit, latency=0.2) as server:
        proxy = fault_proxy(server.url, Faults(errors=errors, status=500)) if errors else no_proxy(server)
        with proxy as front:
            client = server.client(url=front if isinstance(front, str) else front.url, config=config)
            start = time.perf_counter()
            answered = run(client, dataset, limit) if run is ours else run(client, dataset)
            seconds = time.perf_counter() - start
        calls = server.calls["DetectModerationLabels"] + server.calls["refused"]
        refused = server.calls["refused"] / calls
    rate = answered / seconds
    print(
        f"{name:<34} {rate:6.1f} images/s ({rate / limit:4.0%} of the limit)"
        f"  {len(dataset) - answered:4} lost  {refused:6.1%} of {calls} calls refused"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1500)
    parser.add_argument("--limit", type=float, default=50)
    options = parser.parse_args()
    once = retrying("legacy", 1)
    with tempfile.TemporaryDirectory() as folder:
        common = {"limit": options.limit, "dataset": write_pictures(Path(folder), options.images)}
        measure("manifest_tools", ours, once, **common)
        measure("manifest_tools, 5 % errors", ours, once, errors=0.05, **common)
        measure("boto3, 32 threads, legacy 5", plain, retrying("legacy", 5), **common)
        measure("boto3, 32 threads, standard 5", plain, retrying("standard", 5), **common)
        measure("boto3, 32 threads, adaptive 10", plain, retrying("adaptive", 10), **common)


if __name__ == "__main__":
    main()
