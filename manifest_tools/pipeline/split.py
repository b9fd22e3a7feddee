"""Split what exists already: a prepared folder anew, or any manifest line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from manifest_tools.core.commit import replacing_files
from manifest_tools.core.errors import InputError
from manifest_tools.core.output_folder import MANIFESTS, REPORT_JSON, claimed
from manifest_tools.core.progress import Progress
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.eligibility import split_group_names
from manifest_tools.dataset.ground_truth import Mask
from manifest_tools.dataset.saved_files import see_dataset
from manifest_tools.duplicates.grouping import group_duplicates
from manifest_tools.findings.findings import MAX_FINDINGS, Report, merge_reports
from manifest_tools.findings.policy import Policy
from manifest_tools.images.inspection import inspect_images
from manifest_tools.manifests.kinds import SOURCE_REF
from manifest_tools.manifests.line_reader import LongLine, Source, parse
from manifest_tools.manifests.reading import read_manifest
from manifest_tools.manifests.validation.validate import validate_manifest
from manifest_tools.pipeline.last_call import read_call
from manifest_tools.pipeline.last_steps import split_check_write
from manifest_tools.pipeline.prepare_options import PrepareOptions
from manifest_tools.pipeline.proof import mistakes_to_prove
from manifest_tools.review.journal import merge_journal
from manifest_tools.rules import PAIR_RULES
from manifest_tools.rules.checking import check_dataset
from manifest_tools.sources.grouping import group_by as group_by_names
from manifest_tools.sources.grouping import slice_by
from manifest_tools.sources.local_files import find_files
from manifest_tools.splits.solver import solve
from manifest_tools.splits.units import Ints


def split_folder(
    folder: str | Path,
    *,
    out: str | Path | None = None,
    judge: Callable[[Policy], Policy] = lambda policy: policy,
    test_size: float = 0.2,
    min_test: int | None = None,
    prove: Sequence[str] = (),
    group_by: Sequence[str] = (),
    slices: Sequence[str] = (),
    lock: bool = False,
    freeze_test: bool | None = None,
    seed: int = 0,
    thumbnails: str = "none",
    max_findings: int = MAX_FINDINGS,
) -> Report:
    """Split a prepared folder anew; locked images stay where they are.

    Parameters
    ----------
    folder : path
        What ``prepare`` made.
    out : path, optional
        Where the results go; by default the folder itself.
    judge : callable
        Changes the policy that the folder carries.
    prove
        As in :func:`manifest_tools.pipeline.prepare.prepare`.
    group_by : sequence of str
        As in :func:`manifest_tools.sources.grouping.group_by`; by default as the folder is grouped already.
    slices : sequence of str
        As in :func:`manifest_tools.sources.grouping.slice_by`; likewise.
    test_size, min_test, lock, freeze_test, seed, thumbnails, max_findings
        As in :func:`manifest_tools.pipeline.last_steps.split_check_write`.
    """
    see_dataset(folder)
    with claimed(folder if out is None else out) as target:
        dataset = merge_journal(folder)
        if group_by:
            dataset = group_by_names(dataset, group_by)
        if slices:
            dataset = slice_by(dataset, slices)
        return split_check_write(
            dataset,
            target,
            policy=judge(Policy.from_dict(dataset.policy)),
            test_size=test_size,
            min_test=min_test,
            test_mistakes=mistakes_to_prove(prove, Taxonomy.load(dataset.taxonomy)),
            lock=lock,
            freeze_test=freeze_test,
            seed=seed,
            thumbnails=thumbnails,
            max_findings=max_findings,
        ).report


def split_as_before(folder: str | Path) -> Report | None:
    """Split and judge a folder anew as it was split the last time, with the answers that came since.

    Returns
    -------
    Report or None
        None for a folder that was not split and judged yet.
    """
    if not (Path(folder) / REPORT_JSON).is_file():
        return None
    splits = [entry["options"] for entry in Dataset.load_frame(folder).history if entry["step"] == "split"]
    if not splits:
        return None
    call = read_call(folder) or PrepareOptions()
    known = {name: splits[-1][name] for name in ("test_size", "min_test", "seed") if name in splits[-1]}
    return split_folder(
        folder,
        prove=call.prove,
        freeze_test=call.freeze_test,
        thumbnails=call.thumbnails,
        max_findings=call.max_findings,
        **known,
    )


def split_manifest(
    manifest: str | Path,
    *,
    out: str | Path | None,
    images: str | Path | None = None,
    policy: Policy | None = None,
    test_size: float = 0.2,
    min_test: int | None = None,
    group_by: Sequence[str] = (),
    seed: int = 0,
    max_findings: int = MAX_FINDINGS,
    progress: Progress | None = None,
) -> Report:
    """Split any manifest line by line: every line keeps its bytes.

    Lines of one image stay together; with `images`, lines of look-alikes. Lines that cannot be read go to
    training, and the report names them.

    Parameters
    ----------
    manifest : path
        A manifest of any kind.
    out : path
        Folder for ``train.manifest`` and ``test.manifest``, which must not be there yet with other lines.
    images : path, optional
        Folder with the images.
    policy : Policy, optional
        For the least number of test images, and for safe names.
    group_by : sequence of str
        Tables that name images by their `source-ref`, or "folders": see :func:`manifest_tools.sources.grouping.group_by`.
    test_size, seed, min_test
        As in :func:`manifest_tools.split_dataset`.
    progress : callable, optional
        Told of the inspection of the images.
    """
    if out is None:
        msg = "splitting a manifest needs --out DIR, where train.manifest and test.manifest go"
        raise InputError(msg)
    policy, folder = policy or Policy(), Path(out)
    dataset = read_manifest(manifest, policy=policy)
    if images is not None:
        dataset = group_duplicates(inspect_images(find_files(dataset, images), progress=progress))
    if group_by:
        dataset = group_by_names(dataset, group_by)
    lines = list(_lines(manifest))
    owner = _owners(dataset, lines)
    test = _choose(dataset, owner, lines, policy, test_size=test_size, min_test=min_test, seed=seed)
    with replacing_files(folder, overwrite=False) as stage:
        for name, wanted in zip(MANIFESTS, (False, True), strict=True):
            with (stage / name).open("wb") as file:
                file.writelines(line for line, side in zip(lines, test, strict=True) if side == wanted)
    side = np.full(len(dataset.images), "", dtype=object)
    side[owner[owner >= 0]] = np.where(test, "test", "train")[owner >= 0]
    table = dataset.images.assign(split=side)
    judged = check_dataset(
        dataset.step("split", images=table), policy=policy, max_findings=max_findings, rules=PAIR_RULES
    )
    targets = [folder / name for name in MANIFESTS]
    return merge_reports(validate_manifest(*targets, policy=policy, max_findings=max_findings), judged)


def _lines(manifest: str | Path) -> Iterator[bytes]:
    """Yield every line's bytes with its line feed; the last line gets one if it has none."""
    for block in Source(manifest).blocks():
        if isinstance(block, LongLine):
            msg = f"{manifest}:{block.number}: a line of {block.bytes:,} bytes is no manifest line; remove it first"
            raise InputError(msg)
        yield from (line + b"\n" for line in block.data.removesuffix(b"\n").split(b"\n"))


