"""A report for people and for programs: as text, as JSON, and as one self-contained page."""

from __future__ import annotations

from manifest_tools.reports.json_form import findings_jsonl, report_json
from manifest_tools.reports.text import render_text
from manifest_tools.reports.writing import write_report

__all__ = ["findings_jsonl", "render_text", "report_json", "write_report"]
