"""Read images and what people said of them into a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import CURRENT, Taxonomy
from manifest_tools.core.text import counted
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import PREDICTIONS, judged_column
from manifest_tools.dataset.object_keys import listed_folder
from manifest_tools.dataset.tables import KEPT
from manifest_tools.findings.policy import Policy
from manifest_tools.sources.by_file import require_files, value_of
from manifest_tools.sources.checked import CheckedLabels, CheckedScopes, with_checked
from manifest_tools.sources.folders import folder_labels, list_folder
from manifest_tools.sources.formats.annotations import Annotations
from manifest_tools.sources.formats.column_choice import BY_NAME, ColumnChoice
from manifest_tools.sources.formats.detect import TABLE, label_files, read_labels
from manifest_tools.sources.formats.label_rows import LabelRows, like
from manifest_tools.sources.formats.parquet_tables import is_parquet
from manifest_tools.sources.formats.tables import LabelRow
from manifest_tools.sources.image_index import ImageIndex
from manifest_tools.sources.in_memory import Table, as_files
from manifest_tools.sources.kept_columns import EVERYTHING as KEEP_ALL
from manifest_tools.sources.kept_columns import keep_columns, with_kept
from manifest_tools.sources.label_files import match_files, unplaced
from manifest_tools.sources.mapping import (
    apply_mapping,
    read_mapping,
    unused_lines,
    without_asides,
    without_missing,
)
from manifest_tools.sources.matching import Match
from manifest_tools.sources.predictions import refuse_other_units
from manifest_tools.sources.videos.opening import VIDEO_SUFFIXES
from manifest_tools.storage.uris import is_s3_uri

FOLDERS = "folders"  # the value of `labels` that takes labels from folder names
LabelFiles: TypeAlias = str | Path | Table | Sequence[str | Path | pd.DataFrame]


def read_images(
    images: str | Path,
    *,
    labels: LabelFiles | None = None,
    labels_format: str | Mapping[str, str] = "auto",
    columns: ColumnChoice = BY_NAME,
    mapping: str | Path | Mapping[str, str | Path] | None = None,
    checked_labels: CheckedLabels = (),
    keep: Sequence[str] = (),
    taxonomy: str = CURRENT,
    policy: Policy | None = None,
    min_confidence: float | None = None,
) -> Dataset:
    """Read a folder, a manifest, or an S3 prefix, and what people said of its images.

    Parameters
    ----------
    images : path or str
        A folder (searched at any depth), a manifest file, or ``s3://bucket/prefix``.
    labels : path, "folders", DataFrame, records or mapping, or a sequence of paths and DataFrames, optional
        What a program holds already (a DataFrame, a list of mappings or of (image, label) pairs, or a mapping of image to
        labels), read as the CSV that it could be; or a label table (CSV, TSV, JSON Lines), an export of an annotation tool, a moderators' table, a folder of
        such files, or "folders": the topmost folder's name is the label. Of several, each says what it says by
        itself; where two contradict each other, the image is left out.
    labels_format : str, or mapping of str to str
        Format of `labels`: "auto" (by content), or one of ``manifest_tools.sources.formats.detect.FORMATS``. A mapping
        has it for each of `labels` that differs; under "" that of all others.
    columns : ColumnChoice
        Which columns of a label table hold what, where their names do not tell.
    mapping : path, or mapping of str to path, optional
        CSV that says which labels the categories in `labels` mean (``manifest-tools map`` drafts one); likewise.
    checked_labels : sequence of str, or mapping of str to sequence of str
        The labels that people looked for; default: the ones that the labels use. ("all",) covers the
        whole taxonomy. A mapping has them for each of `labels` that differs; under "" those of all others.
    keep : sequence of str
        Columns of the files of labels that stay with the images, as columns of the images table; ("all",) for every
        one that is not read. Nothing is kept unasked: such columns may be personal data.
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

    Examples
    --------
    >>> from manifest_tools import read_images
    >>> dataset = read_images("sample_data/images", labels="sample_data/labels.csv")
    >>> len(dataset)
    139
    >>> dataset.labels[["image", "label", "source"]].head(2)
                    image label source
    0  animals/beagle.jpg  Safe  table
    1    animals/frog.png  Safe  table
    """
    policy = policy or Policy()
    Taxonomy.load(taxonomy)
    dataset = _read_place(images, taxonomy, min_confidence)
    if dataset.images.empty:
        skipped = dataset.sources.get("images", {}).get("skipped", {})
        others = f" ({counted(sum(skipped.values()), 'other file')})" if skipped else ""
        msg = f"{images} holds no images{others}; expected files such as .jpg and .png at any depth"
        if VIDEO_SUFFIXES & set(skipped):
            msg += "; frames of videos are taken by 'manifest-tools frames'"
        raise InputError(msg)
    if labels is None:
        if keep:
            msg = f"column {keep[0]!r} is to be kept, but there is no file of labels to keep it of; give --labels FILE"
            raise InputError(msg)
        return _with_scope(dataset, "manifest", checked_labels)
    return attach_labels(
        dataset,
        labels,
        labels_format=labels_format,
        columns=columns,
        mapping=mapping,
        checked_labels=checked_labels,
        keep=keep,
        policy=policy,
    )


def attach_labels(
    dataset: Dataset,
    labels: LabelFiles,
    *,
    labels_format: str | Mapping[str, str] = "auto",
    columns: ColumnChoice = BY_NAME,
    mapping: str | Path | Mapping[str, str | Path] | None = None,
    checked_labels: CheckedLabels = (),
    keep: Sequence[str] = (),
    policy: Policy | None = None,
) -> Dataset:
    """Lay what a table, an export or the folders' names say over a data set. Reviews stay; an older table's rows go.

    Parameters
    ----------
    dataset : Dataset
        The images.
    labels : path or "folders", or a sequence of them
        As in :func:`read_images`.
    labels_format, columns, mapping, checked_labels, keep
        As in :func:`read_images`.
    policy : Policy, optional
        For `safe_names`.
    """
    with as_files(labels, "the table of labels") as files:
        labelled = _attach_files(
            dataset,
            files.given,
            labels_format=labels_format,
            columns=columns,
            mapping=mapping,
            checked_labels=checked_labels,
            keep=keep,
            policy=policy or Policy(),
        )
    return files.told(labelled)


def _attach_files(
    dataset: Dataset,
    labels: str | Path | Sequence[str | Path],
    *,
    labels_format: str | Mapping[str, str],
    columns: ColumnChoice,
    mapping: str | Path | Mapping[str, str | Path] | None,
    checked_labels: CheckedLabels,
    keep: Sequence[str],
    policy: Policy,
) -> Dataset:
    known_taxonomy = Taxonomy.load(dataset.taxonomy)
    maps = _by_file(mapping)
    read_maps = {path: read_mapping(path, known_taxonomy, policy) for path in dict.fromkeys(maps.values())}
    checked = CheckedScopes.of(checked_labels, dataset.taxonomy)
    columns = replace(columns, kept=frozenset(keep))
    given = _read_all(dataset, labels, labels_format, columns)
    checked.require_used(file or FOLDERS for _, _, file in given.values())
    require_files(maps, (file or FOLDERS for _, _, file in given.values()), "--map")
    replaced = {_kind(name) for name in given}
    sources = {name: value for name, value in dataset.sources.items() if _kind(name) not in replaced}
    kept = dataset.labels[~dataset.labels["source"].map(_kind).isin(replaced)]
    tables = [kept]
    images = set(dataset.images["image"].tolist())
    for name, (said, matches, file) in given.items():
        scope = checked.of_file(file or FOLDERS)
        path = value_of(maps, file or FOLDERS)
        known = read_maps.get(path or "", {})
        keys = {reference: match.image or reference for reference, match in matches.items()}
        placed = said.placed(keys)
        if scope is not None and said.format == TABLE:
            placed = without_asides(placed, known, known_taxonomy, policy)
        mapped = placed if path is None else apply_mapping(placed, known, policy)
        mapped = without_missing(mapped, policy)
        mapped = with_checked(mapped, known_taxonomy, policy)
        rows = _rows(mapped, images, scope).assign(source=name)
        tables.append(rows[[column for column in kept.columns if column in rows.columns]])
        sources[name] = (
            ({"file": file, "format": said.format, "rows": len(said.rows)} if file else {})
            | _unread(placed, keep)
            | ({} if path is None else {"mapping": {old: list(new) for old, new in sorted(known.items())}})
            | {"scope": _scope(mapped, rows, policy) if scope is None else scope}
            | {"findings": [item.to_dict() for item in placed.findings]}
            | unplaced(matches, set(rows["image"]))
        )
    for path, known in read_maps.items():
        mapped_by = [name for name, item in given.items() if value_of(maps, item[2] or FOLDERS) == path]
        for name in mapped_by[:1]:
            unused = unused_lines(known, [given[name][0] for name in mapped_by])
            sources[name] = {**sources[name], "unused": unused}
    beside = [(Path(file), said, matches) for said, matches, file in given.values()]
    table, kept_facts = _with_kept(dataset, beside, keep, columns)
    merged = pd.concat(tables, ignore_index=True)
    formats = [said.format for said, _, _ in given.values()]
    return dataset.step(
        "label",
        images=table.assign(judged=judged_column(dataset.images, merged, policy)),
        labels=merged,
        options={
            "source": " ".join(given),
            "format": " ".join(formats),
            "checked_labels": checked.told,
        },
        sources=sources | kept_facts,
        scope=tuple(sorted({name for item in sources.values() for name in item.get("scope", ())})),
    )


def _with_kept(
    dataset: Dataset,
    given: Sequence[tuple[Path, Annotations, dict[str, Match]]],
    keep: Sequence[str],
    columns: ColumnChoice,
) -> tuple[pd.DataFrame, dict[str, dict[str, object]]]:
    """Return the images with the columns that are to be kept, and what a data set's sources say of these."""
    if not keep:
        return dataset.images, {}
    kept = keep_columns(given, keep, columns)
    facts: dict[str, object] = {"columns": list(kept.table.columns), "several": dict(kept.several)}
    return with_kept(dataset.images, kept), {KEPT: facts}


