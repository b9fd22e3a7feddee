"""A report as JSON, and its findings as JSON Lines (``schemas/report.schema.json``)."""

from __future__ import annotations

from collections.abc import Iterator

from manifest_tools.core.text import to_json
from manifest_tools.findings.findings import Report


def report_json(report: Report) -> str:
    """Return the report as one JSON document, without a line feed at its end."""
    return to_json(report.to_dict(), indent=1)


def findings_jsonl(report: Report) -> Iterator[str]:
    """Yield each finding as one line of JSON, with its line feed, in the report's order."""
    for finding in report.findings:
        yield to_json(finding.to_dict()) + "\n"
