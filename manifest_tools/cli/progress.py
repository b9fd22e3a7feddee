"""``manifest-tools progress``: how far a run over very many images is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import progress_bar, show
from manifest_tools.core.text import to_json

if TYPE_CHECKING:
    from manifest_tools.pipeline.batch.progress import RunProgress

_EVERY = 5.0  # seconds between two looks of --watch


def progress(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="A run folder, here or s3://bucket/prefix (inspect --run, predict --run)."
        ),
    ],
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every few seconds until the run is finished.")
    ] = False,
    format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """Tell how far a run is, from any terminal or machine that sees its folder.

    Exit code 0 when every batch is done, 1 while some are not.

    Example: manifest-tools progress s3://my-bucket/runs/may
    """
    from manifest_tools.pipeline.batch.progress import progress_of
    from manifest_tools.pipeline.batch.run_folder import RunFolder

    folder = RunFolder.at(run)
    now = progress_of(folder)
    if watch and not now.finished:
        with progress_bar("Working") as update:
            while not now.finished:
                update(now.images_done, now.images)
                time.sleep(_EVERY)
                now = progress_of(folder)
    if format is options.OutputFormat.JSON:
        show(to_json({**asdict(now), "finished": now.finished}, indent=1))
    else:
        for line in _lines(now):
            show(line)
    raise typer.Exit(0 if now.finished else 1)


def _lines(now: RunProgress) -> Iterator[str]:
    yield f"images   {now.source}"
    if now.images is None or now.batches is None:
        yield "listing  not finished"
        return
    share = now.images_done / max(1, now.images)
    yield f"done     {now.images_done:,} of {now.images:,} images ({share:.1%})"
    yield f"batches  {now.batches_done:,} of {now.batches:,}"
