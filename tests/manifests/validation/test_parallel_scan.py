"""Worker processes that share a file: the same report as one process gives, or a clear error, whatever happens."""

from __future__ import annotations

import json
import os
import pickle
import random
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.core.errors import InputError, ManifestToolsError
from manifest_tools.manifests import line_reader
from manifest_tools.manifests.validation import parallel_scan
from manifest_tools.manifests.validation.repeats import keys_of
from manifest_tools.manifests.validation.validate import validate_manifest
from manifest_tools.parallel import worker_pool
from tests import ROOT
from tests.manifests.lines import moderation, multi
from tests.manifests.workers import Faulty, Mortal

needs_signals = pytest.mark.skipif(os.name == "nt", reason="kills processes, and removes files in use")

LONG = b'{"source-ref": "s3://acme-mod/' + b"x" * 500_000 + b'"}'
CLEAN = [
    json.dumps(moderation(f"s3://acme-mod/{name}", *labels)).encode()
    for name, labels in [
        ("a.jpg", ["Alcohol"]),
        ("b.jpg", ["Violence"]),
        ("b.jpg", ["Alcohol"]),
        ("é.jpg", []),
    ]
]
AWKWARD = [
    b"",
    b" ",
    b"\r",
    b"{broken",
    b"\xff\xfe",
    b"null",
    b"\xef\xbb\xbf",
    b"\x00",
    json.dumps(multi("s3://other/a.jpg", [0, 3])).encode(),
    json.dumps(moderation("s3://acme-mod/c%20.jpg", "Alchohol", batch=1)).encode(),
    json.dumps(moderation("s3://acme-mod/" + "d" * 300, "Weapons")).encode(),
    b'{"source-ref": "s3://acme-mod/a.jpg"}',
]


@pytest.fixture
def eager(monkeypatch):
    """Share files however small they are."""
    monkeypatch.setattr(parallel_scan, "SPAN", 2_000)
    monkeypatch.setattr(parallel_scan, "WORTH", 1)


@pytest.fixture
def children(monkeypatch):
    """The worker processes that were started."""
    started = []

    class Recorded(subprocess.Popen):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    return started


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "big.manifest"
    lines = [json.dumps(moderation(f"s3://acme-mod/{i % 700}.jpg", "Alcohol")) for i in range(1_500)]
    path.write_text("\n".join(lines))
    return path


@st.composite
def contents(draw):
    """Manifests whose lines and line breaks are all sorts."""
    lines = draw(st.lists(st.sampled_from([*CLEAN * 4, *AWKWARD]), max_size=25))
    if draw(st.integers(0, 19)) == 0:
        lines.insert(draw(st.integers(0, len(lines))), LONG)
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    start = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"]))
    return start + end.join(lines) + draw(st.sampled_from([b"", end, end * 3]))


def workers_in_this_process(dice):
    """Return a stand-in for the workers: several, each with a share of the spans, that end in any order."""

    def isolated_map(task, batches, *, workers, timeout, here):
        crew = [here, *(pickle.loads(pickle.dumps(task)) for _ in range(workers))]
        answers = [(number, dice.choice(crew)(item)) for number, (item,) in enumerate(batches)]
        dice.shuffle(answers)
        yield pickle.loads(pickle.dumps(answers))

    return isolated_map


