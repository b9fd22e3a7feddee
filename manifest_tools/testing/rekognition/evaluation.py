"""The evaluation results file, counted from the lines of a testing output manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TRUTH = "content-moderation-groundtruth"
THRESHOLDS = tuple(float(threshold) for threshold in range(5, 101, 5))


def evaluation_results(
    arn: str, tested: Sequence[Mapping[str, Any]], training_images: int, threshold: float
) -> dict[str, Any]:
    """Return the evaluation results of a test set, in the layout of Amazon's file."""
    names = sorted({label["Name"] for record in tested for label in record[TRUTH]["ModerationLabels"]})
    at_threshold = _counts_at(threshold, tested, names)
    total = at_threshold["AggregatedEvaluationResults"]["Adapter"]
    relevant = 2 * total["TruePositive"] + total["FalsePositive"] + total["FalseNegative"]
    return {
        "AggregatedEvaluationResults": {"F1Score": 2 * total["TruePositive"] / relevant if relevant else 0.0},
        "EvaluationDetails": {
            "EvaluationEndTimestamp": "2026-01-01T00:00:00",
            "Labels": names,
            "NumberOfTestingImages": len(tested),
            "NumberOfTrainingImages": training_images,
            "ProjectVersionArn": arn,
        },
        "ContentModeration": {
            "InputConfidenceThresholdEvalResults": at_threshold,
            "AllConfidenceThresholdsEvalResults": [_counts_at(t, tested, names) for t in THRESHOLDS],
        },
    }


def _counts_at(threshold: float, tested: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    models = {"BaseModel": "detect-moderation-labels-base-model", "Adapter": "detect-moderation-labels"}
    by_label = {
        name: {model: _outcomes(tested, name, key, threshold) for model, key in models.items()}
        for name in names
    }
    kinds = ("TruePositive", "TrueNegative", "FalsePositive", "FalseNegative")
    total = {
        model: {kind: sum(counts[model][kind] for counts in by_label.values()) for kind in kinds}
        for model in models
    }
    return {
        "ConfidenceThreshold": threshold,
        "AggregatedEvaluationResults": total,
        "LabelEvaluationResults": [{"Label": name, **counts} for name, counts in by_label.items()],
    }


def _outcomes(tested: Sequence[Mapping[str, Any]], name: str, key: str, threshold: float) -> dict[str, int]:
    counts = dict.fromkeys(("TruePositive", "TrueNegative", "FalsePositive", "FalseNegative"), 0)
    for record in tested:
        true = any(label["Name"] == name for label in record[TRUTH]["ModerationLabels"])
        said = any(
            label["Name"] == name and label["Confidence"] >= threshold
            for label in record[key]["ModerationLabels"]
        )
        counts[("True" if true == said else "False") + ("Positive" if said else "Negative")] += 1
    return counts
