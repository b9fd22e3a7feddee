import os
import sqlite3
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.images import inspection
from manifest_tools.images.facts import read_facts
from manifest_tools.images.image_facts import ImageFacts
from manifest_tools.images.inspection import inspect_images
from tests.images.looks import FarFolder, counting, troubled
from tests.images.samples import encoded, photograph

NAMES = ("a.jpg", "b b.jpg", "sub/ü #1%20.png", "sub/line\nbreak.jpg", "gone.jpg", "empty.jpg", "page.jpg")


@pytest.fixture
def folder(tmp_path):
    """Return a folder with images that have not changed for an hour."""
    root = tmp_path / "pictures"
    (root / "sub").mkdir(parents=True)
    (root / "a.jpg").write_bytes(encoded(photograph(200, 160, 1)))
    (root / "b b.jpg").write_bytes(encoded(photograph(200, 160, 2))[:-500])
    (root / "sub/ü #1%20.png").write_bytes(encoded(photograph(200, 160, 3), "PNG"))
    (root / "sub/line\nbreak.jpg").write_bytes(encoded(photograph(200, 160, 4)))
    (root / "empty.jpg").write_bytes(b"")
    (root / "page.jpg").write_bytes(b"<html>")
    age(root)
    return root


def age(root, seconds=3600):
    then = time.time() - seconds
    for path in root.rglob("*"):
        os.utime(path, (then, then))


def listing(root, names=NAMES):
    return Dataset.from_tables(pd.DataFrame({"image": names, "uri": names}), root=str(root))


def errors(dataset):
    return dict(
        zip(dataset.images["image"], dataset.images["decode_error"].str.split(":").str[0], strict=True)
    )


EXPECTED = dict.fromkeys(NAMES, "") | {
    "b b.jpg": "truncated", "gone.jpg": "missing", "empty.jpg": "empty", "page.jpg": "not-an-image"
}  # fmt: skip


def test_facts_land_in_their_rows(folder):
    before = listing(folder)
    after = inspect_images(before, workers=2, cache=False)
    assert errors(after) == EXPECTED
    assert after.image("a.jpg")["width"] == 200
    assert after.image("sub/ü #1%20.png")["format"] == "PNG"
    assert after.history[-1]["step"] == "inspect"
    assert (before.images["sha256"] == "").all()  # the input is as it was


def test_a_table_made_in_portions_is_the_same(folder, monkeypatch):
    names = (*NAMES, "s3://bucket/elsewhere.jpg")  # amid the local ones, and keeps what is known of it
    dataset = listing(folder, names)
    whole = inspect_images(dataset, cache=False)
    monkeypatch.setattr(inspection, "_PORTION", 2)
    for workers in (1, 3):
        assert inspect_images(dataset, cache=False, workers=workers).fingerprint() == whole.fingerprint()
    assert whole.images["width"].tolist() == [200, 200, 0, 0, 0, 0, 200, 200]
    assert inspect_images(listing(folder, ()), cache=False).images.empty


@pytest.mark.parametrize("workers", [1, 2])
def test_a_quick_look_takes_workers_for_foreign_decoders_alone(folder, monkeypatch, workers):
    (folder / "w.webp").write_bytes(encoded(photograph(64, 48, 5), "WEBP"))
    names, sent = (*NAMES, "w.webp"), []

    def watched(task, batches, **options):
        sent.extend(path for batch in batches for path in batch)
        return pool(task, batches, **options)

    pool = inspection.isolated_map
    monkeypatch.setattr(inspection, "isolated_map", watched)
    found = inspect_images(listing(folder, names), quick=True, workers=workers, cache=False).images
    assert [Path(path).name for path in sent] == ["w.webp"]
    for name, *facts in found[["image", *ImageFacts._fields]].itertuples(index=False):
        assert ImageFacts(*facts) == read_facts(folder / name, quick=True), name


def test_any_way_of_working_gives_the_same(folder, tmp_path):
    for seed in range(40):  # enough for several workers
        (folder / f"{seed}.jpg").write_bytes(encoded(photograph(120, 90, seed)))
    dataset = listing(folder, (*NAMES, *(f"{seed}.jpg" for seed in range(40))))
    prints = {inspect_images(dataset, workers=n, cache=False).fingerprint() for n in (1, 3)}
    with ThreadPoolExecutor(3) as threads:
        prints.add(inspect_images(dataset, executor=threads, cache=tmp_path / "c").fingerprint())
    prints.add(inspect_images(dataset, cache=tmp_path / "c").fingerprint())
    assert len(prints) == 1


