"""Validation of big manifests: all processors against one, by the clock, by processor time and in memory.

python benchmarks/scale/manifest.py                       # 64, 300 and 1,000 MB of each kind
python benchmarks/scale/manifest.py --mb 5000 --repeat 1
python benchmarks/scale/manifest.py --busy 2              # while two other processes want the processors, too
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the lines are made beside this folder

from manifests import make, share

from manifest_tools.parallel.executors import default_workers

MODELS = 10_000  # lines that are made; the others are copies of them, each with a name of its own
NUMBERED = b"/2026/%04d"  # what begins the name of a copy


def make_quickly(path: Path, kind: str, unique: bool, size: int) -> int:
    """Write a manifest of `size` bytes or somewhat more at the speed of the disk; return its lines."""
    make(path, kind, unique, MODELS)
    models = path.read_bytes()
    copies = -(-size // len(models))
    with path.open("wb") as file:
        for copy in range(copies):
            file.write(models.replace(NUMBERED % 0, NUMBERED % copy))
    return copies * MODELS


@contextmanager
def company(count: int) -> Iterator[None]:
    """Keep processors busy with something else."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=int, nargs="+", default=[64, 300, 1000])
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--busy", type=int, default=0, help="processes that run beside ours")
    parser.add_argument("--kinds", nargs="+", default=["moderation", "multi-label"])
    options = parser.parse_args()
    for kind in options.kinds:
        for megabytes in options.mb:
            with tempfile.TemporaryDirectory() as folder, company(options.busy):
                path = Path(folder) / "x.manifest"
                lines = make_quickly(path, kind, True, megabytes * 1_000_000)
                print(f"{kind}, unique tails: {lines:,} lines, {path.stat().st_size / 1e6:,.0f} MB")
                share(path, lines, options.workers, options.repeat)


if __name__ == "__main__":
    main()
