"""One inspection of more images than a table holds, from the listing to the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from manifest_tools.core import output_folder
from manifest_tools.core.commit import alone
from manifest_tools.core.errors import InputError
from manifest_tools.core.progress import Steps, Watcher
from manifest_tools.core.text import counted
from manifest_tools.dataset.judged import load_judged
from manifest_tools.findings.findings import MAX_FINDINGS, Report
from manifest_tools.findings.policy import Policy
from manifest_tools.images.stop_list.reading import read_stop_list
from manifest_tools.parallel.executors import worker_count
from manifest_tools.pipeline.batch.collect import collect, find_look_alikes
from manifest_tools.pipeline.batch.inspect import begin, inspect_batches, source_of
from manifest_tools.pipeline.batch.plan import make_plan, planned
from manifest_tools.pipeline.batch.run_folder import RunFolder
from manifest_tools.reports.summary import counts_in_words
from manifest_tools.rules.checking import check_image_evidence
from manifest_tools.rules.evidence import Evidence


def inspect_run(
    images: str | Path,
    *,
    run: str | Path,
    out: str | Path | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    quick: bool = False,
    stop_list: Sequence[str | Path] = (),
    policy: Policy | None = None,
    max_findings: int = MAX_FINDINGS,
    watcher: Watcher | None = None,
) -> Report:
    """Inspect and group the images of a place batch by batch, and judge them by the rules about images.

    Parameters
    ----------
    images : path or str
        A folder, or ``s3://bucket/prefix``.
    run : path or str
        The run folder, here or ``s3://bucket/prefix``: new, or of an earlier call, which then goes on.
    out : path, optional
        Where the data set goes; by default the run folder, if it is here.
    executor : concurrent.futures.Executor, optional
        Where the batches run; by default threads, each with a decoder in a process of its own.
    workers : int, optional
        How many threads, and how many processors the steps after the batches use here; default: all.
    quick : bool
        Decode no pixels; then look-alikes are not searched either.
    stop_list : sequence of path
        Hashes of known images, which are set aside unseen. Every worker reads the files, so they are where all see them.
    policy : Policy, optional
        Limits.
    max_findings : int
        How many findings of each code the report keeps.
    watcher : Watcher, optional
        Told of every step.

    Returns
    -------
    Report
        As of :func:`manifest_tools.pipeline.inspect.inspect`, whose data set is the same, too.

    Raises
    ------
    InputError
        The run folder holds another run, or a place cannot be used.
    RemoteError
        The storage or the cluster is gone; what is done stays done.
    """
    watcher, policy = watcher or Steps(), policy or Policy()
    count = worker_count(workers)
    folder, source = RunFolder.at(run), source_of(images)
    place = _result_place(folder, out)
    if folder.is_local and Path(folder.place).resolve().is_relative_to(source):
        msg = f"{run} is inside the images; choose a folder elsewhere for --run"
        raise InputError(msg)
    known = read_stop_list(stop_list)
    task = begin(folder, source, quick=quick, stop_list=known)
    with _engine(executor, count) as engine:
        progress = watcher.begin("list")
        plan = planned(folder) or make_plan(folder, source, engine, progress)
        watcher.end("list", f"{counted(plan.images, 'image')} in {counted(plan.batches, 'batch', 'batches')}")
        progress = watcher.begin("inspect")
        inspect_batches(task, plan, engine, progress)
        watcher.end("inspect", f"{plan.bytes / 1e6:,.1f} MB")
    with alone(place):
        progress = watcher.begin("group")
        found = find_look_alikes(folder, plan, workers=count, scratch=place, progress=progress)
        watcher.end("group", f"{counted(int((found.leader != range(plan.images)).sum()), 'copy', 'copies')}")
        progress = watcher.begin("write")
        options = {"quick": quick, "max_pixels": task.reader.task.max_pixels}
        collect(
            folder,
            plan,
            found,
            place,
            source=source,
            options=options,
            stop_list=task.stop_list,
            progress=progress,
        )
        watcher.end("write", str(place))
        watcher.begin("check")
        evidence = Evidence.of(load_judged(place), policy, labelled=False)
        report = check_image_evidence(evidence, max_findings=max_findings)
    watcher.end("check", counts_in_words(report))
    return report


def _result_place(folder: RunFolder, out: str | Path | None) -> Path:
    """Return the folder for the data set, after seeing that it can be written."""
    if out is not None and str(Path(out).absolute()) != folder.place:
        return output_folder.claim(out)
    if not folder.is_local:
        msg = "a run folder in S3 needs a place here for its result: --out DIR"
        raise InputError(msg)
    return Path(folder.place)


@contextmanager
def _engine(executor: Executor | None, workers: int) -> Iterator[Executor]:
    """Give an executor as it is, or threads of this process where there is none."""
    if executor is not None:
        yield executor
        return
    threads = ThreadPoolExecutor(workers)
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)
