"""The sample data is whole, described file by file, and small."""

from __future__ import annotations

import csv
import re
import runpy
from pathlib import Path

import pytest

from manifest_tools.findings.policy import Goal, Policy, Target
from manifest_tools.pipeline.prepare import prepare
from tests import ROOT

SAMPLE = ROOT / "sample_data"
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


PLANTED = {
    ("image-truncated", "uploads/IMG_0412.jpg"),
    ("image-format", "uploads/poster.jpg"),
    ("image-extension", "uploads/poster.jpg"),
    ("image-format", "uploads/notes.png"),
    ("image-too-small", "uploads/avatar.jpg"),
    ("duplicate-near", "uploads/soft drink (1).jpg"),
    ("duplicate-near", "uploads/beer mug small.png"),
    ("duplicate-exact", "uploads/dice from the forum.png"),
    ("duplicate-conflict", "uploads/dice from the forum.png"),
    ("duplicate-conflict", "games/two red dice.png"),
    ("label-unknown", "bar/six cans of beer.jpg"),
    ("label-spelling", "smoking/cigar.jpg"),
    ("image-unlabelled", "animals/walrus.jpg"),
    ("image-unlabelled", "animals/puffin.png"),
    ("label-unchecked", "weapons/throwing star.png"),
    ("object-key", "tools/tools #2.png"),
    ("image-metadata", "photos/rocket launch.jpg"),
    ("image-hidden-by-alpha", "drinks/drinking fountain.png"),
    ("image-hidden-by-alpha", "drinks/soft drink pictogram.png"),
    ("image-hidden-by-alpha", "people/left hand print.png"),
    ("image-blank", "drinks/drinking fountain.png"),
    ("image-blank", "people/left hand print.png"),
    ("label-orphan", None),
    ("balance", None),
}


def test_the_main_job_is_ready_and_finds_what_was_planted_and_nothing_else(tmp_path: Path) -> None:
    target = Target("Alcohol", Goal.FALSE_POSITIVES)
    told: list[tuple[int, int | None]] = []
    done = prepare(
        IMAGES,
        labels=SAMPLE / "labels.csv",
        predictions=SAMPLE / "predictions.manifest",
        policy=Policy(targets=(target,)),
        to="s3://example-bucket/demo",
        out=tmp_path / "out",
        workers=1,
        progress=lambda count, total: told.append((count, total)),
    )
    report = done.report
    assert told[0] == (1, 139)
    assert (139, 139) in told
    assert tuple(done) == (done.dataset, done.report)
    assert set(done.paths) == {path.name for path in (tmp_path / "out").iterdir()}
    assert all(path.exists() for path in done.paths.values())

    assert report.passed
    found = {(f.code, f.location.image) for f in report.findings if f.data.get("variant") != "cut-out"}
    assert found == PLANTED
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert {code for code, _ in PLANTED if f"`{code}`" not in readme} == {"balance"}
