"""Data sets into manifests. Keys stand in a fixed order, so the same data set gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from manifest_tools.dataset import Dataset, replacing
from manifest_tools.errors import InputError, OutputError
from manifest_tools.keys import source_refs, split_uri
from manifest_tools.manifests.kinds import LABELS, SOURCE_REF, TRUTH
from manifest_tools.outcomes import compare
from manifest_tools.policy import Policy
from manifest_tools.usable import usable


def write_moderation(path: str | Path, rows: Iterable[tuple[str, Sequence[str]]]) -> int:
    """Write an adapter manifest: one line for each image, in the order given.

    Parameters
    ----------
    path : str or Path
        The file to write. It appears whole or not at all.
    rows : iterable of (str, sequence of str)
        The `source-ref`, with the raw object key, and the names of the image's labels; none means safe.

    Returns
    -------
    int
        How many lines were written.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    return write_lines(
        path, ({SOURCE_REF: uri, TRUTH: {LABELS: [{"Name": name} for name in names]}} for uri, names in rows)
    )


def write_lines(path: str | Path, lines: Iterable[dict[str, Any]]) -> int:
    """Write JSON objects as lines of UTF-8, by a temporary file and a rename; return how many."""
    target = Path(path)
    count = 0
    try:
        with replacing(target) as temporary, temporary.open("wb") as file:
            for count, line in enumerate(lines, 1):  # noqa: B007 - the last number is the count
                file.write(orjson.dumps(line))
                file.write(b"\n")
    except OSError as error:
        msg = f"cannot write {target}: {error.strerror or error}; choose a place that you may write to"
        raise OutputError(msg) from error
    return count


def write_manifests(
    dataset: Dataset,
    out: str | Path,
    *,
    to: str | None = None,
    kind: str = "moderation",
    policy: Policy | None = None,
) -> dict[str, int]:
    """Write ``train.manifest`` and ``test.manifest``: every usable image of each side, sorted by image.

    Parameters
    ----------
    dataset : Dataset
        With a split. Images that are not usable are left out whole.
    out : path
        An existing folder.
    to : str, optional
        ``s3://bucket/prefix`` that the images will have; by default the data set's destination.
    kind : {"moderation"}
        The layout.
    policy : Policy, optional
        Says what is usable and at which level labels are written; by default the data set's own.

    Returns
    -------
    dict of str to int
        Lines written for each side.
    """
    if kind != "moderation":
        msg = f"kind {kind!r} cannot be written from a data set; expected moderation"
        raise InputError(msg)
    if to is not None:
        split_uri(to)
        dataset = replace(dataset, destination=to)
    policy = policy or Policy.from_dict(dataset.policy)
    outcomes = compare(dataset, policy)
    chosen = usable(dataset, policy, outcomes)
    references = list(source_refs(dataset))
    written = {}
    for side in ("train", "test"):
        rows = (chosen & dataset.images["split"].eq(side).to_numpy()).nonzero()[0]
        lines = ((references[row], outcomes.truth.label_set(row)) for row in rows)
        written[side] = write_moderation(Path(out) / f"{side}.manifest", lines)
    return written
