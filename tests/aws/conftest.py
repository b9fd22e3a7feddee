from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from random import Random

import pandas as pd
import pytest

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.findings.findings import Report
from manifest_tools.reports import report_json


@pytest.fixture
def prepare(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a passed DIR, as `prepare` would, with random bytes for pictures."""

    def write(
        names: Sequence[str],
        destination: str,
        *,
        keys: str = "original",
        size: int = 600,
        magic: bytes = b"",
        name: str = "",
    ) -> Path:
        root, out = tmp_path / name / "images", tmp_path / name / "out"
        dice = Random(name)
        rows = []
        for number, image in enumerate(names):
            content = magic + dice.randbytes(size + number)
            (root / image).parent.mkdir(parents=True, exist_ok=True)
            (root / image).write_bytes(content)
            rows.append(
                {
                    "image": image,
                    "uri": image,
                    "bytes": len(content),
                    "sha256": sha256(content).hexdigest(),
                    "format": "JPEG",
                    "split": "test" if number % 3 == 0 else "train",
                }
            )
        dataset = Dataset.from_tables(pd.DataFrame(rows), root=str(root), destination=destination, keys=keys)
        _write_folder(dataset, out)
        return out

    return write


@pytest.fixture
def write_folder() -> Callable[[Dataset, Path], None]:
    """Return a function that writes a data set as a passed DIR."""
    return _write_folder


def _write_folder(dataset: Dataset, out: Path) -> None:
    dataset.save(out)
    references = source_refs(dataset)
    for side in ("train", "test"):
        lines = [
            json.dumps({"source-ref": ref, "content-moderation-groundtruth": {"ModerationLabels": labels}})
            for ref, labels in zip(
                references[dataset.images["split"] == side], cycle([[], [{"Name": "Alcohol"}]]), strict=False
            )
        ]
        (out / f"{side}.manifest").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    ready = {"readiness": {"state": "ready", "reading": "", "candidates": []}}
    (out / "report.json").write_text(report_json(Report(passed=True, facts=ready)), encoding="utf-8")
