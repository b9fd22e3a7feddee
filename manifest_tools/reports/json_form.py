"""A report as JSON, and its findings as JSON Lines (``schemas/report.schema.json``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from manifest_tools.findings.findings import Report

# Line ends to some readers (str.splitlines, old JavaScript), though JSON allows them inside a string.
_LINE_ENDS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def report_json(report: Report) -> str:
    """Return the report as one JSON document, without a line feed at its end."""
    return _dumps(report.to_dict(), indent=1)


def findings_jsonl(report: Report) -> Iterator[str]:
    """Yield each finding as one line of JSON, with its line feed, in the report's order."""
    for finding in report.findings:
        yield _dumps(finding.to_dict()) + "\n"


def _dumps(value: Any, indent: int | None = None) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    # A lone surrogate (a file name that is no text) becomes the JSON escape that reads back as itself.
    return text.encode("utf-8", "backslashreplace").decode("utf-8").translate(_LINE_ENDS)
