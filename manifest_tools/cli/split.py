"""``manifest-tools split``: split a prepared folder anew, or any manifest line by line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import exit_with, print_end, print_report, progress_bar
from manifest_tools.cli.judging import policy_from
from manifest_tools.cli.next_line import show_next
from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import CURRENT
from manifest_tools.findings.findings import MAX_FINDINGS
from manifest_tools.findings.policy import Policy


def split(
    place: Annotated[Path, typer.Argument(metavar="DIR|MANIFEST", help="A prepared folder, or a manifest.")],
    test_size: options.TestSize = 0.2,
    min_test: Annotated[
        int | None, typer.Option(help="Least number of test images; default: the policy's.")
    ] = None,
    prove: options.Prove = None,
    group_by: options.GroupBy = None,
    slices: options.Slices = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder with the manifest's images: look-alikes then stay together."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where the manifests go; default: the prepared folder itself."
        ),
    ] = None,
    lock: Annotated[bool, typer.Option("--lock", help="Fix the split for the rounds to come.")] = False,
    freeze_test: options.FreezeTest = None,
    policy: options.PolicyFile = None,
    target: options.Targets = None,
    fail_on: options.Fail = None,
    max_findings: options.MaxFindings = MAX_FINDINGS,
    seed: options.Seed = 0,
    everything: options.Everything = False,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Split into train and test: look-alikes together, every label on both sides, shares as near as they get.

    A prepared folder gets a new split (locked images stay), new manifests and a new report. A manifest of any
    kind is split line by line: every line keeps its bytes, and goes to train.manifest or test.manifest.
    """
    from manifest_tools.pipeline.split import split_folder, split_manifest

    def chosen(base: Policy) -> Policy:
        return policy_from(policy, base=base, taxonomy=CURRENT, targets=target, fail_on=fail_on)

    with progress_bar("Splitting", quiet=quiet) as progress:
        if place.is_file():
            if slices:
                msg = "--slice is for a prepared folder: a manifest has no columns"
                raise InputError(msg)
            if prove:
                msg = (
                    "--prove needs a prepared folder: a manifest does not say what the base model gets wrong"
                )
                raise InputError(msg)
            report = split_manifest(
                place,
                out=out,
                images=images,
                policy=chosen(Policy()),
                test_size=test_size,
                min_test=min_test,
                group_by=group_by or (),
                seed=seed,
                max_findings=max_findings,
                progress=progress,
            )
        else:
            report = split_folder(
                place,
                out=out,
                judge=chosen,
                test_size=test_size,
                min_test=min_test,
                prove=prove or (),
                group_by=group_by or (),
                slices=slices or (),
                lock=lock,
                freeze_test=freeze_test,
                seed=seed,
                max_findings=max_findings,
            )
    print_report(report, format, everything=everything)
    print_end(report, format)
    if out is None and place.is_dir():
        show_next(place, format)
    exit_with(report)
