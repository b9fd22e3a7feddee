"""The last steps of the main job: split, judge, write; also of a data set that an earlier run made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from manifest_tools.core.commit import replacing_files, set_aside_with
from manifest_tools.core.output_folder import FINDINGS, REPORT_HTML, REPORT_JSON, holds_dataset, manifests_in
from manifest_tools.core.progress import Steps, Watcher
from manifest_tools.dataset.carry_over import lock_split
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.findings import MAX_FINDINGS
from manifest_tools.findings.policy import Policy, Target
from manifest_tools.images.derive import place_copies
from manifest_tools.manifests.writing import stage_manifests
from manifest_tools.pipeline import summaries
from manifest_tools.pipeline.last_call import changed_call, write_call
from manifest_tools.pipeline.next_step import told_next
from manifest_tools.pipeline.prepare_options import PrepareOptions
from manifest_tools.pipeline.prepared import Prepared
from manifest_tools.reports import write_report
from manifest_tools.reports.summary import counts_in_words
from manifest_tools.review.agreement import with_people
from manifest_tools.rules import RULES
from manifest_tools.rules.checking import check_dataset
from manifest_tools.rules.evidence import Rule
from manifest_tools.splits.step import split_dataset


def split_check_write(
    dataset: Dataset,
    folder: Path,
    *,
    policy: Policy,
    test_size: float,
    min_test: int | None = None,
    test_mistakes: Mapping[Target | str, int] | None = None,
    lock: bool = False,
    freeze_test: bool | None = None,
    rules: Sequence[Rule] = (),
    seed: int = 0,
    thumbnails: str = "none",
    max_findings: int = MAX_FINDINGS,
    set_aside: str = "",
    copies: Path | None = None,
    watcher: Watcher | None = None,
    call: PrepareOptions | None = None,
) -> Prepared:
    """Do the last three steps of the main job on a data set that is known already.

    Parameters
    ----------
    dataset : Dataset
        Read, inspected and grouped.
    folder : Path
        An output folder of ours (:func:`manifest_tools.core.output_folder.claimed`).
    min_test, test_mistakes
        As in :func:`manifest_tools.split_dataset`.
    set_aside : str
        A file of the folder that gets another name with the new results.
    copies : Path, optional
        Where :func:`manifest_tools.images.derive.derive_copies` made copies.
    policy, test_size, lock, freeze_test, rules, seed, thumbnails, max_findings, watcher, call
        As in :func:`manifest_tools.pipeline.prepare.prepare`.
    """
    watcher = watcher or Steps()
    if call is not None and (changed := changed_call(call, dataset, policy, folder)):
        watcher.begin("change")
        watcher.end("change", changed)
    watcher.begin("split")
    dataset = split_dataset(
        dataset,
        test_size=test_size,
        min_test=min_test,
        policy=policy,
        test_mistakes=test_mistakes,
        freeze_test=freeze_test,
        seed=seed,
    )
    if lock:
        dataset = lock_split(dataset)
    watcher.end("split", summaries.summary_of_split(dataset))
    return check_write(
        dataset,
        folder,
        policy=policy,
        rules=rules,
        thumbnails=thumbnails,
        max_findings=max_findings,
        set_aside=set_aside,
        copies=copies,
        watcher=watcher,
        call=call,
    )


def check_write(
    dataset: Dataset,
    folder: Path,
    *,
    policy: Policy,
    rules: Sequence[Rule] = (),
    thumbnails: str = "none",
    max_findings: int = MAX_FINDINGS,
    set_aside: str = "",
    copies: Path | None = None,
    watcher: Watcher | None = None,
    call: PrepareOptions | None = None,
) -> Prepared:
    """Do the last two steps of the main job: judge a data set that is split, and write everything.

    The parameters are those of :func:`split_check_write`.
    """
    watcher = watcher or Steps()
    watcher.begin("check")
    report = check_dataset(dataset, policy=policy, max_findings=max_findings, rules=(*RULES, *rules))
    if holds_dataset(folder):  # what people answered to it earlier
        report = with_people(report, folder)
    watcher.end("check", counts_in_words(report))

    watcher.begin("write")
    with replacing_files(folder) as stage:
        if set_aside:
            set_aside_with(stage, set_aside)
        stage_manifests(dataset, stage, folder)
        told = told_next(dataset, report, stage)
        write_report(report, stage, dataset=dataset, thumbnails=thumbnails, next_step=told)
        if call is not None:
            write_call(call, stage, folder)
        dataset.save(stage)
        place_copies(dataset, copies, stage, folder)
    watcher.end("write", str(folder))
    names = (*manifests_in(folder), REPORT_HTML, REPORT_JSON, FINDINGS, "dataset")
    return Prepared(dataset, report, {name: folder / name for name in names})
