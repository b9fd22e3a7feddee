"""What people put together today to get from a folder to split manifests; run by :mod:`whole_job`, by any Python.

Needs pillow, cleanvision, ImageHash, pandas and iterative-stratification, and nothing of this project.

Usage: python benchmarks/peer_chain.py FOLDER LABELS.csv TAXONOMY.json OUT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import imagehash
import numpy as np
import pandas as pd
from cleanvision import Imagelab
from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit
from PIL import Image

NEAR = 6  # bits of 64 in which the hashes of look-alikes may differ


def readable(paths: list[Path]) -> tuple[list[Path], list[str]]:
    """Return the files that Pillow decodes, and the names of the others."""
    sound, broken = [], []
    for path in paths:
        try:
            with Image.open(path) as image:
                image.convert("RGB")
            sound.append(path)
        except Exception:  # noqa: BLE001 - whatever it is, the file is broken
            broken.append(path.name)
    return sound, broken


def main() -> None:
    """Clean, group, split and write; tell in OUT/found.json what was found."""
    folder, labels, taxonomy, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    paths, broken = readable(sorted(folder.iterdir()))
    lab = Imagelab(filepaths=[str(path) for path in paths])
    lab.find_issues()
    issues = lab.issues.filter(regex=r"^is_(?!.*duplicates)").any(axis=1)
    odd = {Path(name).name for name in issues.index[issues]}
    hashes = np.array([imagehash.phash(Image.open(path)).hash.ravel() for path in paths])
    bits = hashes.astype(np.int16)
    apart = (bits[:, None, :] != bits[None, :, :]).sum(-1) if len(paths) < 2_000 else None
    pairs = set()
    for one in range(len(paths)):
        row = apart[one] if apart is not None else (bits[one] != bits).sum(-1)
        pairs |= {
            (paths[one].name, paths[other].name) for other in np.flatnonzero(row <= NEAR) if other > one
        }
    for kind in ("exact_duplicates", "near_duplicates"):
        for group in lab.info[kind]["sets"]:
            names = sorted(Path(name).name for name in group)
            pairs |= {(names[0], other) for other in names[1:]}
    copies = {max(pair) for pair in pairs}
    table = pd.read_csv(labels)
    known = set(json.loads(taxonomy.read_text()))
    wrong = table[~table["labels"].isin(known)]
    orphans = set(table["file"]) - {path.name for path in folder.iterdir()}
    left_out = {*broken, *odd, *copies, *wrong["file"]}
    kept = table[table["file"].isin({path.name for path in paths} - left_out)]
    matrix = pd.crosstab(kept["file"], kept["labels"])
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=0.2, random_state=0)
    sides = dict(zip(("train", "test"), next(splitter.split(matrix, matrix)), strict=True))
    for name, rows in sides.items():
        with (out / f"{name}.manifest").open("w") as file:
            for image, marks in matrix.iloc[rows].iterrows():
                said = [label for label in matrix.columns if marks[label]]
                file.write(json.dumps({"source-ref": f"s3://example-bucket/{image}", "labels": said}) + "\n")
    found = {
        "broken": broken,
        "odd": sorted(odd),
        "pairs": sorted(pairs),
        "labels": sorted({*wrong["file"], *orphans}),
        "sides": {name: list(matrix.index[rows]) for name, rows in sides.items()},
    }
    (out / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
