"""A report on manifests as text: one line for each place, as compilers write it, grouped by code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from manifest_tools.core.text import counted, printable
from manifest_tools.findings.findings import Finding, Report, Severity

PLACES = 10  # of each code
_STYLES = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}


def render_lines(report: Report, *, places: int = PLACES, color: bool = False) -> str:
    """Return a report on manifests as text, without a line feed at its end.

    Parameters
    ----------
    report : Report
        Of :func:`validate_manifest` or :func:`convert_manifest`.
    places : int
        How many places of each code to show; the others are counted.
    color : bool
        Whether to add ANSI colours. Nothing is said by colour alone.
    """
    exact = {(count.code, count.severity): count.count for count in report.codes}
    blocks = [list(_files(report))]
    groups = groupby(report.findings, key=lambda finding: (finding.code, finding.severity))
    for (code, severity), found in groups:
        blocks.append(list(_group(list(found), exact[code, severity], places, color)))
    blocks.append([_verdict(report)])
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def _files(report: Report) -> Iterator[str]:
    for file in report.facts.get("files", ()):
        kind = file["kind"] or "no manifest"
        buckets = ", ".join(f"s3://{name}" for name in list(file["buckets"])[:3]) or "no bucket"
        yield printable(f"{file['file']}: {kind}, {counted(file['lines'], 'line')}, {buckets}")


def _group(found: Sequence[Finding], count: int, places: int, color: bool) -> Iterator[str]:
    fixes = dict.fromkeys(finding.fix for finding in found[:places])
    for finding in found[:places]:
        yield f"{_place(finding)}{_head(finding, color)}: {printable(finding.message)}"
    if count > places:
        yield f"  ... {count:,} in all"
    for fix in list(fixes)[:3]:
        yield f"  -> {printable(fix)}"


def _place(finding: Finding) -> str:
    where = finding.location
    numbers = [where.line, finding.data.get("column") if where.line else None]
    place = ":".join([printable(where.file or ""), *(str(number) for number in numbers if number)])
    return f"{place}: " if place else ""


def _head(finding: Finding, color: bool) -> str:
    head = f"{finding.severity} {finding.code}"
    return f"\x1b[{_STYLES[finding.severity]}m{head}\x1b[0m" if color else head


def _verdict(report: Report) -> str:
    counts = [counted(count, severity) for severity, count in report.counts.items() if count]
    verdict = "Passed" if report.passed else "Not passed"
    return f"{verdict}: {', '.join(counts) or 'nothing found'}."
