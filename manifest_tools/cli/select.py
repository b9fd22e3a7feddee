"""``manifest-tools select``: keep the most useful images when there are more than training takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import exit_with, print_report, progress_bar, say
from manifest_tools.cli.judging import policy_from
from manifest_tools.findings.findings import MAX_FINDINGS, Report
from manifest_tools.findings.policy import Policy

if TYPE_CHECKING:
    from manifest_tools.dataset.dataset import Dataset


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
    workers: options.Workers = None,
    memory: options.Memory = None,
    seed: options.Seed = 0,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Keep the most useful training images, and leave the others out of the manifests.

    The base model's mistakes that the targets name come first, then what balances them, then other images in
    proportion to their labels; further look-alikes of one picture come last. The test side stays as it is.
    No file is deleted, and a larger --limit takes images back.

    Of more than 500,000 images (or with --memory), --out gets the chosen ones and the test side alone.

    Example: manifest-tools select out --limit 10000
    """
    from manifest_tools.core.output_folder import claimed
    from manifest_tools.dataset.dataset import Dataset
    from manifest_tools.review.journal import ReviewJournal
    from manifest_tools.rules.chunked import is_large, size_in_bytes

    frame = Dataset.load_frame(folder)
    chosen = policy_from(
        policy,
        base=Policy.from_dict(frame.policy),
        taxonomy=frame.taxonomy,
        targets=target,
        fail_on=fail_on,
    )
    room = None if memory is None else size_in_bytes(memory)
    work = _select_large if is_large(folder, room) and not ReviewJournal.of(folder).entries else _select
    wanted = _Wanted(folder, limit, chosen, seed, str(thumbnails), max_findings, workers, room, quiet)
    with claimed(out or folder) as place:
        report = work(wanted, place)
    print_report(report, format)
    exit_with(report)


class _Wanted(NamedTuple):
    folder: Path
    limit: int
    policy: Policy
    seed: int
    thumbnails: str
    max_findings: int
    workers: int | None
    memory: int | None
    quiet: bool


def _select(wanted: _Wanted, out: Path) -> Report:
    from manifest_tools.pipeline.prepare import check_write
    from manifest_tools.pipeline.select import select_images
    from manifest_tools.review.journal import merge_journal

    dataset = merge_journal(wanted.folder)
    dataset = select_images(dataset, limit=wanted.limit, policy=wanted.policy, seed=wanted.seed)
    _tell(wanted, dataset)
    return check_write(
        dataset,
        out,
        policy=wanted.policy,
        thumbnails=wanted.thumbnails,
        max_findings=wanted.max_findings,
    ).report


def _select_large(wanted: _Wanted, out: Path) -> Report:
    """Choose piece by piece, into the folder itself or, the chosen images alone, into another one."""
    from manifest_tools.pipeline.prepare import check_write
    from manifest_tools.pipeline.select_chunked import missing_for_manifests, select_in_place, select_saved

    with progress_bar("Selecting", quiet=wanted.quiet) as progress:
        how: dict[str, Any] = {
            "limit": wanted.limit,
            "policy": wanted.policy,
            "seed": wanted.seed,
            "workers": wanted.workers,
            "memory": wanted.memory,
            "progress": progress,
        }
        if out.resolve() == wanted.folder.resolve():
            report: Report | None
            dataset, report = select_in_place(out, max_findings=wanted.max_findings, **how)
        else:
            dataset = select_saved(wanted.folder, **how)
            report = None
    _tell(wanted, dataset)
    missing = missing_for_manifests(dataset)
    if missing and not wanted.quiet:
        say(missing)
    if report is not None:
        return report
    if missing:
        return _write_without_manifests(wanted, dataset, out)
    return check_write(
        dataset,
        out,
        policy=wanted.policy,
        thumbnails=wanted.thumbnails,
        max_findings=wanted.max_findings,
    ).report


def _write_without_manifests(wanted: _Wanted, dataset: Dataset, out: Path) -> Report:
    """Write what there can be before a split: the data set and its report."""
    from manifest_tools.core.commit import remove_with, replacing_files
    from manifest_tools.core.output_folder import MANIFESTS
    from manifest_tools.reports import write_report
    from manifest_tools.rules.checking import check_dataset

    report = check_dataset(dataset, policy=wanted.policy, max_findings=wanted.max_findings)
    with replacing_files(out) as stage:
        remove_with(stage, MANIFESTS)
        write_report(report, stage, dataset=dataset, thumbnails=wanted.thumbnails)
        dataset.save(stage)
    return report


def _tell(wanted: _Wanted, dataset: Dataset) -> None:
    if not wanted.quiet:
        facts = dataset.sources["select"]
        kept = ", ".join(f"{count:,} {why}" for why, count in facts["kept"].items() if count)
        say(f"{facts['found'] - facts['set_aside']:,} of {facts['found']:,} images kept ({kept or 'none'})")