def _unread(said: Annotations, keep: Sequence[str]) -> dict[str, list[str]]:
    """Return the columns of a file that are neither read nor kept, ready for a data set's sources."""
    left = [] if KEEP_ALL in keep else [column for column in said.unread if column not in keep]
    return {"unread": left} if left else {}


def _kind(source: str) -> str:
    """Return the kind of a source: the second table of several is a table too."""
    return TABLE if source.startswith(f"{TABLE}:") else source


def _read_all(
    dataset: Dataset,
    labels: str | Path | Sequence[str | Path],
    labels_format: str | Mapping[str, str],
    columns: ColumnChoice,
) -> dict[str, tuple[Annotations, dict[str, Match], str]]:
    """Return what each file says, what its references mean, and its name, by source."""
    given = [labels] if isinstance(labels, str | Path) else list(labels)
    formats = _by_file(labels_format)
    require_files(formats, map(str, given), "--labels-format")
    files = {
        file: said
        for item in given
        if str(item) != FOLDERS
        for said in [value_of(formats, str(item)) or "auto"]
        for file in label_files(item, said)
    }
    read = [(file, read_labels(file, labels_format=said, columns=columns)) for file, said in files.items()]
    index = ImageIndex(dataset.images["image"].tolist(), dataset.root)
    found: dict[str, tuple[Annotations, dict[str, Match], str]] = {}
    if any(str(item) == FOLDERS for item in given):
        found["folder"] = (_folder_names(dataset), {}, "")
    placed = match_files(index, read)
    for number, (said, matches) in enumerate(placed, start=1):
        found[TABLE if number == 1 else f"{TABLE}:{number}"] = (said, matches, str(read[number - 1][0]))
    return found


