"""Why a training failed: Amazon's result files, traced back to local files, lines and images."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Self

from manifest_tools.core.errors import RemoteError
from manifest_tools.core.output_folder import manifests_in
from manifest_tools.core.resources import load_json
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding, sort_key
from manifest_tools.storage.storage import S3Storage

_ERRORS, _WARNINGS = ("errors", "cl-errors"), ("warnings",)
_INDICES = ("error_json_line_indices", "error_line_indices")
_ERROR_FILE = "validation_errors.jsonl"
_MOST_RESULTS = 10_000  # objects at the output place that are looked through
_LINE_NUMBERS = ("line_number", "line_numer")  # the second is how one page prints it
_NO_ADVICE = "Repair the line, or leave the image out."
_NO_ADVICE_AT_ALL = "Repair what Amazon's message and the findings about lines name."


@dataclass(frozen=True)
class _Lines:
    """Local manifests that were one to Amazon: where each `source-ref` stands in them, and the image behind it.

    `copied` says that Amazon's files have the same lines at the same numbers; `places` are those of all lines.
    """

    path: Path  # of the first
    copied: bool
    places: list[tuple[str, int]] = field(default_factory=list)
    place_of: dict[str, tuple[str, int]] = field(default_factory=dict)
    image_of: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, paths: Sequence[Path], image_of: Mapping[str, str], *, copied: bool) -> Self:
        lines = cls(paths[0], copied, image_of=image_of)
        for path in paths:
            content = path.read_bytes() if path.is_file() else b""
            for number, raw in enumerate(content.removesuffix(b"\n").split(b"\n"), 1):
                lines.places.append((str(path), number))
                reference = _json_object(raw).get("source-ref")
                if isinstance(reference, str):
                    lines.place_of.setdefault(reference, lines.places[-1])
        return lines

    def place(self, reference: object, number: int | None) -> dict[str, Any]:
        """Return the place of a line, by its `source-ref`, or else by its number in Amazon's copy."""
        name = reference if isinstance(reference, str) else ""
        file, line = self.place_of.get(name) or self._numbered(number if self.copied else None)
        return {"file": file, "line": line, "image": self.image_of.get(name, name) or None}

    def _numbered(self, number: int | None) -> tuple[str, int | None]:
        if number is None or not 0 < number <= len(self.places):
            return str(self.path), number
        return self.places[number - 1]


def trace_failure(
    description: Mapping[str, Any], folder: str | Path, *, client: Any, auto_split: bool = False
) -> tuple[Finding, ...]:
    """Turn what Amazon left of a failed training into findings with local places.

    The layout of these files is not documented for adapters, so that of both documented neighbours is read:
    keys with underscores or hyphens, errors on the line or inside its attributes.

    Parameters
    ----------
    description : mapping
        The adapter, as `DescribeProjectVersions` words it.
    folder : path
        The DIR that was trained from.
    client : boto3 S3 client
    auto_split : bool
        Amazon took the test set from the training manifest.

    Returns
    -------
    tuple of Finding
        Sorted; at least the one about the training as a whole. Files that cannot be read are passed over.
    """
    folder = Path(folder)
    dataset = Dataset.load(folder)
    image_of = dict(zip(source_refs(dataset), dataset.images["image"], strict=True))
    reason = str(description.get("StatusMessage") or "no reason given").rstrip(".")
    findings = [finding("training-failed", reason=reason, advice=_advice(message=reason))]
    summary = _underscored(_json_object(_read(client, description.get("ManifestSummary", {}))))
    training, *testing = (folder / name for name in manifests_in(folder))
    findings += _about_both(summary, _Lines.read([training], image_of, copied=not auto_split))
    for side, paths in (("training", [training]), ("testing", [training] if auto_split else testing)):
        lines = _Lines.read(paths, image_of, copied=not auto_split)
        statistics = _part(_part(summary, "statistics"), side)
        findings += [_set_finding(error, str(lines.path)) for error in _entries(statistics, "errors")]
        validation = description.get(f"{side.title()}DataResult", {}).get("Validation", {})
        about_lines = [
            found
            for asset in validation.get("Assets", ())
            for found in _about_lines(_read(client, asset.get("GroundTruthManifest", {})), lines)
        ]
        findings += about_lines
        if not auto_split:
            told = {(found.location.file, found.location.line) for found in about_lines}
            findings += _only_numbered(statistics, lines, told)
    sides = [_Lines.read(paths, image_of, copied=False) for paths in ([training], testing)]
    findings += _by_output_place(client, description.get("OutputConfig", {}), sides)
    return tuple(sorted(findings, key=sort_key))


