"""Read images and what people said of them into a data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from manifest_tools.dataset import Dataset
from manifest_tools.errors import InputError
from manifest_tools.policy import Policy
from manifest_tools.sources.folders import folder_labels, list_folder
from manifest_tools.sources.references import ImageIndex
from manifest_tools.sources.tables import LabelTable, read_label_table
from manifest_tools.taxonomy import CURRENT, Taxonomy
from manifest_tools.truth import judged_column

FOLDERS = "folders"  # the value of `labels` that takes labels from folder names
EVERYTHING = "all"  # the value of `checked_labels` that covers the whole taxonomy


def read_images(
    images: str | Path,
    *,
    labels: str | Path | None = None,
    checked_labels: Sequence[str] = (),
    taxonomy: str = CURRENT,
    policy: Policy | None = None,
) -> Dataset:
    """Read a folder, a manifest, or an S3 prefix, and what people said of its images.

    Parameters
    ----------
    images : path or str
        A folder (searched at any depth), a manifest file, or ``s3://bucket/prefix``.
    labels : path or "folders", optional
        A label table (CSV, TSV, JSON Lines), or "folders": the topmost folder's name is the label.
    checked_labels : sequence of str
        The labels that people looked for; default: the ones that the labels use. ("all",) covers the
        whole taxonomy.
    taxonomy : str
        Version of the taxonomy that the labels are read by.
    policy : Policy, optional
        For `safe_names`.

    Returns
    -------
    Dataset
        Not inspected yet: content columns are empty.

    Raises
    ------
    InputError
        The place does not exist or holds nothing of use, or the label table cannot be read.
    """
    policy = policy or Policy()
    Taxonomy.load(taxonomy)
    dataset = _read_place(images, taxonomy)
    if dataset.images.empty:
        skipped = sum(dataset.sources.get("images", {}).get("skipped", {}).values())
        others = f" ({skipped:,} other files)" if skipped else ""
        msg = f"{images} holds no images{others}; expected files such as .jpg and .png at any depth"
        raise InputError(msg)
    if labels is None:
        return _with_scope(dataset, "manifest", checked_labels)
    return attach_labels(dataset, labels, checked_labels=checked_labels, policy=policy)


def attach_labels(
    dataset: Dataset, labels: str | Path, *, checked_labels: Sequence[str] = (), policy: Policy | None = None
) -> Dataset:
    """Lay what a table or the folders' names say over a data set. Reviews stay; an older table's rows go.

    Parameters
    ----------
    dataset : Dataset
        The images.
    labels : path or "folders"
        As in :func:`read_images`.
    checked_labels : sequence of str
        As in :func:`read_images`.
    policy : Policy, optional
        For `safe_names`.
    """
    policy = policy or Policy()
    if str(labels) == FOLDERS:
        source, rows = "folder", folder_labels(dataset.images["image"])
        columns: tuple[str, ...] = ()
        origin: dict[str, object] = {}
    else:
        source, table = "table", read_label_table(labels)
        rows, columns = _resolved(table, dataset, labels), table.columns
        origin = {"file": str(labels), "rows": len(table.rows)}
    rows = rows.assign(source=source)
    said = rows[rows["label"] != ""]
    names = dict.fromkeys([*columns, *said["label"]])
    scope = _checked(checked_labels, dataset.taxonomy)
    if scope is None:
        scope = sorted(name for name in names if not policy.is_safe(name))
    kept = dataset.labels[dataset.labels["source"] != source]
    merged = pd.concat([kept, said[[c for c in kept.columns if c in said.columns]]], ignore_index=True)
    judged = judged_column(dataset.images, merged, policy)
    sources = {**dataset.sources, source: {**origin, "scope": scope}}
    every_scope = sorted({name for item in sources.values() for name in item.get("scope", ())})
    return dataset.step(
        "label",
        images=dataset.images.assign(judged=judged),
        labels=merged,
        options={"source": source, "checked_labels": list(checked_labels)},
        sources=sources,
        scope=tuple(every_scope),
    )


def _read_place(images: str | Path, taxonomy: str) -> Dataset:
    if str(images).startswith("s3://"):
        from manifest_tools.aws import list_images  # noqa: PLC0415 - boto3 only when it is needed

        listed: Dataset = list_images(str(images))
        return listed
    path = Path(images)
    if path.is_file():
        from manifest_tools.manifests.reading import read_manifest  # noqa: PLC0415 - only for manifests

        return read_manifest(path, taxonomy=taxonomy)
    listing = list_folder(path)
    origin = {"folder": str(images), "skipped": listing.skipped}
    empty = Dataset.from_tables(
        listing.images, root=str(path.resolve()), taxonomy=taxonomy, sources={"images": origin}
    )
    return empty.step("read")


def _resolved(table: LabelTable, dataset: Dataset, path: str | Path) -> pd.DataFrame:
    """Return the table's rows with image keys; a reference that matches no image, or several, stays as written."""
    rows = pd.DataFrame(table.rows, columns=["reference", "label", "truth", "line"])
    index = ImageIndex(dataset.images["image"], dataset.root)
    folder = Path(path).parent
    images = {name: index.resolve(name, folder) or name for name in rows["reference"].unique()}
    return rows.assign(image=rows["reference"].map(images)).drop(columns="reference")


def _checked(names: Sequence[str], taxonomy: str) -> list[str] | None:
    """Return the labels of ``--checked-labels``; None when it was not given."""
    if not names:
        return None
    known = Taxonomy.load(taxonomy)
    if tuple(names) == (EVERYTHING,):
        return list(known.top)
    for name in names:
        if name not in known and len(known.spellings(name)) != 1:
            near = ", ".join(known.suggest(name)) or "none"
            msg = f"checked label {name!r} is not in taxonomy {taxonomy}; nearest: {near}"
            raise InputError(msg)
    return sorted(name if name in known else known.spellings(name)[0] for name in names)


def _with_scope(dataset: Dataset, source: str, checked_labels: Sequence[str]) -> Dataset:
    scope = _checked(checked_labels, dataset.taxonomy)
    if scope is None or source not in dataset.sources:
        return dataset
    sources = {**dataset.sources, source: {**dataset.sources[source], "scope": scope}}
    options = {"checked_labels": list(checked_labels)}
    return dataset.step("label", options=options, sources=sources, scope=tuple(scope))
