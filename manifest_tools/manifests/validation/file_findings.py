"""What tallies say of whole files: their kind, strays among the lines, buckets, limits, repeated images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from manifest_tools.findings.catalogue import finding, severity_of
from manifest_tools.findings.collector import FindingCollector
from manifest_tools.manifests.kinds import MODERATION_KINDS, SOURCE_REF, TRUTH, Kind
from manifest_tools.manifests.validation.problems import MAX_BYTES, MAX_LINES, Problem
from manifest_tools.manifests.validation.repeats import Repeat
from manifest_tools.manifests.validation.tally import Sightings, Tally

_JOBS = frozenset({Kind.IMAGE_CLASSIFICATION, Kind.MULTI_LABEL, Kind.OBJECT_DETECTION, Kind.OTHER})
_REPEATS_PROCESSED = frozenset({Kind.IMAGE_LIST, Kind.BULK_ANALYSIS})  # the service takes the image twice


@dataclass(frozen=True)
class FileSummary:
    """One file after its scan. `mark`: the byte-order mark it began with; `wanted`: the kind asked for, if any."""

    name: str
    tally: Tally
    bytes: int
    mark: str
    wanted: Kind | None

    @cached_property
    def kind(self) -> Kind | None:
        """The kind asked for, or what most of the lines are; None when no line is an object."""
        if self.wanted is not None or not self.tally.kinds:
            return self.wanted
        counts = {kind: seen.count for kind, seen in self.tally.kinds.items()}
        if Kind.IMAGE_LIST in counts and len(counts) > 1:
            del counts[Kind.IMAGE_LIST]  # lines without labels say nothing against the others
        order = list(Kind)
        return max(counts, key=lambda kind: (counts[kind], -order.index(kind)))


def add_file_findings(collector: FindingCollector, file: FileSummary) -> None:
    """Add every finding about one file but for its repeated images."""
    tally = file.tally
    for seen in tally.problems.values():
        _add(collector, file, seen)
    _add_mark(collector, file)
    _add_strays(collector, file)
    if not tally.lines:
        collector.add(finding("manifest-empty", file=file.name, aws_code="ERROR_EMPTY_MANIFEST"))
    if file.bytes > MAX_BYTES:
        code = "ERROR_MANIFEST_SIZE_TOO_LARGE"
        collector.add(
            finding("manifest-too-large", file=file.name, bytes=file.bytes, limit=MAX_BYTES, aws_code=code)
        )
    if tally.lines > MAX_LINES:
        code = "ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM"
        collector.add(
            finding(
                "manifest-too-many-lines", file=file.name, count=tally.lines, limit=MAX_LINES, aws_code=code
            )
        )
    if len(tally.buckets) > 1 and file.kind is not Kind.OTHER:
        buckets = dict(sorted(tally.buckets.items(), key=lambda item: (-item[1], item[0]))[:10])
        collector.add(
            finding(
                "bucket-mixed",
                variant=None if file.kind in MODERATION_KINDS else "other-kinds",
                file=file.name,
                count=len(tally.buckets),
                buckets=list(buckets),
                lines=buckets,
                aws_code="ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS",
            )
        )
    for member, seen in sorted(tally.extras.items()):
        number, image, _ = seen.first[0]
        collector.add(
            finding(
                "schema",
                variant="undocumented",
                file=file.name,
                line=number,
                image=image,
                field=member,
                count=seen.count,
            )
        )


def _add(
    collector: FindingCollector, file: FileSummary, seen: Sightings, problem: Problem | None = None
) -> None:
    """Add the findings of one problem: those that are kept, and the number of the others."""
    sample = problem
    for number, image, own in seen.first:
        sample = problem or own
        assert sample is not None
        collector.add(
            finding(
                sample.code,
                variant=sample.variant,
                file=file.name,
                line=number,
                image=image or None,
                label=sample.label,
                field=sample.field,
                **sample.data,
            )
        )
    if sample is not None and seen.count > len(seen.first):
        collector.count_only(
            sample.code, severity_of(sample.code, sample.variant), seen.count - len(seen.first)
        )


def _add_mark(collector: FindingCollector, file: FileSummary) -> None:
    if file.mark:
        variant = "byte-order-mark" if file.mark == "utf-8-sig" else "utf-16"
        collector.add(finding("encoding", variant=variant, file=file.name, line=1))


def _add_strays(collector: FindingCollector, file: FileSummary) -> None:
    """Add a finding for each line that is of another kind than its file."""
    main = file.kind
    for kind, seen in sorted(file.tally.kinds.items()):
        problem = _stray(kind, main) if main is not None and kind is not main else None
        if problem is not None:
            _add(collector, file, seen, problem)
    if main is Kind.OTHER and file.wanted is None:
        types = sorted(file.tally.jobs) or ["text"]
        collector.add(finding("manifest-kind", variant="unsupported", file=file.name, types=types))


def _stray(kind: Kind, main: Kind) -> Problem | None:
    """Return what is wrong with a line of one kind in a file of another, or None."""
    if main is Kind.MODERATION_OUTPUT and kind is Kind.MODERATION:
        return None  # a training's output has no predictions for the images it trained on
    if main in _JOBS and kind is Kind.IMAGE_LIST:
        return Problem("image-unlabelled", {"aws_code": "WARNING_UNANNOTATED_RECORD"})
    if main in MODERATION_KINDS and kind is Kind.IMAGE_LIST:
        data = {"expected": f'the member "{TRUTH}"', "found": "nothing", "keyword": "required"}
        return Problem("schema", data | {"aws_code": "ERROR_NO_LABEL_ATTRIBUTES"}, None, "/" + TRUTH)
    data = {"found": str(kind), "expected": str(main)}
    return Problem("manifest-kind", data, "related" if main in _JOBS and kind in _JOBS else None)


def add_repeats(
    collector: FindingCollector, files: Sequence[FileSummary], batches: Iterable[Sequence[Repeat]]
) -> None:
    """Add a finding for each line whose image stands in an earlier one."""
    counts: Counter[str | None] = Counter()
    kept: dict[str | None, list[Repeat]] = {}
    for batch in batches:
        for repeat in batch:
            variant = _variant(repeat, files)
            counts[variant] += 1
            kept.setdefault(variant, []).append(repeat)
        for variant, found in kept.items():
            room = collector.room("duplicate-source-ref", severity_of("duplicate-source-ref", variant))
            found.sort(key=lambda repeat: (repeat.line.file, repeat.line.line))
            del found[max(room, 0) :]
    for variant in sorted(kept, key=str):
        for repeat in kept[variant]:
            first = repeat.first
            collector.add(
                finding(
                    "duplicate-source-ref",
                    variant=variant,
                    file=files[repeat.line.file].name,
                    line=repeat.line.line,
                    image=repeat.line.image,
                    field="/" + SOURCE_REF,
                    other=f"{files[first.file].name}:{first.line}",
                    labels=list(repeat.line.labels or ()),
                    other_labels=list(first.labels or ()),
                )
            )
        rest = counts[variant] - len(kept[variant])
        if rest:
            collector.count_only("duplicate-source-ref", severity_of("duplicate-source-ref", variant), rest)


def _variant(repeat: Repeat, files: Sequence[FileSummary]) -> str | None:
    if repeat.line.file != repeat.first.file:
        return "across-files" if repeat.agrees else "across-files-differ"
    if files[repeat.line.file].kind in _REPEATS_PROCESSED:
        return "processed"
    return None if repeat.agrees else "differ"


def facts(files: Sequence[FileSummary]) -> dict[str, Any]:
    """Return what the verdict rests on, ready for JSON."""
    return {
        "files": [
            {
                "file": file.name,
                "kind": str(file.kind) if file.kind else None,
                "lines": file.tally.lines,
                "bytes": file.bytes,
                "kinds": {str(kind): seen.count for kind, seen in sorted(file.tally.kinds.items())},
                "job_types": dict(sorted(file.tally.jobs.items())),
                "labels": dict(sorted(file.tally.labels.items())),
                "buckets": dict(sorted(file.tally.buckets.items())[:100]),
            }
            for file in files
        ],
        "not_checked": ["whether the images exist and can be read"],
    }
