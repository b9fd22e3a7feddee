"""``manifest-tools select``: keep the most useful images when there are more than training takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import exit_with, print_end, print_report, progress_bar, say
from manifest_tools.cli.judging import policy_from
from manifest_tools.cli.next_line import show_next
from manifest_tools.findings.findings import MAX_FINDINGS
from manifest_tools.findings.policy import Policy


def select(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A prepared folder.")],
    limit: Annotated[int, typer.Option(min=1, help="Images that may stay on the training side.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="A folder for the chosen images and the test side alone; default: the prepared folder, which stays whole.",
        ),
    ] = None,
    thumbnails: options.Pictures = options.Thumbnails.NONE,
    policy: options.PolicyFile = None,
    target: options.Targets = None,
    fail_on: options.Fail = None,
    max_findings: options.MaxFindings = MAX_FINDINGS,
    seed: options.Seed = 0,
    everything: options.Everything = False,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Keep the most useful training images, and leave the others out of the manifests.

    The base model's mistakes that the targets name come first, then what balances them, then other images in
    proportion to their labels; further look-alikes of one picture come last. The test side stays as it is.
    No file is deleted, and a larger --limit takes images back.

    In the folder itself the data set stays whole. With --out, another folder gets the chosen images and the test side
    alone: data set, manifests and report of a small set of its own.

    Example: manifest-tools select out --limit 10000
    """
    from manifest_tools.dataset.dataset import Dataset
    from manifest_tools.pipeline.select_folder import select_folder

    frame = Dataset.load_frame(folder)
    judge = policy_from(
        policy,
        base=Policy.from_dict(frame.policy),
        taxonomy=frame.taxonomy,
        targets=target,
        fail_on=fail_on,
    )
    with progress_bar("Selecting", quiet=quiet) as progress:
        selected = select_folder(
            folder,
            limit=limit,
            out=out,
            policy=judge,
            seed=seed,
            thumbnails=str(thumbnails),
            max_findings=max_findings,
            progress=progress,
        )
    if not quiet:
        facts = selected.facts
        kept = ", ".join(f"{count:,} {why}" for why, count in facts["kept"].items() if count)
        say(f"{facts['found'] - facts['set_aside']:,} of {facts['found']:,} images kept ({kept or 'none'})")
        if selected.missing:
            say(selected.missing)
    print_report(selected.report, format, everything=everything)
    print_end(selected.report, format)
    show_next(out or folder, format)
    exit_with(selected.report)
