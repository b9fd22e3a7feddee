"""A real dask cluster on loopback: work spread, workers killed, a scheduler that goes away."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from contextlib import contextmanager

import pandas as pd
import pytest

pytest.importorskip("distributed", reason="pip install 'manifest-tools[cluster]'")

from manifest_tools import inspect_images
from manifest_tools.core.errors import InputError, RemoteError, UnavailableError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.images.batches import BatchReader
from manifest_tools.images.facts import facts_of
from manifest_tools.images.task import Task
from manifest_tools.parallel import dask_cluster
from manifest_tools.parallel.dask_cluster import cluster
from manifest_tools.parallel.executors import run, slots
from tests.parallel.dask_processes import Scheduler
from tests.pictures import save

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    running = Scheduler(tmp_path_factory.mktemp("dask"))
    running.add_worker()
    running.add_worker()
    yield running
    running.stop()


@contextmanager
def connected(running, workers):
    with cluster(running.address) as executor:
        executor._client.wait_for_workers(workers, timeout=30)
        yield executor


def where(item):
    time.sleep(0.02)
    return item, os.getpid()


def test_work_is_spread_over_the_workers(scheduler):
    with connected(scheduler, 2) as executor:
        assert slots(executor) == 2
        results = dict(run(where, range(40), executor=executor))
    assert {item for item, _ in results.values()} == set(range(40))
    assert len({process for _, process in results.values()} - {os.getpid()}) == 2


def test_images_are_inspected_there_as_here(scheduler, tmp_path):
    names = [save(tmp_path / f"{number}.jpg", seed=number).name for number in range(12)]
    (tmp_path / "torn.jpg").write_bytes((tmp_path / "0.jpg").read_bytes()[:400])
    images = pd.DataFrame({"image": [*names, "torn.jpg"]})
    dataset = Dataset.from_tables(images.assign(uri=images["image"]), root=str(tmp_path))
    here = inspect_images(dataset, cache=False)
    with connected(scheduler, 2) as executor:
        there = inspect_images(dataset, cache=False, executor=executor)
    assert there.fingerprint() == here.fingerprint()


def test_a_worker_that_does_not_see_the_images_ends_the_run(scheduler, tmp_path, monkeypatch):
    save(tmp_path / "images" / "a.jpg", seed=1)
    dataset = Dataset.from_tables(
        pd.DataFrame({"image": ["a.jpg"], "uri": ["a.jpg"]}), root=str(tmp_path / "images")
    )
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    with connected(scheduler, 2) as executor, pytest.raises(InputError, match="is not on the worker"):
        inspect_images(dataset, cache=False, executor=executor)


def test_only_workers_that_see_the_images_get_work(scheduler, tmp_path, monkeypatch):
    """One worker has an empty folder where the images are: a file system that is not shared."""
    names = [save(tmp_path / f"{number}.jpg", seed=number).name for number in range(4)]
    images = pd.DataFrame({"image": names, "uri": names})
    dataset = Dataset.from_tables(images, root=str(tmp_path))
    with connected(scheduler, 2) as executor:
        real = executor._client.run

        def run_with_a_blind_worker(fn, *words, **options):
            answers = real(fn, *words, **options)
            return answers | {max(answers): False} if fn is os.path.exists else answers

        monkeypatch.setattr(executor._client, "run", run_with_a_blind_worker)
        with pytest.warns(RuntimeWarning, match="1 of 2 workers do not see"):
            there = inspect_images(dataset, cache=False, executor=executor)
        monkeypatch.setattr(executor._client, "run", lambda *_, **__: dict.fromkeys(real(os.getpid), False))
        with pytest.raises(RemoteError, match=r"no worker of .* sees"):
            inspect_images(dataset, cache=False, executor=executor)
    assert list(there.images["decode_error"]) == [""] * 4


def test_a_batch_is_not_read_where_the_images_are_not(tmp_path):
    save(tmp_path / "a.jpg", seed=1)
    reader = BatchReader(
        Task(facts_of, True, 10**8, None), str(tmp_path), 60.0, witness=str(tmp_path / "a.jpg")
    )
    missing = str(tmp_path / "gone.jpg")
    # the source is here, the file is not
    assert reader([(missing, 7)])[0].facts.decode_error.startswith("missing")
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(UnavailableError, match="does not see"):
        reader([(missing, 7)])


def test_a_killed_worker_loses_nothing(tmp_path):
    running = Scheduler(tmp_path)
    try:
        running.add_worker()
        running.add_worker()
        with connected(running, 2) as executor:
            results = {}
            for number, result in run(where, range(60), executor=executor):
                results[number] = result[0]
                if len(results) == 10:
                    running.workers[0].kill()
                if len(results) == 30:
                    running.add_worker()
        assert results == {number: number for number in range(60)}
    finally:
        running.stop()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_scheduler_that_is_gone_is_noticed(tmp_path, monkeypatch, how):
    monkeypatch.setattr(dask_cluster, "_PATIENCE", 5.0)
    monkeypatch.setattr(dask_cluster, "_EVERY", 0.5)
    running = Scheduler(tmp_path)
    try:
        running.add_worker()
        with connected(running, 1) as executor:
            results = run(where, range(10_000), executor=executor)
            next(results)
            running.process.send_signal(how)
            with pytest.raises(RemoteError, match="does not answer any more"):
                list(results)
    finally:
        running.stop()


def test_a_cluster_without_workers_says_what_it_waits_for(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "_UNSTAFFED", 1.0)
    monkeypatch.setattr(dask_cluster, "_EVERY", 0.2)
    running = Scheduler(tmp_path)
    try:
        with cluster(running.address) as executor, warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            results = []
            waiting = threading.Thread(target=lambda: results.extend(run(where, range(3), executor=executor)))
            waiting.start()
            while not any("no worker is connected" in str(warning.message) for warning in told):
                assert waiting.is_alive()
                time.sleep(0.05)
            running.add_worker()
            waiting.join()
        assert {item for _, (item, _) in results} == {0, 1, 2}
    finally:
        running.stop()


def test_nobody_there(monkeypatch):
    monkeypatch.setattr(dask_cluster, "_CONNECT", 1.0)
    with pytest.raises(RemoteError, match="no dask scheduler answers"), cluster("tcp://127.0.0.1:9"):
        pass


def test_an_address_of_another_form():
    with pytest.raises(InputError, match="expected one such as tcp"), cluster("10.0.0.1"):
        pass
