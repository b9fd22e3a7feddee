"""The sample data is whole, described file by file, and small."""

from __future__ import annotations

import csv
import re
import runpy
from pathlib import Path

import pytest

SAMPLE = Path(__file__).resolve().parents[1] / "sample_data"
IMAGES = SAMPLE / "images"


@pytest.fixture(scope="module")
def files() -> set[str]:
    return {path.relative_to(IMAGES).as_posix() for path in IMAGES.rglob("*") if path.is_file()}


def test_predictions_are_what_the_script_writes(files: set[str]) -> None:
    script = runpy.run_path(str(SAMPLE / "make_predictions.py"))

    written = script["lines"](sorted(files - script["UNREADABLE"]))

    assert (SAMPLE / "predictions.manifest").read_bytes().decode().splitlines() == written


def test_readme_gives_origin_and_licence_of_every_file(files: set[str]) -> None:
    text = (SAMPLE / "README.md").read_text(encoding="utf-8")
    table = re.findall(
        r"^\| `([^`]+/[^`]+)` \| ([^|]+) \| ([^|]+) \|$", text.split("Origin and licences")[1], re.MULTILINE
    )

    assert [row[0] for row in table] == sorted(files)
    assert {row[2] for row in table} == {
        "public domain",
        "CC0 1.0",
        "CC BY 2.0",
        "no known copyright restrictions",
    }


def test_only_the_planted_rows_and_files_have_no_partner(files: set[str]) -> None:
    with (SAMPLE / "labels.csv").open(encoding="utf-8", newline="") as handle:
        named = {row["file"] for row in csv.DictReader(handle)}
    resolved = {name for name in files if name in named or name.rsplit("/", 1)[-1] in named}

    assert files - resolved == {"animals/puffin.png"}
    assert {name for name in named if "/" in name} - files == {"bar/champagne.jpg"}


def test_stays_small(files: set[str]) -> None:
    assert sum((IMAGES / name).stat().st_size for name in files) < 4_000_000
    assert 100 <= len(files) <= 150