def test_an_executor_of_processes(folder):
    with ProcessPoolExecutor(2) as processes:
        after = inspect_images(listing(folder), executor=processes, cache=False)
    assert errors(after) == EXPECTED


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # newer Pythons advise against it
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_workers_do_not_talk_over_their_parents_decoders(folder):
    dataset = listing(folder, (*NAMES, *(f"{seed}.jpg" for seed in range(40))))
    expected = inspect_images(dataset, cache=False).fingerprint()
    with ThreadPoolExecutor(2) as threads:
        assert inspect_images(dataset, executor=threads, cache=False).fingerprint() == expected
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as processes:
        assert inspect_images(dataset, executor=processes, cache=False).fingerprint() == expected


def test_a_decoder_that_dies_or_sleeps_costs_one_image(folder):
    for name, trouble in (
        ("x1.jpg", b"ABORT"),
        ("x2.jpg", b"SLEEP"),
        ("x3.jpg", b"EXIT"),
        ("x4.jpg", b"RAISE"),
    ):
        (folder / name).write_bytes(encoded(photograph(64, 48)) + trouble)
    dataset = listing(folder, (*NAMES, "x1.jpg", "x2.jpg", "x3.jpg", "x4.jpg"))
    after = inspect_images(dataset, workers=2, cache=False, look=troubled, timeout=2.0)
    assert after.image("x1.jpg")["decode_error"] == "crashed: killed by SIGABRT"
    assert after.image("x2.jpg")["decode_error"] == "timeout: not done in 2 s"
    assert after.image("x3.jpg")["decode_error"] == "crashed: exit code 3"
    assert after.image("x4.jpg")["decode_error"] == "crashed: RuntimeError: a bug"
    assert len(after.image("x1.jpg")["sha256"]) == 64
    assert {name: errors(after)[name] for name in NAMES} == EXPECTED


@pytest.mark.parametrize("trouble", [b"EXIT", b"RAISE"])
def test_an_executor_that_breaks_is_replaced(folder, trouble):
    (folder / "x.jpg").write_bytes(encoded(photograph(64, 48)) + trouble)
    with ProcessPoolExecutor(1) as processes:
        after = inspect_images(
            listing(folder, (*NAMES, "x.jpg")), executor=processes, cache=False, look=troubled
        )
    assert errors(after) == {**EXPECTED, "x.jpg": "crashed"}


@pytest.fixture
def looks(tmp_path, monkeypatch):
    """Return how often a file was looked at since the last time."""
    marks = tmp_path / "looks"
    monkeypatch.setenv("LOOKS", str(marks))

    def count():
        text = marks.read_text() if marks.exists() else ""
        marks.unlink(missing_ok=True)
        return len(text)

    return count


def test_a_second_run_decodes_nothing(folder, tmp_path, looks):
    first = inspect_images(listing(folder), cache=tmp_path / "c", look=counting)
    assert looks() == 6
    again = inspect_images(listing(folder), cache=tmp_path / "c", look=counting)
    assert looks() == 0
    assert again.fingerprint() == first.fingerprint()
    inspect_images(listing(folder), cache=False, look=counting)
    assert looks() == 6


def test_a_moved_folder_is_known(folder, tmp_path, looks):
    inspect_images(listing(folder), cache=tmp_path / "c", look=counting)
    looks()
    moved = folder.rename(tmp_path / "elsewhere")
    after = inspect_images(listing(moved), cache=tmp_path / "c", look=counting)
    assert (looks(), errors(after)) == (0, EXPECTED)


def test_a_changed_file_is_read_again(folder, tmp_path):
    inspect_images(listing(folder), cache=tmp_path / "c")
    (folder / "a.jpg").write_bytes(encoded(photograph(300, 100)))
    assert inspect_images(listing(folder), cache=tmp_path / "c").image("a.jpg")["width"] == 300


def test_a_fresh_file_is_not_trusted_by_its_path(folder, tmp_path):
    path, stamp = folder / "a.jpg", time.time_ns() + 10**12  # later than any clock of this test
    one, two = (encoded(photograph(64, 48, seed)) for seed in (1, 2))
    size = max(len(one), len(two))
    path.write_bytes(one.ljust(size, b"x"))
    os.utime(path, ns=(stamp, stamp))
    first = inspect_images(listing(folder), cache=tmp_path / "c").image("a.jpg")["sha256"]
    path.write_bytes(two.ljust(size, b"x"))  # the same size, in the same tick of a coarse clock
    os.utime(path, ns=(stamp, stamp))
    assert inspect_images(listing(folder), cache=tmp_path / "c").image("a.jpg")["sha256"] != first


def test_quick_and_full_facts_are_kept_apart(folder, tmp_path):
    quick = inspect_images(listing(folder), cache=tmp_path / "c", quick=True)
    assert quick.image("a.jpg")["remarks"] == "not-decoded"
    assert inspect_images(listing(folder), cache=tmp_path / "c").image("a.jpg")["remarks"] == ""
    assert (
        inspect_images(listing(folder), cache=tmp_path / "c", quick=True).fingerprint() == quick.fingerprint()
    )