def _by_output_place(client: Any, output: Mapping[str, Any], sides: Sequence[_Lines]) -> Iterator[Finding]:
    """Yield what stands in files of errors at the output place, where a neighbouring service leaves them."""
    bucket, prefix = output.get("S3Bucket"), str(output.get("S3KeyPrefix") or "").rstrip("/")
    if not bucket:
        return
    storage = S3Storage(client, bucket)
    try:
        files = islice(storage.list(f"{prefix}/" if prefix else ""), _MOST_RESULTS)
        found = [item.key for item in files if item.key.rpartition("/")[2] == _ERROR_FILE]
        contents = [storage.get(key) for key in found]
    except RemoteError:
        return
    for content in contents:
        for raw in content.split(b"\n"):
            record = _json_object(raw)
            reference = record.get("source-ref")
            known = isinstance(reference, str)
            lines = next((side for side in sides if known and reference in side.place_of), sides[0])
            told = [*_remarks(record)] or [(record, True)] * ("code" in record or "message" in record)
            for remark, severe in told:
                yield _line_finding(
                    remark, lines.place(reference, None), variant="line" if severe else "line-used"
                )


def _about_both(summary: Mapping[str, Any], lines: _Lines) -> Iterator[Finding]:
    """Yield the errors at the top of a summary: of the sets together, or, as in a bulk analysis, of lines."""
    for error in _entries(summary, "errors"):
        number = next((error[name] for name in _LINE_NUMBERS if isinstance(error.get(name), int)), None)
        reference = error.get("source_ref")
        if number is None and reference is None:
            yield _set_finding(error, None)
        else:
            yield _line_finding(error, lines.place(reference, number))


def _about_lines(content: bytes, lines: _Lines) -> Iterator[Finding]:
    """Yield the errors and warnings of a validation manifest."""
    for number, raw in enumerate(content.split(b"\n"), 1):
        record = _json_object(raw)
        place = lines.place(record.get("source-ref"), number)
        for remark, severe in _remarks(record):
            yield _line_finding(remark, place, variant="line" if severe else "line-used")


def _only_numbered(
    statistics: Mapping[str, Any], lines: _Lines, told: set[tuple[str | None, int | None]]
) -> Iterator[Finding]:
    """Yield the lines that the summary names by number alone. They count from 1, as far as examples show."""
    numbers: list[Any] = next(
        (statistics[name] for name in _INDICES if isinstance(statistics.get(name), list)), []
    )
    for number in numbers:
        if not isinstance(number, int):
            continue
        place = lines.place(None, number)
        if (place["file"], place["line"]) not in told:
            yield _line_finding({"message": "named as invalid in the summary"}, place)


def _remarks(value: Any) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Yield every entry of a list of errors or warnings, at any depth, and whether it is an error."""
    if isinstance(value, list):
        for item in value:
            yield from _remarks(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in _ERRORS or key in _WARNINGS:
                yield from ((entry, key in _ERRORS) for entry in _entries(value, key))
            else:
                yield from _remarks(item)


def _line_finding(error: Mapping[str, Any], place: Mapping[str, Any], variant: str = "line") -> Finding:
    code = _code(error)
    return finding(
        "training-failed",
        variant=variant,
        **place,
        aws_code=code,
        reason=_reason(error),
        advice=_advice(code),
    )


def _set_finding(error: Mapping[str, Any], file: str | None) -> Finding:
    code = _code(error)
    return finding(
        "training-failed",
        variant="set",
        file=file,
        aws_code=code,
        reason=_reason(error),
        advice=_advice(code),
    )


def _code(error: Mapping[str, Any]) -> str:
    return str(error.get("code") or "no code")


def _reason(error: Mapping[str, Any]) -> str:
    return str(error.get("message") or "no message").rstrip(".")


def _advice(code: str = "", *, message: str = "") -> str:
    """Return what to do about a code, or about a message that comes without one.

    What only the documentation of a neighbouring service knows is marked as its word.
    """
    table = load_json("training-errors.json")
    for known, whose in ((table["codes"], ""), (table["neighbour"]["codes"], table["neighbour"]["name"])):
        entry = known.get(code) if not message else _by_message(known, message)
        if entry:
            fix = str(entry["fix"])
            return (
                f"{fix} (As the documentation of {whose} words it; for these it is not documented.)"
                if whose
                else fix
            )
    return _NO_ADVICE_AT_ALL if message else _NO_ADVICE


def _by_message(known: Mapping[str, Mapping[str, str]], message: str) -> Mapping[str, str] | None:
    for entry in known.values():
        words = entry.get("message", "").rstrip(".").casefold()
        if words and words in message.casefold():
            return entry
    return None


def _entries(value: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    entries = value.get(name)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _part(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = value.get(name)
    return part if isinstance(part, dict) else {}


def _underscored(value: Any) -> Any:
    """Return JSON with underscores in the place of hyphens in keys."""
    if isinstance(value, dict):
        return {str(key).replace("-", "_"): _underscored(item) for key, item in value.items()}
    return [_underscored(item) for item in value] if isinstance(value, list) else value


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _read(client: Any, place: Mapping[str, Any]) -> bytes:
    """Return an object's bytes; none when it is not there or may not be read: other files may say more."""
    at = place.get("S3Object", {})
    if not at.get("Bucket") or not at.get("Name"):
        return b""
    try:
        return S3Storage(client, at["Bucket"]).get(at["Name"])
    except RemoteError:
        return b""
