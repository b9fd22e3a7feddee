"""Runs batch by batch: the same data set as in one go, whoever is killed on the way."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from manifest_tools.core.errors import (
    DeniedError,
    InputError,
    ManifestToolsError,
    OutputError,
    UnavailableError,
)
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.images import batches
from manifest_tools.images.image_facts import ImageFacts
from manifest_tools.images.task import Read
from manifest_tools.parallel.executors import SerialExecutor
from manifest_tools.pipeline.batch import inspect as inspect_batches
from manifest_tools.pipeline.batch import plan
from manifest_tools.pipeline.batch.progress import progress_of
from manifest_tools.pipeline.batch.run import inspect_run
from manifest_tools.pipeline.batch.run_folder import RunFolder
from manifest_tools.pipeline.inspect import inspect
from tests import ROOT
from tests.parallel.dask_processes import Scheduler
from tests.pictures import save


@pytest.fixture
def images(tmp_path):
    """A folder with everything that may go wrong: odd names, copies, broken files, other files."""
    folder = tmp_path / "images of 50%"
    for seed, name in enumerate(("a-b.jpg", "a/c.jpg", "a/ünï #1.png", "line\nbreak.jpg", "z/z.jpg")):
        save(folder / name, seed)
    for number in range(16):
        save(folder / "many" / f"{number:02}.jpg", number)
    (folder / "copy.jpg").write_bytes((folder / "a-b.jpg").read_bytes())
    (folder / "torn.jpg").write_bytes((folder / "a-b.jpg").read_bytes()[:500])
    (folder / "empty.jpg").touch()
    (folder / "notes.txt").write_text("no image")
    if os.name != "nt":
        Path(os.fsdecode(os.fsencode(folder) + b"/\xff.jpg")).write_bytes(b"?")
    return folder


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(plan, "BATCH_IMAGES", 3)
    monkeypatch.setattr(plan, "PART_IMAGES", 7)


def tables_of(folder):
    return {
        name: (Path(folder) / "dataset" / f"{name}.parquet").read_bytes() for name in ("images", "labels")
    }


@pytest.fixture
def expected(images, tmp_path):
    report = inspect(images, out=tmp_path / "expected", cache=False)
    return report, tables_of(tmp_path / "expected")


@pytest.mark.parametrize(
    "make", [SerialExecutor, lambda: ThreadPoolExecutor(3), lambda: ProcessPoolExecutor(2)]
)
def test_a_run_gives_what_one_go_gives(images, tmp_path, small_batches, expected, make):
    with make() as executor:
        report = inspect_run(images, run=tmp_path / "run", executor=executor)
    assert tables_of(tmp_path / "run") == expected[1]
    assert report.to_dict()["findings"] == expected[0].to_dict()["findings"]
    assert Dataset.load(tmp_path / "run").sources == Dataset.load(tmp_path / "expected").sources


def test_a_run_on_a_pool_of_which_a_process_is_killed(images, tmp_path, small_batches, expected):
    killed = []

    class Killer:
        def begin(self, step):
            return self.harm if step == "inspect" else lambda *_: None

        def end(self, *_):
            pass

        def harm(self, done, total):
            if done and not killed:
                killed.append(next(iter(pool._processes)))
                os.kill(killed[-1], signal.SIGKILL)

    with ProcessPoolExecutor(2) as pool:
        inspect_run(images, run=tmp_path / "run", executor=pool, watcher=Killer())
    assert killed
    assert tables_of(tmp_path / "run") == expected[1]


def test_a_quick_run(images, tmp_path, small_batches):
    inspect(images, out=tmp_path / "once", quick=True)
    inspect_run(images, run=tmp_path / "run", out=tmp_path / "out", quick=True)
    assert tables_of(tmp_path / "out") == tables_of(tmp_path / "once")


def test_what_is_done_is_not_done_again(images, tmp_path, small_batches, expected, monkeypatch):
    inspect_run(images, run=tmp_path / "run", out=tmp_path / "out")
    done = []
    real = inspect_batches.InspectionTask.facts
    monkeypatch.setattr(
        inspect_batches.InspectionTask,
        "facts",
        lambda self, batch: done.append(batch.number) or real(self, batch),
    )
    (tmp_path / "run" / "batches" / "000000002.parquet").unlink()
    save(images / "new.jpg", 99)  # the plan stands
    inspect_run(images, run=tmp_path / "run", out=tmp_path / "out")
    assert done == [2]
    assert tables_of(tmp_path / "out") == expected[1]


COMMAND = """
import sys
from manifest_tools.pipeline.batch import plan
plan.BATCH_IMAGES, plan.PART_IMAGES = 2, 5
from manifest_tools.__main__ import main
sys.argv = ["manifest-tools", *sys.argv[1:]]
main()
"""


def begin(*words):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "inspect", *map(str, words), "--quiet"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs kill -9")
def test_a_command_that_is_killed_again_and_again_ends_with_the_same_data_set(images, tmp_path, expected):
    dice = random.Random(5)
    run = tmp_path / "run"
    for _ in range(2):
        command = begin(images, "--run", run, "--workers", 2)
        before = len(list(run.glob("batches/0*"))) if run.exists() else 0
        while command.poll() is None and len(list(run.glob("batches/0*"))) <= before + dice.randrange(3):
            time.sleep(0.01)
        time.sleep(dice.random() * 0.1)
        command.kill()
        command.communicate()
    command = begin(images, "--run", run, "--workers", 2)
    _, errors = command.communicate()
    assert command.returncode == 1, errors  # findings
    assert tables_of(run) == expected[1]


def children_of(process):
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_decoders_that_are_killed_lose_nothing(images, tmp_path, expected):
    run = tmp_path / "run"
    command = begin(images, "--run", run, "--workers", 2)
    killed = 0
    while command.poll() is None and killed < 3:
        for child in children_of(command.pid)[:1] if len(list(run.glob("batches/0*"))) > 2 * killed else []:
            os.kill(child, signal.SIGKILL)
            killed += 1
        time.sleep(0.01)
    _, errors = command.communicate()
    assert command.returncode == 1, errors
    assert tables_of(run) == expected[1]


@pytest.mark.slow
def test_a_cluster_whose_workers_and_client_are_killed_ends_with_the_same_data_set(
    images, tmp_path, expected
):
    pytest.importorskip("distributed", reason="pip install 'manifest-tools[cluster]'")
    run, scheduler = tmp_path / "run", Scheduler(tmp_path)
    words = (images, "--run", run, "--scheduler", scheduler.address)

    def wait_for(batches, command):
        while command.poll() is None and len(list(run.glob("batches/0*"))) < batches:
            time.sleep(0.01)

    try:
        scheduler.add_worker()
        scheduler.add_worker()
        command = begin(*words)
        wait_for(2, command)
        scheduler.workers[0].kill()
        wait_for(4, command)
        command.kill()
        command.communicate()
        scheduler.add_worker()
        command = begin(*words)
        _, errors = command.communicate()
        assert command.returncode == 1, errors
    finally:
        scheduler.stop()
    assert tables_of(run) == expected[1]


def test_another_run_is_not_mixed_in(images, tmp_path, small_batches):
    inspect_run(images, run=tmp_path / "run", out=tmp_path / "out")
    with pytest.raises(InputError, match="quick was False, and is True now"):
        inspect_run(images, run=tmp_path / "run", out=tmp_path / "out", quick=True)
    save(tmp_path / "others" / "a.jpg", 1)
    with pytest.raises(InputError, match="holds another run: of "):
        inspect_run(tmp_path / "others", run=tmp_path / "run", out=tmp_path / "out")


def test_a_run_of_other_library_versions_is_not_continued(images, tmp_path, small_batches):
    inspect_run(images, run=tmp_path / "run", out=tmp_path / "out")
    file = tmp_path / "run" / "run.json"
    document = json.loads(file.read_text())
    document["options"]["recipe"] = document["fingerprint"] = "0" * 64
    file.write_text(json.dumps(document))
    with pytest.raises(InputError, match="other versions of the libraries"):
        inspect_run(images, run=tmp_path / "run", out=tmp_path / "out")


def test_a_worker_with_other_versions_is_refused(images, tmp_path):
    folder = RunFolder.at(tmp_path / "run")
    task = inspect_batches.begin(folder, inspect_batches.source_of(images))
    other = inspect_batches.InspectionTask(folder, task.source, task.reader, "0000")
    with pytest.raises(InputError, match="install the same versions everywhere"):
        other(plan.Batch(0, ()))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nowhere", "does not exist"),
        ("one.jpg", "is a file; a run takes a folder"),
        ("bare", "holds no images"),
    ],
)
def test_places_without_images(tmp_path, place, message):
    save(tmp_path / "one.jpg", 1)
    (tmp_path / "bare").mkdir()
    with pytest.raises(InputError, match=message):
        inspect_run(tmp_path / place, run=tmp_path / "run")


def test_foreign_files_are_left_alone(images, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").touch()
    with pytest.raises(InputError, match="is not empty and holds no run"):
        inspect_run(images, run=tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.txt"]


def test_a_run_folder_inside_the_images_is_refused(images):
    with pytest.raises(InputError, match="is inside the images"):
        inspect_run(images, run=images / "run")
    assert not (images / "run").exists()


def test_a_file_is_no_run_folder(images, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        inspect_run(images, run=tmp_path / "file")


def test_a_batch_that_fails_is_told_and_the_others_are_done(images, tmp_path, small_batches, monkeypatch):
    real = inspect_batches.InspectionTask.facts

    def facts(self, batch):
        if batch.number == 1:
            msg = "a bug"
            raise RuntimeError(msg)
        return real(self, batch)

    monkeypatch.setattr(inspect_batches.InspectionTask, "facts", facts)
    with pytest.raises(
        ManifestToolsError, match=r"1 of \d batches failed, first batch 1: RuntimeError: a bug"
    ):
        inspect_run(images, run=tmp_path / "run")
    folder = RunFolder.at(tmp_path / "run")
    batches = plan.planned(folder).batches
    assert folder.finished(batches) == set(range(batches)) - {1}
    told = progress_of(folder)
    assert not told.finished
    assert told.images_done == told.images - 3


def test_progress_is_told_before_and_after(images, tmp_path):
    folder = RunFolder.at(tmp_path / "run")
    with pytest.raises(InputError, match="holds no run"):
        progress_of(folder)
    inspect_batches.begin(folder, inspect_batches.source_of(images))
    assert progress_of(folder).images is None
    inspect_run(images, run=tmp_path / "run")
    assert progress_of(folder).finished


def test_a_listing_that_is_done_again_finds_what_is_there_then(images, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "BATCH_BYTES", 4000)
    folder = RunFolder.at(tmp_path / "run")
    real = RunFolder.write_json
    monkeypatch.setattr(
        RunFolder, "write_json", lambda self, name, _: real(self, name, _) if name == "run.json" else 1 / 0
    )
    with pytest.raises(ZeroDivisionError):  # dies between a part and the document that names it
        inspect_run(images, run=tmp_path / "run")
    monkeypatch.setattr(RunFolder, "write_json", real)
    for path in sorted((images / "many").iterdir())[:8]:
        path.write_bytes(path.read_bytes()[:100])
    report = inspect_run(images, run=tmp_path / "run")
    assert (
        report.facts["images"]["found"] == plan.planned(folder).images == len(Dataset.load(tmp_path / "run"))
    )


def test_a_wrong_place_does_not_take_the_run_folder(images, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        inspect_run(tmp_path / "typo", run=tmp_path / "run")
    (tmp_path / "later").mkdir()
    with pytest.raises(InputError, match="holds no images"):
        inspect_run(tmp_path / "later", run=tmp_path / "run")
    save(tmp_path / "later" / "a.jpg", 1)
    assert inspect_run(tmp_path / "later", run=tmp_path / "run").facts["images"]["found"] == 1


def test_a_first_write_that_died_is_passed_over(images, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".run.json.abc.tmp").touch()
    inspect_run(images, run=tmp_path / "run")
    assert progress_of(RunFolder.at(tmp_path / "run")).finished


def test_an_out_folder_that_was_half_written_is_taken_up(images, tmp_path):
    (tmp_path / "out" / ".manifest-tools-making-abc" / "dataset").mkdir(parents=True)
    (tmp_path / "out" / ".manifest-tools-scratch-abc").mkdir()
    inspect_run(images, run=tmp_path / "run", out=tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["dataset"]
    names = sorted(path.name for path in (tmp_path / "out" / "dataset").iterdir())
    assert names == ["dataset.json", "images.parquet", "labels.parquet"]


def test_the_run_folder_may_be_named_as_out(images, tmp_path, small_batches):
    made = plan.make_plan(RunFolder.at(tmp_path / "run"), str(images), SerialExecutor())
    assert made.batches > 1
    (tmp_path / "run2").mkdir()
    for _ in range(2):
        inspect_run(images, run=tmp_path / "run2", out=tmp_path / "run2")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.json", "[]"),
        ("run.json", "{}"),
        ("plan.json", "{}"),
        ("plan.json", "{"),
        ("batches/000000000.parquet", ""),
        ("batches/000000000.parquet", "PAR1"),
    ],
)
def test_damaged_files_are_named(images, tmp_path, name, content):
    inspect_run(images, run=tmp_path / "run", out=tmp_path / "out")
    (tmp_path / "run" / name).write_text(content)
    with pytest.raises(InputError, match=f"{name}.* is damaged"):
        inspect_run(images, run=tmp_path / "run", out=tmp_path / "out")


def test_a_batch_of_another_run_counts_for_nothing(images, tmp_path, expected):
    inspect_run(images, run=tmp_path / "run")
    (tmp_path / "run" / "batches" / "000000099.parquet").write_bytes(b"PAR1")
    assert progress_of(RunFolder.at(tmp_path / "run")).finished
    inspect_run(images, run=tmp_path / "run")
    assert tables_of(tmp_path / "run") == expected[1]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="room cannot be asked for")
def test_no_room_for_fingerprints_is_an_error_in_words(images, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OutputError, match=r"No space left on device; \d+ images need"):
        inspect_run(images, run=tmp_path / "run")


def once(decode):
    """Decode at the first call; find nothing more at the second."""
    calls = []

    def do(self, files, numbers):
        calls.append(numbers)
        return decode(self, files, numbers) if len(calls) == 1 else {}

    return do


class TestInS3:
    @pytest.fixture
    def bucket(self, s3, prefix, images):
        client = s3.client()
        below = prefix.removeprefix("s3://pictures/")
        for path in images.rglob("*.*"):
            name = path.relative_to(images).as_posix()
            if "\n" not in name and name.isprintable():
                client.put_object(Bucket="pictures", Key=f"{below}/images/{name}", Body=path.read_bytes())
        return f"{prefix}/images/"

    def test_from_a_bucket_by_a_run_folder_in_a_bucket(self, bucket, prefix, tmp_path, small_batches):
        inspect(bucket, out=tmp_path / "once", cache=False)
        report = inspect_run(bucket, run=f"{prefix}/runs/1", out=tmp_path / "out", workers=2)
        assert tables_of(tmp_path / "out") == tables_of(tmp_path / "once")
        assert report.counts["error"] == 2
        assert progress_of(RunFolder.at(f"{prefix}/runs/1")).finished

    def test_a_result_needs_a_place_here(self, bucket, prefix):
        with pytest.raises(InputError, match="--out DIR"):
            inspect_run(bucket, run=f"{prefix}/runs/1")

    @pytest.fixture
    def first_batch(self, bucket, tmp_path):
        """The task of a run, and its first batch."""
        folder = RunFolder.at(tmp_path / "run")
        task = inspect_batches.begin(folder, inspect_batches.source_of(bucket))
        made = plan.make_plan(folder, task.source, SerialExecutor())
        return task, next(plan.batches(folder, made, set()))

    def test_a_wrong_secret_says_nothing_of_the_images(self, first_batch, monkeypatch):
        task, batch = first_batch
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        with pytest.raises(UnavailableError, match="secret key does not fit"):
            task(batch)
        assert task.folder.finished(1) == set()

    def test_missing_rights_say_nothing_of_the_images(self, first_batch, monkeypatch):
        task, batch = first_batch
        denied = Read(ImageFacts(decode_error="denied: Reading failed: permission denied"), None)
        monkeypatch.setattr(batches, "settled", lambda *_: denied)
        with pytest.raises(DeniedError, match="Reading failed: permission denied"):
            task(batch)

    def test_a_silent_object_keeps_its_batch_open(self, first_batch, monkeypatch):
        task, batch = first_batch
        silent = iter([Read(ImageFacts(decode_error="unreachable: busy"), None)] * 2)
        monkeypatch.setattr(batches, "settled", lambda _path, read, *_: next(silent, read))
        monkeypatch.setattr(batches.BatchReader, "_decode", once(batches.BatchReader._decode))
        with pytest.raises(UnavailableError, match="busy"):
            task(batch)

    def test_a_storage_that_goes_away_says_nothing_of_the_images(self, first_batch, monkeypatch):
        task, batch = first_batch
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
        with pytest.raises(UnavailableError, match="cannot be reached"):
            task(batch)
        assert task.folder.finished(1) == set()
