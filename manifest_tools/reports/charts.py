"""What the images are like, as rows of bars: formats, sizes, dimensions and colour modes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from manifest_tools.dataset.dataset import Dataset

_MOST = 8  # rows of a chart by name; the others are added up
_BYTES = (("under 10 KB", 10_000), ("10 to 50 KB", 50_000), ("50 to 200 KB", 200_000), ("200 KB to 1 MB", 1_000_000),
          ("1 to 5 MB", 5_000_000), ("5 to 15 MB", 15_000_000), ("over 15 MB", None))  # fmt: skip
_SIDES = (("under 80", 80), ("80 to 239", 240), ("240 to 639", 640), ("640 to 1,279", 1280),
          ("1,280 to 2,559", 2560), ("2,560 to 5,119", 5120), ("5,120 and more", None))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a chart: `share` is of the longest row, 0-1."""

    name: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as rows of bars."""

    title: str
    bars: tuple[Bar, ...]


def charts(dataset: Dataset) -> tuple[Chart, ...]:
    """Return the charts that an inspected data set gives; none when nothing was inspected."""
    images = dataset.images
    sized = images[images["width"] > 0]
    sizes = zip(sized["width"], sized["height"], strict=True)
    dimensions = pd.Series([f"{width:,} x {height:,}" for width, height in sizes], dtype="str")
    made = (
        _by_name("Format, by content", images.loc[images["format"] != "", "format"]),
        _in_ranges("Size of the file", images.loc[images["bytes"] > 0, "bytes"], _BYTES),
        _in_ranges("Shorter side, pixels", sized[["width", "height"]].min(axis=1), _SIDES),
        _by_name("Most frequent dimensions", dimensions),
        _by_name("Pixels stored as", images.loc[images["mode"] != "", "mode"]),
    )
    return tuple(chart for chart in made if chart.bars)


def _by_name(title: str, values: pd.Series[str]) -> Chart:
    counts = sorted(values.value_counts().items(), key=lambda item: (-item[1], str(item[0])))
    rows = [(str(name), int(count)) for name, count in counts[:_MOST]]
    others = counts[_MOST:]
    if others:
        rows.append((f"{len(others):,} others", sum(int(count) for _, count in others)))
    return Chart(title, _bars(rows))


def _in_ranges(title: str, values: pd.Series[int], ranges: tuple[tuple[str, int | None], ...]) -> Chart:
    ends = [end for _, end in ranges if end is not None]
    counts = np.bincount(np.searchsorted(ends, values.to_numpy(), side="right"), minlength=len(ranges))
    rows = [(name, int(count)) for (name, _), count in zip(ranges, counts, strict=True)]
    while rows and not rows[-1][1]:
        rows.pop()
    while rows and not rows[0][1]:
        rows.pop(0)
    return Chart(title, _bars(rows))


def _bars(rows: Iterable[tuple[str, int]]) -> tuple[Bar, ...]:
    rows = list(rows)
    longest = max((count for _, count in rows), default=0) or 1
    return tuple(Bar(name, count, count / longest) for name, count in rows)
