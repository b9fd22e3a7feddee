"""Data sets into manifests. Keys stand in a fixed order, so the same data set gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from manifest_tools.dataset import replacing
from manifest_tools.errors import OutputError
from manifest_tools.manifests.kinds import LABELS, SOURCE_REF, TRUTH


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
