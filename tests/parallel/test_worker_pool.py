import mmap
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import closing
from types import ModuleType, SimpleNamespace

import pytest

from manifest_tools.core.errors import InputError, ManifestToolsError
from manifest_tools.parallel import executors, worker_pool, worker_process
from manifest_tools.parallel.executors import default_workers, worker_count
from manifest_tools.parallel.worker_main import SLOT, Lost
from manifest_tools.parallel.worker_pool import isolated, isolated_map
from manifest_tools.parallel.worker_process import Child
from tests.images.tasks import (
    FromAfar,
    chatter,
    die_after_note,
    faulty,
    hang,
    hang_after_note,
    misused,
    note,
    process_number,
    square,
    trouble,
    unpicklable,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the troubled tasks use POSIX signals")


def run(task, batches, workers=2, timeout=60.0):
    with closing(isolated_map(task, batches, workers=workers, timeout=timeout)) as messages:
        return dict(pair for message in messages for pair in message)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_item_is_answered_once(workers):
    batches = [[1, 2, 3], [4], [], list(range(5, 300))]
    items = [item for batch in batches for item in batch]
    assert run(square, batches, workers) == {at: item * item for at, item in enumerate(items)}


def test_nothing_to_do():
    assert run(square, []) == {}


@pytest.mark.parametrize("workers", [1, 3])
def test_a_crash_costs_one_item(workers):
    found = run(trouble, [list(range(10)), list(range(10, 20))], workers)
    assert found.pop(5) == Lost("crashed", "killed by SIGSEGV")
    assert found.pop(11) == Lost("crashed", "exit code 7")
    kind, detail, error = found.pop(17)
    assert (kind, detail, type(error)) == ("crashed", "RuntimeError: a bug", RuntimeError)
    assert found == {number: number for number in range(20) if number not in {5, 11, 17}}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_hang_costs_one_item(workers):
    found = run(hang, [list(range(8))], workers, timeout=1.0)
    assert found.pop(3) == Lost("timeout", "not done in 1 s")
    assert found == {number: number for number in range(8) if number != 3}


def test_what_decoders_print_does_no_harm():
    assert run(chatter, [[1, 2], [3]]) == {0: 1, 1: 2, 2: 3}


def test_a_task_that_workers_cannot_import_is_misuse():
    def local(number):
        return number

    with pytest.raises((ManifestToolsError, AttributeError)):
        run(local, [[1]])


def test_workers_that_cannot_import_the_task_say_so(monkeypatch):
    module = ModuleType("only_here")
    exec("def task(number): return number", module.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", module)
    with pytest.raises(ManifestToolsError, match="No module named 'only_here'"):
        run(module.task, [[1], [2]])


def test_workers_that_cannot_import_the_package_say_so(monkeypatch, tmp_path):
    (tmp_path / "manifest_tools").mkdir()
    (tmp_path / "manifest_tools" / "__init__.py").write_text("raise ImportError('a broken installation')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ManifestToolsError, match="ImportError: a broken installation"):
        run(square, [[1]])


def test_what_cannot_be_sent_back_costs_one_item():
    found = run(unpicklable, [[1, 2], [3, 4]])
    assert (found[0], found[3]) == (1, 4)
    assert found[1].detail == "UnpicklableError: 1 and 2"
    assert "pickle" in found[2].detail


def test_the_calling_process_works_as_well(tmp_path):
    def here(folder):
        while not list(tmp_path.iterdir()):  # until the worker is at work
            time.sleep(0.01)
        return "here"

    with closing(isolated_map(note, [[tmp_path]] * 3, workers=1, timeout=60.0, here=here)) as messages:
        answers = dict(pair for message in messages for pair in message)
    assert sorted(answers) == [0, 1, 2]
    assert set(answers.values()) == {"here", *(int(path.name) for path in tmp_path.iterdir())}


def test_the_calling_process_touches_nothing_that_a_worker_died_of(tmp_path, monkeypatch):
    class Held(deque):
        def popleft(self):
            item = super().popleft()
            time.sleep(0.02)  # others see that it is gone
            return item

    def here(folder):
        while not list(tmp_path.iterdir()):
            time.sleep(0.01)
        return "here"

    monkeypatch.setattr(worker_pool, "deque", Held)
    monkeypatch.setattr(worker_pool, "_TICK", 0.001)
    with closing(
        isolated_map(die_after_note, [[tmp_path]] * 2, workers=1, timeout=60.0, here=here)
    ) as messages:
        answers = [answer for message in messages for _, answer in message]
    assert sorted(answers, key=str) == [Lost("crashed", "killed by SIGKILL"), "here"]
    assert len(list(tmp_path.iterdir())) == 2  # tried once more


def test_no_more_workers_than_work():
    answers = run(process_number, [[1], [2]], workers=50)
    assert 1 <= len(set(answers.values())) <= 2


def test_no_file_is_left_however_it_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with closing(isolated_map(square, [[1]], workers=1, timeout=60)) as messages:
        next(messages)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-9, "killed by SIGKILL"),
        (-250, "killed by signal 250"),
        (7, "exit code 7"),
        (0xC0000005, "exit code 0xC0000005"),
    ],
)
def test_how_a_process_ended(code, words):
    assert worker_pool._cause(code) == words


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_closing_ends_the_workers(tmp_path):
    messages = isolated_map(hang_after_note, [[str(tmp_path)], [str(tmp_path)]], workers=2, timeout=60.0)
    interrupted = _Interrupt(tmp_path)
    with pytest.raises(KeyboardInterrupt), closing(messages):
        interrupted.wait_for(messages)
    for path in tmp_path.iterdir():
        while is_running(int(path.name)):  # until the system has cleared it away, or the test's time is up
            time.sleep(0.01)