def _owners(dataset: Dataset, lines: list[bytes]) -> Ints:
    """Return the position of each line's image in the images table; -1 for a line that has none."""
    refs = [_source_ref(line) for line in lines]
    return np.asarray(pd.Index(dataset.images["image"]).get_indexer(pd.Index(refs, dtype=object)))


def _source_ref(line: bytes) -> str:
    value = parse(line)
    reference = value.get(SOURCE_REF) if isinstance(value, dict) else None
    return reference if isinstance(reference, str) else ""


def _choose(
    dataset: Dataset,
    owner: Ints,
    lines: list[bytes],
    policy: Policy,
    *,
    test_size: float,
    min_test: int | None,
    seed: int,
) -> Mask:
    """Return which lines are for the test set."""
    images = dataset.images
    known = owner >= 0
    if not known.any():
        msg = "no line names an image by source-ref, so there is nothing to split"
        raise InputError(msg)
    said = dataset.labels[dataset.labels["truth"].fillna(value=False).astype(bool)]
    said = said[~said["label"].map(policy.is_safe).astype(bool)]
    names = sorted(said["label"].unique())
    y = np.zeros((len(images), max(1, len(names))), dtype=np.int8)
    y[pd.Index(images["image"]).get_indexer(said["image"]), pd.Index(names).get_indexer(said["label"])] = 1
    groups = split_group_names(images).to_numpy(object)
    solution = solve(
        y[owner[known]],
        groups[owner[known]],
        test_size=test_size,
        min_test=policy.min_test_images if min_test is None else min_test,
        keys=[line.hex() for line, is_known in zip(lines, known, strict=True) if is_known],
        seed=seed,
    )
    test = np.zeros(len(lines), dtype=bool)
    test[known] = solution.test
    return test
