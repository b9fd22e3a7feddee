"""A report as SARIF 2.1.0, which code hosts show beside the lines (docs.oasis-open.org/sarif/sarif/v2.1.0)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from manifest_tools.core.text import to_json
from manifest_tools.core.version import library_version
from manifest_tools.findings.catalogue import CATALOGUE
from manifest_tools.findings.catalogue.entry import Entry
from manifest_tools.findings.findings import Finding, Report

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_TOOL = "manifest-tools"
# What the manifests are for and how they have to look. Rules that come from no page of their own point there too.
_GUIDE = "https://docs.aws.amazon.com/rekognition/latest/dg/using-adapters-manifest-files.html"


def render_sarif(report: Report) -> str:
    """Return the report as a SARIF document, without a line feed at the end.

    Findings keep their order. A path that is relative stays so, as code hosts want it. A finding about a whole file
    stands at its first line, because they show nothing that has no line. Of codes with more findings than the report
    keeps, the rule's properties tell the exact count.
    """
    used = sorted({finding.code for finding in report.findings} | {count.code for count in report.codes})
    rules = [_rule(code, report) for code in used]
    positions = {code: position for position, code in enumerate(used)}
    driver = {"name": _TOOL, "version": library_version(), "informationUri": _GUIDE, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, positions[finding.code]) for finding in report.findings],
        "invocations": [{"executionSuccessful": True}],
        "properties": {
            "verdict": report.verdict and str(report.verdict),
            "passed": report.passed,
            "counts": report.counts,
            "countsLeftOut": report.counts_left_out,
        },
    }
    return to_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1)


def _rule(code: str, report: Report) -> dict[str, Any]:
    entry = CATALOGUE.get(code) or _of_own_rule(code, report)
    counts = [count for count in report.codes if count.code == code]
    left_out = sum(count.left_out for count in counts)
    page = re.search(r"https://\S+", entry.source)
    return {
        "id": code,
        "name": code.title().replace("-", ""),  # a Pascal identifier, as viewers expect
        "shortDescription": {"text": re.split(r"(?<=\.)\s", entry.meaning)[0]},
        "fullDescription": {"text": entry.meaning},
        "help": {"text": f"{entry.fix}\nSource: {entry.source}"},
        "helpUri": page.group() if page else _GUIDE,
        "defaultConfiguration": {"level": str(entry.severity)},
        "properties": {"count": sum(count.count for count in counts) - left_out, "countLeftOut": left_out},
    }


def _of_own_rule(code: str, report: Report) -> Entry:
    """Return an entry for a code that a caller's own rule made up."""
    severity = next(count.severity for count in report.codes if count.code == code)
    return Entry(
        code,
        severity,
        f"{code}: a rule of whoever made this report.",
        "",
        "See the findings.",
        "a rule of one's own",
    )


def _result(finding: Finding, position: int) -> dict[str, Any]:
    result = {
        "ruleId": finding.code,
        "ruleIndex": position,
        "level": str(finding.severity),
        "message": {"text": f"{finding.message}. {finding.fix}"},
        "locations": list(_locations(finding)),
    }
    return {key: value for key, value in result.items() if value != []}


def _locations(finding: Finding) -> Iterable[dict[str, Any]]:
    where = finding.location
    location: dict[str, Any] = {}
    if where.file:
        column = finding.data.get("column") if where.line else None
        location["physicalLocation"] = {
            "artifactLocation": {"uri": _uri(where.file)},
            "region": {"startLine": where.line or 1} | ({"startColumn": column} if column else {}),
        }
    names = [name for name in (where.image, where.label, where.field) if name]
    if names:
        location["logicalLocations"] = [{"fullyQualifiedName": " ".join(names)}]
    if location:
        yield location


def _uri(file: str) -> str:
    """Return a file name as a URI reference; an absolute one without the ".." that is not allowed there."""
    path = PurePath(file)
    if not path.is_absolute():
        return quote(os.fsencode(path.as_posix()))
    return (Path(file).resolve() if ".." in path.parts else path).as_uri()
