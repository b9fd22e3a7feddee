"""Every problem of a manifest, or of several given together, in one run and with bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson

from manifest_tools.core.progress import Progress
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.findings.collector import FindingCollector
from manifest_tools.findings.findings import MAX_FINDINGS, Report
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.content import what_people_said
from manifest_tools.manifests.kinds import SOURCE_REF, parse_kind
from manifest_tools.manifests.line_reader import LongLine, Source
from manifest_tools.manifests.validation.confidence_unit import unit_finding
from manifest_tools.manifests.validation.file_findings import (
    FileSummary,
    add_file_findings,
    add_repeats,
    facts,
)
from manifest_tools.manifests.validation.parallel_scan import Task, scan
from manifest_tools.manifests.validation.repeats import Seen, repeats
from manifest_tools.parallel.executors import worker_count


def validate_manifest(
    *paths: str | Path | bytes,
    kind: str = "auto",
    taxonomy: str | None = None,
    policy: Policy | None = None,
    max_findings: int = MAX_FINDINGS,
    workers: int | None = None,
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
    workers : int, optional
        Processes that share a file of 64 MB or more, this one among them; by default one for each processor that
        this process may use. The report does not depend on it, and a script that asks for several needs no
        ``__main__`` guard. A worker that dies costs nothing: another process judges its lines.
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
    ManifestToolsError
        The workers cannot be started, or die at the same lines again.

    Notes
    -----
    One pass; a second one over the lines of repeated images, if there are any. Memory: 8 bytes a line (16 while
    repeated images are sought), blocks of less than 1 MB, and the findings that are kept; and some 50 MB for each
    worker. A line that is over the limit is never held as a whole.

    Examples
    --------
    >>> from manifest_tools import validate_manifest
    >>> report = validate_manifest("sample_data/predictions.manifest", kind="bulk-analysis")
    >>> report.passed, report.facts["files"][0]["lines"]
    (True, 136)
    """
    chosen = policy or Policy()
    task = Task(parse_kind(kind), taxonomy and Taxonomy.load(taxonomy).version, chosen, max_findings)
    collector = FindingCollector(max_findings, chosen.severities)
    count = worker_count(workers)
    sources = [Source(path) for path in paths]
    files = []
    for source in sources:
        tally, size = scan(source, task, workers=count, progress=progress)
        summary = FileSummary(source.name, tally, size, source.mark, task.kind)
        unit = unit_finding(source.name, summary.kind, tally, source.blocks())
        if unit is not None:
            collector.add(unit)
        add_file_findings(collector, summary)
        files.append(summary)
    look = _second_look(sources)
    add_repeats(collector, files, repeats([file.tally.keys for file in files], look))
    return collector.report(fail_on=chosen.fail_on, facts=facts(files))


def _second_look(sources: Sequence[Source]) -> Callable[[int, npt.NDArray[np.intp]], Iterator[Seen]]:
    def look(file: int, numbers: npt.NDArray[np.intp]) -> Iterator[Seen]:
        for block in sources[file].blocks():
            if isinstance(block, LongLine):
                continue
            begin, end = np.searchsorted(numbers, (block.first, block.first + block.lines))
            lines = block.data.split(b"\n") if begin < end else []
            for number in numbers[begin:end].tolist():
                yield _seen(file, number, lines[number - block.first])
            if end == len(numbers):
                return

    return look


def _seen(file: int, number: int, line: bytes) -> Seen:
    value = orjson.loads(line)
    said = what_people_said(value)
    labels = tuple(sorted(name for name, truth in said.labels.items() if truth))
    return Seen(file, number, value[SOURCE_REF], labels if said.judged else None)
