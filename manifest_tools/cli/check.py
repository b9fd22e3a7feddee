"""``manifest-tools check``: judge what was prepared, or a pair of manifests."""

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


def check(
    places: Annotated[
        list[Path], typer.Argument(metavar="DIR | TRAIN TEST", help="A prepared folder, or two manifests.")
    ],
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder with the manifests' images, to look for look-alikes across them."
        ),
    ] = None,
    target: options.Targets = None,
    label_level: options.Level = None,
    safe_names: options.SafeNames = None,
    keep_unchecked: options.KeepUnchecked = False,
    policy: options.PolicyFile = None,
    taxonomy: options.TaxonomyVersion = CURRENT,
    fail_on: options.Fail = None,
    max_findings: options.MaxFindings = MAX_FINDINGS,
    workers: options.Workers = None,
    everything: options.Everything = False,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Check a prepared folder again, or two manifests against each other.

    A folder is judged by its own policy, or by the one that the options give, with the answers that reviewers gave so
    far; no image is read and nothing written, so a changed threshold costs little time. Two manifests are validated, and compared: images that stand
    in both, labels that only one has, and with --images look-alikes across them.
    """

    def chosen(base: Policy | None, version: str) -> Policy:
        return policy_from(
            policy,
            base=base,
            taxonomy=version,
            targets=target,
            label_level=label_level,
            safe_names=safe_names,
            keep_unchecked=keep_unchecked,
            fail_on=fail_on,
        )

    match places:
        case [folder] if not folder.is_file():
            from manifest_tools.dataset.dataset import Dataset
            from manifest_tools.pipeline.check_folder import check_folder

            frame = Dataset.load_frame(folder)
            judge = chosen(Policy.from_dict(frame.policy), frame.taxonomy)
            report = check_folder(folder, policy=judge, max_findings=max_findings)
        case [train, test]:
            from manifest_tools.pipeline.check_pair import check_pair

            with progress_bar("Inspecting", quiet=quiet) as progress:
                report = check_pair(
                    train,
                    test,
                    images=images,
                    policy=chosen(None, taxonomy),
                    taxonomy=taxonomy,
                    max_findings=max_findings,
                    workers=workers,
                    progress=progress,
                )
        case _:
            msg = "check takes one prepared folder, or a training and a test manifest; for one manifest use validate"
            raise InputError(msg)
    print_report(report, format, everything=everything)
    print_end(report, format)
    if len(places) == 1:
        show_next(places[0], format)
    exit_with(report)