def _by_file(said: str | Path | Mapping[str, str] | Mapping[str, str | Path] | None) -> dict[str, str]:
    """Return what is said for the files of labels by file; under "" what is said for all."""
    given = said if isinstance(said, Mapping) else {} if said is None else {"": said}
    return {file: str(value) for file, value in given.items()}


def _scope(said: Annotations, rows: pd.DataFrame, policy: Policy) -> list[str]:
    """Return the labels that a closed list looks for in every image that it speaks of."""
    names = () if said.open_world else dict.fromkeys([*said.categories, *rows["label"]])
    return sorted(name for name in names if not policy.is_safe(name))


def _folder_names(dataset: Dataset) -> Annotations:
    names = folder_labels(dataset.images["image"], listed_folder(dataset))
    rows = (
        LabelRow(image, label, True, None)
        for image, label in zip(names["image"], names["label"], strict=True)
    )
    return Annotations(FOLDERS, tuple(rows), categories=tuple(names["label"].unique()))


def _rows(said: Annotations, images: AbstractSet[str], checked: Sequence[str] | None) -> pd.DataFrame:
    """Return label rows with image keys. What people went through and left unmarked lacks every checked label."""
    named = like(said.rows, (row for row in said.rows if row.label))
    if checked is not None:
        marked = {row.reference for row in named}
        unmarked = [name for name in said.references if name not in marked and name in images]
        absent = (LabelRow(reference, label, False, None) for reference in unmarked for label in checked)
        named = LabelRows(chain(named, absent))
    return LabelRows(named).frame().rename(columns={"reference": "image"})


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
    if is_parquet(path):
        msg = f"{path}: Parquet is not read here; prepare and inspect write the images inside it to a folder"
        raise InputError(msg)
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


def _with_scope(dataset: Dataset, source: str, checked_labels: CheckedLabels) -> Dataset:
    checked = CheckedScopes.of(checked_labels, dataset.taxonomy)
    checked.require_used(())
    scope = checked.of_file("")
    if scope is None or source not in dataset.sources:
        return dataset
    sources = {**dataset.sources, source: {**dataset.sources[source], "scope": scope}}
    options = {"checked_labels": checked.told}
    return dataset.step("label", options=options, sources=sources, scope=tuple(scope))
