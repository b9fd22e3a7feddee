"""One way to run batches on every engine: nothing lost, nothing hung, whoever dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from manifest_tools.core.errors import InputError, ManifestToolsError, UnavailableError
from manifest_tools.parallel.executors import Failure, SerialExecutor, run


def square(number):
    return number * number


def odd_ones_fail(number):
    if number % 2:
        raise ValueError(number)
    return number


def misused(number):
    msg = "no such folder"
    raise InputError(msg)


def deadly(number):
    if number == 7:
        os._exit(1)
    return number


class Once:
    """Fails, or kills its process, at the first try of one item; remembers by a file."""

    def __init__(self, folder, item, kill=False):
        self.folder, self.item, self.kill = str(folder), item, kill

    def __call__(self, item):
        mark = Path(self.folder, "mark")
        if item == self.item and not mark.exists():
            mark.touch()
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            msg = "busy"
            raise UnavailableError(msg)
        return item


@pytest.mark.parametrize(
    "make", [SerialExecutor, lambda: ThreadPoolExecutor(3), lambda: ProcessPoolExecutor(2)]
)
def test_every_executor_does_every_item_once(make):
    with make() as executor:
        assert dict(run(square, range(100), executor=executor)) == {n: n * n for n in range(100)}


def test_nothing_to_do():
    assert list(run(square, [], executor=SerialExecutor())) == []


def test_items_are_taken_as_they_are_needed():
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    with ThreadPoolExecutor(2) as threads:
        results = run(square, items(), executor=threads)
        next(results)
        assert len(taken) < 50
        results.close()


def test_an_item_that_fails_again_and_again_is_told_with_its_error():
    results = dict(run(odd_ones_fail, range(6), executor=SerialExecutor()))
    assert {n for n, r in results.items() if isinstance(r, Failure)} == {1, 3, 5}
    assert isinstance(results[3].error, ValueError)
    assert results[4] == 4


def test_how_often_it_was_tried():
    calls = []

    def fails(number):
        calls.append(number)
        raise OSError

    dict(run(fails, [0], executor=SerialExecutor(), tries=4))
    assert calls == [0] * 4


def test_misuse_ends_the_run_at_once():
    with ThreadPoolExecutor(2) as threads, pytest.raises(InputError, match="no such folder"):
        list(run(misused, range(1000), executor=threads))


def test_what_is_busy_is_asked_again(tmp_path):
    results = dict(run(Once(tmp_path, 2), range(5), executor=SerialExecutor()))
    assert results == {n: n for n in range(5)}


def test_what_stays_away_ends_the_run():
    def away(number):
        msg = "the service cannot be reached"
        raise UnavailableError(msg)

    with pytest.raises(UnavailableError, match="cannot be reached"):
        list(run(away, [0], executor=SerialExecutor(), tries=1))


def test_a_killed_pool_process_loses_nothing(tmp_path):
    with ProcessPoolExecutor(2) as processes:
        results = dict(run(Once(tmp_path, 30, kill=True), range(60), executor=processes))
    assert results == {n: n for n in range(60)}


def test_an_item_that_kills_every_process_is_found_and_the_others_are_done():
    with ProcessPoolExecutor(2) as processes:
        results = dict(run(deadly, range(40), executor=processes))
    assert {n for n, r in results.items() if isinstance(r, Failure)} == {7}
    assert len(results) == 40


def test_a_pool_that_was_broken_before_is_replaced():
    with ProcessPoolExecutor(1) as processes:
        with pytest.raises(Exception, match="terminated"):
            processes.submit(os._exit, 1).result()
        assert dict(run(square, range(10), executor=processes)) == {n: n * n for n in range(10)}


def greet():
    os.environ["GREETED"] = "yes"


def greeted(number):
    if number == 3 and not Path(os.environ["GRAVE"]).exists():
        Path(os.environ["GRAVE"]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.environ.get("GREETED")


def test_a_pool_is_replaced_by_one_of_its_kind(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAVE", str(tmp_path / "grave"))
    with ProcessPoolExecutor(2, initializer=greet) as processes:
        assert set(dict(run(greeted, range(20), executor=processes)).values()) == {"yes"}


def test_an_executor_that_cannot_be_replaced():
    def broken():
        raise RuntimeError

    with (
        ThreadPoolExecutor(1, initializer=broken) as threads,
        pytest.raises(ManifestToolsError, match="give a new one"),
    ):
        list(run(square, range(10), executor=threads))


def test_whoever_stops_reading_leaves_nothing_behind():
    begun = []
    gate = threading.Event()

    def slow(number):
        begun.append(number)
        gate.wait(10)
        return number

    with ThreadPoolExecutor(2) as threads:
        results = run(slow, range(100), executor=threads)
        timer = threading.Timer(0.1, gate.set)
        timer.start()
        next(results)
        results.close()
        timer.join()
    assert len(begun) < 20


def test_the_serial_twin_is_an_executor():
    executor: Executor = SerialExecutor()
    assert list(executor.map(square, [1, 2])) == [1, 4]
    assert executor.submit(time.sleep, 0).done()
