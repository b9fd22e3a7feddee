"""Read images and what people said of them into a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import CURRENT, Taxonomy
from manifest_tools.core.text import counted
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import PREDICTIONS, judged_column
from manifest_tools.findings.findings import Finding
from manifest_tools.findings.policy import Policy
from manifest_tools.sources.folders import folder_labels, list_folder
from manifest_tools.sources.formats.annotations import Annotations
from manifest_tools.sources.formats.column_choice import BY_NAME, ColumnChoice
from manifest_tools.sources.formats.detect import TABLE, read_labels
from manifest_tools.sources.formats.tables import LabelRow
from manifest_tools.sources.image_index import ImageIndex
from manifest_tools.sources.mapping import (
    apply_mapping,
    read_mapping,
    unused_lines,
    without_asides,
    without_missing,
)
from manifest_tools.sources.matching import Match, match_references
from manifest_tools.sources.predictions import refuse_other_units
from manifest_tools.storage.uris import is_s3_uri

FOLDERS = "folders"  # the value of `labels` that takes labels from folder names
NAMELESS = "nameless"  # why a row without an image is not matched
MAX_NEAR = 5  # images that are kept of those that a reference comes near
EVERYTHING = "all"  # the value of `checked_labels` that covers the whole taxonomy


def read_images(
    images: str | Path,
    *,
    labels: str | Path | None = None,
    labels_format: str = "auto",
    columns: ColumnChoice = BY_NAME,
    mapping: str | Path | None = None,
    checked_labels: Sequence[str] = (),
    taxonomy: str = CURRENT,
    policy: Policy | None = None,
    min_confidence: float | None = None,
) -> Dataset:
    """Read a folder, a manifest, or an S3 prefix, and what people said of its images.

    Parameters
    ----------
    images : path or str
        A folder (searched at any depth), a manifest file, or ``s3://bucket/prefix``.
    labels : path or "folders", optional
        A label table (CSV, TSV, JSON Lines), an export of an annotation tool, a moderators' table, or
        "folders": the topmost folder's name is the label.
    labels_format : str
        Format of `labels`: "auto" (by content), or one of ``manifest_tools.sources.formats.detect.FORMATS``.
    columns : ColumnChoice
        Which columns of a label table hold what, where their names do not tell.
    mapping : path, optional
        CSV that says which labels the categories in `labels` mean (``manifest-tools map`` drafts one).
    checked_labels : sequence of str
        The labels that people looked for; default: the ones that the labels use. ("all",) covers the
        whole taxonomy.
    taxonomy : str
        Version of the taxonomy that the labels are read by.
    policy : Policy, optional
        For `safe_names`.
    min_confidence : float, optional
        Confidence (0-100) that the base model was asked for, where a manifest holds its answers and does not say.

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
    dataset = _read_place(images, taxonomy, min_confidence)
    if dataset.images.empty:
        skipped = sum(dataset.sources.get("images", {}).get("skipped", {}).values())
        others = f" ({counted(skipped, 'other file')})" if skipped else ""
        msg = f"{images} holds no images{others}; expected files such as .jpg and .png at any depth"
        raise InputError(msg)
    if labels is None:
        return _with_scope(dataset, "manifest", checked_labels)
    return attach_labels(
        dataset,
        labels,
        labels_format=labels_format,
        columns=columns,
        mapping=mapping,
        checked_labels=checked_labels,
        policy=policy,
    )


def attach_labels(
    dataset: Dataset,
    labels: str | Path,
    *,
    labels_format: str = "auto",
    columns: ColumnChoice = BY_NAME,
    mapping: str | Path | None = None,
    checked_labels: Sequence[str] = (),
    policy: Policy | None = None,
) -> Dataset:
    """Lay what a table, an export or the folders' names say over a data set. Reviews stay; an older table's rows go.

    Parameters
    ----------
    dataset : Dataset
        The images.
    labels : path or "folders"
        As in :func:`read_images`.
    labels_format, columns, mapping, checked_labels
        As in :func:`read_images`.
    policy : Policy, optional
        For `safe_names`.
    """
    policy = policy or Policy()
    folders = str(labels) == FOLDERS
    source = "folder" if folders else "table"
    said = (
        _folder_names(dataset)
        if folders
        else read_labels(labels, labels_format=labels_format, columns=columns)
    )
    origin: dict[str, object] = (
        {} if folders else {"file": str(labels), "format": said.format, "rows": len(said.rows)}
    )
    known_taxonomy = Taxonomy.load(dataset.taxonomy)
    known = {} if mapping is None else read_mapping(mapping, known_taxonomy, policy)
    if checked_labels and said.format == TABLE:
        said = without_asides(said, known, known_taxonomy, policy)
    if said.unread:
        origin["unread"] = list(said.unread)
    if mapping is not None:
        origin["mapping"] = {category: list(names) for category, names in sorted(known.items())}
        origin["unused"] = unused_lines(known, [said])
        said = apply_mapping(said, known, policy)
    said = without_missing(said, policy)
    matches = {} if folders else _matches(said, dataset, Path(labels))
    keys = {reference: match.image or reference for reference, match in matches.items()}
    scope = _checked(checked_labels, dataset.taxonomy)
    rows = _rows(said, keys, set(dataset.images["image"]), scope).assign(source=source)
    if scope is None:
        names = () if said.open_world else dict.fromkeys([*said.categories, *rows["label"]])
        scope = sorted(name for name in names if not policy.is_safe(name))
    kept = dataset.labels[dataset.labels["source"] != source]
    merged = pd.concat([kept, rows[[c for c in kept.columns if c in rows.columns]]], ignore_index=True)
    judged = judged_column(dataset.images, merged, policy)
    origin |= {"scope": scope, "findings": [_placed(item, keys).to_dict() for item in said.findings]}
    unplaced = _unplaced(matches, set(rows["image"]))
    origin |= {"unplaced": unplaced} if unplaced else {}
    sources = {**dataset.sources, source: origin}
    every_scope = sorted({name for item in sources.values() for name in item.get("scope", ())})
    return dataset.step(
        "label",
        images=dataset.images.assign(judged=judged),
        labels=merged,
        options={"source": source, "format": said.format, "checked_labels": list(checked_labels)},
        sources=sources,
        scope=tuple(every_scope),
    )


