"""``manifest-tools inspect``: what every image is, without judging labels."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import StepLines, exit_with, print_end, print_report, progress_bar
from manifest_tools.cli.engines import engine
from manifest_tools.cli.judging import policy_from
from manifest_tools.cli.next_line import show_next
from manifest_tools.core.taxonomy import CURRENT
from manifest_tools.findings.findings import MAX_FINDINGS

if TYPE_CHECKING:
    from manifest_tools.findings.findings import Report


def inspect(
    images: Annotated[
        str, typer.Argument(metavar="IMAGES", help="A folder, a manifest, or s3://bucket/prefix.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Keep the facts: DIR/dataset, DIR/images.csv and the page DIR/inspect.html (with --run the data set alone).",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Type, header, checksum and end of file; no pixels decoded.")
    ] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Decode every image again.")] = False,
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="RUN",
            help="Work batch by batch into this run folder, here or s3://bucket/prefix; the same command "
            "again goes on where it was.",
            rich_help_panel=options.SCALE,
        ),
    ] = None,
    scheduler: options.Scheduler = None,
    not_alike: options.NotAlike = None,
    thumbnails: options.Pictures = options.Thumbnails.NONE,
    stop_list: options.StopListFiles = None,
    policy: options.PolicyFile = None,
    fail_on: options.Fail = None,
    max_findings: options.MaxFindings = MAX_FINDINGS,
    workers: options.Workers = None,
    everything: options.Everything = False,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Inspect images: broken, odd and unusable ones, copies and look-alikes.

    Every file is decoded in full, in worker processes: one that crashes or hangs a decoder costs one finding,
    not the run. What was seen before is remembered and not decoded again.

    For tens of millions of images: --run keeps finished batches in a folder, --scheduler spreads them over a
    cluster, and `manifest-tools progress RUN` tells from anywhere how far it is.
    """
    from manifest_tools.pipeline.next_step import NextStep

    chosen = policy_from(policy, taxonomy=CURRENT, fail_on=fail_on)
    if run is not None:
        report = _by_batches(
            images, run, scheduler, out=out, quick=quick, workers=workers, policy=chosen, stop_list=stop_list or (),
            max_findings=max_findings, quiet=quiet,
        )  # fmt: skip
    else:
        report = _at_once(
            images, scheduler, out=out, quick=quick, cache=not no_cache, workers=workers, policy=chosen,
            stop_list=stop_list or (), thumbnails=str(thumbnails), not_alike=not_alike or (),
            max_findings=max_findings, quiet=quiet,
        )  # fmt: skip
    print_report(report, format, everything=everything)
    print_end(report, format)
    arguments = f"{shlex.quote(images)} --labels FILE --to s3://BUCKET/PREFIX --out DIR"
    show_next(None, format, otherwise=NextStep("prepare", arguments, "with the moderators' decisions"))
    exit_with(report)


def _at_once(images: str, scheduler: str | None, *, quiet: bool, **asked: Any) -> Report:
    from manifest_tools.pipeline.inspect import inspect

    with progress_bar("Inspecting", quiet=quiet) as progress, engine(scheduler) as executor:
        return inspect(images, executor=executor, progress=progress, **asked)


def _by_batches(images: str, run: str, scheduler: str | None, *, quiet: bool, **asked: Any) -> Report:
    from manifest_tools.pipeline.batch.run import inspect_run

    lines = StepLines(quiet=quiet)
    try:
        with engine(scheduler) as executor:
            return inspect_run(images, run=run, executor=executor, watcher=lines, **asked)
    finally:
        lines.close()
