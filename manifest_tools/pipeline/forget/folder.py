"""Forgetting images: what a folder holds of them, and how it all goes at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from manifest_tools.aws.publishing.erasure import KeptVersion, StoredVersion, erase_versions, find_versions
from manifest_tools.core.commit import PATIENCE, alone, remove_with, replacing_files
from manifest_tools.core.errors import InputError
from manifest_tools.core.journal import JournalFile
from manifest_tools.core.output_folder import FINDINGS, REPORT_HTML, REPORT_JSON
from manifest_tools.core.version import library_version
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.findings.policy import Policy
from manifest_tools.images.cache import FactsCache, default_folder
from manifest_tools.pipeline.forget.records import Names, scrub, scrub_file
from manifest_tools.pipeline.unpacking import MARK
from manifest_tools.reports import write_report
from manifest_tools.rules.checking import check_dataset
from manifest_tools.storage.uris import is_s3_uri, split_uri

RECEIPT: Final = "forgotten-"  # begins the name of a receipt
_REPORTS: Final = (REPORT_HTML, REPORT_JSON, FINDINGS)
_RUN: Final = "run.json"


@dataclass(frozen=True)
class ForgetPlan:
    """What forgetting would remove from one folder.

    Parameters
    ----------
    folder : Path
    images : pandas.DataFrame
        The rows of the images, byte-for-byte copies included.
    names : Names
        Keys, addresses and hashes by which files name them.
    files : mapping of str to int
        Files of the folder that name them, and in how many places.
    versions : tuple of StoredVersion
        What `publish` put into the bucket of them, with all versions and delete markers.
    adapters : tuple of dict
        Adapters that were trained while they were in the data set: `arn`, `trained`.
    left : tuple of str
        What is not ours to remove, or cannot be.
    """

    folder: Path
    images: pd.DataFrame
    names: Names
    files: dict[str, int]
    versions: tuple[StoredVersion, ...]
    adapters: tuple[dict[str, str], ...]
    left: tuple[str, ...]


@dataclass(frozen=True)
class Forgotten:
    """What forgetting did: the receipt, which holds hashes alone, and where it is.

    Parameters
    ----------
    receipt : dict
    path : Path
    kept : tuple of KeptVersion
        Versions in the bucket that could not be erased.
    """

    receipt: dict[str, Any]
    path: Path
    kept: tuple[KeptVersion, ...] = field(default=())


def plan_forget(folder: str | Path, images: Sequence[str], *, client: Any = None) -> ForgetPlan:
    """Find what a prepared folder, and the bucket that it was published to, hold of some images. Nothing is changed.

    Parameters
    ----------
    folder : path
        An output folder of `prepare` or `inspect`.
    images : sequence of str
        Keys of images, or SHA-256 of their content. Byte-for-byte copies go with them.
    client : boto3 S3 client, optional
        Without one the bucket is not looked at.

    Raises
    ------
    InputError
        The folder holds no data set, or is a run folder.
    RemoteError
        The bucket's versions cannot be listed.
    """
    folder = Path(folder)
    dataset = Dataset.load(folder)
    if (folder / _RUN).is_file():
        msg = f"{folder} is a run folder, whose batches cannot be changed; remove it, and give the folder of its --out"
        raise InputError(msg)
    rows = _rows(dataset, images)
    references = source_refs(dataset)[rows]
    table = dataset.images[rows]
    exact = frozenset(
        {*images, *table["image"], *table["uri"], *table["sha256"], *references}
        | {str(dataset.path_of(uri)) for uri in table["uri"] if uri and not is_s3_uri(uri)}
    ) - {""}
    names = Names(exact, frozenset(dataset.images["image"][~rows]) - exact)
    files = {name: count for name, _, count in _scrubbed(folder, names)}
    own = [ref for ref, uri in zip(references, table["uri"], strict=True) if is_s3_uri(ref) and ref != uri]
    versions: list[StoredVersion] = []
    if client is not None:
        for bucket, key in sorted(map(split_uri, set(own))):
            versions += find_versions(client, bucket, [key])
    split = set(table["split"]) - {""}
    adapters = tuple(_adapters(dataset)) if split else ()
    return ForgetPlan(
        folder, table, names, files, tuple(versions), adapters, tuple(_left(dataset, table, own, client))
    )


def apply_forget(plan: ForgetPlan, *, client: Any = None) -> Forgotten:
    """Remove what a plan names: from the bucket, then from the cache, then from the folder, all of it at once.

    Safe to kill and to run again: the folder knows the images until everything else is gone.

    Raises
    ------
    OutputError
        The folder cannot be written, or another process works in it.
    """
    kept = tuple(erase_versions(client, plan.versions)) if client is not None else ()
    digests = [digest for digest in plan.images["sha256"] if digest]
    with alone(plan.folder, wait=PATIENCE), ExitStack() as journals:
        for path in sorted(plan.folder.glob("*.journal")) + sorted(plan.folder.glob("dataset/*.jsonl")):
            journals.enter_context(JournalFile(path).locked(wait=False))
        cached = 0
        if digests and default_folder().is_dir():
            with FactsCache(default_folder(), "") as cache:
                cached = cache.forget(digests)
        receipt = _receipt(plan, cached, kept)
        text = json.dumps(receipt, indent=1, sort_keys=True) + "\n"
        name = f"{RECEIPT}{_hash(''.join(sorted(plan.names.exact)))[:16]}.json"
        if len(plan.images) or plan.files:
            with replacing_files(plan.folder) as stage:
                _rewrite(plan, stage)
                (stage / name).write_text(text, encoding="utf-8")
    return Forgotten(receipt, plan.folder / name, kept)


def _rewrite(plan: ForgetPlan, stage: Path) -> None:
    """Put everything that changes in the folder into the stage."""
    for name, content, _ in _scrubbed(plan.folder, plan.names):
        (stage / name).parent.mkdir(exist_ok=True)
        (stage / name).write_bytes(content)
    if not len(plan.images):
        return
    before = Dataset.load(plan.folder)
    dataset = _without(before, plan)
    gone = _unpacked(plan.folder, before, plan.images)
    remove_with(stage, gone)
    if (plan.folder / REPORT_JSON).is_file():
        write_report(check_dataset(dataset, policy=Policy.from_dict(dataset.policy)), stage, dataset=dataset)
    dataset.save(stage)


def _rows(dataset: Dataset, images: Sequence[str]) -> Any:
    wanted = set(images) | {name.lower() for name in images if len(name) == 64}
    table = dataset.images
    named = table["image"].isin(wanted) | table["uri"].isin(wanted) | table["sha256"].isin(wanted)
    contents = set(table["sha256"][named]) - {""}
    return named | table["sha256"].isin(contents)


def _scrubbed(folder: Path, names: Names) -> Iterator[tuple[str, bytes, int]]:
    """Yield the files of a folder that name the images: name, new content, places."""
    for path in sorted([*folder.glob("*"), *folder.glob("dataset/*.jsonl*")]):
        if path.name in _REPORTS or path.name.startswith((RECEIPT, ".")) or not path.is_file():
            continue
        if (found := scrub_file(path, names)) is not None:
            yield path.relative_to(folder).as_posix(), *found


def _without(dataset: Dataset, plan: ForgetPlan) -> Dataset:
    gone = set(plan.images["image"])
    images = dataset.images[~dataset.images["image"].isin(gone)]
    first = images.groupby("group")["image"].min()  # a group is named by its smallest image
    renamed = images["group"].where(~images["group"].isin(gone), images["group"].map(first))
    images = images.assign(group=renamed)
    labels = dataset.labels[~dataset.labels["image"].isin(gone)]
    sources = {name: scrub(source, plan.names) for name, source in dataset.sources.items()}
    dataset = replace(dataset, sources={name: source or {} for name, source in sources.items()})
    return dataset.step("forget", images=images, labels=labels, options={"images": len(gone)})


def _unpacked(folder: Path, dataset: Dataset, images: pd.DataFrame) -> list[str]:
    """Return the files of ours that are these images: written out of Parquet into the folder."""
    if not (folder / MARK).is_file() or not Path(dataset.root).is_relative_to(folder.absolute()):
        return []
    place = Path(dataset.root).relative_to(folder.absolute())
    return [(place / uri).as_posix() for uri in images["uri"] if (folder / place / uri).is_file()]


def _adapters(dataset: Dataset) -> Iterator[dict[str, str]]:
    for entry in dataset.history:
        if entry["step"] == "train":
            arn = str(entry["options"]["arn"])
            created = arn.rsplit("/", 1)[-1]  # milliseconds since 1970
            when = (
                datetime.fromtimestamp(int(created) / 1000, UTC).date().isoformat()
                if created.isdigit()
                else ""
            )
            yield {"arn": arn, "trained": when}


def _left(dataset: Dataset, table: pd.DataFrame, own: Sequence[str], client: Any) -> Iterator[str]:
    local = int(np.sum([bool(uri) and not is_s3_uri(uri) for uri in table["uri"]]))
    if local:
        yield f"{local:,} files of yours: the next prepare would find them again; remove them yourself"
    if len(table) - local:
        yield f"{len(table) - local:,} images of yours in S3; remove them yourself"
    if own and client is None:
        yield f"{len(set(own)):,} objects that publish may have put into the bucket were not looked at; --bucket erases them"
    published = [entry["options"] for entry in dataset.history if entry["step"] == "publish"]
    if published and len(table):
        places = sorted(str(one["uri"]) for one in published[-1]["manifests"].values())
        yield f"manifests in the bucket that name them ({', '.join(places)}): 'publish --replace' puts the new ones"
    if len(table):
        yield "label files, sheets and reports outside the folder, and what a reader of them kept"


def _receipt(plan: ForgetPlan, cached: int, kept: Sequence[KeptVersion]) -> dict[str, Any]:
    return {
        "format": 1,
        "version": library_version(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "images": [
            {"key_sha256": _hash(key), "content_sha256": digest}
            for key, digest in zip(plan.images["image"], plan.images["sha256"], strict=True)
        ],
        "removed": {
            "dataset": len(plan.images),
            "cache_rows": cached,
            "files": dict(sorted(plan.files.items())),
            "bucket_versions": sum(not item.marker for item in plan.versions)
            - sum(not one.version.marker for one in kept),
            "bucket_delete_markers": sum(item.marker for item in plan.versions)
            - sum(one.version.marker for one in kept),
        },
        "left": [
            {
                "object_sha256": _hash(f"{one.version.bucket}/{one.version.key}"),
                "version": one.version.version,
                "reason": one.reason,
            }
            for one in kept
        ],
        "not_ours": [text.partition(":")[0].partition(" (")[0] for text in plan.left],
        "adapters": list(plan.adapters),
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