def _folder_names(dataset: Dataset) -> Annotations:
    names = folder_labels(dataset.images["image"])
    rows = (
        LabelRow(image, label, True, None)
        for image, label in zip(names["image"], names["label"], strict=True)
    )
    return Annotations(FOLDERS, tuple(rows), categories=tuple(names["label"].unique()))


def _matches(said: Annotations, dataset: Dataset, path: Path) -> dict[str, Match]:
    """Return what each reference means."""
    index = ImageIndex(dataset.images["image"], dataset.root)
    folder = path if path.is_dir() else path.parent
    references = [*(row.reference for row in said.rows), *said.references]
    return match_references(index, references, folder, written=said.written)


def _unplaced(matches: Mapping[str, Match], labelled: AbstractSet[str]) -> dict[str, dict[str, object]]:
    """Return why references are not matched that come near an image, and whether labels of one may be missing.

    They may where the reference could mean an image that other rows speak of, or names none at all.
    """
    return {
        reference: {
            "reason": match.reason or NAMELESS,
            "images": list(match.images[:MAX_NEAR]),
            "count": len(match.images),
            "other": match.other,
            "may_matter": not reference.strip()
            or (match.reason in ("several", "rivals") and not labelled.isdisjoint(match.images)),
        }
        for reference, match in matches.items()
        if match.image is None and (match.reason or not reference.strip())
    }


def _rows(
    said: Annotations, keys: Mapping[str, str], images: AbstractSet[str], checked: Sequence[str] | None
) -> pd.DataFrame:
    """Return label rows with image keys. What people went through and left unmarked lacks every checked label."""
    named = [row for row in said.rows if row.label]
    if checked is not None:
        marked = {row.reference for row in named}
        unmarked = [name for name in said.references if name not in marked and keys[name] in images]
        named += [LabelRow(reference, label, False, None) for reference in unmarked for label in checked]
    rows = pd.DataFrame(named, columns=["reference", "label", "truth", "line"])
    resolved = [keys.get(reference, reference) for reference in rows["reference"]]
    return rows.assign(image=resolved).drop(columns="reference")


def _placed(item: Finding, keys: Mapping[str, str]) -> Finding:
    """Return a reader's finding with the image's key instead of the reference."""
    image = item.location.image
    return replace(item, location=replace(item.location, image=keys.get(image, image))) if image else item


def reader_of(images: str | Path) -> Callable[[str], bytes] | None:
    """Return what reads the images of an S3 prefix; None for images that are not read from S3.

    The images that a manifest names are not fetched: the main job works without an account.
    """
    if not is_s3_uri(images):
        return None
    from manifest_tools.storage.s3_images import ByteReader  # noqa: PLC0415 - boto3 only when it is needed

    return ByteReader()


def _read_place(images: str | Path, taxonomy: str, min_confidence: float | None) -> Dataset:
    if is_s3_uri(images):
        from manifest_tools.sources.s3_listing import list_images  # noqa: PLC0415 - boto3 only when it is needed

        return list_images(str(images))
    path = Path(images)
    if path.is_file():
        from manifest_tools.manifests.reading import read_manifest  # noqa: PLC0415 - only for manifests

        dataset = read_manifest(path, taxonomy=taxonomy, min_confidence=min_confidence)
        predicted = dataset.labels[dataset.labels["source"] == PREDICTIONS]
        refuse_other_units(predicted, str(path), min_confidence)
        return dataset
    listing = list_folder(path)
    origin = {"folder": str(images), "skipped": listing.skipped}
    empty = Dataset.from_tables(
        listing.images, root=str(path.resolve()), taxonomy=taxonomy, sources={"images": origin}
    )
    return empty.step("read")


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
