"""Kill each command at random moments, run it again, and compare the bytes with those of a run that nobody killed.

Usage: python -m benchmarks.killed [--kills 50] [--seed 0] [COMMAND ...]
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image

_TIME = re.compile(rb'(?<="at":)"[^"]*"')
TOOLS = [sys.executable, "-m", "manifest_tools"]


class Job(NamedTuple):
    """A command, what it starts from, and the exit codes that are right."""

    arguments: list[str]
    prepared: bool = False


def jobs() -> dict[str, Job]:
    """Return the commands, their paths relative to the folder that they run in."""
    prepare = ["prepare", "images", "--labels", "labels.csv", "--to", "s3://my-bucket/p", "--out", "out"]
    return {
        "prepare": Job(prepare),
        "prepare again": Job(prepare, prepared=True),
        "split DIR": Job(["split", "out", "--seed", "3", "--min-test", "2"], prepared=True),
        "select": Job(["select", "out", "--limit", "6"], prepared=True),
        "inspect": Job(["inspect", "images", "--out", "facts"]),
        "inspect --run": Job(["inspect", "images", "--run", "run"]),
        "validate --fix": Job(["validate", "many.manifest", "--fix", "fixed.manifest"]),
        "convert": Job(["convert", "many.manifest", "lists.manifest", "--kind", "image-list"]),
        "convert DIR": Job(["convert", "out", "other", "--kind", "multi-label"], prepared=True),
        "convert DIR to CSV": Job(["convert", "out", "labels-out.csv"], prepared=True),
        "split MANIFEST": Job(["split", "many.manifest", "--out", "sides"]),
        "review --import": Job(
            ["review", "out", "--reviewer", "ana", "--import", "sheet.csv"], prepared=True
        ),
        "map": Job(["map", "labels.csv", "--out", "mapping.csv"]),
    }


def make(folder: Path, images: int, lines: int) -> None:
    """Write pictures, a table of labels and a manifest that needs repairs."""
    (folder / "images").mkdir(parents=True)
    rng = random.Random(1)
    rows = ["file,label"]
    for number in range(images):
        picture = Image.frombytes("RGB", (32, 32), rng.randbytes(3 * 32 * 32))
        picture.resize((96, 96)).save(folder / "images" / f"{number:03}.png")
        rows.append(f"{number:03}.png,{'Alcohol' if number % 3 else 'Safe'}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    answers = (f"{number:03}.png,Alcohol,{'yes' if number % 2 else 'no'}" for number in range(images))
    (folder / "sheet.csv").write_text("\n".join(["image,label,answer", *answers]) + "\n")
    line = '{{"source-ref": "s3://my-bucket/{}.jpg", "content-moderation-groundtruth": {{"ModerationLabels": [{{"Name": "alcohol"}}]}}}}\n'
    (folder / "many.manifest").write_text("".join(line.format(number) for number in range(lines)))


def run(folder: Path, job: Job, *, kill_after: float | None = None) -> float:
    """Run a command, to its end or until it is killed; return the seconds that it took."""
    began = time.monotonic()
    command = [*TOOLS, *job.arguments, "--quiet"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            _, said = process.communicate(timeout=kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        else:
            if process.returncode not in (0, 1) or b"Traceback" in said:
                raise SystemExit(f"{job.arguments}: exit code {process.returncode}: {said.decode()}")
    return time.monotonic() - began


def content(folder: Path) -> dict[str, bytes]:
    """Return every file, hidden ones too, without the times at which answers were given."""
    return {
        path.relative_to(folder).as_posix(): _TIME.sub(b"", path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def differences(job: Job, base: Path, kills: int, rng: random.Random) -> Iterator[str]:
    """Yield for each kill after which the same command did not give the same bytes what was different."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "work"

        def begin() -> None:
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(base, place)

        begin()
        seconds = run(place, job)
        wanted = content(place)
        for number in range(kills):
            begin()
            # Most of a small run is loading; what is written is written at its end.
            share = rng.uniform(0.0, 1.05) if number % 2 else rng.uniform(0.6, 1.05)
            run(place, job, kill_after=seconds * share)
            run(place, job)
            found = content(place)
            if found != wanted:
                names = {key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)}
                yield ", ".join(sorted(names))


def main(argv: list[str] | None = None, say: Callable[[str], object] = print) -> int:
    """Kill, compare and print; return how many kills left something behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("commands", nargs="*")
    asked = parser.parse_args(argv)
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        plain, prepared = Path(name) / "plain", Path(name) / "prepared"
        make(plain, asked.images, asked.lines)
        shutil.copytree(plain, prepared)
        work = (
            Path(name) / "work"
        )  # paths stand in the results: every run is in a folder of its own, at one path
        shutil.copytree(prepared, work)
        for title, job in jobs().items():
            if asked.commands and title not in asked.commands:
                continue
            base = plain
            if job.prepared:
                base = prepared
                if not (prepared / "out").exists():
                    run(prepared, jobs()["prepare"])
            found = list(differences(job, base, asked.kills, random.Random(asked.seed)))
            bad += len(found)
            say(f"{title:<20} {len(found):>3} of {asked.kills} kills left other bytes {sorted(set(found))}")
    return bad


if __name__ == "__main__":
    raise SystemExit(min(main(), 1))
