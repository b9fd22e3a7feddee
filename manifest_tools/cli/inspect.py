"""``manifest-tools inspect``: what every image is, without judging labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import exit_with, print_report, progress_bar
from manifest_tools.cli.judging import policy_from
from manifest_tools.findings import MAX_FINDINGS
from manifest_tools.taxonomy import CURRENT


def inspect(
    images: Annotated[
        str, typer.Argument(metavar="IMAGES", help="A folder, a manifest, or s3://bucket/prefix.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Keep the facts: DIR/dataset and DIR/images.csv."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Type, header, checksum and end of file; no pixels decoded.")
    ] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Decode every image again.")] = False,
    policy: options.PolicyFile = None,
    fail_on: options.Fail = None,
    max_findings: options.MaxFindings = MAX_FINDINGS,
    workers: options.Workers = None,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Inspect images: broken, odd and unusable ones, copies and look-alikes.

    Every file is decoded in full, in worker processes: one that crashes or hangs a decoder costs one finding,
    not the run. What was seen before is remembered and not decoded again.
    """
    from manifest_tools.inspecting import inspect as run

    chosen = policy_from(policy, taxonomy=CURRENT, fail_on=fail_on)
    with progress_bar("Inspecting", quiet=quiet) as progress:
        report = run(
            images,
            out=out,
            quick=quick,
            cache=not no_cache,
            workers=workers,
            policy=chosen,
            max_findings=max_findings,
            progress=progress,
        )
    print_report(report, format)
    exit_with(report)
