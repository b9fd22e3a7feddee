"""Fractions where the service writes per cent: found in whole files and among others; small confidences are let be."""

from __future__ import annotations

import json

import pytest

from manifest_tools.manifests.validation.validate import validate_manifest

KINDS = ("bulk-analysis", "moderation-output")


def answer(scores):
    labels = [{"Confidence": score, "Name": "Alcohol", "ParentName": ""} for score in scores]
    return {"ModerationLabels": labels, "ModerationModelVersion": "7.0", "ContentTypes": []}


def manifest(kind, lines):
    texts = []
    for number, scores in enumerate(lines):
        line = {"source-ref": f"s3://bucket/{number}.jpg"}
        if kind == "moderation-output":
            line["content-moderation-groundtruth"] = {"ModerationLabels": [{"Name": "Alcohol"}]}
            line["detect-moderation-labels-base-model"] = answer(scores)
        line["detect-moderation-labels"] = answer(scores)
        texts.append(json.dumps(line) + "\n")
    return "".join(texts).encode()


def unit(data, **options):
    report = validate_manifest(data, **options)
    found = [item for item in report.findings if item.code == "confidence-unit"]
    assert len(found) <= 1
    if not found:
        return None
    return (
        str(found[0].severity),
        found[0].data.get("variant"),
        found[0].location.line,
        found[0].data["count"],
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_of_fractions(kind):
    lines = [[], [0.93], [0.999, 0.5], [1.0], [0.0]] * 20
    assert unit(manifest(kind, lines)) == ("error", None, 2, 60)
    assert not validate_manifest(manifest(kind, lines)).passed


@pytest.mark.parametrize(
    ("kind", "severity", "variant"), [(KINDS[0], "warning", "mixed"), (KINDS[1], "error", "output")]
)
@pytest.mark.parametrize("at", [0, 250])
def test_fractions_among_others(kind, severity, variant, at):
    lines = [[93.5], [55.25, 70.0]] * 200
    lines[at] = [0.93]
    assert unit(manifest(kind, lines)) == (severity, variant, at + 1, 1)


@pytest.mark.parametrize(
    "lines",
    [
        [[93.5], []],
        [[], []],
        [[1.5], [99.0]],
        [[55.0, 0.9], [99.0]],  # the model reported from so low: its highest is per cent
        [[0.4], [3.2, 0.2], [99.0]],  # others come near it
        [[0.0], [99.0]],
    ],
)
def test_small_confidences_that_are_per_cent(lines):
    assert unit(manifest("bulk-analysis", lines * 30)) is None


def test_content_types_and_labelling_jobs_have_units_of_their_own():
    job = {"class-name": "Alcohol", "confidence": 0.93, "type": "groundtruth/image-classification",
           "human-annotated": "yes", "creation-date": "2026-01-15T08:30:00"}  # fmt: skip
    line = {"source-ref": "s3://bucket/a.jpg", "what": 1, "what-metadata": job}
    assert unit((json.dumps(line) + "\n").encode()) is None
