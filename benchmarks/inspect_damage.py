"""Which silent damage in JPEG files is noticed, beside Pillow and OpenCV; and how many sound files raise alarm.

Usage: python benchmarks/inspect_damage.py [--images FOLDER] [--seeds 3]
Without a folder of photographs, made ones are used. Progressive files come from every encoder that is installed.
"""

from __future__ import annotations

import argparse
import io
import itertools
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import inspect_corpus
import jpeg_encoders
import numpy as np
from PIL import Image

from manifest_tools.images.facts import facts_of
from manifest_tools.images.jpeg import SOS, walk

KINDS = ("4 KB zeroed", "1 KB deleted", "4 KB spliced", "other half", "512 B zeroed", "cut", "last 2 B cut")
SCANS = ("DC first", "DC refine", "AC first", "AC refine")
SIZES = {"512 B zeroed": 512, "4 KB zeroed": 4096, "1 KB deleted": 1024, "4 KB spliced": 4096}
ENCODERS: dict[str, dict[str, int | bool]] = {
    "as found": {},
    "baseline": {"quality": 88},
    "optimised": {"quality": 80, "optimize": True},
    "restarts": {"quality": 85, "restart_marker_blocks": 16},
    "progressive": {"quality": 85, "progressive": True},
}


def ours(data: bytes) -> bool:
    facts = facts_of(data)
    return bool(facts.decode_error) or "damaged: " in facts.remarks


