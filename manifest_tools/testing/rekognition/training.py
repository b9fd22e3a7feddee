"""What the local Rekognition does with a training: reads the manifests, and writes the files that Amazon writes.

Nothing is learnt. The adapter remembers the truth of most of the pictures that it was given, so that the
evaluation shows improvement, and answers like the base model on every other picture.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from manifest_tools.storage.uris import parts_of
from manifest_tools.testing.rekognition.answers import (
    IMAGE_SIGNATURES,
    Answer,
    Picture,
    moderation_labels,
)
from manifest_tools.testing.rekognition.evaluation import TRUTH, evaluation_results

LOWEST_CONFIDENCE = 5.0
_INVALID_SHARE = 0.2  # above it a training fails
_UNREADABLE = "The manifest file extension or contents are invalid."
_EMPTY = "The manifest file is empty."
_TOO_MANY = "The manifest file has too many invalid rows."
_UNWRITABLE = "Unable to write to output S3 bucket."


class Bucket(Protocol):
    """Reading and writing objects of one bucket."""

    def read(self, key: str) -> bytes | None:
        """Return an object's bytes, or None when there is none."""
        ...

    def write(self, key: str, content: bytes) -> bool:
        """Write an object; False when it cannot be written."""
        ...


@dataclass
class Trained:
    """How a training ended. `outputs` holds the members of its description that name files."""

    failure: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    truth: dict[str, frozenset[str]] = field(default_factory=dict)  # by the picture's SHA-256

    def recall(self, picture: Picture) -> dict[str, float] | None:
        """Answer from memory: the truth for three pictures in four, nothing at all for one in forty."""
        truth = self.truth.get(picture.sha256)
        dice = int(picture.sha256[:2], 16)
        if truth is None or 192 <= dice < 250:
            return None
        return dict.fromkeys(sorted(truth), 86.0 + dice / 20) if dice < 192 else {}


@dataclass(frozen=True)
class _Line:
    """One line of a manifest: read, or with the error that Amazon would put to it."""

    record: dict[str, Any]
    content: bytes = b""
    error: str = ""

    @property
    def truth(self) -> frozenset[str]:
        return frozenset(label["Name"] for label in self.record[TRUTH]["ModerationLabels"])

    def validated(self) -> dict[str, Any]:
        """Return the line as it stands in a validation manifest."""
        errors = [{"code": self.error, "message": f"{self.error} (local)"}]
        return {**self.record, "errors": errors} if self.error else self.record


class _FailedError(Exception):
    """The training ends here, with this message for whoever asks."""


@dataclass(frozen=True)
class Training:
    """One training, from what `CreateProjectVersion` was given."""

    arn: str
    request: Mapping[str, Any]
    base_model: str
    answer: Answer
    bucket: Callable[[str], Bucket] | None
    summary_style: str

    def run(self) -> Trained:
        """Carry it out."""
        if self.bucket is None:
            return Trained()
        try:
            return self._train(self.bucket)
        except _FailedError as error:
            return Trained(failure=str(error))

    def _train(self, bucket: Callable[[str], Bucket]) -> Trained:
        sets = self._read(bucket)
        place = self.request["OutputConfig"]
        prefix = f"{place['S3KeyPrefix'].rstrip('/')}/{self.request['VersionName']}"
        write = _Writer(bucket(place["S3Bucket"]), place["S3Bucket"], prefix)
        failed = [name for name, lines in sets.items() if _share_of_errors(lines) > _INVALID_SHARE]
        summary = write.document("manifest_summary.json", _summary(sets, failed, self.summary_style))
        outputs: dict[str, Any] = {"summary": summary}
        for name, lines in sets.items():
            asset = write.lines(f"{name}_manifest_with_validation.json", (line.validated() for line in lines))
            outputs[name] = {"Validation": {"Assets": [asset]}}
        if failed:
            return Trained(_TOO_MANY, outputs)
        return self._evaluate(sets, outputs, write)

    def _read(self, bucket: Callable[[str], Bucket]) -> dict[str, list[_Line]]:
        training = _read_lines(self.request["TrainingData"]["Assets"], bucket)
        if self.request["TestingData"].get("AutoCreate"):
            sets = {"training": [line for i, line in enumerate(training) if i % 5], "testing": training[::5]}
        else:
            sets = {
                "training": training,
                "testing": _read_lines(self.request["TestingData"]["Assets"], bucket),
            }
        if not all(sets.values()):
            raise _FailedError(_EMPTY)
        return sets

    def _evaluate(
        self, sets: Mapping[str, Sequence[_Line]], outputs: dict[str, Any], write: _Writer
    ) -> Trained:
        usable = {name: [line for line in lines if not line.error] for name, lines in sets.items()}
        lines = [line for side in usable.values() for line in side]
        truth = {hashlib.sha256(line.content).hexdigest(): line.truth for line in lines}
        trained = Trained(outputs=outputs, truth=truth)
        tested = [self._tested(line, trained) for line in usable["testing"]]
        records = {"training": [line.record for line in usable["training"]], "testing": tested}
        for name in sets:
            outputs[name]["Output"] = {"Assets": [write.lines(f"{name}_output.manifest", records[name])]}
        moderation = self.request.get("FeatureConfig", {}).get("ContentModeration", {})
        threshold = moderation.get("ConfidenceThreshold", 50.0)
        result = evaluation_results(self.arn, tested, len(usable["training"]), threshold)
        f1 = result["AggregatedEvaluationResults"]["F1Score"]
        outputs["evaluation"] = {"F1Score": f1, "Summary": write.document("evaluation_results.json", result)}
        return trained

    def _tested(self, line: _Line, trained: Trained) -> dict[str, Any]:
        """Return a line of the testing output manifest: what the adapter and the base model say."""
        picture = Picture(line.content, line.record["source-ref"], self.arn)
        learnt = trained.recall(picture)
        adapter = learnt if learnt is not None else self.answer(picture)
        base = self.answer(replace(picture, adapter=""))
        return {
            **line.record,
            "detect-moderation-labels": {**_predicted(adapter, self.base_model), "ProjectVersion": self.arn},
            "detect-moderation-labels-base-model": _predicted(base, self.base_model),
        }


