"""Inspect a place of images and tell what is wrong with them, without labels."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from pathlib import Path

from manifest_tools.core.commit import replacing_files
from manifest_tools.core.csv_cells import write_csv
from manifest_tools.core.errors import InputError
from manifest_tools.core.output_folder import claimed, holds_dataset
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.dataset import Dataset, remembered_stop_list
from manifest_tools.duplicates.apart import keep_apart, remembered_pairs
from manifest_tools.duplicates.grouping import group_duplicates
from manifest_tools.findings.findings import MAX_FINDINGS, Report
from manifest_tools.findings.policy import Policy
from manifest_tools.images.inspection import inspect_images
from manifest_tools.images.stop_list.reading import read_stop_list
from manifest_tools.pipeline.unpacking import MARK, packed_images, unpack
from manifest_tools.rules.checking import check_images
from manifest_tools.sources.reading import read_images, reader_of

PAGE = "inspect.html"


def inspect(
    images: str | Path,
    *,
    out: str | Path | None = None,
    quick: bool = False,
    cache: bool | str | Path = True,
    workers: int | None = None,
    executor: Executor | None = None,
    stop_list: Sequence[str | Path] = (),
    not_alike: Sequence[str | Path] = (),
    policy: Policy | None = None,
    max_findings: int = MAX_FINDINGS,
    thumbnails: str = "none",
    progress: Progress | None = None,
) -> Report:
    """Read, inspect and group the images of a place, and judge them by the rules about images.

    Parameters
    ----------
    images : path or str
        A folder, a manifest, or ``s3://bucket/prefix``.
    out : path, optional
        Folder to keep the facts in: ``dataset/`` (Parquet), ``images.csv``, and ``inspect.html``, the findings and the groups
        of look-alikes as a page.
    quick : bool
        Decode no pixels; then look-alikes are not searched either.
    cache, workers, executor, progress
        As in :func:`manifest_tools.inspect_images`.
    stop_list : sequence of path
        Hashes of known images, which are set aside unseen; by default those that the data set in `out` remembers.
    not_alike : sequence of path
        CSV of pairs that people found to be no look-alikes (:func:`manifest_tools.duplicates.apart.keep_apart`); those that
        the data set in `out` remembers count, too.
    policy : Policy, optional
        Limits.
    max_findings : int
        How many findings of each code the report keeps.
    thumbnails : {"none", "hidden"}
        Whether the page holds small pictures, hidden until the reader reveals them, a group at a time if wanted.

    Returns
    -------
    Report
        Of the images alone.
    """
    packed = packed_images(images)
    if packed and out is None:
        msg = f"{images} holds its images inside; give --out, a folder to write them to"
        raise InputError(msg)
    with nullcontext() if out is None else claimed(out, mark=MARK) as folder:
        place = unpack(packed, folder) if packed and folder is not None else images
        known = read_stop_list(stop_list or (remembered_stop_list(folder) if folder is not None else ()))
        dataset = read_images(place, policy=policy)
        dataset = inspect_images(
            dataset,
            quick=quick,
            cache=cache,
            workers=workers,
            executor=executor,
            reader=reader_of(images),
            stop_list=known,
            progress=progress,
        )
        dataset = group_duplicates(dataset, workers=workers)
        earlier = Dataset.load_frame(folder) if folder is not None and holds_dataset(folder) else None
        dataset = keep_apart(dataset, not_alike, remembered=remembered_pairs(earlier))
        if folder is not None:
            from manifest_tools.reports.html import render_html  # noqa: PLC0415 - jinja2, for the page alone

            report = check_images(dataset, policy=policy, max_findings=max_findings)
            with replacing_files(folder) as stage:
                dataset.save(stage)
                _write_csv(dataset, stage / "images.csv")
                page = render_html(report, dataset, thumbnails=thumbnails)
                (stage / PAGE).write_text(page, encoding="utf-8", newline="\n")
            return report
    return check_images(dataset, policy=policy, max_findings=max_findings)


def _write_csv(dataset: Dataset, path: Path) -> None:
    """Write what a person or a spreadsheet reads: no hashes of look-alikes, no thumbnails."""
    columns = ["image", "bytes", "sha256", "format", "width", "height", "mode", "frames", "orientation",
               "decode_error", "remarks", "group"]  # fmt: skip
    table = dataset.images[columns]
    with path.open("w", encoding="utf-8", newline="") as file:
        write_csv(file, [columns, *table.itertuples(index=False, name=None)])