def test_crashes_are_not_remembered(folder, tmp_path):
    (folder / "a.jpg").write_bytes(encoded(photograph(64, 48)) + b"EXIT")
    age(folder)
    broken = inspect_images(listing(folder), cache=tmp_path / "c", look=troubled)
    assert errors(broken)["a.jpg"] == "crashed"
    database = sqlite3.connect(tmp_path / "c" / "images-1.sqlite")
    assert database.execute("SELECT count(*) FROM facts WHERE facts LIKE '%crashed%'").fetchone() == (0,)
    database.close()


def test_a_cache_that_cannot_be_used_is_only_a_warning(folder, tmp_path):
    place = tmp_path / "file"
    place.write_text("not a folder")
    with pytest.warns(RuntimeWarning, match="image cache .* is not used"):
        after = inspect_images(listing(folder), cache=place)
    assert errors(after) == EXPECTED
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "images-1.sqlite").write_bytes(
        b"this is no database, but long enough to be read as one" * 100
    )
    with pytest.warns(RuntimeWarning, match="image cache .* is not used"):
        after = inspect_images(listing(folder), cache=tmp_path / "c")
    assert errors(after) == EXPECTED


def test_the_cache_lives_where_the_environment_says(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MANIFEST_TOOLS_CACHE", str(tmp_path / "there"))
    inspect_images(listing(folder))
    assert (tmp_path / "there" / "images-1.sqlite").is_file()


def test_progress_counts_every_image_once(folder, tmp_path):
    seen = []
    inspect_images(
        listing(folder), cache=tmp_path / "c", progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(n, len(NAMES)) for n in range(1, len(NAMES) + 1)]
    seen.clear()
    inspect_images(
        listing(folder), cache=tmp_path / "c", progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (len(NAMES), len(NAMES))


def test_an_interrupted_run_keeps_what_it_has_done(folder, tmp_path, looks):
    def interrupt(done, _):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inspect_images(listing(folder), cache=tmp_path / "c", look=counting, workers=1, progress=interrupt)
    looks()
    inspect_images(listing(folder), cache=tmp_path / "c", look=counting)
    assert looks() < 6


def test_images_from_afar_give_the_facts_of_local_ones(folder, monkeypatch):
    def watched(task, batches, **options):
        sent.append(max(map(len, batches)))
        return pool(task, batches, **options)

    pool, sent = inspection.isolated_map, []
    monkeypatch.setattr(inspection, "isolated_map", watched)
    (folder / "x.jpg").write_bytes(encoded(photograph(64, 48)) + b"EXIT")
    for seed in range(30):
        (folder / f"{seed}.jpg").write_bytes(encoded(photograph(120, 90, seed)))
    names = [*NAMES, "x.jpg", *(f"{seed}.jpg" for seed in range(30))]
    uris = [f"s3://bucket/{name}" for name in names]
    found = []
    for workers, size in ((1, 0), (3, 1_000_000)):  # untold and told sizes
        table = pd.DataFrame({"image": names, "uri": uris, "bytes": size})
        reader = FarFolder(str(folder), seconds=0.02)
        found.append(
            inspect_images(
                Dataset.from_tables(table), reader=reader, look=troubled, workers=workers, cache=False
            )
        )
    assert sent == [2, 4]  # of what may be large, few are fetched at once
    assert found[0].fingerprint() == found[1].fingerprint()
    troubles = {"gone.jpg": "unreachable", "x.jpg": "crashed"}
    assert errors(found[0]) == {**dict.fromkeys(names, ""), **EXPECTED, **troubles}
    for name, *facts in found[0].images[["image", *ImageFacts._fields]].itertuples(index=False):
        assert name in troubles or ImageFacts(*facts) == read_facts(folder / name), name


def test_images_in_s3_keep_their_facts(folder):
    table = pd.DataFrame(
        {"image": ["s3://b/x.jpg", "a.jpg"], "uri": ["s3://b/x.jpg", "a.jpg"], "bytes": [17, 0]}
    )
    after = inspect_images(Dataset.from_tables(table, root=str(folder)), cache=False)
    assert (after.image("s3://b/x.jpg")["bytes"], after.image("s3://b/x.jpg")["decode_error"]) == (17, "")
    assert after.image("a.jpg")["width"] == 200


def test_no_images_at_all(tmp_path):
    empty = Dataset.from_tables(pd.DataFrame({"image": [], "uri": []}), root=str(tmp_path))
    assert len(inspect_images(empty, cache=False)) == 0


def test_workers_must_be_some(folder):
    with pytest.raises(InputError, match="at least 1, not 0"):
        inspect_images(listing(folder), workers=0)


def test_a_folder_is_taken_as_it_is(folder):
    with warnings.catch_warnings():
        after = inspect_images(folder, cache=False)
    assert "a.jpg" in set(after.images["image"])
    assert Path(after.root) == folder


def test_facts_are_columns_of_the_table():
    assert set(ImageFacts._fields) < set(listing("").images.columns)
