"""Frames of videos as images: looked at, picked, written and listed; what was done is not done again."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from manifest_tools.core.csv_cells import write_csv
from manifest_tools.core.errors import InputError
from manifest_tools.core.files import replacing
from manifest_tools.core.journal import JournalFile
from manifest_tools.core.output_folder import claimed
from manifest_tools.core.progress import Progress
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.collector import FindingCollector
from manifest_tools.findings.findings import MAX_FINDINGS, Finding, Report
from manifest_tools.parallel.executors import worker_count
from manifest_tools.parallel.worker_main import Lost
from manifest_tools.parallel.worker_pool import isolated_map
from manifest_tools.sources.videos.opening import list_videos, require_pyav
from manifest_tools.sources.videos.sampling import Target
from manifest_tools.sources.videos.statements import (
    LabelRanges,
    Moments,
    comparison_moments,
    read_label_ranges,
    read_moments,
)
from manifest_tools.sources.videos.task import (
    MOST_SECONDS,
    PORTION,
    Look,
    Portion,
    VideoFacts,
    Written,
    frame_name,
    step_targets,
    work,
)
from manifest_tools.sources.videos.times import clock
from manifest_tools.sources.videos.worth import worth_having

FRAMES, JOURNAL = "frames.csv", "frames.journal"
EVERY, SCENE_STEP = 2.0, 1.0  # seconds
_COLUMNS = ("file", "video", "time", "until", "labels")
_FORM = 1  # of the journal: frames that another version made are made again


class FrameRow(NamedTuple):
    """One frame: its file below the folder, and its time; up to `until` the video looks the same (thousandths)."""

    file: str
    video: str
    moment: int
    until: int
    labels: str


@dataclass(frozen=True)
class Frames:
    """The frames that were taken.

    Attributes
    ----------
    rows : tuple of FrameRow
        By video and time.
    videos : mapping of str to float
        Duration in seconds of each video that was read.
    unreadable : tuple of str
        Videos of which there is no frame.
    report : Report
        What is odd about the videos.
    """

    rows: tuple[FrameRow, ...]
    videos: Mapping[str, float]
    unreadable: tuple[str, ...]
    report: Report


@dataclass(frozen=True)
class Wanted:
    """Which frames are wanted: of `step` seconds one, or those of given moments; of `scenes` only new ones."""

    step: float | None
    scenes: bool = False
    moments: Moments = field(default_factory=Moments)

    def targets(self, video: str, duration: float) -> list[Target]:
        """Return the targets in a video."""
        if self.step is not None:
            return step_targets(duration, self.step)
        flagged = [moment for moment in self.moments.of.get(video, ()) if moment <= duration]
        others = comparison_moments(flagged, duration) if self.moments.compared else []
        return [Target(moment, moment) for moment in sorted({*flagged, *others})]


def take_frames(
    source: str | Path,
    out: str | Path,
    *,
    every: float | None = None,
    scenes: bool = False,
    at: str | Path | None = None,
    labels: str | Path | None = None,
    limit: int | None = None,
    workers: int | None = None,
    max_findings: int = MAX_FINDINGS,
    progress: Progress | None = None,
) -> Frames:
    """Take frames of videos, as JPEGs in ``out/VIDEO/TIME.jpg`` with the table ``out/frames.csv``.

    Parameters
    ----------
    source : path
        A video, or a folder of videos.
    out : path
        Folder for the frames. The same call again goes on where it was stopped; another call replaces them.
    every : float, optional
        One frame in so many seconds; 2 unless `scenes` or `at` is given.
    scenes : bool
        A frame where the scene changes, looked for every second.
    at : path, optional
        Table of video and time, or a result of GetContentModeration, to whose moments as many others are added.
    labels : path, optional
        Labels by time range (video, start, end, labels).
    limit : int, optional
        The most frames of a video, evenly spread.
    workers, max_findings, progress
        As in :func:`manifest_tools.pipeline.prepare.prepare`.

    Raises
    ------
    InputError
        The options contradict each other, or a file cannot be read.
    MissingExtraError
        PyAV is not installed.
    """
    if (every is not None) + scenes + (at is not None) > 1:
        raise InputError("every, scenes and at exclude each other; give one")
    require_pyav()
    named = list_videos(source)
    found = FindingCollector(max_findings)
    videos = dict(_with_usable_names(named, found))
    wanted = Wanted(SCENE_STEP if scenes else (None if at else every or EVERY), scenes,
                    read_moments(at, list(videos)) if at else Moments())  # fmt: skip
    ranges = read_label_ranges(labels, list(videos)) if labels else LabelRanges()
    for path, unmatched in ((at, wanted.moments.unmatched), (labels, ranges.unmatched)):
        found.extend(
            finding("video-orphan", file=str(path), line=line, named=name) for line, name in unmatched
        )
    with claimed(out, mark=JOURNAL) as folder:
        job = _Job(folder, videos, wanted, worker_count(workers), progress or (lambda done, total: None))  # noqa: ARG005
        job.look()
        job.write([(key, number) for key in job.facts for number in range(len(job.portions(key)))])
        chosen = {key: job.choose(key, ranges, limit) for key in job.facts}
        job.write(job.missing(chosen))
        rows = tuple(row for key in sorted(chosen) for row in chosen[key][0])
        found.extend(_findings(job, chosen, wanted))
        with (
            replacing(folder / FRAMES) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as stream,
        ):
            write_csv(stream, [_COLUMNS, *map(_cells, rows)])
        job.remove_others({row.file for row in rows})
    unreadable = tuple(
        sorted(set(dict(named)) - {key for key, facts in job.facts.items() if not facts.trouble[0]})
    )
    return Frames(rows, {key: facts.duration for key, facts in job.facts.items()}, unreadable, found.report())


def _cells(row: FrameRow) -> tuple[str, ...]:
    return row.file, row.video, clock(row.moment), clock(row.until), row.labels


def _with_usable_names(
    named: Iterable[tuple[str, Path]], found: FindingCollector
) -> Iterator[tuple[str, Path]]:
    for key, path in named:
        try:
            key.encode()
        except UnicodeEncodeError:
            shown = key.encode(errors="backslashreplace").decode()
            found.add(finding("video-unreadable", file=shown, reason="its name is not UTF-8"))
        else:
            yield key, path


_Chosen = tuple[list[FrameRow], int]


class _Job:
    """The work on the videos of one call: what the journal knows is not done again."""

    def __init__(
        self, folder: Path, videos: Mapping[str, Path], wanted: Wanted, workers: int, progress: Progress
    ) -> None:
        self._folder, self._videos, self._wanted = folder, videos, wanted
        self._workers, self._progress = workers, progress
        self.facts: dict[str, VideoFacts] = {}
        self.written: dict[tuple[str, int], Written] = {}
        self._journal = JournalFile(folder / JOURNAL)
        self._known: dict[str, dict[str, Any]] = {}
        self._ever: set[str] = set()  # files that this and earlier runs wrote
        for record in self._journal.read()[1]:
            self._remember(record)
        self._ids = {key: self._id(key) for key in videos}

    def look(self) -> None:
        """Look at the videos."""
        todo = []
        for key in self._videos:
            known = self._known.get(self._ids[key])
            if known:
                self.facts[key] = VideoFacts(
                    known["duration"], tuple(known["remarks"]), ("", ""), tuple(known["portions"])
                )
            else:
                todo.append(key)
        items = [[Look(str(self._videos[key]), self._wanted.step)] for key in todo]
        for done, (number, answer) in enumerate(_results(items, self._workers), 1):
            self._progress(done, len(todo))
            key = todo[number]
            facts = VideoFacts(trouble=("stuck", answer.detail)) if isinstance(answer, Lost) else answer
            self.facts[key] = facts
            if not facts.trouble[0]:
                self._note({"id": self._ids[key], **asdict(facts)})
        self.facts = dict(sorted(self.facts.items()))

    def portions(self, key: str) -> list[list[Target]]:
        """Return the targets of a video in portions."""
        facts = self.facts[key]
        if facts.trouble[0]:
            return []
        targets = self._wanted.targets(key, facts.duration)
        bounds = facts.portions or (*range(0, len(targets), PORTION), len(targets))
        return [targets[start:end] for start, end in pairwise(bounds)]

    def write(self, wanted: Sequence[tuple[str, int]]) -> None:
        """Write the frames of portions that are not known to be written, or are asked for a second time."""
        todo, items = [], []
        for key, numbers in groupby(wanted, key=itemgetter(0)):
            portions = self.portions(key)
            for _, number in numbers:
                known = self._known.get(f"{self._ids[key]}/{number}")
                if known and (key, number) not in self.written:
                    self.written[key, number] = _as_written(known)
                    continue
                todo.append((key, number))
                place = str(self._videos[key]), str(self._folder / key), self.facts[key].duration
                items.append([Portion(*place, portions[number])])
        for done, (index, answer) in enumerate(_results(items, self._workers), 1):
            self._progress(done, len(items))
            key, number = todo[index]
            if isinstance(answer, Lost):
                self.written[key, number] = Written(trouble=f"decoding crashed or hung: {answer.detail}")
                continue
            self.written[key, number] = answer
            frames = [(moment, sketch.hex()) for moment, sketch in answer.frames]
            self._note(
                {
                    "id": f"{self._ids[key]}/{number}",
                    "video": key,
                    "frames": frames,
                    "trouble": answer.trouble,
                }
            )

    def trouble(self, key: str) -> str:
        """Return the first thing in a video that could not be decoded; "" for none."""
        told = (self.written[key, number].trouble for number in range(len(self.portions(key))))
        return next(filter(None, told), "")

    def choose(self, key: str, ranges: LabelRanges, limit: int | None) -> _Chosen:
        """Return the frames of a video that are worth having, and how many there are without the limit."""
        frames: dict[int, bytes] = {}
        for number in range(len(self.portions(key))):
            frames.update(self.written[key, number].frames)
        kept, count = worth_having(
            sorted(frames.items()), scenes=self._wanted.scenes, limit=limit,
            cell=lambda moment: ranges.labels(key, moment),
        )  # fmt: skip
        rows = [
            FrameRow(f"{key}/{frame_name(moment)}", key, moment, until, ranges.labels(key, moment))
            for moment, until in kept
        ]
        return rows, count

    def missing(self, chosen: Mapping[str, _Chosen]) -> list[tuple[str, int]]:
        """Return the portions whose frames an earlier run removed, or somebody else did."""
        gone: defaultdict[str, set[int]] = defaultdict(set)
        for key, (rows, _) in chosen.items():
            gone[key] = {row.moment for row in rows if not (self._folder / row.file).is_file()}
        return [
            place
            for place, written in self.written.items()
            if gone[place[0]] & {moment for moment, _ in written.frames}
        ]

    def remove_others(self, kept: set[str]) -> None:
        """Remove the frames that were written on the way and are not wanted."""
        for file in sorted(self._ever - kept):
            path = self._folder / file
            path.unlink(missing_ok=True)
            with suppress(OSError):
                path.parent.rmdir()

    def _id(self, key: str) -> str:
        """Return what stands for the frames wanted of a video as it is now."""
        try:
            stat = self._videos[key].stat()
            state = f"{stat.st_size} {stat.st_mtime_ns}"
        except OSError:
            state = "gone"
        moments = self._wanted.moments
        asked = f"{_FORM} {key}\n{state} {self._wanted.step} {moments.of.get(key, ())} {moments.compared}"
        return hashlib.sha256(asked.encode()).hexdigest()[:24]

    def _note(self, record: dict[str, Any]) -> None:
        self._journal.append([record])
        self._remember(record)

    def _remember(self, record: dict[str, Any]) -> None:
        self._known[str(record.get("id"))] = record
        if "video" in record:
            self._ever.update(f"{record['video']}/{frame_name(moment)}" for moment, _ in record["frames"])


def _as_written(record: Mapping[str, Any]) -> Written:
    frames = tuple((moment, bytes.fromhex(sketch)) for moment, sketch in record["frames"])
    return Written(frames, record["trouble"])


def _results(items: Sequence[Sequence[Any]], workers: int) -> Iterator[tuple[int, Any]]:
    for message in isolated_map(work, items, workers=workers, timeout=MOST_SECONDS, keep=True):
        for number, answer in message:
            if (
                isinstance(answer, Lost)
                and answer.error is not None
                and not isinstance(answer.error, MemoryError | OSError)
            ):
                raise answer.error
            yield number, answer


def _findings(job: _Job, chosen: Mapping[str, _Chosen], wanted: Wanted) -> Iterator[Finding]:
    for key, facts in job.facts.items():
        variant, reason = facts.trouble
        if variant:
            yield finding("video-unreadable", variant=variant, file=key, reason=reason)
            continue
        rows, count = chosen[key]
        if trouble := job.trouble(key):
            yield finding("video-damaged", file=key, reason=trouble)
        for remark in facts.remarks:
            yield finding("video-adapted", variant=remark, file=key)
        if count > len(rows):
            yield finding("video-adapted", variant="limit", file=key, found=count, kept=len(rows))
        for moment in wanted.moments.of.get(key, ()):
            if moment > facts.duration:
                yield finding(
                    "video-orphan",
                    variant="after-end",
                    file=key,
                    moment=moment,
                    duration=round(facts.duration, 3),
                )
