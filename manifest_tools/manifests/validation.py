"""Every problem of a manifest, or of several given together, in one run and with bounded memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson

from manifest_tools.findings import MAX_FINDINGS, FindingCollector, Report
from manifest_tools.manifests.content import what_people_said
from manifest_tools.manifests.judging import Judge
from manifest_tools.manifests.kinds import SOURCE_REF, Kind, parse_kind
from manifest_tools.manifests.labels import LabelRule
from manifest_tools.manifests.repeats import Seen, repeats
from manifest_tools.manifests.scanning import Scanner
from manifest_tools.manifests.sources import LongLine, Source, lines
from manifest_tools.manifests.summaries import FileSummary, add_file_findings, add_repeats, facts
from manifest_tools.manifests.tally import Tally
from manifest_tools.policy import Policy
from manifest_tools.taxonomy import CURRENT, Taxonomy

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Task:
    """What a worker has to know to judge lines."""

    kind: Kind | None
    taxonomy: str | None
    policy: Policy
    limit: int
    layouts: bool = True

    def judge(self) -> Judge:
        """Make the judge of single lines."""
        rule = LabelRule(Taxonomy.load(self.taxonomy or CURRENT), self.policy)
        return Judge(self.kind, rule, rule if self.taxonomy else None)


def validate_manifest(
    *paths: str | Path | bytes,
    kind: str = "auto",
    taxonomy: str | None = None,
    policy: Policy | None = None,
    max_findings: int = MAX_FINDINGS,
    workers: int = 1,
    progress: Progress | None = None,
) -> Report:
    """Check manifests of any kind, and compare those that are given together.

    Parameters
    ----------
    *paths : str, Path or bytes
        Manifests: paths, "-" for standard input, or bytes. Gzip and UTF-16 are recognised.
    kind : str
        What every line should be: a kind of docs/manifests.md; "auto" takes each file for what most of its lines are.
    taxonomy : str, optional
        Version of the taxonomy. By default moderation labels are judged by the current one, and the classes of
        labelling jobs are free; naming a version judges these too.
    policy : Policy, optional
        Severities, safe names, and whether labels below level 1 are meant to be written.
    max_findings : int
        How many findings of each code to keep. Counts are exact whatever it is.
    workers : int
        Processes that share a large file. The report does not depend on it.
    progress : callable, optional
        Called with (bytes done, bytes in all or None).

    Returns
    -------
    Report
        ``facts["files"]``: kind, lines, buckets, job types and label counts of each file.

    Raises
    ------
    InputError
        A file cannot be read, or the kind or taxonomy does not exist.

    Notes
    -----
    One pass; a second one over the lines of repeated images, if there are any. Memory: 8 bytes a line, a block of
    1 MB, and the findings that are kept. A line that is over the limit is never held as a whole.
    """
    chosen = policy or Policy()
    task = Task(parse_kind(kind), taxonomy and Taxonomy.load(taxonomy).version, chosen, max_findings)
    collector = FindingCollector(max_findings, chosen.severities)
    sources = [Source(path) for path in paths]
    files = []
    for source in sources:
        tally, size = scan(source, task, workers=workers, progress=progress)
        summary = FileSummary(source.name, tally, size, source.mark, task.kind)
        add_file_findings(collector, summary)
        files.append(summary)
    look = _second_look(sources)
    add_repeats(collector, files, repeats([file.tally.keys for file in files], look))
    return collector.report(fail_on=chosen.fail_on, facts=facts(files))


def scan(
    source: Source, task: Task, *, workers: int = 1, progress: Progress | None = None
) -> tuple[Tally, int]:
    """Judge every line of a source; return the tally and the number of bytes, decompressed."""
    spans = source.spans(workers)
    if len(spans) == 1:
        return _scan_span(source, task, spans[0], hash, progress)
    tally, size = Tally(task.limit), 0
    with ProcessPoolExecutor(len(spans)) as pool:
        jobs = [pool.submit(_scan_span, source, task, span, stable_key) for span in spans]
        for job in jobs:
            part, count = job.result()
            tally.add(part)
            size += count
            if progress is not None:
                progress(size, source.size)
    return tally, size


def _scan_span(
    source: Source,
    task: Task,
    span: tuple[int, int | None],
    key: Callable[[bytes], int],
    progress: Progress | None = None,
) -> tuple[Tally, int]:
    scanner = Scanner(task.judge(), task.limit, key, layouts=task.layouts)
    size = 0
    for piece in source.blocks(*span):
        scanner.feed(piece)
        size += piece.bytes if isinstance(piece, LongLine) else len(piece.data)
        if progress is not None:
            progress(size, source.size)
    return scanner.tally, size


def stable_key(uri: bytes) -> int:
    """Return a 63-bit number of a URI that is the same in every process."""
    return zlib.crc32(uri) << 31 | zlib.adler32(uri) & 0x7FFFFFFF


def _second_look(sources: Sequence[Source]) -> Callable[[int, npt.NDArray[np.intp]], Iterator[Seen]]:
    def look(file: int, numbers: npt.NDArray[np.intp]) -> Iterator[Seen]:
        wanted = iter(numbers.tolist())
        number = next(wanted, None)
        for position, line in lines(sources[file]):
            if position == number and line is not None:
                yield _seen(file, position, line)
                number = next(wanted, None)
                if number is None:
                    return

    return look


def _seen(file: int, number: int, line: bytes) -> Seen:
    value = orjson.loads(line)
    said = what_people_said(value)
    labels = tuple(sorted(name for name, truth in said.labels.items() if truth))
    return Seen(file, number, value[SOURCE_REF], labels if said.judged else None)
