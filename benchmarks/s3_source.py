"""Inspecting the objects of an S3 prefix behind a slow network, beside what the decoders and the network alone take.

Usage: python benchmarks/s3_source.py [--objects 500] [--runs 3] [--latency 0.05] [--workers 2] [--photographs DIR]

A thin server in a process of its own answers every request after the latency, from memory. It shares the processors
here and is elsewhere in life, so its CPU is told apart. All ways take turns; clock and CPU are medians of the runs.
Limits: `read_facts` of the same bytes in memory by as many processes; bare GETs by 16 connections of one process.
Needs Linux; obstore is a peer where it is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import importlib.util
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache, partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import inspect_corpus

from manifest_tools.images.facts import read_facts
from manifest_tools.parallel.executors import default_workers
from manifest_tools.storage.s3_images import ByteReader

BUCKET, PREFIX = "benchmark", "photos"
CONNECTIONS = 16
MODELS = 120  # photographs; the objects are copies of them, each with a comment of its own
PAGE = 1000  # keys of a listing
LIMITS = ("decode", "GET, boto3")  # how the names of the ways begin that nobody can beat by much
_TICKS = os.sysconf("SC_CLK_TCK")
_PEAK = re.compile(r"VmHWM:\s+(\d+)")
_EVERY = 0.2  # seconds between two looks at the memory of the processes


class Figures(NamedTuple):
    """What one run took. `peaks` are the megabytes of its processes, the parent first."""

    clock: float
    cpu: float
    server: float
    peaks: tuple[float, ...] = ()


@cache
def models(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]


def content(folder: Path, number: int) -> bytes:
    return inspect_corpus.commented(models(folder)[number % MODELS], number)


def key_of(number: int) -> str:
    return f"{PREFIX}/{number:07}.jpg"


def uri_of(number: int) -> str:
    return f"s3://{BUCKET}/{key_of(number)}"


class Server(asyncio.Protocol):
    """One connection of a server that knows listing, HEAD and GET, and checks nothing."""

    def __init__(self, folder: Path, objects: int, latency: float) -> None:
        self.folder, self.objects, self.latency = folder, objects, latency
        self.loop = asyncio.get_running_loop()
        self.asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=1 << 22)

    def data_received(self, data: bytes) -> None:
        """Take requests in, to be answered when the latency is over."""
        self.asked += data
        while b"\r\n\r\n" in self.asked:
            head, _, self.asked = self.asked.partition(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            self.loop.call_later(self.latency, self.answer, method, target)

    def answer(self, method: str, target: str) -> None:
        """Write the answer to one request."""
        address = urlsplit(target)
        key = unquote(address.path).removeprefix(f"/{BUCKET}").strip("/")
        if not key:
            body, kind = self.listing(parse_qs(address.query)), "application/xml"
        else:
            body, kind = content(self.folder, int(key[len(PREFIX) + 1 : -4])), "image/jpeg"
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            'ETag: "0"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n'
        )
        self.transport.write(head.encode() + (b"" if method == "HEAD" else body))

    def size(self, number: int) -> int:
        """Return the bytes of an object without making them."""
        return len(models(self.folder)[number % MODELS]) + len(inspect_corpus.commented(b"", number))

    def listing(self, query: dict[str, list[str]]) -> bytes:
        """Return one page of keys."""
        first = int(query.get("continuation-token", ["0"])[0])
        last = min(first + PAGE, self.objects)
        rows = "".join(
            f"<Contents><Key>{key_of(number)}</Key><Size>{self.size(number)}</Size>"
            "<ETag>&quot;0&quot;</ETag></Contents>"
            for number in range(first, last)
        )
        more = f"<NextContinuationToken>{last}</NextContinuationToken>" if last < self.objects else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>'
            f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>{more}{rows}</ListBucketResult>"
        ).encode()


def serve(told: Connection, folder: Path, objects: int, latency: float) -> None:
    async def run() -> None:
        models(folder)
        make = partial(Server, folder, objects, latency)
        server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, backlog=512)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def running_server(folder: Path, objects: int, latency: float) -> Iterator[int]:
    """Start the server, point boto3 at it, and yield its process id."""
    heard, told = multiprocessing.Pipe(duplex=False)
    spawn = multiprocessing.get_context("spawn")
    server = spawn.Process(target=serve, args=(told, folder, objects, latency), daemon=True)
    server.start()
    os.environ |= {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{heard.recv()}",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",  # the server checks nothing
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        assert server.pid is not None
        yield server.pid
    finally:
        server.terminate()
        server.join()


def cpu_of(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def decode(folder: Path, numbers: range) -> tuple[float, float, float]:
    """Decode in this process; return begin, end and CPU."""
    models(folder)
    read_facts(content(folder, 0))  # loads the decoder
    began, used = time.monotonic(), time.process_time()
    for number in numbers:
        read_facts(content(folder, number))
    return began, time.monotonic(), time.process_time() - used


def fetch(reader: Callable[[str], bytes], numbers: range) -> tuple[float, float, float]:
    """Fetch in this process; return begin, end and CPU."""
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(reader, map(uri_of, range(CONNECTIONS))))  # every connection open
        began, used = time.monotonic(), time.process_time()
        for _ in threads.map(reader, map(uri_of, numbers)):
            pass
        return began, time.monotonic(), time.process_time() - used


def in_processes(
    work: Callable[[range], tuple[float, float, float]], objects: int, processes: int
) -> tuple[float, float]:
    """Share the objects among fresh processes; return seconds by the clock and of CPU, without their start."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        runs = [pool.submit(work, range(share, objects, processes)) for share in range(processes)]
        begins, ends, used = zip(*(run.result() for run in runs), strict=True)
    return max(ends) - min(begins), sum(used)


