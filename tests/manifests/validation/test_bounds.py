"""Whatever a manifest holds, judging it takes time and memory in proportion to its bytes."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable

import pytest

from manifest_tools.core.bounded_json import MAX_DEPTH
from manifest_tools.core.errors import InputError
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.convert import convert_manifest
from manifest_tools.manifests.line_reader import MAX_EXPANSION, Source
from manifest_tools.manifests.reading import read_manifest
from manifest_tools.manifests.repair import repair_manifest
from manifest_tools.manifests.validation.parallel_scan import Task
from manifest_tools.manifests.validation.validate import validate_manifest
from manifest_tools.pipeline.check_pair import check_pair
from manifest_tools.pipeline.split import split_manifest

SECONDS = 5.0  # far above what any of these takes, and far below what they took


def line(extra: str, number: int = 0) -> bytes:
    """A sound line of an adapter's manifest with one more member."""
    return (
        f'{{"source-ref": "s3://acme-mod/{number}.jpg", '
        f'"content-moderation-groundtruth": {{"ModerationLabels": []}}, "x": {extra}}}\n'
    ).encode()


def lists(depth: int) -> str:
    return "[" * depth + "]" * depth


def objects(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def mixed(depth: int) -> str:
    """Lists whose items are all different and lists again, so that every choice fails late."""
    return "7" if not depth else f'[{mixed(depth - 1)}, {depth}, "{depth}", {{"a": {mixed(depth - 1)}}}]'


def points(depth: int) -> str:
    return "[1.5, 2.5]" if not depth else "[" + ", ".join([points(depth - 1)] * 6) + "]"


def seconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


@pytest.mark.parametrize(
    "extra", [lists(18), lists(30), lists(100), lists(240), objects(100), objects(240), mixed(9), points(4)]
)
def test_nested_values_are_sound_and_judged_in_linear_time(extra):
    data = b"".join(line(extra, number) for number in range(5))
    assert seconds(lambda: validate_manifest(data)) < SECONDS
    report = validate_manifest(data)
    assert report.passed, [f.message for f in report.findings]
    assert report.facts["files"][0]["lines"] == 5


@pytest.mark.parametrize("nest", [lists, objects])
@pytest.mark.parametrize("depth", [MAX_DEPTH, 300, 500, 1000, 1100, 15_000])
def test_what_is_nested_too_deep_is_a_syntax_problem(tmp_path, nest, depth):
    """One level is the line itself, so a value of MAX_DEPTH levels is one too many."""
    data = line("1", 1) + line(nest(depth), 2) + line("2", 3)
    report = validate_manifest(data)
    assert [(f.code, f.location.line) for f in report.findings if f.severity == "error"] == [
        ("json-syntax", 2)
    ]
    (found,) = [f for f in report.findings if f.code == "json-syntax"]
    assert f"nested more than {MAX_DEPTH} deep" in found.message
    assert validate_manifest(line(nest(MAX_DEPTH - 1))).passed
    converted = convert_manifest(data, tmp_path / "out", kind="image-list")
    assert converted.facts["lines_left_out"] == 1
    assert repair_manifest(data, tmp_path / "fixed").written == 3
    assert len(read_manifest(data).images) == 2


def test_deep_lines_reach_every_command_that_reads_manifests(tmp_path):
    path = tmp_path / "deep.manifest"
    path.write_bytes(b"".join(line(lists(20 * n + 3), n) for n in range(40)))
    report = split_manifest(path, out=tmp_path / "out")
    assert "json-syntax" in {f.code for f in report.findings}
    pair = check_pair(tmp_path / "out" / "train.manifest", tmp_path / "out" / "test.manifest")
    assert "json-syntax" in {f.code for f in pair.findings}


def test_strings_full_of_brackets_are_not_deep():
    assert validate_manifest(line('"' + "[{" * 500 + '"')).passed
    assert validate_manifest(line('"' + '\\"[' * 500 + '"')).passed


@pytest.mark.parametrize(
    "extra",
    [
        "[]",
        "[1]",
        "[1, 2]",
        '[{"a": 1}, {"a": 2}]',
        '[{"a": 1}, {"b": 1}]',
        "[[1], [2, 3]]",
        "[[], [[]]]",
        "[1,2]",
    ],
)
def test_layouts_and_single_lines_agree_on_lists(extra):
    """What the pattern of one line takes for its like is what judging each line in full takes for sound."""
    bad = [
        "[1,]",
        "[,1]",
        "[1 2]",
        "[,]",
        '[{"a": 1, "a": 2}]',
        "[1,, 2]",
        "[[1], ]",
        '{"a": 1,}',
        "[",
        "[[1]",
    ]
    data = b"".join(line(value, number) for number, value in enumerate([extra, *bad, extra, extra]))
    fast, slow = (Task(None, None, Policy(), 1000, layouts=layouts).scanner() for layouts in (True, False))
    for scanner in (fast, slow):
        for block in Source(data).blocks():
            scanner.feed(block)
    assert fast.tally.problems == slow.tally.problems
    assert sum(seen.count for seen in fast.tally.problems.values()) >= len(bad)


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b" \t\r\n"])
def test_millions_of_blank_lines_are_counted_without_a_finding_each(tmp_path, blank):
    data = line("1") + blank * 200_000 + line("2", 2)
    assert seconds(lambda: validate_manifest(data)) < SECONDS
    report = validate_manifest(data, max_findings=5)
    assert report.counts["warning"] == 200_000
    places = [f.location.line for f in report.findings if f.code == "blank-line"]
    assert places == [2, 3, 4, 5, 6]
    assert seconds(lambda: convert_manifest(data, tmp_path / "c", kind="image-list")) < SECONDS
    assert seconds(lambda: repair_manifest(data, tmp_path / "r")) < SECONDS


def test_gzip_that_swells_is_refused_and_gzip_that_does_not_is_read(tmp_path):
    bomb = gzip.compress(b"\n" * 6_000_000)
    for call in (
        validate_manifest,
        lambda data: convert_manifest(data, tmp_path / "c", kind="image-list"),
        lambda data: repair_manifest(data, tmp_path / "r"),
    ):
        with pytest.raises(InputError, match=f"more than {MAX_EXPANSION} times"):
            call(bomb)
    assert not list(tmp_path.iterdir())
    sound = b"".join(line("1", number) for number in range(12_000))
    assert validate_manifest(gzip.compress(sound)).facts["files"][0]["lines"] == 12_000
    small = gzip.compress(b"\n" * 500_000)  # a thousandfold, but small
    assert validate_manifest(small).counts["warning"] >= 500_000


def test_a_line_of_many_flaws_tells_the_first_hundred():
    entries = ", ".join(["{}"] * 2_000)
    data = f'{{"source-ref": "s3://b-b/k", "content-moderation-groundtruth": {{"ModerationLabels": [{entries}]}}}}\n'
    report = validate_manifest(data.encode() * 20)
    assert report.counts["error"] >= 2_000


def test_fixing_a_line_of_many_labels_is_linear(tmp_path):
    entries = ", ".join(f'{{"Name": "Alcohol", "x": {number}}}' for number in range(12_000))
    data = f'{{"source-ref": "s3://b-b/k", "content-moderation-groundtruth": {{"ModerationLabels": [{entries}]}}}}\n'
    assert seconds(lambda: repair_manifest(data.encode(), tmp_path / "out")) < SECONDS
