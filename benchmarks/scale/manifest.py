"""Validation of one big manifest: all cores against one, by the clock, by processor time and in memory.

    python benchmarks/scale/manifest.py                    # 10 million lines
    python benchmarks/scale/manifest.py --lines 1000000

What else the machine does shows in the clock. So two more figures stand beside it: what the same number of
independent runs on one core each reach together, which is the most there is to gain; and the ratio that processor time
alone gives (the caller's, and the workers' divided by their number), which is what an idle machine would show.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))  # the lines are made beside this folder

from manifests import ROOT, child, make

from manifest_tools.parallel.executors import default_workers

MODELS = 10_000  # lines that are made; the others are copies of them, each with a name of its own
NUMBERED = b"/2026/%04d"  # what begins the name of a copy

RUN = """
import resource, sys, time
sys.path.insert(0, {root!r})
from manifest_tools.manifests.validation.validate import validate_manifest
def used(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
started, before = time.perf_counter(), used(resource.RUSAGE_SELF)[0]
report = validate_manifest({path!r}, workers={workers})
seconds = time.perf_counter() - started
assert report.facts["files"][0]["lines"] == {lines}
assert report.passed
(here, peak), (below, highest) = used(resource.RUSAGE_SELF), used(resource.RUSAGE_CHILDREN)
print(seconds, here - before, below, peak, highest)
"""


class Run(NamedTuple):
    """Seconds by the clock and of processor time, and MB at the peak; `below`: of workers, of the largest one."""

    seconds: float
    processor: float
    processor_below: float
    peak: float
    peak_below: float


def make_quickly(path: Path, kind: str, unique: bool, lines: int) -> None:
    """Write a manifest of any length at the speed of the disk."""
    make(path, kind, unique, min(lines, MODELS))
    models = path.read_bytes()
    with path.open("wb") as file:
        for copy in range(-(-lines // MODELS)):
            file.write(models.replace(NUMBERED % 0, NUMBERED % copy))


def run(path: Path, lines: int, workers: int) -> Run:
    return Run(*child(RUN.format(root=str(ROOT), path=str(path), lines=lines, workers=workers)))


def side_by_side(path: Path, lines: int, count: int) -> float:
    """Return the seconds that independent runs take, all at the same time."""
    with ThreadPoolExecutor(count) as threads:
        return max(each.seconds for each in threads.map(lambda _: run(path, lines, 1), range(count)))


def measure(path: Path, lines: int, workers: int, repeat: int) -> None:
    alone, shared, together = [], [], []
    for _ in range(repeat):  # in turns, so that each meets the same other work
        alone.append(run(path, lines, 1))
        shared.append(run(path, lines, workers))
        together.append(side_by_side(path, lines, workers))
    one, all_ = min(alone), min(shared)
    for name, best, below in (("one process", one, ""), (f"{workers} workers", all_, f" + {workers} x")):
        rate = lines / best.seconds / 1000
        processor, peak = f"{best.processor:.1f}", f"{best.peak:.0f}"
        if below:
            processor += f" + {best.processor_below:.1f}"
            peak += f"{below} {best.peak_below:.0f}"
        print(
            f"  {name:<12} {rate:>6,.0f} k lines/s by the clock, {processor} s of processor time, {peak} MB"
        )
    ceiling = workers * one.seconds / min(together)
    ideal = one.processor / (all_.processor + all_.processor_below / workers)
    print(
        f"  ratio        {one.seconds / all_.seconds:.2f} by the clock, where independent runs reach {ceiling:.2f}; "
        f"{ideal:.2f} by processor time"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=10_000_000, help="a multiple of 10,000")
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", default=["moderation", "multi-label"])
    options = parser.parse_args()
    for kind in options.kinds:
        for unique in (True, False):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "x.manifest"
                make_quickly(path, kind, unique, options.lines)
                size, tails = path.stat().st_size, "unique" if unique else "repeated"
                print(f"{kind}, {tails} tails: {options.lines:,} lines, {size / 1e6:,.0f} MB")
                measure(path, options.lines, options.workers, options.repeat)


if __name__ == "__main__":
    main()
