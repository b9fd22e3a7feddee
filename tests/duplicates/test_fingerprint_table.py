import dataclasses
import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.duplicates import grouping
from manifest_tools.duplicates.candidates import candidate_hits
from manifest_tools.duplicates.fingerprint_table import FingerprintTable
from manifest_tools.duplicates.fingerprints import describe
from manifest_tools.duplicates.grouping import fitting_radius, leaders
from tests.pictures import scene


def table(pictures=24):
    """Return the fingerprints of pictures and of copies of them, some without fingerprint or content."""
    greys = [scene(seed) for seed in range(pictures)]
    greys += [grey[::2, ::2] for grey in greys[::2]] + [grey[4:-4, 5:-5] for grey in greys[::3]]
    greys += [np.full((50, 50), 9, dtype=np.uint8)] * 3
    rows = pd.DataFrame([describe(np.ascontiguousarray(grey))._asdict() for grey in greys])
    digests = [hashlib.sha256(bytes([row % 40])).hexdigest() for row in range(len(rows))]
    rows = rows.assign(sha256=digests, shown="")
    rows.loc[[1, 5], "sha256"] = ""
    looks = describe(scene(900))
    rows.loc[[0, 2, len(rows) - 1], "shown"] = looks.views + looks.sketch
    return rows


def in_files(rows, folder, step):
    prints = FingerprintTable.allocate(len(rows), folder)
    for start in range(0, len(rows), step):
        prints.fill(start, rows.iloc[start : start + step])
    return prints


@pytest.mark.parametrize("step", [7, 1000])
def test_in_files_as_in_memory(tmp_path, step):
    rows = table()
    memory, files = FingerprintTable.of(rows), in_files(rows, tmp_path, step)
    for field in dataclasses.fields(FingerprintTable):
        kept = getattr(memory, field.name)
        np.testing.assert_array_equal(kept, getattr(files, field.name)[: len(kept)])
    assert memory.second_looks.tolist() == files.second_looks.tolist() == [len(rows) + n for n in range(3)]
    for options in ({}, {"near": False}, {"workers": 3}, {"radius": 2}):
        np.testing.assert_array_equal(leaders(memory, **options), leaders(files, **options))
    assert (leaders(memory) != np.arange(len(rows))).sum() >= 20


def test_no_images(tmp_path):
    rows = table().iloc[:0]
    assert leaders(FingerprintTable.of(rows)).tolist() == leaders(in_files(rows, tmp_path, 1)).tolist() == []


def test_rows_hold_what_the_table_says():
    rows = table(3)
    prints = FingerprintTable.of(rows)
    assert prints.sha256[0].tobytes().hex() == rows["sha256"][0]
    assert f"{prints.phash[0]:016x}" == rows["phash"][0]
    assert "".join(f"{word:016x}" for word in prints.views[0]) == rows["views"][0]
    assert prints.sketches[0].tobytes().hex() == rows["sketch"][0]
    assert prints.seen[: len(rows)].tolist() == (rows["views"] != "").tolist()
    assert prints.hashed.tolist() == (rows["sha256"] != "").tolist()


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["", "aa" * 32, "aa" * 31 + "ab", "aa" * 31 + "ac", "bb" * 32]), max_size=30))
def test_first_copies_of_contents_that_begin_alike(digests):
    rows = pd.DataFrame({"sha256": digests, "phash": "", "views": "", "sketch": "", "shown": ""}, dtype=str)
    first = [digests.index(digest) if digest else row for row, digest in enumerate(digests)]
    assert leaders(FingerprintTable.of(rows)).tolist() == first


def test_the_radius_is_one_that_leaves_few_enough_pairs(monkeypatch):
    prints = FingerprintTable.of(table().assign(shown=""))
    state = np.random.default_rng(0)
    views = prints.views.copy()
    for _ in range(4):
        views ^= np.uint64(1) << state.integers(0, 54, views.shape, dtype=np.uint64)
    prints = dataclasses.replace(prints, views=views, hashed=np.zeros_like(prints.hashed))
    assert fitting_radius(prints) == grouping.RADIUS
    monkeypatch.setattr(grouping, "LARGE", 10)
    near = []
    for radius in range(grouping.RADIUS + 1):
        hits = candidate_hits(views, np.flatnonzero(prints.seen[: prints.images]), radius=radius)
        near.append(len(set(zip(hits.first.tolist(), hits.second.tolist(), strict=True))))
    assert near[0] < near[4] < near[6]
    for radius in (0, 4, 6):
        monkeypatch.setattr(grouping, "MOST_PAIRS", near[radius])
        greatest = max(other for other in range(7) if near[other] == near[radius])
        assert fitting_radius(prints) == greatest
        np.testing.assert_array_equal(leaders(prints), leaders(prints, radius=greatest))


def test_a_sample_foretells_the_pairs(monkeypatch):
    prints = FingerprintTable.of(pd.concat([table()] * 3, ignore_index=True).assign(sha256=""))
    monkeypatch.setattr(grouping, "LARGE", 10)
    monkeypatch.setattr(grouping, "SAMPLE", 40)
    monkeypatch.setattr(grouping, "MOST_PAIRS", 0)
    assert fitting_radius(prints) == 0
    monkeypatch.setattr(grouping, "MOST_PAIRS", 10_000)
    assert fitting_radius(prints) == grouping.RADIUS


@pytest.mark.parametrize("radius", [-1, 55])
def test_a_radius_beyond_the_hash_is_refused(radius):
    with pytest.raises(ValueError, match="from 0 to 54"):
        leaders(FingerprintTable.of(table(2)), radius=radius)


def unlike(count=6):
    """Return the fingerprints of different pictures."""
    rows = pd.DataFrame([describe(scene(seed))._asdict() for seed in range(count)])
    return rows.assign(sha256=[f"{n:064x}" for n in range(count)], shown="")


def test_what_is_seen_alike_is_grouped_whatever_the_colours_show():
    rows, looks = unlike(), describe(scene(900))
    rows.loc[[2, 3, 5], "shown"] = looks.views + looks.sketch
    assert leaders(FingerprintTable.of(rows)).tolist() == [0, 1, 2, 2, 4, 2]
    assert leaders(FingerprintTable.of(rows), near=False).tolist() == list(range(6))
    assert leaders(FingerprintTable.of(rows.assign(shown=""))).tolist() == list(range(6))


def test_a_second_look_meets_what_others_show_at_once():
    rows, looks = unlike(), describe(scene(2))
    rows.loc[5, "shown"] = looks.views + looks.sketch
    assert leaders(FingerprintTable.of(rows))[5] == 2


def test_icons_that_are_seen_only_are_compared_once(monkeypatch):
    looks = describe(scene(4))
    rows = pd.DataFrame(
        {"sha256": [f"{n:064x}" for n in range(3000)], "phash": "", "views": "", "sketch": ""}
    )
    rows = rows.assign(shown=looks.views + looks.sketch)
    compared = []
    real = grouping.candidate_hits
    monkeypatch.setattr(
        grouping,
        "candidate_hits",
        lambda views, left, **more: compared.append(len(left)) or real(views, left, **more),
    )
    assert set(leaders(FingerprintTable.of(rows)).tolist()) == {0}
    assert compared == [1]
