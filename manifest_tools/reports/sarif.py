"""A report as SARIF 2.1.0, which code hosts show beside the lines (docs.oasis-open.org/sarif/sarif/v2.1.0)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from manifest_tools.core.text import to_json
from manifest_tools.core.version import library_version
from manifest_tools.findings.catalogue import CATALOGUE
from manifest_tools.findings.findings import Finding, Report

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_TOOL = "manifest-tools"


def render_sarif(report: Report) -> str:
    """Return the report as a SARIF document, without a line feed at the end.

    Findings keep their order. A path that is relative stays so, as code hosts want it. Of codes with more
    findings than the report keeps, the rule's properties tell the exact count.
    """
    used = sorted({finding.code for finding in report.findings} | {count.code for count in report.codes})
    rules = [_rule(code, report) for code in used]
    positions = {code: position for position, code in enumerate(used)}
    run = {
        "tool": {"driver": {"name": _TOOL, "version": library_version(), "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, positions[finding.code]) for finding in report.findings],
        "invocations": [{"executionSuccessful": True}],
        "properties": {"passed": report.passed},
    }
    return to_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1)


def _rule(code: str, report: Report) -> dict[str, Any]:
    entry = CATALOGUE[code]
    rule = {
        "id": code,
        "shortDescription": {"text": entry.meaning},
        "help": {"text": f"{entry.fix}\nSource: {entry.source}"},
        "defaultConfiguration": {"level": str(entry.severity)},
        "properties": {"count": sum(count.count for count in report.codes if count.code == code)},
    }
    return rule | ({"helpUri": entry.source} if entry.source.startswith("https://") else {})


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
        location["physicalLocation"] = {"artifactLocation": {"uri": _uri(where.file)}}
        if where.line:
            region = {"startLine": where.line}
            column = finding.data.get("column")
            location["physicalLocation"]["region"] = region | ({"startColumn": column} if column else {})
    names = [name for name in (where.image, where.label, where.field) if name]
    if names:
        location["logicalLocations"] = [{"fullyQualifiedName": " ".join(names)}]
    if location:
        yield location


def _uri(file: str) -> str:
    """Return a file name as a URI reference."""
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
