"""How many copies of pictures are found again, and how many different pictures are taken for copies.

    python benchmarks/lookalike_quality.py [FOLDER]

FOLDER holds pictures, at any depth (default: the folder named by MANIFEST_TOOLS_DATA). If it has a `sources.csv` with
the columns file, kind and group, pictures of one group are not counted as different, and photographs are told apart
from drawings. Beside: ImageHash's pHash within 10 bits and cleanvision, where installed.
"""

from __future__ import annotations

import csv
import hashlib
import os
import sys
import tempfile
from collections import defaultdict
from itertools import combinations
from pathlib import Path

from lookalike_copies import COPIES, EASY, encoded, flattened
from PIL import Image

from manifest_tools import group_duplicates, inspect_images

Found = dict[str, set[str]]  # file -> the files taken for copies of it


def pictures(folder: Path) -> dict[str, tuple[str, str]]:
    """Return the kind and the group of each picture, by its path."""
    table = folder / "sources.csv"
    if table.is_file():
        with table.open(newline="", encoding="utf-8") as lines:
            return {row["file"]: (row["kind"], row["group"]) for row in csv.DictReader(lines)}
    suffixes = {".jpg", ".jpeg", ".png", ".webp"}
    paths = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix.lower() in suffixes
    )
    return {path: ("picture", path) for path in paths}


def half_of(group: str) -> str:
    """Say to which half a group belongs: "A" or "B"."""
    return "A" if hashlib.sha256(group.encode()).digest()[0] % 2 else "B"


def by_this(folder: Path) -> Found:
    images = group_duplicates(inspect_images(folder, cache=False)).images
    members = images.groupby("group")["image"].agg(set)
    return {row.image: members[row.group] - {row.image} for row in images.itertuples()}


def by_imagehash(folder: Path) -> Found:
    import imagehash  # noqa: PLC0415  a peer that need not be installed
    import numpy as np  # noqa: PLC0415

    names = sorted(path.name for path in folder.iterdir())
    hashes = np.array(
        [imagehash.phash(Image.open(folder / name)).hash.ravel() for name in names], dtype=np.float32
    )
    found: Found = {}
    for name, bits in zip(names, hashes, strict=True):
        near = np.flatnonzero(np.abs(hashes - bits).sum(axis=1) <= 10)
        found[name] = {names[i] for i in near} - {name}
    return found


def by_cleanvision(folder: Path) -> Found:
    from cleanvision import Imagelab  # noqa: PLC0415  a peer that need not be installed

    lab = Imagelab(data_path=str(folder))
    lab.find_issues({"near_duplicates": {}, "exact_duplicates": {}}, verbose=False)
    found: Found = defaultdict(set)
    for kind in ("near_duplicates", "exact_duplicates"):
        for members in lab.info[kind]["sets"]:
            names = {Path(member).name for member in members}
            for name in names:
                found[name] |= names - {name}
    return found


METHODS = {"manifest_tools": by_this, "ImageHash pHash <= 10": by_imagehash, "cleanvision": by_cleanvision}


def write_copies(source: Path, known: dict[str, tuple[str, str]], target: Path) -> dict[str, tuple[str, str]]:
    """Write every picture and its copies; return the picture and the kind of copy of each file written."""
    made = {}
    for number, name in enumerate(known):
        data = (source / name).read_bytes()
        original = f"{number:05}{Path(name).suffix}"
        (target / original).write_bytes(data)
        made[original] = (name, "")
        image = flattened(Image.open(source / name))
        for place, kind in enumerate(COPIES):
            copy = f"{number:05}-{place:02}.jpg"
            (target / copy).write_bytes(encoded(image, kind))
            made[copy] = (name, kind)
    return made


def report(
    found: Found, made: dict[str, tuple[str, str]], known: dict[str, tuple[str, str]], chosen: set[str]
) -> None:
    """Print recall of each kind of copy, then precision, among the chosen pictures."""
    original = {name: file for file, (name, kind) in made.items() if not kind}
    hits: dict[str, list[bool]] = defaultdict(list)
    for file, (name, kind) in made.items():
        if kind and name in chosen:
            hits[kind].append(original[name] in found.get(file, ()))
    for title, kinds in (("easy", EASY), ("hard", COPIES.keys() - EASY.keys())):
        together = [hit for kind in kinds for hit in hits[kind]]
        print(
            f"  {title:>4}: recall {sum(together) / len(together):.3f}  "
            + ", ".join(f"{kind} {sum(hits[kind]) / len(hits[kind]):.3f}" for kind in COPIES if kind in kinds)
        )
    right = wrong = 0
    files = [file for file, (name, _) in made.items() if name in chosen]
    for file in files:
        for other in found.get(file, ()):
            if made[other][0] in chosen and other > file:
                same = known[made[other][0]][1] == known[made[file][0]][1]
                right, wrong = right + same, wrong + (not same)
    originals = combinations((name for name in known if name in chosen), 2)
    negatives = [(a, b) for a, b in originals if known[a][1] != known[b][1]]
    confused = sum(original[b] in found.get(original[a], ()) for a, b in negatives)
    print(
        f"  precision of pairs {right / max(right + wrong, 1):.4f} ({wrong} wrong of {right + wrong});"
        f" {confused} of {len(negatives)} pairs of different originals together"
    )


def main() -> None:
    default = os.environ.get("MANIFEST_TOOLS_DATA")
    if len(sys.argv) < 2 and not default:
        sys.exit(__doc__)
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(default or "") / "openclipart-moderation"
    known = pictures(source)
    with tempfile.TemporaryDirectory() as folder:
        made = write_copies(source, known, Path(folder))
        for title, method in METHODS.items():
            try:
                found = method(Path(folder))
            except ImportError as error:
                print(f"{title}: not installed ({error.name})\n")
                continue
            for kind in sorted({kind for kind, _ in known.values()}):
                for half in ("A", "B"):
                    chosen = {
                        name for name, (k, group) in known.items() if k == kind and half_of(group) == half
                    }
                    print(f"{title}, {kind}, {half} half ({len(chosen)} pictures)")
                    report(found, made, known, chosen)
            print(f"{title}, all {len(known)} pictures")
            report(found, made, known, set(known))
            print()


if __name__ == "__main__":
    main()
