"""Kill each command at random moments, run it again, and compare the bytes with those of a run that nobody killed.

Half of the kills come before an operation on files, drawn from all that the command does, so that each two neighbouring
ones are torn apart as often as any; the other half come at a moment. Runs are forks of this process, which has loaded
everything, so that little of their time is loading.

Usage: python -m benchmarks.killed [--kills 50] [--seed 0] [COMMAND ...]
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image

import manifest_tools
from manifest_tools.cli import main as command_line
from manifest_tools.testing import local_rekognition

_TIME = re.compile(rb'"at": ?"[^"]*"')
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CACHE = "cache"  # beside the results: what it holds is nobody's result


class Job(NamedTuple):
    """A command, what it starts from, and the exit codes that are right."""

    arguments: list[str]
    prepared: bool = False


def jobs() -> dict[str, Job]:
    """Return the commands, their paths relative to the folder that they run in."""
    prepare = ["prepare", "images", "--labels", "labels.csv", "--to", "s3://my-bucket/p", "--out", "out"]
    return {
        "prepare": Job(prepare),
        "prepare --lock --derive": Job([*prepare, "--lock", "--derive"]),
        "prepare again": Job(prepare, prepared=True),
        "prepare --fresh": Job([*prepare, "--fresh", "--seed", "4"], prepared=True),
        "split DIR": Job(["split", "out", "--seed", "3", "--min-test", "2"], prepared=True),
        "select": Job(["select", "out", "--limit", "6"], prepared=True),
        "select --out": Job(["select", "out", "--limit", "6", "--out", "chosen"], prepared=True),
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
        "predict": Job(["predict", "out", "--tps", "500", "--yes"], prepared=True),
        "predict --run": Job(["predict", "out", "--run", "run", "--tps", "500", "--yes"], prepared=True),
        "forget": Job(["forget", "003.png", "--from", "out", "--yes"], prepared=True),
        "map": Job(["map", "labels.csv", "--out", "mapping.csv"]),
    }


def make(folder: Path, images: int, lines: int) -> None:
    """Write pictures, a table of labels and a manifest that needs repairs."""
    (folder / "images").mkdir(parents=True)
    rng = random.Random(1)
    rows = ["file,label"]
    for number in range(images):
        picture = Image.frombytes("RGB", (32, 32), rng.randbytes(3 * 32 * 32))
        picture.resize((96, 96)).save(
            folder / "images" / f"{number:03}.png", "WEBP" if number % 8 == 5 else "PNG"
        )
        rows.append(f"{number:03}.png,{'Alcohol' if number % 3 else 'Safe'}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    answers = (f"{number:03}.png,Alcohol,{'yes' if number % 2 else 'no'}" for number in range(images))
    (folder / "sheet.csv").write_text("\n".join(["image,label,answer", *answers]) + "\n")
    line = '{{"source-ref": "s3://my-bucket/{}.jpg", "content-moderation-groundtruth": {{"ModerationLabels": [{{"Name": "alcohol"}}]}}}}\n'
    (folder / "many.manifest").write_text("".join(line.format(number) for number in range(lines)))


def run(
    folder: Path, job: Job, *, after: float | None = None, before: int | None = None
) -> tuple[float, int]:
    """Run a command to its end, or until it is killed; return its seconds and its operations on files.

    Parameters
    ----------
    folder : Path
        Where it runs.
    job : Job
        The command.
    after : float, optional
        Kill it after so many seconds.
    before : int, optional
        Kill it before its operation of this number.
    """
    said, counted = folder.with_name("said"), folder.with_name("counted")
    began = time.monotonic()
    process = os.fork()
    if not process:
        _become(folder, job, said, counted, before)
    while after is not None and time.monotonic() - began < after:
        if os.waitpid(process, os.WNOHANG) != (0, 0):
            return time.monotonic() - began, counted.stat().st_size
        time.sleep(0.002)
    if after is not None:
        os.kill(process, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    killed = status == -signal.SIGKILL and (after is not None or before is not None)
    text = said.read_text(errors="replace")
    if not killed and (status not in (0, 1) or "Traceback" in text):
        raise SystemExit(f"{job.arguments}: exit code {status}: {text}")
    return time.monotonic() - began, counted.stat().st_size


def _become(folder: Path, job: Job, said: Path, counted: Path, before: int | None) -> None:
    """Be the command from here on."""
    try:
        os.chdir(folder)
        os.environ["MANIFEST_TOOLS_CACHE"] = str(folder / _CACHE)
        err = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        os.dup2(err, 2)
        count = os.open(counted, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        done = 0

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal done
            changes = event in _CHANGES or (event == "open" and bool(int(str(arguments[2])) & _WRITES))
            if changes:
                done += 1
                os.write(count, b".")
                if done == before:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        sys.argv = ["manifest-tools", *job.arguments]
        command_line()
    except SystemExit as ended:
        os._exit(int(ended.code or 0))
    except BaseException as error:  # noqa: BLE001 - this is the end of a process
        os.write(2, f"Traceback: {error!r}".encode())
    os._exit(70)


def load_everything() -> None:
    """Load what any command loads."""
    for module in pkgutil.walk_packages(manifest_tools.__path__, "manifest_tools."):
        if not module.name.endswith("main__") and not module.name.endswith("worker_main"):
            importlib.import_module(module.name)


def content(folder: Path) -> dict[str, bytes]:
    """Return every file, hidden ones too, without the times at which answers were given, and the order in which they came."""
    return {
        name: b"".join(sorted(_TIME.sub(b"", path.read_bytes()).splitlines(keepends=True)))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not (name := path.relative_to(folder).as_posix()).startswith(f"{_CACHE}/")
    }


def differences(job: Job, base: Path, kills: int, rng: random.Random) -> Iterator[str]:
    """Yield for each kill after which the same command did not give the same bytes what was different."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "work"

        def begin() -> None:
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(base, place)

        begin()
        seconds, operations = run(place, job)
        wanted = content(place)
        for number in range(kills):
            begin()
            if number % 2:
                run(place, job, before=rng.randint(1, operations))
            else:
                run(place, job, after=seconds * rng.uniform(0.0, 1.05))
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
    load_everything()
    bad = 0
    with tempfile.TemporaryDirectory() as name, local_rekognition() as server:
        os.environ.update(server.environment)
        plain, prepared = Path(name) / "plain", Path(name) / "prepared"
        make(plain, asked.images, asked.lines)
        shutil.copytree(plain, prepared)
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
