"""The main job: from a folder of images and a table of labels to two manifests and an honest answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from manifest_tools.core.commit import scratch_in
from manifest_tools.core.output_folder import claimed, holds_dataset
from manifest_tools.core.progress import Progress, Steps, Watcher
from manifest_tools.core.taxonomy import CURRENT, Taxonomy
from manifest_tools.dataset.carry_over import carry_over, keep_locked
from manifest_tools.dataset.dataset import remembered_stop_list
from manifest_tools.duplicates.apart import keep_apart, remembered_pairs
from manifest_tools.duplicates.grouping import group_duplicates
from manifest_tools.findings.findings import MAX_FINDINGS
from manifest_tools.findings.policy import Policy
from manifest_tools.images.derive import derive_copies
from manifest_tools.images.inspection import inspect_images
from manifest_tools.images.stop_list.reading import read_stop_list
from manifest_tools.pipeline import summaries
from manifest_tools.pipeline.additions import add_answers, add_folders
from manifest_tools.pipeline.destination import destination_of
from manifest_tools.pipeline.last_steps import split_check_write
from manifest_tools.pipeline.prepare_options import PrepareOptions
from manifest_tools.pipeline.prepared import Prepared
from manifest_tools.pipeline.proof import mistakes_to_prove
from manifest_tools.pipeline.unpacking import MARK, labels_inside, packed_images, unpack
from manifest_tools.review.journal import JOURNAL, merge_journal
from manifest_tools.rules.evidence import Rule
from manifest_tools.sources.checked import CheckedLabels
from manifest_tools.sources.copies import share_among_copies
from manifest_tools.sources.formats.column_choice import BY_NAME, ColumnChoice
from manifest_tools.sources.grouping import columns_of_labels, slice_by
from manifest_tools.sources.grouping import group_by as group_by_names
from manifest_tools.sources.in_memory import Table
from manifest_tools.sources.parts import keep_test_part
from manifest_tools.sources.predictions import attach_predictions
from manifest_tools.sources.reading import LabelFiles, read_images, reader_of


def prepare(
    images: str | Path,
    *,
    out: str | Path,
    to: str = "",
    labels: LabelFiles | None = None,
    labels_format: str | Mapping[str, str] = "auto",
    columns: ColumnChoice = BY_NAME,
    mapping: str | Path | Mapping[str, str | Path] | None = None,
    checked_labels: CheckedLabels = (),
    keep: Sequence[str] = (),
    group_by: Sequence[str] = (),
    slices: Sequence[str] = (),
    not_alike: Sequence[str | Path] = (),
    add: Sequence[str | Path] = (),
    predictions: str | Path | Table | None = None,
    min_confidence: float | None = None,
    policy: Policy | None = None,
    taxonomy: str = CURRENT,
    keys: str = "original",
    test_size: float = 0.2,
    prove: Sequence[str] = (),
    keep_test: bool = False,
    share_copies: bool = True,
    lock: bool = False,
    freeze_test: bool | None = None,
    fresh: bool = False,
    rules: Sequence[Rule] = (),
    seed: int = 0,
    workers: int | None = None,
    executor: Executor | None = None,
    cache: bool | str | Path = True,
    stop_list: Sequence[str | Path] = (),
    thumbnails: str = "none",
    max_findings: int = MAX_FINDINGS,
    progress: Progress | None = None,
    watcher: Watcher | None = None,
    call: PrepareOptions | None = None,
) -> Prepared:
    """Read, inspect, group, split, check and write in one go.

    Parameters
    ----------
    images : path or str
        A folder, a manifest, ``s3://bucket/prefix``, or Parquet with the images inside, which are written to
        ``images/`` in `out`; their labels are read too, unless others are given.
    out : path
        Folder for the results: ``train.manifest``, ``test.manifest``, ``report.html``, ``report.json``,
        ``findings.jsonl`` and ``dataset/``. Written whether the check passes or not. A folder of an earlier
        run is brought up to date: reviews stay, and locked images keep their side.
    to : str
        ``s3://bucket/prefix`` that the images will have. May be left out for images that are in S3 already.
    labels, labels_format, columns, mapping, checked_labels, keep, taxonomy
        As in :func:`manifest_tools.read_images`.
    group_by : sequence of str
        What images have in common that must stand on one side of the split, besides their looks: columns of the files
        of labels (which are kept), "folders", or tables of their own, ``FILE`` or ``FILE:COLUMN``.
    slices : sequence of str
        Parts of the data set of which figures are told, and which the split keeps balanced: named likewise, or
        "sources", the files of labels.
    not_alike : sequence of path
        CSV of pairs that people found to be no look-alikes (:func:`manifest_tools.duplicates.apart.keep_apart`).
    add : sequence of path
        Folders that people reviewed, such as the disagreements of ``moderate --compare-base``: the images with an
        answer come in, with what was said of them and with the base model's answers.
    predictions, min_confidence
        As in :func:`manifest_tools.attach_predictions`.
    policy : Policy, optional
        Thresholds and targets.
    keys : {"original", "sha256"}
        Object keys: the path as it is, or the content's hash.
    test_size : float
        Share of the test set.
    prove : sequence of str
        What the test set is to show, such as ``"Alcohol:false-negatives=0.5"``: it gets enough of the base model's
        mistakes to show that half of them are repaired, if the minimums of training allow.
    keep_test : bool
        Take the images below ``test/`` as the test set, locked, and all others for training.
    share_copies : bool
        Let byte-for-byte copies without labels or answers of their own have those of a copy that has some.
    lock : bool
        Fix the split for the rounds to come.
    freeze_test : bool, optional
        Whether the test set stays as it is and new test images form another, ``test-2.manifest``
        (:func:`manifest_tools.split_dataset`). Default: once a training was tested on it.
    fresh : bool
        Forget an earlier run's reviews and locked split.
    rules : sequence of callable
        Rules of your own, beside those of the package: from the evidence to findings.
    seed : int
        For every random choice.
    workers, executor, cache
        As in :func:`manifest_tools.inspect_images`.
    stop_list : sequence of path
        Hashes of known images, which are set aside unseen
        (:func:`manifest_tools.images.stop_list.reading.read_stop_list`). By default those of the earlier run into the
        folder, ``fresh`` or not.
    thumbnails : {"none", "hidden"}
        Whether the HTML report holds small pictures, hidden until the reader reveals them.
    max_findings : int
        How many findings of each code the report keeps.
    progress : callable, optional
        Called with (done, total) while images are inspected, and again while look-alikes are searched.
    watcher : Watcher, optional
        Told of every step by its name, and of what it found; instead of `progress`.
    call : PrepareOptions, optional
        These options as a person gave them: compared with those of the folder's last call, and kept for the next.

    Returns
    -------
    Prepared
        With `dataset`, `report` and `paths`, the results by their names.

    Raises
    ------
    InputError
        Something given cannot be used.
    OutputError
        The results cannot be written.

    Examples
    --------
    >>> from manifest_tools import Policy, prepare
    >>> done = prepare(
    ...     "sample_data/images",
    ...     labels="sample_data/labels.csv",
    ...     predictions="sample_data/predictions.manifest",
    ...     policy=Policy(targets=["Alcohol:false-positives"]),
    ...     to="s3://my-bucket/photos",
    ...     out="prepared",
    ... )
    >>> done.report.passed, len(done.dataset)
    (True, 139)
    >>> sorted(done.paths)
    ['dataset', 'findings.jsonl', 'report.html', 'report.json', 'test.manifest', 'train.manifest']
    """
    policy, watcher = policy or Policy(), watcher or Steps(progress)
    test_mistakes = mistakes_to_prove(prove, Taxonomy.load(taxonomy))
    packed = packed_images(images)
    destination = destination_of(images, to, keys, local=bool(packed))
    with ExitStack() as stack:
        folder = stack.enter_context(claimed(out, mark=MARK))
        earlier = merge_journal(folder) if holds_dataset(folder) and not fresh else None
        known = read_stop_list(stop_list or remembered_stop_list(folder))

        progress = watcher.begin("read")
        dataset = read_images(
            unpack(packed, folder) if packed else images,
            labels=labels if labels is not None or not labels_inside(packed) else images,
            labels_format=labels_format,
            columns=columns,
            mapping=mapping,
            checked_labels=checked_labels,
            keep=list(dict.fromkeys([*keep, *columns_of_labels([*group_by, *slices])])),
            taxonomy=taxonomy,
            policy=policy,
            min_confidence=min_confidence,
        )
        dataset = replace(dataset, destination=destination, keys=keys, policy=policy.to_dict())
        watcher.end("read", summaries.summary_of_reading(dataset))
        dataset, additions = add_folders(dataset, add, policy, watcher)

        progress = watcher.begin("inspect")
        dataset = inspect_images(
            dataset,
            workers=workers,
            executor=executor,
            cache=cache,
            reader=reader_of(images),
            stop_list=known,
            progress=progress,
        )
        if earlier is not None:
            dataset = carry_over(dataset, earlier, policy, predictions=predictions is None)
        watcher.end("inspect", summaries.summary_of_inspection(dataset))

        copies: Path | None = None
        if any(policy.derive.values()):
            progress = watcher.begin("derive")
            copies = stack.enter_context(scratch_in(folder))
            dataset = derive_copies(
                dataset,
                copies,
                folder,
                stop_list=known,
                policy=policy,
                reader=reader_of(images),
                workers=workers,
                progress=progress,
            )
            watcher.end("derive", summaries.summary_of_derived(dataset))

        progress = watcher.begin("group")
        dataset = group_duplicates(dataset, workers=workers, progress=progress)
        dataset = keep_apart(dataset, not_alike, remembered=remembered_pairs(earlier))
        if group_by:
            dataset = group_by_names(dataset, group_by)
        if slices:
            dataset = slice_by(dataset, slices)
        watcher.end("group", summaries.summary_of_groups(dataset))

        if predictions is not None:
            watcher.begin("predict")
            dataset = attach_predictions(dataset, predictions, min_confidence=min_confidence)
            watcher.end("predict", summaries.summary_of_predictions(dataset))
        dataset = add_answers(dataset, additions)
        if share_copies:
            shared = share_among_copies(dataset, policy)
            if shared is not dataset:
                watcher.begin("share")
                watcher.end("share", summaries.summary_of_copies(shared))
            dataset = shared

        if earlier is not None:
            dataset = keep_locked(dataset, earlier)
        if keep_test:
            dataset = keep_test_part(dataset)
        return split_check_write(
            dataset,
            folder,
            policy=policy,
            test_size=test_size,
            test_mistakes=test_mistakes,
            lock=lock,
            freeze_test=freeze_test,
            rules=rules,
            seed=seed,
            thumbnails=thumbnails,
            max_findings=max_findings,
            set_aside=f"dataset/{JOURNAL}" if fresh else "",
            copies=copies,
            watcher=watcher,
            call=call,
        )