def by_boto3(uri: str) -> bytes:
    return READER(uri)


READER = ByteReader()


def by_obstore(uri: str) -> bytes:
    return bytes(store().get(uri.removeprefix(f"s3://{BUCKET}/")).bytes())


@cache
def store() -> Any:
    from obstore.store import S3Store  # noqa: PLC0415 - may be absent

    endpoint = os.environ["AWS_ENDPOINT_URL_S3"]
    return S3Store(BUCKET, endpoint=endpoint, client_options={"allow_http": True})


def command(arguments: list[str]) -> tuple[float, float, tuple[float, ...]]:
    """Run one of our commands; return seconds by the clock, of CPU of all its processes, and their peaks in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "manifest_tools", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    peaks: dict[int, float] = {}
    with ThreadPoolExecutor(1) as threads:
        watching = threads.submit(watch, process, peaks)
        said = process.stdout.read() if process.stdout else b""
        _, status, used = os.wait4(process.pid, 0)
        clock = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        watching.result()
    if process.returncode not in (0, 1):
        raise SystemExit(said.decode()[-2_000:])
    return clock, used.ru_utime + used.ru_stime, tuple(peaks.values())


def watch(process: subprocess.Popen[bytes], peaks: dict[int, float]) -> None:
    """Note the peak memory of a process and of its children until it is gone."""
    while process.returncode is None:
        for number in [process.pid, *children_of(process.pid)]:
            with suppress(OSError):
                found = _PEAK.search(Path(f"/proc/{number}/status").read_text())
                if found:  # not of its own making is what rusage tells: it takes in the parent's at the start
                    peaks[number] = int(found[1]) / 1000
        time.sleep(_EVERY)


def children_of(process: int) -> Iterator[int]:
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(file.read_text().rsplit(")", 1)[1].split()[1]) == process:
                yield int(file.parent.name)


def ways(folder: Path, scratch: str, objects: int, workers: int) -> dict[str, Callable[[], tuple[Any, ...]]]:
    """Return what is compared, by name."""
    prefix = f"s3://{BUCKET}/{PREFIX}/"
    common = ["--workers", str(workers), "--quiet"]
    labels = Path(scratch, "labels.csv")
    with labels.open("w", newline="") as file:
        rows = ((key_of(number), ("Safe", "Alcohol")[number % 2]) for number in range(objects))
        csv.writer(file).writerows([("file", "labels"), *rows])
    found: dict[str, Callable[[], tuple[Any, ...]]] = {
        f"decode, {workers} processes": lambda: in_processes(partial(decode, folder), objects, workers),
        f"GET, boto3, {CONNECTIONS} connections": lambda: in_processes(partial(fetch, by_boto3), objects, 1),
    }
    if importlib.util.find_spec("obstore"):
        found[f"GET, obstore, {CONNECTIONS} connections"] = lambda: in_processes(
            partial(fetch, by_obstore), objects, 1
        )
    found["inspect"] = lambda: command(["inspect", prefix, "--no-cache", *common])
    found["prepare"] = lambda: command(
        [
            "prepare",
            prefix,
            "--labels",
            str(labels),
            "--out",
            tempfile.mkdtemp(dir=scratch),
            "--no-cache",
            *common,
        ]
    )
    return found


def show(everything: dict[str, list[Figures]], objects: int) -> None:
    medians = {
        name: Figures(
            *(statistics.median(column) for column in list(zip(*runs, strict=True))[:3]), runs[-1].peaks
        )
        for name, runs in everything.items()
    }
    limits = [found for name, found in medians.items() if name.startswith(LIMITS)] or list(medians.values())
    slower, both = max(found.clock for found in limits), sum(found.cpu for found in limits)
    print(
        f"{'':32}{'seconds':>9}{'of limit':>10}{'CPU ms':>9}{'of both':>9}{'server':>9}   peak MB of each process"
    )
    for name, (clock, cpu, server, peaks) in medians.items():
        each = 1000 / objects
        print(
            f"{name:32}{clock:9.2f}{clock / slower:9.2f}x{cpu * each:9.2f}{cpu / both:8.2f}x{server * each:9.2f}   "
            + " ".join(f"{peak:.0f}" for peak in peaks)
        )
    print(
        "limit: the slower of decoder and network by boto3. CPU: for one object, of all processes of the client;"
    )
    print("beside what decoding and fetching by boto3 take together. The server shares the processors.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer")
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--only", default="", help="a regular expression that names of ways have to hold")
    parser.add_argument("--photographs", type=Path, help="folder to make them in, or where they are already")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.photographs or Path(scratch)
        inspect_corpus.make(folder, MODELS)
        size = sum(map(len, models(folder)[:MODELS])) / MODELS
        print(f"{options.objects:,} objects of {size / 1000:.0f} kB, {1000 * options.latency:.0f} ms latency")
        with running_server(folder, options.objects, options.latency) as server:
            everything: dict[str, list[Figures]] = {}
            chosen = ways(folder, scratch, options.objects, options.workers)
            for run in range(options.runs):
                for name in list(chosen)[:: -1 if run % 2 else 1]:
                    if re.search(options.only, name):
                        before = cpu_of(server)
                        clock, cpu, *peaks = chosen[name]()
                        figures = Figures(clock, cpu, cpu_of(server) - before, *peaks)
                        everything.setdefault(name, []).append(figures)
            show({name: everything[name] for name in chosen if name in everything}, options.objects)


if __name__ == "__main__":
    main()