class _Interrupt:
    """Raises KeyboardInterrupt in the waiting thread as soon as both workers are busy."""

    def __init__(self, folder):
        self.folder = folder

    def wait_for(self, messages):
        def check(*_):
            if len(list(self.folder.iterdir())) == 2:
                raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, check)
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        try:
            next(messages)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def test_a_worker_that_is_killed_before_it_begins_is_replaced(monkeypatch):
    started = []

    def start():
        child = Child.start()
        started.append(child)
        if len(started) == 1:
            child.process.kill()
        return child

    monkeypatch.setattr(worker_pool, "Child", SimpleNamespace(start=start))
    assert run(square, [[1, 2]], 1) == {0: 1, 1: 4}
    assert len(started) == 2


ORPHANS = """
import sys
from collections import deque
from contextlib import closing
from types import SimpleNamespace
from manifest_tools.parallel import worker_pool
from manifest_tools.parallel.worker_process import Child
from manifest_tools.parallel.worker_pool import isolated, isolated_map
from tests.images.tasks import hang_after_note
folder = sys.argv[1]
with closing(isolated_map(hang_after_note, [[folder]], workers=1, timeout=60.0)) as messages:
    next(messages)
"""


def test_ctrl_c_is_quiet_and_leaves_nobody(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-c", ORPHANS, str(tmp_path)],
        env=environment,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while not list(tmp_path.iterdir()):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    _, errors = process.communicate()
    assert errors.count(b"Traceback") == 1  # the parent's own, which a command turns into exit code 130
    assert errors.rstrip().endswith(b"KeyboardInterrupt")
    (worker,) = tmp_path.iterdir()
    with pytest.raises(ProcessLookupError):
        os.kill(int(worker.name), 0)


@pytest.mark.parametrize(
    ("text", "limit"),
    [("150000 100000", 2), ("50000 100000", 1), ("400000 100000", 4), ("max 100000", None), ("", None)],
)
def test_a_container_s_share_of_time_is_a_number_of_processors(tmp_path, text, limit):
    (tmp_path / "cpu.max").write_text(f"{text}\n")
    assert executors._container_limit(tmp_path / "cpu.max") == limit
    assert executors._container_limit(tmp_path / "absent") is None


def test_workers_mean_the_same_everywhere(monkeypatch):
    monkeypatch.setattr(executors, "default_workers", lambda: 7)
    assert (worker_count(None), worker_count(3)) == (7, 3)
    for none in (0, -1):
        with pytest.raises(InputError, match="at least 1"):
            worker_count(none)


def test_the_default_follows_the_processors_that_may_be_used():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system cannot restrict a process to some processors")
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert default_workers() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_processes_that_are_kept_do_the_next_map(tmp_path):
    first = [
        dict(
            pair
            for message in isolated_map(process_number, [[1]], workers=1, timeout=60, keep=True)
            for pair in message
        )
        for _ in range(3)
    ]
    assert len({tuple(answers.values()) for answers in first}) == 1
    other = isolated_map(process_number, [[1]], workers=1, timeout=61, keep=True)
    assert dict(pair for message in other for pair in message) != first[0]


def test_a_kept_process_that_was_killed_meanwhile_is_replaced():
    def numbers():
        messages = isolated_map(process_number, [[1]], workers=1, timeout=62, keep=True)
        return [answer for message in messages for _, answer in message]

    (before,) = numbers()
    os.kill(before, signal.SIGKILL)
    (after,) = numbers()
    assert after != before


def test_an_error_of_ours_ends_the_map():
    with pytest.raises(InputError, match="no such folder"):
        run(misused, [list(range(1000))])


def test_one_item_at_a_time_in_a_process_of_the_calling_thread():
    do = isolated(process_number, timeout=60)
    assert do(1) == do(2) != os.getpid()
    with pytest.raises(ManifestToolsError, match="exit code 7"):
        isolated(trouble, timeout=60)(11)


def test_a_fault_of_the_program_is_shown_as_what_it_is():
    with pytest.raises(KeyError) as caught:
        isolated(faulty, timeout=60)(11)
    (note,) = caught.value.__notes__
    assert "tasks.py" in note  # where it happened


@pytest.mark.parametrize(
    ("library", "ended", "code", "says"),
    [
        ("PyDLL", "by its alarm", 1, b"Timeout"),
        ("CDLL", "with its pipe", 0, b""),
    ],  # the first keeps Python's lock
)
def test_a_hang_whose_parent_is_gone_ends_by_itself(library, ended, code, says):
    script = (
        "import ctypes, io, mmap; from manifest_tools.parallel.worker_main import _answer\n"
        f"_answer(ctypes.{library}(None).sleep, io.BytesIO(), mmap.mmap(-1, 16), {0.3 if code else 60})"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    worker.stdin.write(pickle.dumps([600]))
    worker.stdin.flush()
    if ended == "with its pipe":
        worker.stdin.close()
    assert worker.wait() == code
    assert says in worker.stderr.read()
    worker.stdin.close()
    worker.stderr.close()


def test_a_time_in_which_all_were_stopped_counts_for_no_item(monkeypatch):
    clock = iter([0.0, 0.0, 0.5, 1.0, 1000.0])  # such as a paused container's, between its last two looks
    monkeypatch.setattr(worker_process, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    slot = mmap.mmap(-1, SLOT.size)
    child = Child(None, 0, slot)
    SLOT.pack_into(slot, 0, 1, 1)
    assert [child.seconds()[0] for _ in range(4)] == [0.0, 0.5, 1.0, 2.0]


def test_waiting_for_an_item_is_not_working_on_it():
    assert run(FromAfar(seconds=1.0), [[0, 1, 2]], workers=1, timeout=0.7) == {0: 0, 1: 1, 2: 2}


def test_an_item_that_never_arrives_costs_one_item(monkeypatch):
    monkeypatch.setattr(worker_pool, "_PATIENCE", 2)
    task = FromAfar(after={1: 99})
    with closing(isolated_map(task, [[0, 1, 2], [3]], workers=1, timeout=0.4)) as messages:
        answers = [pair for message in messages for pair in message]
    assert answers[:2] == [(0, 0), (1, Lost("timeout", "not there in 0.8 s"))]
    assert sorted(answers[2:]) == [(2, 2), (3, 3)]


def test_batches_are_sent_ahead_until_the_end_is_near():
    task, batches = FromAfar(after={0: 3, 5: 8}), [[number] for number in range(12)]
    with closing(isolated_map(task, batches, workers=1, timeout=60, ahead=3)) as messages:
        assert sorted(pair for message in messages for pair in message) == [(n, n) for n in range(12)]
