"""``manifest-tools forget``: images out of everything of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tools.cli import options, remote
from manifest_tools.cli.console import printable, show
from manifest_tools.core.errors import InputError
from manifest_tools.core.stopping import when_stopped
from manifest_tools.core.text import counted, to_json

if TYPE_CHECKING:
    from manifest_tools.pipeline.forget.folder import ForgetPlan, Forgotten


def forget(
    images: Annotated[
        list[str] | None, typer.Argument(metavar="IMAGE...", help="Images by their key, or SHA-256.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="A file with one image a line.")
    ] = None,
    folders: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="DIR",
            help="A folder of prepare or inspect, or a run folder. Repeatable; default: here.",
        ),
    ] = None,
    bucket: Annotated[
        bool | None,
        typer.Option(
            "--bucket/--local",
            help="Erase from the bucket too, or leave it as it is. Default: where something was published.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and remove nothing.")] = False,
    yes: remote.Yes = False,
    profile: remote.Profile = None,
    region: remote.Region = None,
    endpoint_url: remote.EndpointUrl = None,
    format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """Erase images from tables, journals, caches, manifests, reports and the bucket, for good.

    Byte-for-byte copies go with them. The plan is shown first. Your own files stay. A receipt of hashes in each DIR
    says what was removed from where, and what could not be. Run it again after it was stopped: it ends the same.
    Run folders (--run) belong to it: name them too, when nobody works on them.

    Example: manifest-tools forget people/ann.jpg --from prepared
    """
    from manifest_tools.pipeline.forget.folder import apply_forget, plan_forget
    from manifest_tools.pipeline.forget.runs import is_run

    wanted = _wanted(images or [], file)
    for folder in folders or ():
        if folder.parts[0] == "s3:":
            raise InputError(
                "a folder in S3 cannot be changed from here; when the run has ended, remove it there as a whole, and give "
                "--from the folder of its results"
            )
    client = None
    if bucket or (bucket is None and _published(folders or [Path()])):
        from manifest_tools.storage.aws_clients import make_client

        client = make_client("s3", profile=profile, region=region, endpoint_url=endpoint_url)
    # runs know images by their data sets
    places = sorted(folders or [Path()], key=lambda folder: not is_run(folder))
    plans = [plan_forget(folder, wanted, client=client) for folder in places]
    lines = [line for plan in plans for line in plan_lines(plan)]
    if dry_run:
        show("\n".join(map(printable, lines)))
        return
    if not any(plans):
        show("nothing of them is there")
        return
    if not remote.confirm(lines, yes=yes):
        raise typer.Exit(1)
    with when_stopped(lambda: "what was erased is gone, and the same command erases the rest"):
        done = [apply_forget(plan, client=client) for plan in plans]
    if format is options.OutputFormat.JSON:
        show(to_json([item.receipt for item in done], indent=1))
    else:
        show("\n".join(printable(line) for item in done for line in _result_lines(item)))
    raise typer.Exit(1 if any(item.kept for item in done) else 0)


def plan_lines(plan: ForgetPlan) -> Iterator[str]:
    """Yield the plan for people."""
    yield f"{plan.folder}: {counted(len(plan.images), 'image')} with copies"
    for name, count in plan.files.items():
        yield f"  {name}: {counted(count, 'place')}"
    for told in plan.run.says if plan.run else ():
        yield f"  run: {told}"
    if plan.copies:
        yield f"  derived: {counted(len(plan.copies), 'copy', 'copies')}"
    markers = sum(item.marker for item in plan.versions)
    if plan.versions:
        yield (
            f"  bucket {plan.versions[0].bucket}: {counted(len(plan.versions) - markers, 'version')}, "
            f"{counted(markers, 'delete marker')}, for good"
        )
    for adapter in plan.adapters:
        yield f"  trained on it, and not changed: {adapter['arn']} ({adapter['trained'] or 'date not known'})"
    for text in plan.left:
        yield f"  left: {text}"


def _result_lines(done: Forgotten) -> Iterator[str]:
    for one in done.kept:
        yield f"not erased: s3://{one.version.bucket}/{one.version.key} version {one.version.version}: {one.reason}"
    yield f"{counted(len(done.receipt['images']), 'image')} forgotten; receipt: {done.path}"


def _wanted(images: list[str], file: Path | None) -> list[str]:
    if bool(images) == (file is not None):
        raise InputError("say which images: IMAGE..., or --file FILE with one a line")
    if file is None:
        return images
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    found = [line for line in lines if line.strip()]
    if not found:
        raise InputError(f"{file} names no image; expected one a line")
    return found


def _published(folders: list[Path]) -> bool:
    """Whether something of the folders was published; elsewhere no account is needed."""
    from manifest_tools.dataset.dataset import Dataset
    from manifest_tools.pipeline.forget.folder import lacks_dataset

    histories = [Dataset.load_frame(folder).history for folder in folders if not lacks_dataset(folder)]
    return any(entry["step"] == "publish" for history in histories for entry in history)
