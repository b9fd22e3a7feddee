"""What people said elsewhere, such as of images on which adapter and base model differ, for the next round."""

from __future__ import annotations

import filecmp
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.core.progress import Watcher
from manifest_tools.core.text import counted
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.disagreements import DISAGREEMENTS
from manifest_tools.dataset.ground_truth import PREDICTIONS, REVIEW, judged_column
from manifest_tools.findings.policy import Policy
from manifest_tools.review.journal import merge_journal
from manifest_tools.storage.uris import is_s3_uri

_ASKED = (
    "predicted",
    "min_confidence",
    "content_types",
)  # what the images table knows of the base model's answers


@dataclass(frozen=True)
class Addition:
    """Images of another folder that people answered about.

    Parameters
    ----------
    folder : str
    dataset : Dataset
        The images, with every answer; keys are those that they have in the data set that they come into.
    waiting : int
        Images of the folder that nobody answered about; they stay there.
    """

    folder: str
    dataset: Dataset
    waiting: int


def add_folders(
    dataset: Dataset, folders: Sequence[str | Path], policy: Policy, watcher: Watcher
) -> tuple[Dataset, list[Addition]]:
    """Return a data set with the reviewed images of other folders, and where these are in it.

    The base model's answers come later (:func:`add_answers`), when those of this round are known.

    Parameters
    ----------
    dataset : Dataset
        Just read.
    folders : sequence of path
        What ``moderate --compare-base`` or `prepare` left, and people reviewed.
    policy : Policy
        For `safe_names`.
    watcher : Watcher
        Told of the step.

    Raises
    ------
    InputError
        A folder holds no data set, or one of another taxonomy.
    """
    if not folders:
        return dataset, []
    watcher.begin("add")
    dataset, additions = add_reviewed(dataset, read_additions(folders, dataset.taxonomy), policy)
    watcher.end("add", summary_of_additions(additions))
    return dataset, additions


def read_additions(folders: Sequence[str | Path], taxonomy: str) -> list[Addition]:
    """Read folders that people reviewed: the images with an answer, and what was said.

    Raises
    ------
    InputError
        A folder holds no data set, or one of another taxonomy.
    """
    found = []
    for folder in folders:
        dataset = merge_journal(folder)
        if dataset.taxonomy != taxonomy:
            msg = f"{folder} is of taxonomy {dataset.taxonomy}, the data set is of {taxonomy}; review it with that one"
            raise InputError(msg)
        reviews = dataset.labels["source"].str.startswith(REVIEW)
        answered = dataset.images["image"].isin(dataset.labels["image"][reviews])
        chosen = dataset.images[answered].reset_index(drop=True)
        said = dataset.labels[reviews | (dataset.labels["source"] == PREDICTIONS)]
        said = said[said["image"].isin(chosen["image"])].reset_index(drop=True)
        part = Dataset.from_tables(chosen, said, root=dataset.root, sources=dataset.sources)
        found.append(Addition(str(folder), part, int((~answered).sum())))
    return found


def add_reviewed(
    dataset: Dataset, additions: Iterable[Addition], policy: Policy
) -> tuple[Dataset, list[Addition]]:
    """Return a data set with the images of other folders and what people said of them; and where these are in it.

    An image whose file is in the data set already, under the same name, is that image; one of the same name and other
    content gets a name with the folder's before it.

    Parameters
    ----------
    dataset : Dataset
        Just read.
    additions : iterable of Addition
        As :func:`read_additions` gives them.
    policy : Policy
        For `safe_names`.
    """
    placed = []
    for addition in additions:
        names = _names(dataset, addition)
        theirs = addition.dataset
        images = theirs.images.assign(image=theirs.images["image"].map(names))
        labels = theirs.labels.assign(image=theirs.labels["image"].map(names))
        new = images[~images["image"].isin(dataset.images["image"])]
        places = [uri if is_s3_uri(uri) else str(theirs.path_of(uri).absolute()) for uri in _places(new)]
        rows = pd.DataFrame(
            {"image": new["image"].to_numpy(), "uri": places, "bytes": new["bytes"].to_numpy()}
        )
        # Their numbers are those of another journal: within this one such answers are the oldest.
        reviews = labels[labels["source"] != PREDICTIONS].drop(columns="line")
        both = Dataset.from_tables(
            pd.concat([dataset.images, rows], ignore_index=True),
            pd.concat([dataset.labels, reviews], ignore_index=True),
        )
        dataset = dataset.step(
            "add",
            images=both.images.assign(judged=judged_column(both.images, both.labels, policy)),
            labels=both.labels,
            options={"folder": Path(addition.folder).as_posix(), "new": len(rows), "answered": len(images)},
        )
        placed.append(
            Addition(
                addition.folder, Dataset.from_tables(images, labels, sources=theirs.sources), addition.waiting
            )
        )
    return dataset, placed


def add_answers(dataset: Dataset, additions: Iterable[Addition]) -> Dataset:
    """Return a data set in which images that were added have the base model's answers, where it has none of its own."""
    for addition in additions:
        theirs = addition.dataset
        images = dataset.images
        asked = theirs.images[theirs.images["predicted"] != ""].set_index("image")
        known = images["image"].isin(asked.index) & (images["predicted"] == "")
        if not known.any():
            continue
        keys = images["image"][known]
        for column in _ASKED:
            values = images[column].astype(object).to_numpy(copy=True)
            values[known.to_numpy()] = asked[column].loc[keys].to_numpy()
            images = images.assign(**{column: values})
        rows = theirs.labels[(theirs.labels["source"] == PREDICTIONS) & theirs.labels["image"].isin(keys)]
        sources = {PREDICTIONS: theirs.sources.get(PREDICTIONS, {}), **dataset.sources}
        labels = pd.concat([dataset.labels, rows], ignore_index=True)
        dataset = dataset.step(
            "add-answers", images=images, labels=labels, options={"images": len(keys)}, sources=sources
        )
    return dataset


def summary_of_additions(additions: Iterable[Addition]) -> str:
    """Say how many answered images come from where, and how many wait for an answer there."""
    return "; ".join(
        f"{counted(len(one.dataset), 'reviewed image')} from {one.folder}"
        + (f" ({one.waiting:,} there not answered yet)" if one.waiting else "")
        for one in additions
    )


def _names(dataset: Dataset, addition: Addition) -> Mapping[str, str]:
    """Return the key that each image of an addition has in the data set."""
    place = dict(zip(dataset.images["image"], _places(dataset.images), strict=True))
    folder = Path(addition.folder).absolute()
    label = folder.parent.name if folder.name == DISAGREEMENTS else folder.name
    names: dict[str, str] = {}
    for image, uri in zip(addition.dataset.images["image"], _places(addition.dataset.images), strict=True):
        name, number = image, 1
        while name in place and not _same(dataset, place[name], addition.dataset, uri):
            name = f"{label}/{image}" if number == 1 else f"{label}-{number}/{image}"
            number += 1
        names[image] = name
    return names


def _places(images: pd.DataFrame) -> pd.Series[str]:
    return images["uri"].where(images["uri"] != "", images["image"])


def _same(dataset: Dataset, uri: str, others: Dataset, other: str) -> bool:
    """Whether two places hold the same bytes."""
    if is_s3_uri(uri) or is_s3_uri(other):
        return uri == other
    try:
        return filecmp.cmp(dataset.path_of(uri), others.path_of(other), shallow=False)
    except OSError:
        return False  # what cannot be read is a finding of its own
