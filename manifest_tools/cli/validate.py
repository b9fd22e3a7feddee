"""``manifest-tools validate``: check manifests of any kind, and repair what has one reading."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import exit_with, in_color, progress_bar, say, show
from manifest_tools.cli.judging import policy_from
from manifest_tools.cli.next_line import show_next
from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import CURRENT
from manifest_tools.findings.findings import MAX_FINDINGS

if TYPE_CHECKING:
    from manifest_tools.findings.findings import Report


class ReportFormat(StrEnum):
    """How the result is printed on standard output."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def validate(
    manifests: Annotated[
        list[str], typer.Argument(metavar="MANIFEST...", help="Manifests; - is standard input. Gzip is read.")
    ],
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="What every line should be: moderation, moderation-output, bulk-analysis, image-list, "
            "image-classification, multi-label, object-detection; auto looks at the lines.",
        ),
    ] = "auto",
    fix: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            help="Write a corrected copy: encoding, blank lines, spellings and repetitions with one reading. "
            "Shows each change, and then checks the copy.",
        ),
    ] = None,
    taxonomy: Annotated[
        str | None,
        typer.Option(
            help="Taxonomy for all labels: 7 or 6.1. Default: 7 for moderation labels, none for the classes of "
            "labelling jobs."
        ),
    ] = None,
    label_level: options.Level = None,
    safe_names: options.SafeNames = None,
    policy: options.PolicyFile = None,
    fail_on: options.Fail = None,
    max_findings: options.MaxFindings = MAX_FINDINGS,
    workers: options.Workers = None,
    format: Annotated[
        ReportFormat, typer.Option("--format", help="How to print the result; sarif is for code hosts.")
    ] = ReportFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Check manifests: syntax, shape, labels, references, repeated images, limits; and compare those given together.

    Every problem is found in one run, with its line, column or field, and what to do about it.

    Example: manifest-tools validate train.manifest test.manifest
    """
    from manifest_tools.manifests.validation.validate import validate_manifest

    chosen = policy_from(
        policy, taxonomy=taxonomy or CURRENT, label_level=label_level, safe_names=safe_names, fail_on=fail_on
    )
    if fix is not None:
        if len(manifests) != 1:
            msg = "--fix corrects one manifest at a time; give one manifest"
            raise InputError(msg)
        from manifest_tools.manifests.repair import repair_manifest  # with tables, which a check does without

        repairs = repair_manifest(
            manifests[0], fix, taxonomy=taxonomy or CURRENT, policy=chosen, overwrite=False
        )
        if repairs.first and format is ReportFormat.TEXT:
            show(repairs.diff())
        if not quiet:
            counts = ", ".join(f"{count:,} x {code}" for code, count in repairs.counts.items()) or "nothing"
            say(f"{fix}: {repairs.written:,} lines; repaired: {counts}")
        manifests = [str(fix)]
    with progress_bar("Validating", quiet=quiet) as progress:
        report = validate_manifest(
            *manifests,
            kind=kind,
            taxonomy=taxonomy,
            policy=chosen,
            max_findings=max_findings,
            workers=workers,
            progress=progress,
        )
    show(_rendered(report, format), styled=format is ReportFormat.TEXT and in_color())
    if format is ReportFormat.TEXT:
        show_next(None)
    exit_with(report)


def _rendered(report: Report, format: ReportFormat) -> str:
    from manifest_tools.reports.json_form import report_json
    from manifest_tools.reports.lines import render_lines
    from manifest_tools.reports.sarif import render_sarif

    if format is ReportFormat.SARIF:
        return render_sarif(report)
    if format is ReportFormat.JSON:
        return report_json(report)
    return render_lines(report, color=in_color())
