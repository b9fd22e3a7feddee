"""Published pictures: sound ones raise no alarm, damage is noticed, odd files are told as Pillow tells them."""

from __future__ import annotations

import csv

import pytest

from manifest_tools.images import read_facts
from tests.images.samples import damaged, scan_of
from tests.with_data import DATA


@pytest.mark.slow
def test_clean_photographs_raise_no_alarm():
    paths = sorted((DATA / "openclipart-moderation" / "images").rglob("*.jpg"))
    assert len(paths) > 100
    for path in paths:
        facts = read_facts(path)
        assert facts.decode_error == ""
        assert "damaged" not in facts.remarks


@pytest.mark.slow
def test_silent_damage_in_real_photographs():
    paths = sorted((DATA / "openclipart-moderation" / "images" / "trashnet").glob("*.jpg"))
    total = noticed = 0
    for seed, path in enumerate(paths):
        data = path.read_bytes()
        start, end = scan_of(data)
        if end - start < 8192:
            continue
        for how in ("zeroed", "deleted", "spliced"):
            facts = read_facts(damaged(data, how, seed))
            total += 1
            noticed += bool(facts.decode_error or "damaged: " in facts.remarks)
    assert total > 100
    # what is spliced in may by chance hold just as many blocks; benchmarks/inspect_damage.py has the figures
    assert noticed >= 0.97 * total


def test_odd_images_as_published():
    folder = DATA / "images-odd"
    with (folder / "expected.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) > 60
    for row in rows:
        facts = read_facts(folder / row["file"])
        decodable = row["decodable_by_pillow_full_load"] == "yes"
        assert (facts.decode_error == "") == decodable, row["file"]
        assert facts.sha256 == row["sha256"]
        if decodable:
            shape = (str(facts.width), str(facts.height), facts.mode, str(facts.frames), facts.format.lower())
            assert shape == tuple(row[name] for name in ("width", "height", "mode", "frames", "true_format"))
