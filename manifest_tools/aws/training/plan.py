"""What a training will be started with, and whether the data set is ready for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifest_tools.aws.publishing.prepared_folder import as_trained, digest
from manifest_tools.core.errors import InputError
from manifest_tools.core.output_folder import MANIFESTS, manifests_in
from manifest_tools.core.percent import percent
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.round_sets import set_numbers
from manifest_tools.findings.findings import Verdict
from manifest_tools.findings.policy import Policy
from manifest_tools.reports.saved import saved_answer, tells_of
from manifest_tools.storage.uris import join_uri, split_uri

TRAIN, TEST = MANIFESTS


@dataclass(frozen=True)
class TrainingPlan:
    """What a training will be started with.

    Attributes
    ----------
    folder : Path
    project, version : str
        Names. The version's comes from what is trained on, so the same data is not trained twice by mistake.
    manifests : mapping of str to str
        ``s3://`` addresses of the manifests, by file name; without the test manifest when Amazon splits.
    test_sets : tuple of int
        Numbers of the test sets that the adapter will be tested on; none when Amazon splits.
    output : str
        ``s3://bucket/prefix`` for Amazon's result files.
    threshold : float
        Confidence (0-100) at which the adapter will be used.
    auto_split : bool
        Amazon takes the test set from the training manifest.
    auto_update : bool
        Amazon tries to train again when it releases a new base model. Set when the project is made.
    overridden : tuple of str
        Reasons not to train that `force` overrides.
    warnings : tuple of str
        What the caller should know.
    """

    folder: Path
    project: str
    version: str
    manifests: Mapping[str, str]
    test_sets: tuple[int, ...]
    output: str
    threshold: float
    auto_split: bool
    auto_update: bool
    overridden: tuple[str, ...]
    warnings: tuple[str, ...]


def plan_training(
    folder: str | Path,
    project: str,
    *,
    threshold: float | None = None,
    output: str = "",
    auto_split: bool = False,
    auto_update: bool = True,
    force: bool = False,
) -> TrainingPlan:
    """Return what :func:`~manifest_tools.aws.training.train.train_adapter` would start, without any call.

    Parameters
    ----------
    folder : path
        A DIR that was prepared, passed, and published.
    project : str
        Name of the project, found or made.
    threshold : float, optional
        Confidence (0-100) at which the adapter will be used; the policy's when absent.
    output : str
        ``s3://bucket/prefix`` for Amazon's result files; by default beside the manifests.
    auto_split : bool
        Let Amazon take the test set from the training manifest. Look-alikes may then stand on both sides.
    auto_update : bool
        Let Amazon try to train again when it releases a new base model.
    force : bool
        Train although the data set is not ready, or not known to be, or changed after it was published.

    Raises
    ------
    InputError
        The data set is not ready; the message names every reason.
    """
    folder = Path(folder)
    dataset = Dataset.load(folder)
    published = _published(dataset)
    names = (TRAIN,) if auto_split else (TRAIN, TEST)
    missing = [name for name in names if name not in published]
    if missing:
        raise InputError(
            f"{folder} was not published ({', '.join(missing)}): run 'manifest-tools publish {folder}' first"
        )
    obstacles = tuple(_obstacles(folder, dataset, names))
    if obstacles and not force:
        raise InputError(f"not trained: {'; '.join(obstacles)}. --force trains all the same")
    chosen = (
        Policy.from_dict(dataset.policy).confidence_threshold
        if threshold is None
        else percent(threshold, "threshold")
    )
    uris = {name: str(published[name]["uri"]) for name in names}
    bucket, key = split_uri(uris[TRAIN])
    beside = join_uri(bucket, key.rpartition("/")[0]).rstrip("/")
    warning = "Amazon splits the data: look-alikes may stand on both sides, which makes results look too good"
    return TrainingPlan(
        folder=folder,
        project=project,
        version=_version_name(published, names, chosen),
        manifests=uris,
        test_sets=() if auto_split else tuple(sorted({*set_numbers(dataset.images).tolist()} - {0})),
        output=(output or f"{beside}/training").rstrip("/"),
        threshold=chosen,
        auto_split=auto_split,
        auto_update=auto_update,
        overridden=obstacles,
        warnings=(warning,) if auto_split else (),
    )


def _published(dataset: Dataset) -> Mapping[str, Mapping[str, Any]]:
    steps = [entry for entry in dataset.history if entry.get("step") == "publish"]
    found: Mapping[str, Mapping[str, Any]] = steps[-1]["options"]["manifests"] if steps else {}
    return found


def _obstacles(folder: Path, dataset: Dataset, names: tuple[str, ...]) -> Iterator[str]:
    """Yield the reasons not to train that force may override."""
    published = _published(dataset)
    try:
        report, told = saved_answer(folder)
    except InputError as error:
        yield str(error)
    else:
        if report.verdict is not Verdict.READY:
            yield f"{told.headline} ({'; '.join(reason.rstrip('.') for reason in told.reasons)})"
        if not tells_of(report, dataset):
            yield f"{folder / 'report.json'} tells of another state of the data set beside it"
    here = [folder / name for name in manifests_in(folder) if (folder / name).is_file()]
    manifests = as_trained({path.name: path.read_bytes() for path in here})
    for name in names:
        if digest(manifests[name]) != published[name]["sha256"]:
            yield f"{folder / name} is not what was published; publish again"


def _version_name(
    published: Mapping[str, Mapping[str, Any]], names: tuple[str, ...], threshold: float
) -> str:
    content = [*(f"{name} {published[name]['sha256']}" for name in names), str(float(threshold))]
    return "data-" + hashlib.sha256("\n".join(content).encode()).hexdigest()[:16]