def pillow(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except Exception:  # noqa: BLE001 - whatever it says, it noticed
        return True
    return False


def detectors() -> dict[str, Callable[[bytes], bool]]:
    found: dict[str, Callable[[bytes], bool]] = {"manifest_tools": ours, "Pillow load": pillow}
    try:
        import cv2  # noqa: PLC0415 - a peer may be absent
    except ImportError:
        print("OpenCV is not installed: left out")
        return found
    found["OpenCV"] = lambda data: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is None
    return found


def variants(path: Path) -> Iterator[tuple[str, bytes]]:
    data = path.read_bytes()
    for name, options in ENCODERS.items():
        if not options:
            yield name, data
            continue
        buffer = io.BytesIO()
        with Image.open(io.BytesIO(data)) as image:
            image.convert("RGB").save(buffer, "JPEG", **options)
        yield name, buffer.getvalue()


def damage(data: bytes, kind: str, other: bytes, dice: random.Random) -> bytes | None:
    """Return the file with one damage in its picture data; None when it is too small for it."""
    found = walk(data)
    start = next(stop for marker, _, stop in found.segments if marker == SOS)
    end = (found.end or len(data)) - 2
    if end - start < 8192:
        return None
    at = dice.randrange(start, end - 4096)
    return broken(data, at, kind, other, dice.randrange(len(other) // 4, len(other) // 2))


def broken(data: bytes, at: int, kind: str, other: bytes, there: int) -> bytes:
    return {
        "4 KB zeroed": data[:at] + bytes(4096) + data[at + 4096 :],
        "1 KB deleted": data[:at] + data[at + 1024 :],
        "4 KB spliced": data[:at] + other[there : there + 4096] + data[at + 4096 :],
        "other half": data[:at] + other[there:],
        "512 B zeroed": data[:at] + bytes(512) + data[at + 512 :],
        "cut": data[:at],
        "last 2 B cut": data[:-2],
    }[kind]


def scans(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield kind, start and end of the picture data of each scan."""
    found = walk(data)
    ends = [start for _, start, _ in found.segments[1:]]
    for (marker, _, start), end in zip(found.segments, [*ends, found.end or len(data)], strict=True):
        if marker == SOS:
            coefficient, refines = data[start - 3], data[start - 1] >> 4
            yield f"{'AC' if coefficient else 'DC'} {'refine' if refines else 'first'}", start, end


def progressive(paths: list[Path], seeds: int) -> None:
    """Damage scans of progressive files at random places of their data; count the alarms on sound ones.

    What is spliced in comes from the same file, so that the codes are the right ones.
    """
    total: Counter[tuple[str, str]] = Counter()
    noticed: Counter[tuple[str, str]] = Counter()
    files: Counter[str] = Counter()
    alarms: Counter[str] = Counter()
    missed: list[tuple[float, float]] = []
    encoders = jpeg_encoders.installed()
    for seed, path in itertools.product(range(seeds), paths):
        dice = random.Random(f"{seed} {path.name}")
        with Image.open(path) as image:
            whole = image.convert("RGB")
        for encoder, encode in encoders.items():
            data = encode(resized(whole, dice), dice)
            files[encoder] += 1
            alarms[encoder] += ours(data)
            for kind, size in SIZES.items():
                places = [scan for scan in scans(data) if scan[2] - scan[1] > size]
                if not places:
                    continue
                scan, start, end = dice.choices(places, [end - start for _, start, end in places])[0]
                there = dice.randrange(len(data) // 2)
                total[kind, scan] += 1
                worse = broken(data, dice.randrange(start, end - size), kind, data, there)
                if ours(worse):
                    noticed[kind, scan] += 1
                else:
                    missed.append(difference(data, worse))
    print(f"\nprogressive files\n{'noticed, %':16}" + "".join(f"{scan:>18}" for scan in (*SCANS, "all")))
    for kind in SIZES:
        counts = [(noticed[kind, scan], total[kind, scan]) for scan in SCANS]
        counts.append((sum(hits for hits, _ in counts), sum(number for _, number in counts)))
        print(f"{kind:16}" + "".join(f"{100 * h / max(n, 1):10.1f} of{n:5}" for h, n in counts))
    for encoder, number in files.items():
        print(f"{encoder}: alarms on sound files: {alarms[encoder]} of {number}")
    print(f"all: alarms on sound files: {alarms.total()} of {files.total()}")
    for name, values in zip(("share of pixels", "grey levels"), zip(*missed, strict=True), strict=False):
        tenths = np.quantile(values, (0.1, 0.5, 0.9))
        print(
            f"what went unnoticed changes, {name}: " + ", ".join(f"{tenth:.2f}" for tenth in tenths),
            "(deciles 1, 5, 9)",
        )


def difference(data: bytes, worse: bytes) -> tuple[float, float]:
    """Return the share of pixels that damage changed, and by how many grey levels in the mean."""
    pictures = [np.asarray(Image.open(io.BytesIO(each)).convert("L"), int) for each in (data, worse)]
    change = np.abs(pictures[0] - pictures[1])
    return float((change > 0).mean()), float(change.sum() / max(1, (change > 0).sum()))


def resized(image: Image.Image, dice: random.Random) -> Image.Image:
    """Return the picture as it is, smaller, or a scrap of it."""
    if factor := dice.choice((1, 1, 2, 4, 0)):
        return image.reduce(factor)
    return image.crop((0, 0, dice.randrange(1, 70), dice.randrange(1, 70)))


def all_kinds(paths: list[Path], seeds: int) -> None:
    """Damage files of every kind, in the ways in which files are damaged, before all detectors."""
    tools = detectors()
    total: Counter[tuple[str, str]] = Counter()
    noticed: Counter[tuple[str, str, str]] = Counter()
    alarms: Counter[str] = Counter()
    for seed in range(seeds):
        dice = random.Random(seed)
        for path in paths:
            other = paths[dice.randrange(len(paths))].read_bytes()
            for encoder, data in variants(path):
                total["sound", encoder] += 1
                for name, notices in tools.items():
                    alarms[name] += notices(data)
                for kind in KINDS:
                    worse = damage(data, kind, other, dice)
                    if worse is None:
                        continue
                    total[kind, encoder] += 1
                    for name, notices in tools.items():
                        noticed[name, kind, encoder] += notices(worse)
    for name in tools:
        sound = sum(total["sound", e] for e in ENCODERS)
        print(f"\n{name}: alarms on sound files: {alarms[name]} of {sound}")
        print(f"{'noticed, %':16}" + "".join(f"{e:>14}" for e in ENCODERS) + f"{'all':>10}{'files':>8}")
        for kind in KINDS:
            counts = [(noticed[name, kind, e], total[kind, e]) for e in ENCODERS]
            hits, files = sum(h for h, _ in counts), sum(n for _, n in counts)
            cells = "".join(f"{100 * h / max(n, 1):14.1f}" for h, n in counts)
            print(f"{kind:16}{cells}{100 * hits / max(files, 1):10.2f}{files:8}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, help="folder of photographs (JPEG)")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.images
        paths = sorted(folder.rglob("*.jpg")) if folder else inspect_corpus.make(Path(scratch), 40)
        all_kinds(paths, options.seeds)
        progressive(paths, options.seeds)


if __name__ == "__main__":
    main()