@dataclass(frozen=True)
class _Writer:
    bucket: Bucket
    name: str
    prefix: str

    def lines(self, name: str, records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Write JSON Lines and return the asset that names them."""
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        return {"GroundTruthManifest": self._write(name, text)}

    def document(self, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
        """Write one JSON document and return its place."""
        return self._write(name, json.dumps(value, indent=1))

    def _write(self, name: str, text: str) -> dict[str, Any]:
        key = f"{self.prefix}/{name}"
        if not self.bucket.write(key, text.encode()):
            raise _FailedError(_UNWRITABLE)
        return {"S3Object": {"Bucket": self.name, "Name": key}}


def _read_lines(assets: Sequence[Mapping[str, Any]], bucket: Callable[[str], Bucket]) -> list[_Line]:
    lines: list[_Line] = []
    for asset in assets:
        place = asset["GroundTruthManifest"]["S3Object"]
        content = bucket(place["Bucket"]).read(place["Name"])
        if content is None:
            raise _FailedError(_UNREADABLE)
        lines += [_read_line(raw, bucket) for raw in content.splitlines() if raw.strip()]
    return lines


def _read_line(raw: bytes, bucket: Callable[[str], Bucket]) -> _Line:
    try:
        record = json.loads(raw)
        json.dumps(record, ensure_ascii=False, allow_nan=False).encode()  # it is written again in the results
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return _Line({}, error="ERROR_INVALID_JSON_LINE")
    error = _error_of(record)
    if error:
        return _Line(record, error=error)
    name, key = parts_of(record["source-ref"])
    content = bucket(name).read(key)
    if content is None or not content.startswith(IMAGE_SIGNATURES):
        return _Line(record, error="ERROR_INVALID_IMAGE")
    return _Line(record, content)


def _error_of(record: Mapping[str, Any]) -> str:
    """Return Amazon's code for what is wrong with the form of a line, or ``""``."""
    uri = record.get("source-ref")
    if not isinstance(uri, str):
        return "ERROR_MISSING_SOURCE_REF"
    if not re.fullmatch("s3://[^/]+/.+", uri, re.DOTALL):
        return "ERROR_INVALID_SOURCE_REF_FORMAT"
    if TRUTH not in record:
        return "ERROR_NO_LABEL_ATTRIBUTES"
    labels = record[TRUTH].get("ModerationLabels") if isinstance(record[TRUTH], dict) else None
    named = isinstance(labels, list) and all(
        isinstance(label, dict) and isinstance(label.get("Name"), str) for label in labels
    )
    return "" if named else "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"


def _share_of_errors(lines: Sequence[_Line]) -> float:
    return sum(bool(line.error) for line in lines) / len(lines)


def _summary(sets: Mapping[str, Sequence[_Line]], failed: Sequence[str], style: str) -> dict[str, Any]:
    statistics = {}
    for name, lines in sets.items():
        wrong = [number for number, line in enumerate(lines, start=1) if line.error]
        too_many = [{"code": "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST", "message": _TOO_MANY}]
        statistics[name] = {
            "use_case": "NOT_DETERMINED",
            "total_json_lines": len(lines),
            "valid_json_lines": len(lines) - len(wrong),
            "invalid_json_lines": len(wrong),
            "ignored_json_lines": 0,
            "error_json_line_indices": wrong,
            "errors": too_many if name in failed else [],
        }
    document: dict[str, Any] = {"statistics": statistics, "errors": []}
    return document if style == "_" else _hyphenated(document)


def _hyphenated(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.replace("_", "-"): _hyphenated(item) for key, item in value.items()}
    return [_hyphenated(item) for item in value] if isinstance(value, list) else value


def _predicted(seen: Mapping[str, float], base_model: str) -> dict[str, Any]:
    labels = [
        {name: label[name] for name in ("Confidence", "Name", "ParentName")}
        for label in moderation_labels(seen, LOWEST_CONFIDENCE)
    ]
    return {"ModerationLabels": labels, "ModerationModelVersion": base_model}
