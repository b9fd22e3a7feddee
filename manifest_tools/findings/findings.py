"""Findings: what is wrong, where, and what to do; and the report that holds them.

A finding is a value. Steps and rules make findings through :func:`manifest_tools.findings.catalogue.finding`,
collect them in a :class:`~manifest_tools.findings.collector.FindingCollector`, which keeps exact counts and a bounded
number of each code, and close the collection as a :class:`Report`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from manifest_tools.core.printing import words
from manifest_tools.core.text import counted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

MAX_FINDINGS = 1000  # of each code; counts stay exact


class Severity(StrEnum):
    """How much a finding matters.

    ``ERROR``: the service refuses it, or the result would mislead. ``WARNING``: it works, but costs quality.
    ``NOTE``: worth knowing.

    Examples
    --------
    >>> from manifest_tools import Severity
    >>> Severity("warning").rank
    1
    >>> f"a {Severity.NOTE}"
    'a note'
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for an error, 1 for a warning, 2 for a note."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Verdict(StrEnum):
    """Whether a data set is ready to train with.

    ``UNKNOWN``: nothing is wrong, but only the base model's answers tell whether there are enough samples.

    Examples
    --------
    >>> from manifest_tools import check_dataset, read_images
    >>> str(check_dataset(read_images("sample_data/images", labels="sample_data/labels.csv")).verdict)
    'unknown'
    """

    READY = "ready"
    UNKNOWN = "unknown"
    NOT_READY = "not-ready"


