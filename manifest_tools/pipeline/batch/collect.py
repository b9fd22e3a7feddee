"""From finished batches to a data set: look-alikes found, everything in one place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from manifest_tools.core.commit import scratch_in
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.chunks import DatasetWriter, SavedDataset
from manifest_tools.dataset.copies import as_sent
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.tables import COPY_COLUMNS
from manifest_tools.duplicates.confirmation import SAME
from manifest_tools.duplicates.fingerprint_table import FingerprintTable
from manifest_tools.duplicates.grouping import fitting_radius, leaders
from manifest_tools.duplicates.sorting import IntArray
from manifest_tools.pipeline.batch.inspect import BATCH_COLUMNS
from manifest_tools.pipeline.batch.plan import Plan, in_order
from manifest_tools.pipeline.batch.run_folder import RunFolder, batch_name
from manifest_tools.storage.uris import is_s3_uri

Columns = Mapping[str, tuple[str, Any]]

_AHEAD: Final = 8  # batches that are fetched while one is taken in


class Grouping(NamedTuple):
    """For each image of a run the position of the first of its look-alikes, and the bits in which views may differ."""

    leader: IntArray
    radius: int


def tables(
    folder: RunFolder, numbers: Sequence[int], columns: Columns, *, optional: Sequence[str] = ()
) -> Iterator[pd.DataFrame]:
    """Yield finished batches by their numbers; `columns` and `optional` as in :meth:`RunFolder.read_table`."""
    names = [batch_name(number) for number in numbers]
    read = partial(folder.read_table, columns=columns, optional=optional)
    with ThreadPoolExecutor(_AHEAD) as readers:
        for start in range(0, len(names), _AHEAD):
            yield from readers.map(read, names[start : start + _AHEAD])


def _inspected(folder: RunFolder, plan: Plan) -> Iterator[pd.DataFrame]:
    """Yield the finished batches of an inspection, after a look that each holds as many images as were planned."""
    sizes = plan.sizes()
    for number, table in enumerate(tables(folder, range(plan.batches), BATCH_COLUMNS)):
        if len(table) != sizes[number] or not in_order(table["image"]):
            raise folder.damaged(batch_name(number), "it holds other images than its plan")
        yield table


def find_look_alikes(
    folder: RunFolder, plan: Plan, *, workers: int, scratch: Path, progress: Progress | None = None
) -> Grouping:
    """Find the look-alikes of a run.

    Parameters
    ----------
    scratch : Path
        A folder for fingerprints: about 650 bytes an image.
    """
    with scratch_in(scratch) as place:
        prints = FingerprintTable.allocate(plan.images, place)
        start = 0
        for table in _inspected(folder, plan):
            prints.fill(start, table)
            start += len(table)
        radius = fitting_radius(prints)
        return Grouping(leaders(prints, radius=radius, workers=workers, progress=progress), radius)


def first_copies(saved: SavedDataset, *, scratch: Path) -> IntArray:
    """Return for each image of a saved data set the position of the first one of which the same bytes are sent."""
    with scratch_in(scratch) as place:
        prints = FingerprintTable.allocate(saved.rows, place, filled=("sha256", "hashed", "seen"))
        for number in range(saved.pieces):
            table = as_sent(saved.images(number, ["sha256", *COPY_COLUMNS]))[["sha256"]]
            prints.fill(saved.starts[number], table.assign(phash="", views="", sketch="", shown=""))
        return leaders(prints, near=False)


def collect(
    folder: RunFolder,
    plan: Plan,
    found: Grouping,
    out: Path,
    *,
    source: str,
    options: dict[str, Any],
    stop_list: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> None:
    """Write the finished batches as a data set, with `group` filled in.

    Parameters
    ----------
    found : Grouping
        As from :func:`find_look_alikes`.
    out : Path
        The data set goes to ``out/dataset``.
    source : str
        Where the images are.
    options : mapping
        Of the inspection.
    stop_list : tuple of str
        Files that the data set is to remember.
    """
    local = not is_s3_uri(source)
    origin = {"images": {"folder": source, "skipped": dict(plan.skipped)}}
    frame = Dataset.from_tables(
        pd.DataFrame({"image": []}), root=source if local else "", sources=origin, stop_list=stop_list
    )
    steps = [("read", {}) if local else ("list_images", {"prefix": source}), ("inspect", options)]
    leader = found.leader
    followed = np.unique(leader[leader != np.arange(len(leader))])  # they come before those that name them
    keys: dict[int, str] = {}
    with DatasetWriter(out) as writer:
        start = 0
        for table in _inspected(folder, plan):
            rows = np.arange(start, start + len(table))
            start += len(table)
            images = table["image"].to_numpy(dtype=object)
            for row in np.intersect1d(rows, followed, assume_unique=True):
                keys[int(row)] = images[row - rows[0]]
            group = images.copy()
            for row in np.flatnonzero(leader[rows] != rows):
                group[row] = keys[int(leader[rows[row]])]
            writer.write(table.assign(group=group))
            if progress is not None:
                progress(start, plan.images)
        grouping = {"near": True, "radius": found.radius, "similarity": SAME}
        writer.finish(frame, "group", grouping, steps=steps)
