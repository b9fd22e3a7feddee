"""What files say of moments and stretches of videos: where to take frames, and which labels hold when."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.cells import cell_text, split_labels
from manifest_tools.sources.formats.records import columns_of, read_records
from manifest_tools.sources.formats.tables import LABEL_NAMES, find_column, listed
from manifest_tools.sources.videos.times import parse_time

VIDEO_NAMES = ("video", "video_id", "video_name", "video_file", "video_path", "file", "filename", "path")
_TIME_NAMES = ("time", "timestamp", "at", "seconds", "position")
_START_NAMES = ("start", "start_time", "begin", "from")
_END_NAMES = ("end", "end_time", "stop", "to")
_APART = 2.0  # seconds that a frame for comparison keeps from what was flagged


@dataclass(frozen=True)
class Moments:
    """Where to take frames of which video.

    `of` holds seconds by video key; `unmatched` (place, name) of rows about other videos, `compared` whether frames
    away from these moments are wanted, too.
    """

    of: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    unmatched: tuple[tuple[int | None, str], ...] = ()
    compared: bool = False


class LabelRange(NamedTuple):
    """A stretch of a video that somebody looked at, and the labels that were said of it."""

    start: float
    end: float
    labels: tuple[str, ...]

    def holds(self, seconds: float) -> bool:
        """Whether a moment lies in it: from its start to just before its end."""
        return self.start <= seconds < self.end or seconds == self.start


@dataclass(frozen=True)
class LabelRanges:
    """Label ranges by video key, and the (line, name) of rows about other videos."""

    of: Mapping[str, tuple[LabelRange, ...]] = field(default_factory=dict)
    unmatched: tuple[tuple[int | None, str], ...] = ()

    def labels(self, video: str, milliseconds: int) -> str:
        """Return the cell of a frame: the labels of all ranges that hold it; empty where nobody looked."""
        found = [span for span in self.of.get(video, ()) if span.holds(milliseconds / 1000)]
        return ";".join(sorted({label for span in found for label in span.labels}))


def read_moments(path: str | Path, videos: Sequence[str]) -> Moments:
    """Read where frames are wanted: a table of video and time, or a result of Rekognition's GetContentModeration.

    Raises
    ------
    InputError
        The file is neither, or a time cannot be read.
    """
    records = read_records(path)
    if any("ModerationLabels" in record.cells for record in records):
        return _flagged([record.cells for record in records], path, videos)
    columns = columns_of(records)
    video = find_column(columns, VIDEO_NAMES)
    time = find_column(columns, _TIME_NAMES)
    if time is None or (video is None and len(videos) > 1):
        msg = f"{path}: found the columns {listed(columns)}; expected 'video' and 'time', or a GetContentModeration result"
        raise InputError(msg)
    find = _Finder(videos)
    of: defaultdict[str, set[float]] = defaultdict(set)
    for line, cells in records:
        key = find(cell_text(cells.get(video)) if video else videos[0], line)
        moment = _time(cells.get(time), path, line, time)
        if key:
            of[key].add(moment)
    return Moments({key: tuple(sorted(found)) for key, found in sorted(of.items())}, tuple(find.unmatched))


def read_label_ranges(path: str | Path, videos: Sequence[str]) -> LabelRanges:
    """Read labels by time range: video, start, end, labels.

    Raises
    ------
    InputError
        The file is no such table, or a range ends before it starts.
    """
    records = read_records(path)
    columns = columns_of(records)
    names = [find_column(columns, known) for known in (VIDEO_NAMES, _START_NAMES, _END_NAMES, LABEL_NAMES)]
    video, start, end, label = names
    if video is None or start is None or end is None or label is None:
        msg = f"{path}: found the columns {listed(columns)}; expected video, start, end, labels"
        raise InputError(msg)
    find = _Finder(videos)
    of: defaultdict[str, list[LabelRange]] = defaultdict(list)
    for line, cells in records:
        key = find(cell_text(cells.get(video)), line)
        begins, ends = _time(cells.get(start), path, line, start), _time(cells.get(end), path, line, end)
        if ends < begins:
            msg = f"{path}:{line}: the range ends at {ends:g} s, before it starts at {begins:g} s"
            raise InputError(msg)
        if key:
            of[key].append(LabelRange(begins, ends, tuple(split_labels(cells.get(label)))))
    return LabelRanges({key: tuple(found) for key, found in sorted(of.items())}, tuple(find.unmatched))


def comparison_moments(flagged: Sequence[float], duration: float) -> list[float]:
    """Return as many moments away from the flagged ones, evenly spread over what is left of a video.

    >>> comparison_moments([10.0], 21.0)
    [12.5]
    """
    edges = [
        0.0,
        *(edge for moment in sorted(flagged) for edge in (moment - _APART, moment + _APART)),
        duration,
    ]
    gaps, reached = [], 0.0
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        start = max(start, reached)  # noqa: PLW2901 - ranges around neighbours overlap
        if end > start:
            gaps.append((start, end))
        reached = max(reached, end)
    total = sum(end - start for start, end in gaps)
    wanted = min(len(flagged), int(total / _APART))
    found = []
    for number in range(wanted):
        place = total * (number + 0.5) / wanted
        for start, end in gaps:
            if place < end - start:
                found.append(round(start + place, 3))
                break
            place -= end - start
    return found


def _flagged(documents: Sequence[Mapping[str, Any]], path: str | Path, videos: Sequence[str]) -> Moments:
    """Return the moments of GetContentModeration results: one, or one a line; pages of one video belong together."""
    find = _Finder(videos)
    of: defaultdict[str, set[float]] = defaultdict(set)
    for document in documents:
        told = document.get("Video")
        place = told.get("S3Object") if isinstance(told, dict) else None
        name = str(place.get("Name", "")) if isinstance(place, dict) else ""
        if not name and len(videos) > 1:
            msg = f"{path}: the result does not name its video (Video.S3Object.Name); give that video, not a folder"
            raise InputError(msg)
        key = find(name, None) if name else videos[0]
        moments = _flagged_moments(document.get("ModerationLabels"), path)
        if key:
            of[key] |= moments
    return Moments(
        {key: tuple(sorted(found)) for key, found in sorted(of.items())}, tuple(find.unmatched), compared=True
    )


def _flagged_moments(entries: Any, path: str | Path) -> set[float]:
    """Return the seconds of what a result flagged; it tells thousandths."""
    if not isinstance(entries, list) or any(not isinstance(entry, dict) for entry in entries):
        msg = f"{path}: ModerationLabels is no list of objects; expected what GetContentModeration answers"
        raise InputError(msg)
    moments = set()
    for number, entry in enumerate(entries):
        value = entry.get("Timestamp", entry.get("StartTimestampMillis"))
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            msg = (
                f"{path}: ModerationLabels[{number}].Timestamp is {value!r}; expected thousandths of a second"
            )
            raise InputError(msg)
        moments.add(value / 1000)
    return moments


def _time(cell: Any, path: str | Path, line: int, column: str) -> float:
    text = cell_text(cell)
    try:
        return parse_time(text)
    except ValueError:
        msg = f"{path}:{line}: column {column!r} holds {text[:60]!r}; expected a time such as 62.5, 1:02.5 or 62500ms"
        raise InputError(msg) from None


class _Finder:
    """Finds the video that a row names: by its path from the folder, else by a name or stem that only one video has."""

    def __init__(self, videos: Iterable[str]) -> None:
        self._keys = frozenset(videos)
        self._by_name: defaultdict[str, set[str]] = defaultdict(set)
        for key in self._keys:
            name = key.rsplit("/", 1)[-1]
            self._by_name[name].add(key)
            self._by_name[name.rsplit(".", 1)[0]].add(key)
        self.unmatched: list[tuple[int | None, str]] = []

    def __call__(self, named: str, line: int | None) -> str:
        """Return the key of a video, or "" and take a note."""
        plain = named.strip().replace("\\", "/")
        if plain in self._keys:
            return plain
        tails = [key for key in self._keys if plain.endswith(f"/{key}")]
        found = set(tails) or self._by_name.get(plain.rsplit("/", 1)[-1], set())
        if len(found) == 1:
            return next(iter(found))
        self.unmatched.append((line, named))
        return ""