@given(
    files=st.lists(contents(), min_size=1, max_size=2),
    span=st.sampled_from([1, 2, 7, 60, 150, 1_000, 100_000]),
    block=st.sampled_from([300, 5_000, 1 << 20]),
    workers=st.integers(2, 4),
    seed=st.integers(0, 100),
)
@settings(max_examples=50, deadline=None)
def test_neither_spans_nor_blocks_nor_workers_change_the_report(
    tmp_path_factory, files, *, span, block, workers, seed
):
    folder = tmp_path_factory.mktemp("any")
    paths = [folder / f"{number}.manifest" for number in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    alone = validate_manifest(*paths, max_findings=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel_scan, "SPAN", span)
        patch.setattr(parallel_scan, "WORTH", 1)
        patch.setattr(line_reader.Source.blocks, "__kwdefaults__", {"size": block})
        patch.setattr(worker_pool, "isolated_map", workers_in_this_process(random.Random(seed)))
        assert validate_manifest(*paths, max_findings=5, workers=workers) == alone


@pytest.mark.parametrize(("asked", "others"), [(None, 2), (2, 1), (1, 0)])
def test_workers_are_all_processors_unless_told_otherwise(eager, monkeypatch, manifest, asked, others):
    monkeypatch.setattr("manifest_tools.parallel.executors.default_workers", lambda: 3)
    used = []
    share = worker_pool.isolated_map

    def watched(*arguments, workers, **options):
        used.append(workers)
        return share(*arguments, workers=workers, **options)

    monkeypatch.setattr(worker_pool, "isolated_map", watched)
    validate_manifest(manifest, workers=asked)
    assert used == ([others] if others else [])


def test_a_shared_file_and_a_small_one_are_compared(tmp_path, eager, manifest):
    small = tmp_path / "small.manifest"
    small.write_text(json.dumps(moderation("s3://acme-mod/3.jpg", "Alcohol")))
    report = validate_manifest(manifest, small, workers=2)
    assert report == validate_manifest(manifest, small)
    assert any(finding.location.file == str(small) for finding in report.findings)


@pytest.fixture
def graves(tmp_path):
    folder = tmp_path / "graves"
    folder.mkdir()
    return folder


def test_a_fault_of_the_program_is_shown_as_what_it_is(eager, monkeypatch, graves, manifest):
    monkeypatch.setattr(parallel_scan, "_Worker", partial(Faulty, graves=graves, times=1))
    with pytest.raises(KeyError) as caught:
        validate_manifest(manifest, workers=2)
    assert "memory" not in "".join(caught.value.__notes__)


@needs_signals
def test_a_killed_worker_costs_nothing(eager, monkeypatch, graves, manifest):
    monkeypatch.setattr(parallel_scan, "_Worker", partial(Mortal, graves=graves, times=1))
    report = validate_manifest(manifest, workers=2)
    assert len(list(graves.iterdir())) == 1
    assert report == validate_manifest(manifest)


@needs_signals
def test_a_worker_killed_again_and_again_is_an_error_that_names_the_place(
    eager, monkeypatch, graves, manifest
):
    monkeypatch.setattr(parallel_scan, "_Worker", partial(Mortal, graves=graves, times=9))
    with pytest.raises(ManifestToolsError, match=r"big\.manifest: .* bytes \d+,\d+ to \d+,\d+: .*SIGKILL"):
        validate_manifest(manifest, workers=2)


def test_an_interrupted_run_leaves_no_worker(eager, children, manifest):
    def interrupt(done, total):
        while not children:
            time.sleep(0.001)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        validate_manifest(manifest, workers=2, progress=interrupt)
    assert children
    assert all(child.poll() is not None for child in children)


@needs_signals
def test_a_file_that_goes_away_is_an_input_error(eager, manifest):
    def remove(done, total):
        manifest.unlink(missing_ok=True)

    with pytest.raises(InputError, match=r"big\.manifest: No such file"):
        validate_manifest(manifest, workers=2, progress=remove)


def test_a_script_needs_no_main_guard(tmp_path, manifest):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from manifest_tools.manifests.validation import parallel_scan\n"
        "from manifest_tools.manifests.validation.validate import validate_manifest\n"
        "parallel_scan.SPAN, parallel_scan.WORTH = 50_000, 1\n"
        "print(validate_manifest(sys.argv[1], workers=2).facts['files'][0]['lines'])\n"
    )
    command = [sys.executable, str(script), str(manifest)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "1500\n"


def test_progress_counts_every_byte_once(eager, manifest):
    seen = []
    validate_manifest(manifest, workers=2, progress=lambda done, total: seen.append((done, total)))
    size = manifest.stat().st_size
    assert seen == sorted(seen)
    assert seen[-1] == (size + 1, size)  # the last line is judged with the line break that it lacks
    assert len(seen) > 10


@given(st.lists(st.binary(min_size=1, max_size=400).filter(lambda uri: uri[-1]), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_the_key_of_an_image_does_not_depend_on_its_company(uris):
    keys = keys_of(uris)
    assert keys.tolist() == [int(keys_of([uri])[0]) for uri in uris]
    assert len(set(keys.tolist())) == len(set(uris))
    assert 0 not in keys


@pytest.mark.parametrize(
    "form", ["s3://b/{:04}-2026-{:04}.jpg", "s3://b/{:04}/x/{:04}.jpg", "s3://bucket/{0:04}{1:04}"]
)
def test_names_that_differ_in_two_numbers_have_different_keys(form):
    uris = [form.format(a, b).encode() for a in range(400) for b in range(400)]
    random.Random(1).shuffle(uris)
    assert len(np.unique(keys_of(uris))) == len(uris)
