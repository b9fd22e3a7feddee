"""From one kind of manifest to another, line by line, without inventing or losing a label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import CURRENT, Taxonomy
from manifest_tools.dataset.name_resolution import NameReading, NameResolution, read_name
from manifest_tools.findings.catalogue import finding, severity_of
from manifest_tools.findings.collector import FindingCollector
from manifest_tools.findings.findings import MAX_FINDINGS, Report
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.content import what_people_said
from manifest_tools.manifests.kinds import (
    BASE_PREDICTION,
    METADATA,
    PREDICTION,
    SOURCE_REF,
    TRUTH,
    Kind,
    parse_kind,
)
from manifest_tools.manifests.line_builders import EPOCH, Composer, composer
from manifest_tools.manifests.line_reader import Source, lines, parse
from manifest_tools.manifests.validation.judge_line import BLANK, Judge, Judged, long_line
from manifest_tools.manifests.validation.label_names import LabelRule
from manifest_tools.manifests.validation.problems import MAX_LINE_CHARACTERS
from manifest_tools.manifests.writing import write_bytes

# What a line with one of these says is not certain, so it is not carried over.
_BROKEN = frozenset(
    {"json-syntax", "json-not-object", "json-duplicate-key", "encoding", "schema", "class-map"}
)
_OURS = frozenset({SOURCE_REF, TRUTH, PREDICTION, BASE_PREDICTION})
_FROM_LABELS = frozenset({Kind.MODERATION, Kind.MULTI_LABEL, Kind.IMAGE_CLASSIFICATION})


def convert_manifest(
    path: str | Path | bytes,
    out: str | Path,
    *,
    kind: str,
    taxonomy: str = CURRENT,
    policy: Policy | None = None,
    mapping: Mapping[str, Sequence[str]] | None = None,
    label_confidence: float = 0.0,
    empty_is_safe: bool = False,
    creation_date: str = EPOCH,
    max_findings: int = MAX_FINDINGS,
    overwrite: bool = True,
) -> Report:
    """Write a manifest again as another kind.

    Parameters
    ----------
    path : str, Path or bytes
        The manifest to read, of any kind.
    out : str or Path
        The file to write. It appears whole or not at all.
    kind : str
        The kind to write. A line that is of this kind already is kept as it is.
    taxonomy : str
        The taxonomy that an adapter's labels are read by.
    policy : Policy, optional
        Safe names, and whether labels are rolled up to level 1.
    mapping : mapping of str to sequence of str, optional
        From somebody's class names to labels; an empty sequence drops a class.
    label_confidence : float
        Confidence (0-1) of a labelling job below which a label is not certain; its image is then left out.
    empty_is_safe : bool
        Take an empty list of a labelling job for "nothing is unsafe". By default such an image is left out: a
        job asks for its own classes only.
    creation_date : str
        For the layouts of labelling jobs. No clock is read.
    max_findings : int
        How many findings of each code to keep.
    overwrite : bool
        Whether `out` may replace a file of other content.

    Returns
    -------
    Report
        A finding for each line that was left out and for each name that was read as another; ``facts`` has the
        counts. Lines keep their order.

    Raises
    ------
    InputError
        The manifest cannot be read, or the kind does not exist.
    OutputError
        `out` cannot be written.

    Notes
    -----
    Members that are not ours pass through, except to "moderation": what an adapter does with them is not known.
    A manifest says that labels are present; what was looked for and is absent is not carried over.

    Examples
    --------
    >>> from manifest_tools import convert_manifest
    >>> report = convert_manifest("sample_data/predictions.manifest", "images.manifest", kind="image-list")
    >>> report.facts["lines_written"], report.facts["lines_left_out"]
    (136, 0)
    """
    wanted = parse_kind(kind)
    if wanted is None:
        msg = "kind 'auto' is for reading; name the kind to write"
        raise InputError(msg)
    policy = policy or Policy()
    known = Taxonomy.load(taxonomy)
    source = Source(path)
    options = _Options(wanted, known, policy, mapping or {}, label_confidence, empty_is_safe)
    collector = FindingCollector(max_findings, policy.severities)
    compose = None
    if wanted in (*_FROM_LABELS, Kind.IMAGE_LIST):
        classes = _classes(source, options) if wanted is Kind.MULTI_LABEL else ()
        compose = composer(wanted, classes, safe=_safe(policy), creation_date=creation_date)
    work = _Conversion(source.name, options, compose, collector)
    written = write_bytes(out, work.lines(source), overwrite=overwrite)
    if work.left_out and not written:
        collector.add(finding("manifest-empty", file=str(out)))
    facts = {
        "file": source.name,
        "kind": str(wanted),
        "lines_written": written,
        "lines_left_out": work.left_out,
    }
    return collector.report(fail_on=policy.fail_on, facts=facts)


@dataclass(frozen=True, slots=True)
class _Options:
    kind: Kind
    taxonomy: Taxonomy
    policy: Policy
    mapping: Mapping[str, Sequence[str]]
    label_confidence: float
    empty_is_safe: bool

    def judge(self) -> Judge:
        """Make the judge of the lines that are read."""
        return Judge(None, LabelRule(self.taxonomy, self.policy), None)

    def mapped(self, name: str) -> Sequence[str]:
        """Return what a class name stands for by the mapping."""
        return self.mapping.get(name, (name,))

    def read(self, name: str) -> NameReading:
        """Read a name as a label of the taxonomy."""
        return read_name(name, self.taxonomy, self.policy)

    def level(self, name: str) -> str:
        """Return the label that is written for a label."""
        return name if self.policy.label_level == "all" else self.taxonomy.level_1(name)


def _safe(policy: Policy) -> str:
    return (policy.safe_names or ("Safe",))[0]


def _classes(source: Source, options: _Options) -> list[str]:
    """Return every class that a labelling job could choose, sorted, to give each one id in the whole file."""
    found: set[str] = set()
    for _, line in lines(source):
        value = parse(line)
        if isinstance(value, dict):
            said = what_people_said(value)
            found.update(mapped for name in said.scope for mapped in options.mapped(name))
    return sorted(name for name in found if name != _safe(options.policy))


@dataclass(slots=True)
class _Conversion:
    """One run: converts lines and notes what becomes of them."""

    file: str
    options: _Options
    compose: Composer | None
    collector: FindingCollector
    left_out: int = 0
    _judge: Judge = field(init=False)
    _problems: list[tuple[str, str | None, str | None, dict[str, Any]]] = field(
        init=False, default_factory=list
    )

    def __post_init__(self) -> None:
        self._judge = self.options.judge()

    def lines(self, source: Source) -> Iterator[bytes]:
        """Yield the converted lines; report the others."""
        for number, data in lines(source):
            if data is not None and not data.strip(BLANK):
                continue
            judged = self._judge.line(data) if data is not None else Judged([long_line(MAX_LINE_CHARACTERS)])
            self._problems.clear()
            line = self._line(judged, data or b"")
            self.left_out += line is None
            for code, variant, label, values in self._problems:
                if line is None:
                    values["left_out"] = True
                severity = severity_of(code, variant)
                if self.collector.room(code, severity) <= 0:
                    self.collector.count_only(code, severity, 1, left_out=line is None)
                    continue
                place: dict[str, Any] = {
                    "file": self.file,
                    "line": number,
                    "image": judged.image or None,
                    "label": label,
                }
                self.collector.add(finding(code, variant=variant, **place, **values))
            if line is not None:
                yield line

    def _line(self, judged: Judged, data: bytes) -> bytes | None:
        """Return the converted line, or None when it has to be left out."""
        broken = [problem for problem in judged.problems if problem.code in _BROKEN]
        if judged.line is None or broken or not judged.image:
            for problem in broken or judged.problems:
                self._note(problem.code, problem.variant, problem.label, **problem.data)
            return None
        if judged.kind is self.options.kind:
            return data.strip(BLANK)
        line = judged.line
        if self.options.kind is Kind.BULK_ANALYSIS and BASE_PREDICTION in line:
            return orjson.dumps(
                {SOURCE_REF: judged.image, PREDICTION: line[BASE_PREDICTION], **_others(judged)}
            )
        if self.compose is None or self.options.kind is Kind.BULK_ANALYSIS:
            self._note("manifest-kind", found=str(judged.kind), expected=str(self.options.kind))
            return None
        names = [] if self.options.kind is Kind.IMAGE_LIST else self._names(judged)
        if names is None:
            return None
        others = {} if self.options.kind is Kind.MODERATION else _others(judged)
        return orjson.dumps(
            others | self.compose(judged.image, names) if others else self.compose(judged.image, names)
        )

    def _note(self, code: str, variant: str | None = None, label: str | None = None, **values: Any) -> None:
        self._problems.append((code, variant, label, values))

    def _names(self, judged: Judged) -> list[str] | None:
        """Return the labels to write, or None when nothing certain can be said of the image."""
        assert judged.line is not None
        said = what_people_said(judged.line, self.options.label_confidence)
        for reason in said.failed:
            self._note("job-failed", reason=reason)
        if not said.judged:
            if not said.failed:
                self._note("image-unlabelled")
            return None
        unsure = [name for name, truth in said.labels.items() if truth is None]
        for name in unsure:
            self._note("label-uncertain", None, name, limit=self.options.label_confidence)
        given = [name for found in said.labels for name in self.options.mapped(found)]
        names = self._resolved(given) if self.options.kind is Kind.MODERATION else self._free(given)
        if unsure or names is None:
            return None
        if not names and not said.safe and not given and not self.options.empty_is_safe:
            self._note("nothing-chosen")
            return None
        return names

    def _free(self, given: Sequence[str]) -> list[str]:
        """Return class names for a labelling job's layout: as they are."""
        return list(dict.fromkeys(name for name in given if not self.options.policy.is_safe(name)))

    def _resolved(self, given: Sequence[str]) -> list[str] | None:
        """Return labels of the taxonomy, or None when a name is no label."""
        names: dict[str, None] = {}
        resolved, safe = True, ""
        for found in given:
            reading = self.options.read(found)
            if reading.resolution is NameResolution.SPELLING:
                self._note("label-spelling", None, found, name=reading.name)
            elif reading.resolution is NameResolution.OLD:
                self._note("label-old-taxonomy", None, found, version=reading.version, name=reading.name)
            elif reading.resolution is NameResolution.AMBIGUOUS:
                values = {"version": reading.version, "choices": list(reading.choices)}
                self._note("label-old-taxonomy", "ambiguous", found, **values)
            elif reading.resolution is NameResolution.UNKNOWN:
                values = {"taxonomy": self.options.taxonomy.version, "suggestions": list(reading.choices)}
                self._note("label-unknown", None, found, **values)
            resolved = resolved and reading.resolved
            safe = found if reading.resolution is NameResolution.SAFE else safe
            if reading.name:
                names[self.options.level(reading.name)] = None
        if safe and names:
            self._note("label-contradiction", None, next(iter(names)), source="the line", other=safe, rows="")
            return None
        order = {name: position for position, name in enumerate(self.options.taxonomy.names)}
        return sorted(names, key=order.__getitem__) if resolved else None


def _others(judged: Judged) -> dict[str, Any]:
    """Return the members of a line that are neither ours nor a labelling job's."""
    assert judged.line is not None
    attributes = {attribute.name for attribute in judged.jobs}
    theirs = attributes | {name + METADATA for name in attributes}
    return {key: value for key, value in judged.line.items() if key not in _OURS | theirs}
