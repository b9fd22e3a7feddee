"""The whole job, a folder of photographs with planted faults to split manifests, beside what people put together today.

Usage: python benchmarks/whole_job.py [--count 500] [--peers PYTHON] [--runs 3]

PYTHON is an interpreter with cleanvision, ImageHash, pandas and iterative-stratification; without it ours runs alone.
Both run as commands, one after the other; CPU is that of the command and its children, memory that of the largest process.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import inspect_corpus
from PIL import Image, ImageOps

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset

LABELS = ("Violence", "Alcohol", "Gambling", "Drugs & Tobacco", "Safe")
COPIES = ("copied", "half the size", "mirrored")
BROKEN = ("cut off", "1 KB deleted", "a web page")
KINDS = (*COPIES, *BROKEN, "one colour", "misspelt label")
SHARE = 0.01  # of the images, for each kind


def plant(folder: Path, count: int) -> dict[str, dict[str, str]]:
    """Make the images and LABELS.csv; return the faulty images by kind, each with the image that it is a copy of, or ""."""
    images = folder / "images"
    images.mkdir(parents=True)
    dice = random.Random(0)
    number = max(2, round(SHARE * count))
    faults: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    names = [f"IMG_{place:05}.jpg" for place in range(count)]
    faulty = [(kind, name) for kind, name in zip(KINDS * number, reversed(names), strict=False)]
    originals = names[: count - len(faulty)]
    labels = {name: dice.choice(LABELS) for name in names}
    for seed, name in enumerate(originals):
        width, height = inspect_corpus.SIZES[seed % len(inspect_corpus.SIZES)]
        inspect_corpus.photograph(width, height, seed).save(
            images / name, quality=75 + seed % 21, progressive=seed % 10 == 0
        )
    for place, (kind, name) in enumerate(faulty):
        source = originals[place] if kind in COPIES else ""
        faults[kind][name] = source
        make_faulty(images / name, kind, images / originals[place], dice)
        if source:
            labels[name] = labels[source]
        if kind == "misspelt label":
            labels[name] = "Alchohol"
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "labels"), *labels.items(), ("IMG_lost.jpg", "Alcohol")])
    return faults


def make_faulty(path: Path, kind: str, source: Path, dice: random.Random) -> None:
    """Write one faulty image, made of another where it is a copy or damaged."""
    data = source.read_bytes()
    image = Image.open(source)
    if kind == "half the size":
        image.resize((image.width // 2, image.height // 2)).save(path, quality=85)
    elif kind == "mirrored":
        ImageOps.mirror(image).save(path, quality=90)
    elif kind == "one colour":
        Image.new("RGB", image.size, (90, 90, 90)).save(path)
    elif kind == "a web page":
        path.write_text("<!doctype html><title>404</title>")
    elif kind == "misspelt label":
        inspect_corpus.photograph(1280, 960, dice.randrange(10**6, 10**7)).save(path)
    elif kind == "copied":
        path.write_bytes(data)
    else:
        other = inspect_corpus.photograph(1280, 960, dice.randrange(10**6, 10**7))
        other.save(path, quality=90)
        data = path.read_bytes()
        at = len(data) // 2
        path.write_bytes(data[:at] if kind == "cut off" else data[:at] + data[at + 1024 :])


def timed(command: list[str]) -> tuple[float, float, float]:
    """Run a command; return its seconds by the clock and of CPU, and the MB of its largest process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise SystemExit(said.decode()[-2_000:])
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def found_by_us(out: Path) -> dict[str, object]:
    """Return what our data set and report say, in the form of the other chain."""
    dataset = Dataset.load(out)
    images = dataset.images.set_index("image")
    findings = [json.loads(line) for line in (out / "findings.jsonl").read_text().splitlines()]
    named: dict[str, set[str]] = {}
    for item in findings:
        place = item.get("location", item)
        named.setdefault(item["code"], set()).add(place.get("image") or "")
    groups = images.groupby("group").groups
    damaged = images["remarks"].str.contains("damaged:", regex=False)
    blank = images["remarks"].str.contains("blank", regex=False)
    return {
        "broken": list(images.index[(images["decode_error"] != "") | damaged]),
        "odd": list(images.index[blank]),
        "pairs": [(a, b) for group in groups.values() for a in group for b in group if a < b],
        "labels": sorted(set().union(*(names for code, names in named.items() if code.startswith("label-")))),
        "sides": {side: list(images.index[images["split"] == side]) for side in ("train", "test")},
    }


def judged(found: dict, faults: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return for each kind how many of the planted faults were found."""
    pairs = {frozenset(pair) for pair in found["pairs"]}
    planted = {frozenset(pair) for kind in COPIES for pair in faults[kind].items()}
    said = {}
    for kind, names in faults.items():
        if kind in COPIES:
            hits = sum(frozenset(pair) in pairs for pair in names.items())
        else:
            listed = found["labels"] if kind == "misspelt label" else [*found["broken"], *found["odd"]]
            hits = len(names.keys() & set(listed))
        said[kind] = f"{hits}/{len(names)}"
    faulty = {name for names in faults.values() for name in names}
    said["false alarms"] = str(
        len({*found["broken"], *found["odd"]} - faulty) + len([p for p in pairs - planted if not p & faulty])
    )
    sides = {name: side for side, names in found["sides"].items() for name in names}
    said["copies across"] = str(sum(len({sides[n] for n in pair if n in sides}) > 1 for pair in planted))
    return said


def main() -> None:
    """Make the folder, run both, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--peers", default="")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        faults = plant(folder, asked.count)
        taxonomy = folder / "taxonomy.json"
        taxonomy.write_text(json.dumps([*Taxonomy.load().top, "Safe"]))
        images, labels = str(folder / "images"), str(folder / "labels.csv")
        ours = [sys.executable, "-m", "manifest_tools", "prepare", images, "--labels", labels, "--to"]
        jobs: dict[str, tuple[list[str], Callable[[], dict]]] = {
            "manifest_tools": (
                [*ours, "s3://example-bucket/demo", "--out", str(folder / "ours"), "--no-cache"],
                lambda: found_by_us(folder / "ours"),
            )
        }
        if asked.peers:
            chain = Path(__file__).with_name("peer_chain.py")
            jobs["the chain"] = (
                [asked.peers, str(chain), images, labels, str(taxonomy), str(folder / "chain")],
                lambda: json.loads((folder / "chain" / "found.json").read_text()),
            )
        size = sum(path.stat().st_size for path in (folder / "images").iterdir())
        print(
            f"{asked.count} images, {size / asked.count / 1000:.0f} kB on average, {asked.runs} runs in turn"
        )
        runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in jobs}
        for _ in range(asked.runs):
            for out in ("ours", "chain"):
                shutil.rmtree(folder / out, ignore_errors=True)
            for name, (command, _) in jobs.items():
                runs[name].append(timed(command))
        for name, (_, result) in jobs.items():
            clock, cpu, memory = (statistics.median(values) for values in zip(*runs[name], strict=True))
            print(f"{name}: {clock:.1f} s, {cpu:.1f} s of CPU, {memory:.0f} MB")
            print("   ", ", ".join(f"{kind} {said}" for kind, said in judged(result(), faults).items()))


if __name__ == "__main__":
    main()
