"""Streaming, limits, several files, workers, and whatever bytes there are."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import subprocess
import sys

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.core.errors import InputError
from manifest_tools.core.resources import load_json
from manifest_tools.findings.findings import Report, Severity
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests import line_reader
from manifest_tools.manifests.validation import file_findings, parallel_scan, scan
from manifest_tools.manifests.validation.validate import validate_manifest

REPORT = jsonschema.Draft202012Validator(load_json("report.schema.json"))


def line(name, *labels, **more):
    truth = {"ModerationLabels": [{"Name": label} for label in labels]}
    return json.dumps(
        {"source-ref": f"s3://acme-mod/{name}", "content-moderation-groundtruth": truth, **more}
    )


def codes(report):
    return {(code.code, code.count) for code in report.codes}


def places(report, code):
    return [
        (f.location.file, f.location.line, f.data.get("variant")) for f in report.findings if f.code == code
    ]


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_bytes_give_a_report(data):
    if data.startswith(b"\x1f\x8b"):  # gzip, and not whole
        with pytest.raises(InputError, match="gzip"):
            validate_manifest(data)
        return
    report = validate_manifest(data)
    assert isinstance(report, Report)
    REPORT.validate(json.loads(json.dumps(report.to_dict())))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "source-ref",
                    "content-moderation-groundtruth",
                    "ModerationLabels",
                    "Name",
                    "a",
                    "a-metadata",
                    "type",
                    "class-map",
                    "detect-moderation-labels",
                    "failure-reason",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    JSON,
    st.sampled_from(["auto", "moderation", "multi-label", "bulk-analysis", "image-list", "object-detection"]),
)
@settings(max_examples=80, deadline=None)
def test_any_json_gives_a_report(value, kind):
    report = validate_manifest(json.dumps(value).encode(), kind=kind)
    assert report.passed or report.counts["error"] > 0


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [1, 7, 100, 1 << 20])
def test_line_numbers_do_not_depend_on_how_the_bytes_arrive(newline, size):
    lines = [line(f"{i}.jpg").encode() if i % 5 else b"{broken" for i in range(40)]
    data = newline.join(lines)
    pieces = (data[i : i + size] for i in range(0, len(data), size))
    found = [
        (block.first + position, text.removesuffix(b"\r"))
        for block in line_reader.cut(pieces)
        for position, text in enumerate(block.data[:-1].split(b"\n"))
    ]
    assert found == list(enumerate(lines, 1))


@pytest.mark.skipif(os.name == "nt", reason="no named pipes")
def test_a_pipe_is_refused_with_the_way_that_works(tmp_path):
    os.mkfifo(pipe := tmp_path / "pipe")
    held = os.open(pipe, os.O_RDWR)  # a writer, for which whoever opens the pipe would wait
    os.write(held, line("a.jpg").encode())
    try:
        with pytest.raises(InputError, match="give a file, or '-' and the pipe as standard input"):
            validate_manifest(pipe)
    finally:
        os.close(held)


def test_gzip_and_standard_input_and_utf_16(tmp_path, monkeypatch):
    text = line("a.jpg", "Alcohol") + "\n" + line("a.jpg", "Alcohol") + "\n"
    plain = tmp_path / "plain.manifest"
    plain.write_text(text)
    packed = tmp_path / "packed.manifest"
    packed.write_bytes(gzip.compress(text.encode()))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    reports = [validate_manifest(place) for place in (plain, packed, "-")]
    assert [codes(report) for report in reports] == [{("duplicate-source-ref", 1)}] * 3
    assert places(validate_manifest(text.encode("utf-16")), "duplicate-source-ref") == [("<bytes>", 2, None)]


def test_damaged_gzip_and_missing_file(tmp_path):
    packed = tmp_path / "cut.manifest"
    packed.write_bytes(gzip.compress(line("a.jpg").encode() * 1000)[:60])
    with pytest.raises(InputError, match="gzip"):
        validate_manifest(packed)
    with pytest.raises(InputError, match="nowhere"):
        validate_manifest(tmp_path / "nowhere.manifest")
    with pytest.raises(InputError, match="unknown manifest kind"):
        validate_manifest(packed, kind="moderashun")


def test_a_long_line_is_passed_over_and_the_rest_judged():
    long = b'{"source-ref": "s3://acme-mod/' + b"x" * 3_000_000 + b'"}'
    data = b"\n".join([line("a.jpg").encode(), long, b"{broken", line("b.jpg").encode(), long])
    report = validate_manifest(data)
    assert places(report, "line-too-long") == [("<bytes>", 2, None), ("<bytes>", 5, None)]
    assert places(report, "json-syntax") == [("<bytes>", 3, None)]
    assert report.facts["files"][0]["lines"] == 5


def test_a_line_at_the_limit_is_accepted_in_characters_not_bytes():
    room = 100_000 - len(line("a.jpg", x=""))
    assert validate_manifest(line("a.jpg", x="é" * 10).replace("\\u00e9", "é" * 1000).encode()).passed
    at_limit, over = line("a.jpg", x="y" * room), line("b.jpg", x="y" * (room + 1))
    report = validate_manifest("\n".join([line("0.jpg", x=""), at_limit, over]).encode())
    assert places(report, "line-too-long") == [("<bytes>", 3, None)]


def test_findings_are_bounded_and_counts_exact():
    data = "\n".join(line(f"{i}.jpg", "Alchohol", "Weapons") for i in range(500)).encode()
    report = validate_manifest(data, max_findings=3)
    assert codes(report) == {("label-unknown", 500), ("label-level", 500)}
    assert [f.location.line for f in report.findings if f.code == "label-unknown"] == [1, 2, 3]
    assert len(report.findings) == 6


def test_policy_and_taxonomy_decide(tmp_path):
    data = line("a.jpg", "Weapons").encode()
    assert codes(validate_manifest(data, policy=Policy(label_level="all"))) == set()
    strict = Policy(severities={"label-level": Severity.ERROR})
    assert not validate_manifest(data, policy=strict).passed
    old = line("a.jpg", "Explicit Nudity").encode()
    assert codes(validate_manifest(old, taxonomy="6.1")) == set()


def test_classes_of_jobs_are_free_unless_a_taxonomy_is_named():
    job = {"class-name": "beer", "type": "groundtruth/image-classification"}
    data = json.dumps({"source-ref": "s3://acme-mod/a.jpg", "drink": 1, "drink-metadata": job}).encode()
    assert validate_manifest(data).findings == ()
    assert codes(validate_manifest(data, taxonomy="7")) == {("label-unknown", 1)}


def test_files_given_together_are_compared(tmp_path):
    train, test = tmp_path / "train.manifest", tmp_path / "test.manifest"
    train.write_text("\n".join([line("a.jpg", "Alcohol"), line("b.jpg"), line("c.jpg")]))
    test.write_text("\n".join([line("d.jpg"), line("b.jpg", "Violence"), line("a.jpg", "Alcohol")]))
    report = validate_manifest(train, test)
    assert places(report, "duplicate-source-ref") == [
        (str(test), 2, "across-files-differ"),
        (str(test), 3, "across-files"),
    ]
    assert not report.passed


def test_images_that_share_a_key_are_told_apart(monkeypatch):
    monkeypatch.setattr(scan, "keys_of", lambda uris: np.array([len(uri) for uri in uris]))
    data = "\n".join(line(name) for name in ("a.jpg", "b.jpg", "cc.jpg", "a.jpg", "dd.jpg")).encode()
    assert places(validate_manifest(data), "duplicate-source-ref") == [("<bytes>", 4, None)]


def test_many_repeats_are_counted_exactly(monkeypatch):
    monkeypatch.setattr("manifest_tools.manifests.validation.repeats._ROUND", 7)
    monkeypatch.setattr("manifest_tools.manifests.validation.repeats._BATCH", 3)
    names = [f"{i % 50}.jpg" for i in range(170)]
    report = validate_manifest("\n".join(map(line, names)).encode(), max_findings=5)
    assert codes(report) == {("duplicate-source-ref", 120)}
    assert [f.location.line for f in report.findings] == [51, 52, 53, 54, 55]


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_do_not_change_the_report(tmp_path, monkeypatch, workers):
    rng = random.Random(7)
    makers = [
        lambda i: line(f"{i}.jpg", "Alcohol"),
        lambda i: line(f"{i % 40}.jpg", "Violence"),
        lambda i: line(f"{i}.jpg", "Alchohol"),
        lambda i: line(f"{i}.jpg", batch="x"),
        lambda i: '{"source-ref": "s3://other/x%20' + str(i) + '.jpg"}',
        "{{broken {}".format,
        " ".format,
    ]
    path = tmp_path / "big.manifest"
    path.write_bytes(
        b"\xef\xbb\xbf"
        + "\n".join(rng.choices(makers, [50, 5, 1, 1, 1, 1, 1])[0](i) for i in range(4000)).encode()
    )
    alone = validate_manifest(path, max_findings=20)
    monkeypatch.setattr(parallel_scan, "SPAN", 10_000)
    monkeypatch.setattr(parallel_scan, "WORTH", 1)
    assert validate_manifest(path, max_findings=20, workers=workers) == alone
    assert len(alone.findings) > 100


def test_limits_of_files(monkeypatch):
    monkeypatch.setattr(file_findings, "MAX_LINES", 2)
    monkeypatch.setattr(file_findings, "MAX_BYTES", 200)
    report = validate_manifest("\n".join(line(f"{i}.jpg") for i in range(3)).encode())
    assert codes(report) == {("manifest-too-many-lines", 1), ("manifest-too-large", 1)}
    assert report.passed


def test_a_wanted_kind_is_held_against_every_line():
    job = {"class-name": "beer", "type": "groundtruth/image-classification"}
    other = json.dumps({"source-ref": "s3://acme-mod/b.jpg", "drink": 1, "drink-metadata": job})
    data = "\n".join([other, line("a.jpg"), '{"source-ref": "s3://acme-mod/c.jpg"}']).encode()
    report = validate_manifest(data, kind="moderation")
    assert places(report, "manifest-kind") == [("<bytes>", 1, None)]
    assert places(report, "schema") == [("<bytes>", 3, None)]
    assert validate_manifest(data, kind="image-list").passed


def test_the_report_tells_what_the_files_are():
    data = "\n".join([line("a.jpg", "Alcohol"), line("b.jpg", "Alcohol", "Violence"), line("c.jpg")]).encode()
    (file,) = validate_manifest(data).facts["files"]
    assert file["labels"] == {"Alcohol": 2, "Violence": 1}
    assert file["buckets"] == {"acme-mod": 3}
    assert (file["kind"], file["lines"]) == ("moderation", 3)


@pytest.mark.slow
def test_memory_stays_bounded(tmp_path):
    path = tmp_path / "long.manifest"
    with path.open("wb") as file:  # a line of 100 MB, then many lines
        for _ in range(100):
            file.write(b"[" * 1_000_000)
        file.write(b"\n")
        for i in range(200_000):
            file.write(line(f"{i}.jpg", "Alcohol").encode() + b"\n")
    program = (
        "import resource, sys\n"
        "from manifest_tools.manifests.validation.validate import validate_manifest\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "report = validate_manifest(sys.argv[1])\n"
        "assert report.facts['files'][0]['lines'] == 200_001\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    grown = int(
        subprocess.run(
            [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
        ).stdout
    )
    assert grown < 60  # MB
