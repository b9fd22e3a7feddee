"""The fast path (layouts) and the full judgement of every line must never disagree."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.findings.collector import FindingCollector
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.line_reader import Source
from manifest_tools.manifests.validation import judge_line, parallel_scan
from manifest_tools.manifests.validation.file_findings import FileSummary, add_file_findings


def moderation(name="a.jpg", labels=("Alcohol",), **more):
    entries = [{"Name": label} for label in labels]
    return {
        "source-ref": f"s3://acme-mod/{name}",
        "content-moderation-groundtruth": {"ModerationLabels": entries},
        **more,
    }


def multi_label(name="a.jpg", ids=(0, 3), **more):
    classes = ["Alcohol", "Gambling", "Violence", "Tobacco", "x", "y", "z", "v"]
    return {
        "source-ref": f"s3://acme-mod/{name}",
        "unsafe": list(ids),
        "unsafe-metadata": {
            "job-name": "labeling-job/unsafe",
            "class-map": {str(i): classes[i] for i in ids},
            "human-annotated": "yes",
            "creation-date": "2026-01-15T08:31:00.000200",
            "confidence-map": {str(i): round(0.1 * i, 2) for i in ids},
            "type": "groundtruth/image-classification-multilabel",
            **more,
        },
    }


def single_label(name="a.jpg", class_name="beer", attribute="drink"):
    return {
        "source-ref": f"s3://acme-mod/{name}",
        attribute: 1,
        f"{attribute}-metadata": {
            "class-name": class_name,
            "confidence": 0.93,
            "type": "groundtruth/image-classification",
            "job-name": "labeling-job/drink",
            "human-annotated": "yes",
            "creation-date": "2026-01-15T08:30:00.000100",
        },
    }


def answer(*scores, version="7.0"):
    labels = [
        {"Confidence": score, "Name": "Alcohol", "ParentName": "", "TaxonomyLevel": 1} for score in scores
    ]
    return {"ModerationLabels": labels, "ModerationModelVersion": version}


LINES = [
    moderation(),
    moderation("b c%.png", ()),
    moderation("d.jpg", ("Violence", "Weapons", "Violence")),
    moderation("e.jpg", batch="spring"),
    {"source-ref": "s3://acme-mod/f.jpg"},
    {"source-ref": "s3://acme-mod/g.jpg", "batch": {"n": [1, 2.5, None, True], "type": "x"}},
    {"source-ref": "s3://acme-mod/h.jpg", "detect-moderation-labels": answer(88.5, 100)},
    moderation("i.jpg")
    | {"detect-moderation-labels": answer(5.5), "detect-moderation-labels-base-model": answer()},
    multi_label(),
    multi_label("j.jpg", ()),
    multi_label("k.jpg", (1, 0, 2, 5, 6, 7, 4)),
    single_label(),
    single_label("l.jpg", "Bär") | {"lab1": 0, "lab1-metadata": single_label()["drink-metadata"]},
    single_label(attribute="a") | {"b": [0], "b-metadata": multi_label()["unsafe-metadata"]},
    {"source-ref": "s3://acme-mod/m.jpg", "x-metadata": {"type": "groundtruth/custom"}},
]
TEXTS = [json.dumps(line) for line in LINES] + [
    json.dumps(line, separators=(",", ":"), ensure_ascii=False) for line in LINES
]
PIECES = [
    '"',
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "0",
    "1",
    "01",
    "-",
    "e9",
    ".",
    "NaN",
    "null",
    "é",
    "\x00",
    "\x7f",
    "\r",
    "\ufeff",
    "%2",
    "s3://",
    "/",
    "groundtruth/object-detection",
    '"Name"',
    '"0"',
    ', "batch": 1',
    "\\u0041",
    "\\ud800",
    "\\ud83d\\ude00",
    "\\u00e4",
    "\\u0000",
    "\\u2028",
    "\\n",
    "\\/",
    '\\"',
    "\\\\",
    "\\u0025",
    "\\u002",
    "  ",
    "\t",
    "\n",
    ', "Confidence": 7',
]


@st.composite
def mutated(draw, texts):
    """A valid line with a few pieces put in, taken out or replaced."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        gone = draw(st.sampled_from([0, 0, 1, 1, 2, 5]))
        text = text[:place] + draw(st.sampled_from(["", *PIECES])) + text[place + gone :]
    return text


def outcome(data: bytes, *, layouts: bool, kind=None):
    task = parallel_scan.Task(kind, None, Policy(), 1000, layouts)
    source = Source(data)
    tally, size = parallel_scan.scan(source, task)
    collector = FindingCollector()
    add_file_findings(collector, FileSummary(source.name, tally, size, source.mark, kind))
    counts = {
        "kinds": {kind: (seen.count, seen.first) for kind, seen in tally.kinds.items()},
        "extras": {member: (seen.count, seen.first) for member, seen in tally.extras.items()},
        "rest": (tally.buckets, tally.jobs, +tally.labels, tally.lines, tally.per_cent),
        "keys": [key for keys in tally.keys for key in keys.tolist()],
    }
    return list(collector), counts


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_layouts_never_disagree_with_the_full_judgement(data):
    # The clean lines come first, so that their layouts are learnt before the others come.
    clean = data.draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4))
    lines = data.draw(st.lists(mutated(clean), min_size=1, max_size=8))
    newline = data.draw(st.sampled_from(["\n", "\r\n"]))
    content = newline.join([*clean, *lines, *clean]).encode("utf-8", "surrogatepass")
    assert outcome(content, layouts=True) == outcome(content, layouts=False)


@pytest.mark.parametrize("tail", ["x", " ", "}", ",", "\r\r", "\t", '{"source-ref": "s3://acme-mod/z.jpg"}'])
def test_what_follows_a_complete_object_is_not_overlooked(tail):
    content = f"{TEXTS[0]}\n{TEXTS[0]}{tail}\n{TEXTS[8]}\n{TEXTS[8]}{tail}\n".encode()
    assert outcome(content, layouts=True) == outcome(content, layouts=False)


def test_a_string_that_goes_on_in_the_next_line_is_no_string():
    line = TEXTS[3]
    inside = line.index("spring") + 3
    content = f"{line}\n{line[:inside]}\n{line[inside:]}\n{line}\n".encode()
    assert outcome(content, layouts=True) == outcome(content, layouts=False)


def test_most_clean_lines_are_settled_by_layouts(monkeypatch):
    judged = []
    original = judge_line.Judge.line
    monkeypatch.setattr(
        judge_line.Judge, "line", lambda self, data: judged.append(data) or original(self, data)
    )
    escaped = [lambda name: single_label(name, "B\u00e4r"), lambda name: moderation(f"\u00e9/{name}")]
    for make in (moderation, multi_label, single_label, *escaped):
        judged.clear()
        rng = random.Random(1)
        data = "\n".join(json.dumps(make(f"{rng.random()}.jpg")) for _ in range(500)).encode()
        outcome(data, layouts=True)
        assert len(judged) == 1
