"""One source's lines into a tally: in this process, or span by span in this one and in worker processes.

A span holds whole lines, and the tallies of neighbouring spans add up to the tally of both: the report depends
neither on the number of workers nor on which of them comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from manifest_tools.core.progress import Progress
from manifest_tools.core.taxonomy import CURRENT, Taxonomy
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.kinds import Kind
from manifest_tools.manifests.line_reader import LongLine, Source
from manifest_tools.manifests.validation.judge_line import Judge
from manifest_tools.manifests.validation.label_names import LabelRule
from manifest_tools.manifests.validation.scan import Scanner
from manifest_tools.manifests.validation.tally import Tally

if TYPE_CHECKING:
    from manifest_tools.parallel.worker_main import Lost

# Spans get shorter towards the end: each has its overhead, about a millisecond, but no process shall be busy for long
# when the others have nothing left to do, not even one that the machine has slowed down.
SPAN = 4 << 20  # bytes of a span at least
_LONGEST = 32 << 20
_SHARE = 8  # a span is one part in this many of what is left for each process
WORTH = 32_000_000  # bytes for each process; judging them takes about as long as starting a worker
_PATIENCE = 600.0  # seconds for a span, which takes a tenth of one

Span: TypeAlias = tuple[int, int | None]


class FilePart(NamedTuple):
    """What a source or a span of it holds: counts, and bytes when decompressed."""

    tally: Tally
    bytes: int


@dataclass(frozen=True)
class Task:
    """What a worker has to know to judge lines."""

    kind: Kind | None
    taxonomy: str | None
    policy: Policy
    limit: int
    layouts: bool = True

    def scanner(self) -> Scanner:
        """Make a scanner, which learns as it goes."""
        rule = LabelRule(Taxonomy.load(self.taxonomy or CURRENT), self.policy)
        judge = Judge(self.kind, rule, rule if self.taxonomy else None)
        return Scanner(judge, self.limit, layouts=self.layouts)


def scan(source: Source, task: Task, *, workers: int = 1, progress: Progress | None = None) -> FilePart:
    """Judge every line of a source.

    Parameters
    ----------
    source : Source
        What to judge.
    task : Task
        How to judge it.
    workers : int
        Processes that share a large file, this one among them. They need no ``__main__`` guard.
    progress : callable, optional
        Called with (bytes done, bytes in all or None).

    Raises
    ------
    InputError
        The source cannot be read.
    ManifestToolsError
        The workers cannot be started, or die at the same lines again.
    """
    size = source.size or 0
    crew = min(workers, size // WORTH)
    spans = source.spans(lambda left: max(SPAN, min(left // (_SHARE * crew), _LONGEST))) if crew > 1 else []
    if len(spans) > 1:
        return _shared(source, task, spans, crew, progress)
    return _scan_span(source, task.scanner(), (0, None), progress)


def _scan_span(source: Source, scanner: Scanner, span: Span, progress: Progress | None = None) -> FilePart:
    size = 0
    for piece in source.blocks(*span):
        scanner.feed(piece)
        size += piece.bytes if isinstance(piece, LongLine) else len(piece.data)
        if progress is not None:
            progress(size, source.size)
    return FilePart(scanner.take(), size)


class _Worker:
    """Judges spans of a source in one of the processes, which keeps what it has learnt from one span to the next."""

    def __init__(self, source: Source, task: Task) -> None:
        self._source, self._task = source, task
        self._scanner: Scanner | None = None

    def __call__(self, span: Span) -> FilePart:
        if self._scanner is None:
            self._scanner = self._task.scanner()
        return _scan_span(self._source, self._scanner, span)


def _shared(
    source: Source, task: Task, spans: Sequence[Span], crew: int, progress: Progress | None
) -> FilePart:
    """Judge the spans, each process the next one as soon as it is free, and add up what they find.

    This process begins at once, while the others start.
    """
    from manifest_tools.parallel.worker_pool import isolated_map  # noqa: PLC0415 - only large files need it

    total, size, added = Tally(task.limit), 0, 0
    waiting: dict[int, Tally] = {}
    batches = [[span] for span in spans]
    here = _Worker(source, task)
    others = isolated_map(_Worker(source, task), batches, workers=crew - 1, timeout=_PATIENCE, here=here)
    with closing(others) as messages:
        for number, answer in chain.from_iterable(messages):
            waiting[number], count = _found(answer, source, spans[number])
            while added in waiting:  # in the order of the lines
                total.add(waiting.pop(added))
                added += 1
            size += count
            if progress is not None:
                progress(size, source.size)
    return FilePart(total, size)


def _found(answer: FilePart | Lost, source: Source, span: Span) -> FilePart:
    """Return what a worker found; raise what it met, or ManifestToolsError when it died of it."""
    if isinstance(answer, FilePart):
        return answer
    raise answer.as_error(f"{source.name}: a worker could not judge the bytes {span[0]:,} to {span[1]:,}")
