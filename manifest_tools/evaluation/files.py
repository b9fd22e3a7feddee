"""Amazon's two files about an adapter: the evaluation results, and the test set's output manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from manifest_tools.core import bounded_json
from manifest_tools.core.commit import recover
from manifest_tools.core.errors import InputError
from manifest_tools.core.json_text import parse_json
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.reported_scores import doubt_about_unit
from manifest_tools.evaluation.counts import Counts

TRUTH = "content-moderation-groundtruth"
ADAPTER = "detect-moderation-labels"
BASE = "detect-moderation-labels-base-model"
CONTENT = "content-sha256"  # of the image's bytes, where it is known
TOTAL = ""  # the name under which the sum over the labels goes


@dataclass(frozen=True)
class Judged:
    """One image of a test set. Scores (0-100) are by label, ancestors included; `truth` is None when nobody looked."""

    image: str
    truth: frozenset[str] | None
    base: Mapping[str, float]
    adapter: Mapping[str, float]
    sha256: str = ""  # of its bytes, where the manifest says it


@dataclass(frozen=True)
class Results:
    """Amazon's counts. `at` maps a threshold to the counts of (base model, adapter) by label; TOTAL is the sum."""

    labels: tuple[str, ...] = ()
    test_images: int = 0
    training_images: int = 0
    f1: float | None = None  # as given; how it is averaged is not documented
    threshold: float | None = None
    at: Mapping[float, Mapping[str, tuple[Counts, Counts]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluated:
    """What is known of one adapter: `results`, `judged`, or both."""

    name: str
    results: Results | None = None
    judged: tuple[Judged, ...] = ()
    base_model: str = ""
    adapter_model: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class EvaluationFiles:
    """Both files of one adapter as bytes, as :func:`manifest_tools.aws.fetch_evaluation` gets them."""

    name: str
    results: bytes | None = None
    manifest: bytes | None = None


def read_evaluations(
    sources: Iterable[str | Path | EvaluationFiles], taxonomy: Taxonomy
) -> tuple[Evaluated, ...]:
    """Read result files and output manifests, and put those of one adapter together.

    Raises
    ------
    InputError
        A file is neither of the two, or both kinds are there for different adapters.
    """
    parts: list[Evaluated] = []
    for source in sources:
        if isinstance(source, EvaluationFiles):
            parts += [
                _read(source.name, data, taxonomy, source.name)
                for data in (source.results, source.manifest)
                if data
            ]
        elif str(source).startswith("arn:"):
            raise InputError(
                f"{source} is an adapter: get its files by manifest_tools.aws.fetch_evaluation first."
            )
        else:
            parts.append(_read(str(source), read_bytes(source), taxonomy, ""))
    with_results = [part for part in parts if part.results]
    with_images = [part for part in parts if not part.results]
    if len(with_results) == len(with_images) == 1 and _same_adapter(with_results[0], with_images[0]):
        return (_together(with_results[0], with_images[0]),)
    merged: dict[str, Evaluated] = {}
    for part in parts:
        before = merged.get(part.name)
        if before is not None and (before.results is None) == (part.results is None):
            raise InputError(f"Adapter {part.name} is given twice. Give each adapter's files once.")
        merged[part.name] = part if before is None else _together(before, part)
    if not merged:
        raise InputError("Nothing to evaluate: give evaluation results, output manifests, or adapter ARNs.")
    return tuple(merged.values())


def _same_adapter(results: Evaluated, images: Evaluated) -> bool:
    """Whether two files can be one adapter's: a manifest need not name it."""
    return results.name == images.name or not (
        results.name.startswith("arn:") and images.name.startswith("arn:")
    )


def _together(one: Evaluated, other: Evaluated) -> Evaluated:
    results, images = (one, other) if one.results else (other, one)
    return Evaluated(
        results.name, results.results, images.judged, images.base_model, images.adapter_model, images.notes
    )


def read_bytes(path: str | Path) -> bytes:
    """Return a file's bytes, or raise InputError."""
    recover(Path(path).parent)  # manifests of one run belong together
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def _read(name: str, data: bytes, taxonomy: Taxonomy, adapter: str) -> Evaluated:
    """Tell the two kinds apart by content: a manifest has one JSON object a line."""
    try:
        document = bounded_json.loads(data)
    except ValueError:
        document = None  # no single document: a manifest, whose lines are read strictly
    if isinstance(document, dict) and "source-ref" not in document:
        return _read_results(name, document)
    return read_judged(name, data, taxonomy, adapter=adapter)


def _read_results(name: str, document: Mapping[str, Any]) -> Evaluated:
    try:
        details, moderation = document["EvaluationDetails"], document["ContentModeration"]
        asked = moderation.get("InputConfidenceThresholdEvalResults")
        rows = [*moderation.get("AllConfidenceThresholdsEvalResults", ()), *([asked] if asked else ())]
        results = Results(
            labels=tuple(details.get("Labels", ())),
            test_images=int(details.get("NumberOfTestingImages", 0)),
            training_images=int(details.get("NumberOfTrainingImages", 0)),
            f1=document.get("AggregatedEvaluationResults", {}).get("F1Score"),
            threshold=float(asked["ConfidenceThreshold"]) if asked else None,
            at={float(row["ConfidenceThreshold"]): _counts_by_label(row) for row in rows},
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            f"{name} is not an evaluation results file: {type(error).__name__} at {error}. "
            "It is the file that EvaluationResult.Summary of the adapter points to."
        ) from error
    if not results.at:
        raise InputError(f"{name} holds no counts at any threshold.")
    return Evaluated(details.get("ProjectVersionArn") or name, results)


def _counts_by_label(row: Mapping[str, Any]) -> dict[str, tuple[Counts, Counts]]:
    found = {item["Label"]: _both(item) for item in row.get("LabelEvaluationResults", ())}
    found[TOTAL] = _both(row["AggregatedEvaluationResults"])
    return found


def _both(item: Mapping[str, Any]) -> tuple[Counts, Counts]:
    base, adapter = (
        Counts(
            true_positives=int(counts["TruePositive"]),
            true_negatives=int(counts["TrueNegative"]),
            false_positives=int(counts["FalsePositive"]),
            false_negatives=int(counts["FalseNegative"]),
        )
        for counts in (item["BaseModel"], item["Adapter"])
    )
    return base, adapter


def read_judged(name: str, data: bytes, taxonomy: Taxonomy, *, adapter: str = "") -> Evaluated:
    """Read a manifest in which both models have answered; lines without both answers are passed over.

    Raises
    ------
    InputError
        A line is not JSON, or no line has both answers.
    """
    images: dict[str, Judged] = {}
    names, base_models, adapter_models = set(), set(), set()
    passed_over = repeated = unnamed = 0
    for place, line in lines_of(name, data):
        if not isinstance(line.get(ADAPTER), dict) or not isinstance(line.get(BASE), dict):
            passed_over += 1
            continue
        try:
            judged = _judged(line, taxonomy)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{place}: not a line of an output manifest: {type(error).__name__} at {error}."
            ) from error
        repeated += judged.image in images
        images[judged.image] = judged
        unnamed += not line[ADAPTER].get("ProjectVersion")
        names.add(line[ADAPTER].get("ProjectVersion") or "")
        base_models.add(line[BASE].get("ModerationModelVersion") or "")
        adapter_models.add(line[ADAPTER].get("ModerationModelVersion") or "")
    if not images:
        raise InputError(
            f"No line of {name} has the answers of both models ({ADAPTER} and {BASE}). "
            "The output manifest of the adapter's test set has them."
        )
    _refuse_fractions(name, images.values())
    remarks = (
        (
            unnamed if names != {""} else 0,
            "answers do not name the adapter: the base model may have given them",
        ),
        (repeated, "lines repeat an image; the last one counts"),
        (passed_over, "lines have no answers of both models and are passed over"),
    )
    names.discard("")
    if len(names) > 1:
        raise InputError(f"{name} mixes the answers of {len(names)} adapters: {', '.join(sorted(names))}.")
    return Evaluated(
        adapter or (names.pop() if names else name),
        judged=tuple(images[key] for key in sorted(images)),
        base_model=", ".join(sorted(filter(None, base_models))),
        adapter_model=", ".join(sorted(filter(None, adapter_models))),
        notes=tuple(f"{name}: {count} {text}." for count, text in remarks if count),
    )


def _refuse_fractions(name: str, images: Iterable[Judged]) -> None:
    scores = {score for one in images for said in (one.base, one.adapter) for score in said.values()}
    if doubt_about_unit(np.array(sorted(scores))):
        low = min(score for score in scores if score > 0)
        raise InputError(
            f"{name} has confidences of at most 1, such as {low:g}, that are fractions; the service writes per cent. "
            "Multiply them by 100."
        )


def lines_of(name: str, data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each line of a manifest with its place; InputError for one that is no JSON object."""
    for number, text in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not text.strip():
            continue
        place = f"{name}, line {number}"
        line = parse_json(text, place)
        if not isinstance(line, dict):
            raise InputError(f"{place}: a manifest line is a JSON object.")
        yield place, line


def _judged(line: Mapping[str, Any], taxonomy: Taxonomy) -> Judged:
    truth = line.get(TRUTH)
    return Judged(
        image=str(line["source-ref"]),
        truth=None if truth is None else _true(truth["ModerationLabels"], taxonomy),
        base=_scores(line[BASE]["ModerationLabels"], taxonomy),
        adapter=_scores(line[ADAPTER]["ModerationLabels"], taxonomy),
        sha256=str(line.get(CONTENT) or "").lower(),
    )


def _true(entries: Iterable[Mapping[str, Any]], taxonomy: Taxonomy) -> frozenset[str]:
    """Return the true labels; what is there makes its ancestors be there."""
    names = [entry["Name"] for entry in entries]
    return frozenset(names).union(*(taxonomy.ancestors(name) for name in names if name in taxonomy))


def _scores(entries: Iterable[Mapping[str, Any]], taxonomy: Taxonomy) -> dict[str, float]:
    """Return the score of each reported label; an ancestor's is at least that of its descendants."""
    scores: dict[str, float] = {}
    for entry in entries:
        name, parent, score = entry["Name"], entry.get("ParentName") or "", float(entry["Confidence"])
        above = taxonomy.ancestors(name) if name in taxonomy else filter(None, [parent])
        for label in (name, *above):
            scores[label] = max(score, scores.get(label, 0.0))
    return scores
