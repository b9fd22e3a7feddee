from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

ARN = "arn:aws:rekognition:us-east-1:111122223333:project/bar/version/v3/1730000000001"
OTHER_ARN = ARN.replace("v3", "v4")


def line(
    image: str,
    truth: Sequence[str] | None,
    base: Mapping[str, float],
    adapter: Mapping[str, float],
    *,
    arn: str | None = ARN,
) -> dict[str, Any]:
    """One line of an output manifest."""
    answers = {"detect-moderation-labels": adapter, "detect-moderation-labels-base-model": base}
    made: dict[str, Any] = {"source-ref": f"s3://acme-mod/{image}"}
    if truth is not None:
        made["content-moderation-groundtruth"] = {"ModerationLabels": [{"Name": name} for name in truth]}
    for key, scores in answers.items():
        labels = [{"Confidence": score, "Name": name, "ParentName": ""} for name, score in scores.items()]
        made[key] = {"ModerationLabels": labels, "ModerationModelVersion": "7.0"}
    if arn:
        made["detect-moderation-labels"]["ProjectVersion"] = arn
    return made


def manifest(lines: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in lines)


def counts(tp: int, tn: int, fp: int, fn: int) -> dict[str, int]:
    return {"TruePositive": tp, "TrueNegative": tn, "FalsePositive": fp, "FalseNegative": fn}


def results(
    base: dict[str, int],
    adapter: dict[str, int],
    *,
    arn: str = ARN,
    images: int = 60,
    threshold: float = 50.0,
) -> bytes:
    """An evaluation results file with one label."""

    def row(at: float) -> dict[str, Any]:
        both = {"BaseModel": base, "Adapter": adapter}
        return {
            "ConfidenceThreshold": at,
            "AggregatedEvaluationResults": both,
            "LabelEvaluationResults": [{"Label": "Alcohol", **both}],
        }

    document = {
        "AggregatedEvaluationResults": {"F1Score": 0.92},
        "EvaluationDetails": {
            "EvaluationEndTimestamp": "2026-02-03T10:11:12",
            "Labels": ["Alcohol"],
            "NumberOfTestingImages": images,
            "NumberOfTrainingImages": 240,
            "ProjectVersionArn": arn,
        },
        "ContentModeration": {
            "InputConfidenceThresholdEvalResults": row(threshold),
            "AllConfidenceThresholdsEvalResults": [row(at) for at in (5.0, 50.0, 95.0)],
        },
    }
    return json.dumps(document).encode()


def alcohol_lines(*, found: int = 11, missed: int = 4, arn: str = ARN) -> list[dict[str, Any]]:
    """The base model misses every beer; the adapter finds some. Ten pictures show none, which both see."""
    return [
        *(
            line(f"found-{i}.jpg", ["Alcohol"], {"Alcohol": 20.0}, {"Alcohol": 90.0}, arn=arn)
            for i in range(found)
        ),
        *(
            line(f"missed-{i}.jpg", ["Alcohol"], {"Alcohol": 20.0}, {"Alcohol": 30.0}, arn=arn)
            for i in range(missed)
        ),
        *(line(f"clean-{i}.jpg", [], {}, {}, arn=arn) for i in range(10)),
    ]
