"""The files of a report, in the output folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from manifest_tools.core.output_folder import FINDINGS, REPORT_HTML, REPORT_JSON
from manifest_tools.findings.findings import Report
from manifest_tools.reports.json_form import findings_jsonl, report_json

if TYPE_CHECKING:
    from manifest_tools.dataset.dataset import Dataset


def write_report(
    report: Report,
    folder: Path,
    *,
    dataset: Dataset | None = None,
    thumbnails: str = "none",
    next_step: str = "",
) -> None:
    """Write ``report.json``, ``findings.jsonl`` and ``report.html``, the same bytes for the same report.

    Parameters
    ----------
    report : Report
        What to write.
    folder : path
        Where; the caller makes sure that nothing is read there half written.
    dataset, thumbnails, next_step
        As in :func:`manifest_tools.reports.html.render_html`.
    """
    from manifest_tools.reports.html import render_html  # noqa: PLC0415 - pandas and jinja2, for the page alone

    texts = {
        REPORT_JSON: report_json(report) + "\n",
        FINDINGS: "".join(findings_jsonl(report)),
        REPORT_HTML: render_html(report, dataset, thumbnails=thumbnails, next_step=next_step),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
