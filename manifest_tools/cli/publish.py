"""``manifest-tools publish``: a prepared data set to S3, verified."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from manifest_tools.cli import options, remote
from manifest_tools.cli.console import finding_line, printable, progress_bar, show
from manifest_tools.cli.next_line import show_next
from manifest_tools.core.errors import InputError
from manifest_tools.core.stopping import when_stopped
from manifest_tools.core.text import to_json
from manifest_tools.storage.uris import split_destination

if TYPE_CHECKING:
    from manifest_tools.aws.publishing.apply import PublishResult
    from manifest_tools.aws.publishing.plan import PublishPlan
    from manifest_tools.core.progress import Progress

_SHOWN = 10  # findings in the text


def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What prepare wrote, passed.")],
    to: Annotated[
        str | None,
        typer.Option(metavar="S3-URI", help="Where the manifests go; default: beside the images."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and write nothing.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite objects that hold other bytes.")
    ] = False,
    strip_metadata: Annotated[
        bool,
        typer.Option(
            "--strip-metadata",
            help="Send copies without metadata (GPS, names, thumbnails, ...); pixels, turn and colours are the same. The "
            "copies are made in DIR, with --dry-run too.",
        ),
    ] = False,
    print_policy: Annotated[
        bool,
        typer.Option(
            "--print-policy",
            help="Print the least IAM policies by role (preparing, reviewing, production) and the bucket policy, and do nothing.",
        ),
    ] = False,
    account: Annotated[
        str | None,
        typer.Option(
            metavar="DIGITS", help="For --print-policy: the account; no other one's buckets and jobs get in."
        ),
    ] = None,
    kms_key: Annotated[
        str | None, typer.Option(help="KMS key to encrypt with; default: as the bucket is set.")
    ] = None,
    stop_list: options.StopListFiles = None,
    yes: remote.Yes = False,
    profile: remote.Profile = None,
    region: remote.Region = None,
    endpoint_url: remote.EndpointUrl = None,
    requester_pays: remote.RequesterPays = False,
    workers: remote.Threads = 32,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Put a prepared data set into S3: images first and verified, manifests last.

    Safe to stop and to run again: what is there already, intact, is not sent again. Nothing is overwritten
    without --replace. Afterwards the split is locked, so that a later round keeps it.
    """
    if print_policy:
        show(to_json(_policies(folder, to, kms_key, account), indent=2))
        return
    from manifest_tools.aws.publishing.apply import PublishResult, apply_plan
    from manifest_tools.aws.publishing.plan import plan_publish

    remote.require_answers_in_manifests(folder)
    with progress_bar("Comparing", quiet=quiet) as progress:
        plan = plan_publish(
            folder,
            to=to,
            replace=replace,
            kms_key=kms_key,
            profile=profile,
            region=region,
            endpoint_url=endpoint_url,
            requester_pays=requester_pays,
            stop_list=stop_list or (),
            strip_metadata=strip_metadata,
            workers=workers,
            progress=progress,
        )
    result = PublishResult(plan, findings=plan.findings)
    lines = [*plan_lines(plan), *remote.terms(plan.storage.client, profile=profile)]
    if plan.ready and not dry_run and (not plan.writes or remote.confirm(lines, yes=yes)):
        written = [0]
        with (
            when_stopped(lambda: written_so_far(plan, written[0])),
            progress_bar("Publishing", quiet=quiet) as progress,
        ):
            result = apply_plan(plan, workers=workers, progress=counting(written, progress))
    if format is options.OutputFormat.JSON:
        show(to_json(result.to_dict(), indent=1))
    else:
        for line in (*(lines if dry_run else ()), *_result_lines(result, dry_run=dry_run)):
            show(printable(line))
    show_next(folder, format)
    raise typer.Exit(0 if result.passed or (dry_run and plan.ready) else 1)


def counting(written: list[int], progress: Progress | None) -> Progress:
    """Return what follows the writing, and puts down how far it is."""

    def follow(done: int, total: int | None) -> None:
        written[0] = done
        if progress:
            progress(done, total)

    return follow


def written_so_far(plan: PublishPlan, done: int) -> str:
    """Say what is in the bucket when publishing is interrupted, and what was replaced."""
    replaced = sum(str(item.action) == "replace" for item in plan.writes[:done])
    others = f", {replaced:,} of them in the place of other content" if replaced else ""
    return f"{done:,} of {len(plan.writes):,} objects are written{others}, and the same command goes on"


def plan_lines(plan: PublishPlan) -> Iterator[str]:
    """Yield the plan for people."""
    from manifest_tools.aws.publishing.prepared_folder import verdict_lines

    yield from verdict_lines(plan.prepared.folder)
    yield from plan.bucket.lines()
    counts = plan.to_dict()["images"]
    words = {
        "keep": "there already, intact",
        "send": "to send",
        "copy": "to copy inside S3",
        "replace": "to overwrite",
        "blocked": "in the way",
    }
    images = [f"{counts[action]:,} {text}" for action, text in words.items() if action in counts]
    yield f"images      {', '.join(images)}"
    for item in plan.manifests:
        yield f"manifest    {plan.storage.uri(item.wanted.key)}: {words[item.action]}"
    yield f"upload      {plan.bytes_to_send:,} bytes in {len(plan.writes):,} writes; {plan.looks:,} requests to look"


def _result_lines(result: PublishResult, *, dry_run: bool) -> Iterator[str]:
    from manifest_tools.aws.publishing.prepared_folder import verdict_lines

    for finding in result.findings[:_SHOWN]:
        yield finding_line(finding)
    if len(result.findings) > _SHOWN:
        yield f"and {len(result.findings) - _SHOWN:,} more; --format json lists them all"
    if result.passed:
        yield f"published: {result.sent:,} objects sent, {result.kept:,} were there already; all verified"
        yield from (f"  {uri}" for uri in result.manifests)
        yield from verdict_lines(result.plan.prepared.folder)
    elif dry_run and result.plan.ready:
        yield "nothing is in the way; run it without --dry-run"
    else:
        yield "not published: no manifest was written"


def _policies(folder: Path, to: str | None, kms_key: str | None, account: str | None) -> dict[str, Any]:
    from manifest_tools.aws.publishing.iam_policies import bucket_policy, iam_policies
    from manifest_tools.dataset.dataset import Dataset
    from manifest_tools.dataset.round_sets import trained_adapters

    dataset = Dataset.load_frame(folder)
    place = to or dataset.destination
    if not place:
        raise InputError(f"{folder} has no destination; say where it is to go: --to s3://BUCKET/PREFIX")
    if account is not None and not re.fullmatch(r"[0-9]{12}", account):
        raise InputError(f"--account is {account!r}; expected the twelve digits of an AWS account")
    bucket, prefix = split_destination(place)
    trained = trained_adapters(dataset.history)
    roles = iam_policies(
        bucket, prefix, kms_key=kms_key, account=account, adapter=trained[-1] if trained else ""
    )
    return {**roles, "bucket_policy": bucket_policy(bucket, prefix, account=account)}
