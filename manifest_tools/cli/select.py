"""``manifest-tools select``: keep the most useful images when there are more than training takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import exit_with, print_report, say
from manifest_tools.cli.judging import policy_from
from manifest_tools.findings import MAX_FINDINGS


def select(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A prepared folder.")],
    limit: Annotated[int, typer.Option(min=1, help="Images that may stay on the training side.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where the results go; default: the prepared folder itself."
        ),
    ] = None,
    thumbnails: options.Pictures = options.Thumbnails.NONE,
    policy: options.PolicyFile = None,
    target: options.Targets = None,
    fail_on: options.Fail = None,
    max_findings: options.MaxFindings = MAX_FINDINGS,
    seed: options.Seed = 0,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Keep the most useful training images, and leave the others out of the manifests.

    The base model's mistakes that the targets name come first, then what balances them, then other images in
    proportion to their labels; further look-alikes of one picture come last. The test side stays as it is.
    No file is deleted, and a larger --limit takes images back.

    Example: manifest-tools select out --limit 10000
    """
    from manifest_tools import output
    from manifest_tools.policy import Policy
    from manifest_tools.preparing import check_write
    from manifest_tools.reviews import merge_journal
    from manifest_tools.selection import select_images

    dataset = merge_journal(folder)
    chosen = policy_from(
        policy,
        base=Policy.from_dict(dataset.policy),
        taxonomy=dataset.taxonomy,
        targets=target,
        fail_on=fail_on,
    )
    dataset = select_images(dataset, limit=limit, policy=chosen, seed=seed)
    if not quiet:
        facts = dataset.sources["select"]
        kept = ", ".join(f"{count:,} {why}" for why, count in facts["kept"].items() if count)
        say(f"{facts['found'] - facts['set_aside']:,} of {facts['found']:,} images kept ({kept or 'none'})")
    result = check_write(
        dataset,
        output.claim(out or folder),
        policy=chosen,
        thumbnails=str(thumbnails),
        max_findings=max_findings,
    )
    print_report(result.report, format)
    exit_with(result.report)
