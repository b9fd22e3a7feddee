"""Data sets into manifests. Keys stand in a fixed order, so the same data set gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from manifest_tools.core.commit import remove_with
from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.core.files import adding, replacing
from manifest_tools.core.output_folder import MANIFESTS, TRAIN_TEST, manifests_in, set_manifest
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.eligibility import eligible
from manifest_tools.dataset.ground_truth import Mask, Truth
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.dataset.outcomes import compare
from manifest_tools.dataset.round_sets import set_numbers
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.kinds import parse_kind
from manifest_tools.manifests.line_builders import EPOCH, Composer, composer, moderation_line


def write_manifests(
    dataset: Dataset,
    out: str | Path,
    *,
    to: str | None = None,
    kind: str = "moderation",
    policy: Policy | None = None,
    creation_date: str = EPOCH,
) -> dict[str, int]:
    """Write ``OUT/train.manifest`` and ``OUT/test.manifest``, and ``OUT/test-2.manifest`` for a second test set.

    Parameters
    ----------
    dataset : Dataset
        Split; only usable images are written, with their true labels.
    out : str or Path
        Folder, made if it is missing. Each file appears whole or not at all.
    to : str, optional
        ``s3://bucket/prefix`` of the images, instead of the data set's own destination.
    kind : str
        "moderation", "multi-label", "image-classification" (a pair for each label, as Custom Labels wants it)
        or "image-list". Where a kind cannot say that nothing is unsafe, the first safe name becomes the class.
    policy : Policy, optional
        Instead of the data set's own.
    creation_date : str
        For the layouts of labelling jobs. No clock is read.

    Returns
    -------
    dict of str to int
        Lines of each side; those of further test sets as "test-2" and so on.

    Raises
    ------
    InputError
        The data set has no split, or images have no place in S3, or the kind cannot be written.
    OutputError
        A file cannot be written.

    Examples
    --------
    >>> from manifest_tools import read_images, split_dataset, write_manifests
    >>> dataset = split_dataset(read_images("sample_data/images", labels="sample_data/labels.csv"))
    >>> write_manifests(dataset, "manifests", to="s3://my-bucket/photos")
    {'train': 109, 'test': 27}
    """
    if to is not None:
        dataset = replace(dataset, destination=to)
    sides = lines_of(dataset, kind=kind, policy=policy, creation_date=creation_date)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make {folder}: {error.strerror or error}; choose a place that you may write to"
        raise OutputError(msg) from error
    return {side: write_lines(folder / f"{side}.manifest", lines) for side, lines in sides.items()}


def lines_of(
    dataset: Dataset, *, kind: str = "moderation", policy: Policy | None = None, creation_date: str = EPOCH
) -> dict[str, Iterator[dict[str, Any]]]:
    """Return the lines that the manifest of each side has; parameters as of :func:`write_manifests`.

    Raises
    ------
    InputError
        As :func:`write_manifests`, some of it only when the lines are taken.
    """
    policy = policy or Policy.from_dict(dataset.policy)
    outcomes = compare(dataset, policy)
    kept = eligible(dataset, policy, outcomes)
    if kept.any() and not dataset.images["split"].isin(TRAIN_TEST).any():
        msg = "the data set has no split yet; run split_dataset ('manifest-tools split') before writing manifests"
        raise InputError(msg)
    wanted = parse_kind(kind)
    if wanted is None:
        msg = "kind 'auto' is for reading; name the kind to write"
        raise InputError(msg)
    compose = composer(
        wanted, outcomes.truth.labels, safe=(policy.safe_names or ("Safe",))[0], creation_date=creation_date
    )
    numbers = set_numbers(dataset.images)
    chosen = {MANIFESTS[0]: kept & (dataset.images["split"] == "train").to_numpy()}
    for number in sorted({1, *numbers[kept].tolist()} - {0}):
        chosen[set_manifest(number)] = kept & (numbers == number)
    return {
        name.removesuffix(".manifest"): _lines(dataset, outcomes.truth, rows, compose)
        for name, rows in chosen.items()
    }


def stage_manifests(dataset: Dataset, stage: Path, folder: Path, *, policy: Policy | None = None) -> None:
    """Write the manifests into the stage of an output folder; those of test sets that are no more go with it.

    The parameters are those of :func:`write_manifests` and of :func:`manifest_tools.core.commit.replacing_files`.
    """
    write_manifests(dataset, stage, policy=policy)
    remove_with(stage, sorted(set(manifests_in(folder)) - set(manifests_in(stage))))


def _lines(dataset: Dataset, truth: Truth, chosen: Mask, compose: Composer) -> Iterator[dict[str, Any]]:
    """Yield the lines of chosen images in their order; byte-equal copies under one key once."""
    rows = chosen.nonzero()[0]
    references = source_refs(dataset).to_numpy()
    written: set[str] = set()
    for row in rows:
        reference = references[row]
        if not reference:
            image = dataset.images["image"].iloc[row]
            msg = f"{image!r} has no place in S3 yet; say where the images will be (--to s3://bucket/prefix)"
            raise InputError(msg)
        if reference not in written:
            written.add(reference)
            yield compose(reference, truth.label_set(int(row)))


def write_moderation(path: str | Path, rows: Iterable[tuple[str, Sequence[str]]]) -> int:
    """Write an adapter manifest: one line for each image, in the order given.

    Parameters
    ----------
    path : str or Path
        The file to write. It appears whole or not at all.
    rows : iterable of (str, sequence of str)
        The `source-ref`, with the raw object key, and the names of the image's labels; none means safe.

    Returns
    -------
    int
        How many lines were written.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    return write_lines(path, (moderation_line(uri, names) for uri, names in rows))


def write_lines(path: str | Path, lines: Iterable[dict[str, Any]]) -> int:
    """Write JSON objects as lines of UTF-8, by a temporary file and a rename; return how many."""
    return write_bytes(path, (orjson.dumps(line) for line in lines))


def write_bytes(path: str | Path, lines: Iterable[bytes], *, overwrite: bool = True) -> int:
    """Write lines, given without their line breaks, by a temporary file and a rename; return how many.

    Raises
    ------
    OutputError
        The file cannot be written; or it is there with other content and `overwrite` is false.
    """
    target = Path(path)
    count = 0
    try:
        with (replacing if overwrite else adding)(target) as temporary, temporary.open("wb") as file:
            for count, line in enumerate(lines, 1):  # noqa: B007 - the last number is the count
                file.write(line)
                file.write(b"\n")
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        msg = f"cannot write {target}: {error.strerror or error}; choose a place that you may write to"
        raise OutputError(msg) from error
    return count
