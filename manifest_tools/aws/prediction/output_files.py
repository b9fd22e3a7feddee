"""What asking leaves behind: a manifest of the answers, and a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from manifest_tools.aws.prediction.canaries import CanaryCheck
from manifest_tools.aws.prediction.question import UNSUITABLE, Answers, Question
from manifest_tools.core.files import replacing
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.manifests.writing import write_lines

MANIFEST, SUMMARY = "predictions.manifest", "predictions-summary.json"


def references_of(dataset: Dataset) -> list[tuple[str, str]]:
    """Return each image with its `source-ref`; without a destination its path, which reading back understands."""
    pairs = zip(dataset.images["image"], source_refs(dataset), strict=True)
    return [(image, reference or image) for image, reference in pairs]


def pictures_by_image(by_key: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the key of the picture that each image shows."""
    return {image: key for key, images in by_key.items() for image in images}


def write_results(
    dataset: Dataset,
    out: Path,
    question: Question,
    by_key: Mapping[str, list[str]],
    answers: Answers,
    *,
    canaries: CanaryCheck | None = None,
) -> None:
    """Write the answers as a `bulk-analysis` manifest, and a summary of what went wrong.

    Parameters
    ----------
    dataset : Dataset
    out : Path
        Folder for ``predictions.manifest`` and ``predictions-summary.json``.
    question, by_key, answers, canaries
        What was asked, the images of each picture, and what came of it.
    """
    key_of = pictures_by_image(by_key)
    references = references_of(dataset)

    def lines() -> Iterator[dict[str, Any]]:
        for image, reference in references:
            answer = answers.found.get(key_of.get(image, ""))
            if answer is not None:
                yield {"source-ref": reference, "detect-moderation-labels": dict(answer)}

    write_lines(out / MANIFEST, lines())
    summary = _summary(question, references, key_of, answers)
    if canaries is not None:
        summary["canaries"] = canaries.to_dict()
    with replacing(out / SUMMARY) as temporary:
        temporary.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2))


def _summary(
    question: Question, references: list[tuple[str, str]], key_of: Mapping[str, str], answers: Answers
) -> dict[str, Any]:
    """Return a summary in the key style of Amazon's own for a bulk analysis."""
    errors = []
    models: Counter[str] = Counter()
    for image, reference in references:
        key = key_of.get(image)
        answer = answers.found.get(key) if key else None
        if answer is not None:
            models[str(answer.get("ModerationModelVersion", "unknown"))] += 1
            continue
        failure = answers.failed.get(key, UNSUITABLE) if key else UNSUITABLE
        errors.append({"source-ref": reference, **asdict(failure)})
    return {
        "version": "1.0",
        "statistics": {
            "total-json-lines": len(references),
            "valid-json-lines": len(references) - len(errors),
            "invalid-json-lines": len(errors),
        },
        "errors": errors,
        "adapter": question.adapter,
        "min-confidence": question.min_confidence,
        "model-versions": dict(sorted(models.items())),
    }