@dataclass(frozen=True, slots=True)
class Location:
    """Where a finding is. Members that do not apply are None; `line` counts from 1; `field` is a JSON pointer."""

    file: str | None = None
    line: int | None = None
    image: str | None = None
    label: str | None = None
    field: str | None = None
    kept: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        """Return the place in one short phrase, for people."""
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file or ""
        parts = [place, self.image or "", self.label or "", self.field or ""]
        return " ".join(part for part in parts if part)

    def to_dict(self) -> dict[str, Any]:
        """Return the members that apply, ready for JSON."""
        known = {key: value for key, value in asdict(self).items() if value is not None and key != "kept"}
        return known | ({"kept": dict(self.kept)} if self.kept else {})

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Read a place back from its JSON object."""
        return cls(**{**value, "kept": tuple(value.get("kept", {}).items())})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `message` and `fix` are rendered from the catalogue and `data`.

    `data` is ready for JSON. ``data["left_out"]`` is true when the finding is about an image that the
    manifests leave out: it keeps its severity, but does not count against them.
    ``data["aws_code"]`` names Amazon's own code for the problem, where there is one.

    Parameters
    ----------
    code : str
        Of the catalogue; ``manifest-tools explain CODE`` says more. Never changes its meaning.
    severity : Severity
        How much it matters.
    location : Location
        Members `file`, `line`, `image`, `label` and `field`, as far as they apply.
    message, fix : str
        What is wrong, and what to do.
    data : mapping
        What both were rendered from.

    Examples
    --------
    >>> from manifest_tools import validate_manifest
    >>> finding = validate_manifest(b'{"source-ref": "cat.jpg"}').findings[0]
    >>> finding.code, str(finding.severity), finding.location.line
    ('source-ref-uri', 'error', 1)
    """

    code: str
    severity: Severity
    location: Location
    message: str
    fix: str
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def left_out(self) -> bool:
        """Whether the finding is about an image that the manifests leave out."""
        return bool(self.data.get("left_out", False))

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as its JSON object."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "location": self.location.to_dict(),
            "message": self.message,
            "fix": self.fix,
            "data": dict(self.data),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Read a finding back from its JSON object."""
        return cls(
            code=value["code"],
            severity=Severity(value["severity"]),
            location=Location.from_dict(value["location"]),
            message=value["message"],
            fix=value["fix"],
            data=value["data"],
        )


@dataclass(frozen=True, slots=True)
class LazyFindings:
    """Findings of one code and severity, which are made only as far as somebody keeps them.

    Parameters
    ----------
    code, severity
        Of every one.
    left_out : bool array
        For each, in their order, whether it is about an image that the manifests leave out.
    make : callable
        Takes a number, and makes so many of them, the first ones.
    """

    code: str
    severity: Severity
    left_out: npt.NDArray[np.bool_]
    make: Callable[[int], Iterable[Finding]]


class _SortKey(NamedTuple):
    severity: int
    code: str
    file: str
    line: int
    image: str
    label: str
    field: str
    message: str


def sort_key(finding: Finding) -> _SortKey:
    """Order of findings everywhere: severity, code, place."""
    where = finding.location
    return _SortKey(
        finding.severity.rank,
        finding.code,
        where.file or "",
        where.line or 0,
        where.image or "",
        where.label or "",
        where.field or "",
        finding.message,
    )


@dataclass(frozen=True, slots=True, order=True)
class CodeCount:
    """The exact number of findings of one code and severity, however few of them are kept."""

    code: str
    severity: Severity
    count: int
    left_out: int = 0  # of `count`: about images that the manifests leave out


@dataclass(frozen=True, repr=False)
class Report:
    """Everything that a check found, ready to be shown as text, JSON or HTML.

    Printed, it is the text of the commands; :meth:`to_frame` gives the findings as a table.

    Parameters
    ----------
    passed : bool
        Whether the policy accepts the manifests as they are written.
    findings : tuple of Finding
        Sorted by severity, code and place; at most a fixed number of each code.
    codes : tuple of CodeCount
        Exact counts, sorted by severity and code.
    labels : tuple of mapping
        The label table: a mapping for each label, with its counts.
    facts : mapping
        What the verdict rests on: images and their fate, policy reading, label scope, what could not be
        checked here. Ready for JSON. ``facts["readiness"]["state"]`` is the verdict.

    Examples
    --------
    >>> from manifest_tools import validate_manifest
    >>> report = validate_manifest(b'{"source-ref": "cat.jpg"}')
    >>> report
    Report: did not pass, 1 error, 0 warnings, 0 notes
      error   source-ref-uri       1
    >>> report.to_frame()[["code", "line"]]
                 code  line
    0  source-ref-uri     1
    """

    passed: bool
    findings: tuple[Finding, ...] = ()
    codes: tuple[CodeCount, ...] = ()
    labels: tuple[Mapping[str, Any], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Let the facts say no more than the verdict does."""
        if self.verdict is not None:
            agreeing = {**self.facts["readiness"], "state": str(self.verdict)}
            object.__setattr__(self, "facts", {**self.facts, "readiness": agreeing})

    @property
    def verdict(self) -> Verdict | None:
        """Whether the data set is ready to train with; None for a report that does not judge that."""
        readiness = self.facts.get("readiness")
        if readiness is None:
            return None
        return Verdict(readiness["state"]) if self.passed and not self.counts["error"] else Verdict.NOT_READY

    @property
    def counts(self) -> dict[str, int]:
        """Exact number of findings of each severity that are about the manifests as they are written."""
        return self._totals(lambda code: code.count - code.left_out)

    @property
    def counts_left_out(self) -> dict[str, int]:
        """Exact number of findings of each severity that are about images which the manifests leave out."""
        return self._totals(lambda code: code.left_out)

    def _totals(self, number: Callable[[CodeCount], int]) -> dict[str, int]:
        totals = dict.fromkeys(map(str, Severity), 0)
        for code in self.codes:
            totals[str(code.severity)] += number(code)
        return totals

    def to_dict(self) -> dict[str, Any]:
        """Return the report as its JSON object (``schemas/report.schema.json``)."""
        return {
            "verdict": self.verdict and str(self.verdict),
            "passed": self.passed,
            "counts": self.counts,
            "counts_left_out": self.counts_left_out,
            "labels": [dict(row) for row in self.labels],
            "findings": [finding.to_dict() for finding in self.findings],
            "codes": [
                {"code": c.code, "severity": str(c.severity), "count": c.count, "left_out": c.left_out}
                for c in self.codes
            ],
            "facts": dict(self.facts),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the kept findings as a table, a row each, in their order.

        Returns
        -------
        pandas.DataFrame
            Columns `code`, `severity`, `left_out`, `file`, `line` (Int64, nullable), `image`, `label`, `field`,
            `message`, `fix`; text is "" where it does not apply.
        """
        import pandas as pd  # noqa: PLC0415 - a report is made and printed without it

        rows = [
            {"code": f.code, "severity": str(f.severity), "left_out": f.left_out}
            | {name: value or "" for name, value in asdict(f.location).items()}
            | {"line": f.location.line, "message": f.message, "fix": f.fix}
            for f in self.findings
        ]
        names = ["code", "severity", "left_out", "file", "line", "image", "label", "field", "message", "fix"]
        return pd.DataFrame(rows, columns=names).astype({"left_out": "bool", "line": "Int64"})

    def __repr__(self) -> str:
        """Return the verdict and the counts, a line for each code."""
        total = ", ".join(counted(count, severity) for severity, count in self.counts.items())
        lines = [f"Report: {self._verdict}, {total}"]
        width = max((len(c.code) for c in self.codes), default=0)
        for c in self.codes:
            left_out = f" and {c.left_out:,} about images that are left out" if c.left_out else ""
            lines.append(f"  {c.severity:8}{c.code:{width}}{c.count - c.left_out:>8,}{left_out}")
        return "\n".join(lines)

    def __str__(self) -> str:
        """Return the report as text, as the commands print it."""
        return words["Report"](self) if "Report" in words else repr(self)

    @property
    def _verdict(self) -> str:
        if self.verdict is None:
            return "passed" if self.passed else "did not pass"
        return self.verdict.replace("-", " ")

    def _repr_html_(self) -> str:
        """Return the verdict and the counts by code, for a notebook."""
        rows = "".join(
            f"<tr><td>{escape(c.severity)}</td><td>{escape(c.code)}</td>"
            f"<td style='text-align:right'>{c.count - c.left_out:,}</td><td style='text-align:right'>{c.left_out:,}</td></tr>"
            for c in self.codes
        )
        head = "<tr><th>severity</th><th>code</th><th>about the manifests</th><th>about left-out images</th></tr>"
        table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else ""
        return f"<div><p><strong>Report: {self._verdict}</strong></p>{table}</div>"

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Read a report back from its JSON object."""
        return cls(
            passed=value["passed"],
            findings=tuple(Finding.from_dict(item) for item in value["findings"]),
            codes=tuple(
                CodeCount(c["code"], Severity(c["severity"]), c["count"], c["left_out"])
                for c in value["codes"]
            ),
            labels=tuple(value["labels"]),
            facts=value["facts"],
        )


def merge_reports(first: Report, second: Report) -> Report:
    """Return one report of two that judged different sides of a thing; labels and facts of the second win."""
    counts: defaultdict[tuple[str, Severity], list[int]] = defaultdict(lambda: [0, 0])
    for code in (*first.codes, *second.codes):
        count = counts[code.code, code.severity]
        count[0] += code.count
        count[1] += code.left_out
    codes = [CodeCount(code, severity, *count) for (code, severity), count in counts.items()]
    codes.sort(key=lambda c: (c.severity.rank, c.code))
    return Report(
        first.passed and second.passed,
        tuple(sorted((*first.findings, *second.findings), key=sort_key)),
        tuple(codes),
        second.labels or first.labels,
        {**first.facts, **second.facts},
    )
