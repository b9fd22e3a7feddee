"""Pictures that people looked at and found to be no look-alikes: they stay apart, and that is remembered by content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from manifest_tools.core.csv_cells import unguarded
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset

APART = "not-alike"  # the source under which the pairs are told
_COLUMNS = ("image", "other")


def keep_apart(
    dataset: Dataset, files: Sequence[str | Path] = (), *, remembered: Iterable[Sequence[str]] = ()
) -> Dataset:
    """Return a data set in which pairs of images that people named are not in one group of look-alikes.

    Of a larger group only the named pairs are parted: each of the others stays with the first that it may be with.

    Parameters
    ----------
    dataset : Dataset
        Grouped.
    files : sequence of path
        CSV with the columns `image` and `other`, as the page of `inspect` gives it.
    remembered : iterable of pairs of str
        SHA-256 of pictures that were named earlier.

    Raises
    ------
    InputError
        A file cannot be read, names an image that is not there, or two that have the same bytes.
    """
    digests = dict(zip(dataset.images["image"], dataset.images["sha256"], strict=True))
    pairs = {tuple(sorted(pair)) for pair in remembered}
    for file in files:
        pairs |= set(_read(Path(file), digests))
    if not pairs:
        return dataset
    apart: dict[str, set[str]] = {}
    for one, other in pairs:
        apart.setdefault(one, set()).add(other)
        apart.setdefault(other, set()).add(one)
    groups = _parted(dataset.images, apart)
    told = sorted([list(pair) for pair in pairs])
    return dataset.step(
        "not-alike",
        images=dataset.images.assign(group=groups),
        options={"pairs": len(told)},
        sources={**dataset.sources, APART: {"pairs": told}},
    )


def remembered_pairs(dataset: Dataset | None) -> list[list[str]]:
    """Return the pairs of pictures that people found to be no look-alikes, by the SHA-256 of each."""
    return list(dataset.sources.get(APART, {}).get("pairs", ())) if dataset is not None else []


def _parted(images: pd.DataFrame, apart: dict[str, set[str]]) -> list[str]:
    """Return the group of each image, named by its first."""
    groups = images["group"].tolist()
    digests = images["sha256"].tolist()
    named = {groups[row] for row, digest in enumerate(digests) if digest in apart} - {""}
    parts: dict[str, list[tuple[str, set[str]]]] = {}
    for row, (image, group, digest) in enumerate(zip(images["image"], list(groups), digests, strict=True)):
        if group not in named:
            continue
        here = parts.setdefault(group, [])
        fitting = next((part for part in here if not part[1] & apart.get(digest, set())), None)
        if fitting is None:
            fitting = (image, set())
            here.append(fitting)
        fitting[1].add(digest)
        groups[row] = fitting[0]
    return groups


def _read(path: Path, digests: dict[str, str]) -> Iterable[tuple[str, str]]:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read: {str(error).splitlines()[0]}; expected CSV with the columns image and other"
        raise InputError(msg) from error
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing:
        msg = f"{path} has no column {missing[0]!r}; expected the columns image and other"
        raise InputError(msg)
    for number, pair in enumerate(table[list(_COLUMNS)].itertuples(index=False, name=None), 2):
        names = [unguarded(name) for name in pair]
        for name in names:
            if not digests.get(name):
                why = "was not read" if name in digests else "is not there"
                msg = f"{path}, line {number}: image {name!r} {why}; expected names as in the data set"
                raise InputError(msg)
        one, other = sorted(digests[name] for name in names)
        if one == other:
            msg = f"{path}, line {number}: {names[0]!r} and {names[1]!r} have the same bytes; they show the same picture"
            raise InputError(msg)
        yield one, other
