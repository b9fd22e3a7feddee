"""Forgetting images: what a folder holds of them, and how it all goes at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from manifest_tools.aws.publishing.erasure import KeptVersion, StoredVersion, erase_versions, find_versions
from manifest_tools.core.commit import LOCK, PATIENCE, alone, remove_with, replacing_files, scratch_in
from manifest_tools.core.errors import OutputError
from manifest_tools.core.journal import JournalFile
from manifest_tools.core.output_folder import FINDINGS, RECEIPT, REPORT_HTML, REPORT_JSON, holds_dataset
from manifest_tools.core.text import counted
from manifest_tools.core.version import library_version
from manifest_tools.dataset.copies import FOLDER, copy_names, copy_path, has_copies
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.dataset.round_sets import trained_adapters
from manifest_tools.dataset.tables import COPY_COLUMNS
from manifest_tools.findings.policy import Policy
from manifest_tools.images.cache import FactsCache, default_folder
from manifest_tools.pipeline.forget.records import Names, scrub, scrub_file
from manifest_tools.pipeline.forget.runs import RunChange, is_run, plan_run, rewrite_run
from manifest_tools.pipeline.unpacking import MARK
from manifest_tools.reports import write_report
from manifest_tools.rules.checking import check_dataset
from manifest_tools.storage.uris import is_s3_uri, split_uri

_SHA256: Final = 64  # digits
_REPORTS: Final = (REPORT_HTML, REPORT_JSON, FINDINGS)


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
    copies : tuple of str
        Their derived copies in the folder, which no other image needs.
    versions : tuple of StoredVersion
        What `publish` put into the bucket of them, with all versions and delete markers.
    adapters : tuple of dict
        Adapters that were trained while they were in the data set: `arn`, `trained`.
    left : tuple of str
        What is not ours to remove, or cannot be.
    run : RunChange, optional
        What changes of the run that the folder holds.
    """

    folder: Path
    images: pd.DataFrame
    names: Names
    files: dict[str, int]
    copies: tuple[str, ...]
    versions: tuple[StoredVersion, ...]
    adapters: tuple[dict[str, str], ...]
    left: tuple[str, ...]
    run: RunChange | None = None

    def __bool__(self) -> bool:
        """Whether the folder holds anything of the images."""
        return bool(len(self.images) or self.files or self.run)


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
        An output folder of `prepare` or `inspect`, or a run folder.
    images : sequence of str
        Keys of images, or SHA-256 of their content. Byte-for-byte copies go with them.
    client : boto3 S3 client, optional
        Without one the bucket is not looked at.

    Raises
    ------
    InputError
        The folder holds neither a data set nor a run.
    RemoteError
        The bucket's versions cannot be listed.
    """
    folder = Path(folder)
    if (folder / LOCK).exists():  # of a process that works there, or was killed when it had done all else
        with suppress(OutputError), alone(folder, wait=PATIENCE):
            pass
    images = [*images, *(name.lower() for name in images if len(name) == _SHA256)]
    run = plan_run(folder, images) if is_run(folder) else None
    if not lacks_dataset(folder):
        return _plan_dataset(folder, images, client, run)
    run = run or RunChange()
    names = Names(frozenset({*images, *run.images["image"], *run.images["sha256"]} - {""}))
    return ForgetPlan(folder, run.images, names, run.files, (), (), (), (), run)


def lacks_dataset(folder: Path) -> bool:
    """Whether a folder is a run folder alone, or holds what forgetting left of one."""
    return not holds_dataset(folder) and (is_run(folder) or any(folder.glob(f"{RECEIPT}*.json")))


def _plan_dataset(folder: Path, images: Sequence[str], client: Any, run: RunChange | None) -> ForgetPlan:
    dataset = Dataset.load(folder)
    rows = _rows(dataset, images)
    table = dataset.images[rows]
    references, own = _references(dataset, rows)
    copies = _copies(dataset, rows)
    exact = frozenset(
        {*images, *table["image"], *table["uri"], *table["sha256"], *references}
        | {str(dataset.path_of(uri)) for uri in table["uri"] if uri and not is_s3_uri(uri)}
        | ({_digest(name) for name in copies} - set(dataset.images["sha256"][~rows]))
    ) - {""}
    others = frozenset({*dataset.images["image"][~rows], *_keys(dataset, source_refs(dataset)[~rows])})
    names = Names(exact, others - exact)
    files = {name: count for name, _, count in _scrubbed(folder, names)} | (run.files if run else {})
    versions: list[StoredVersion] = []
    if client is not None:
        for bucket, key in sorted(map(split_uri, own)):
            versions += find_versions(client, bucket, [key])
    split = set(table["split"]) - {""}
    adapters = tuple(_adapters(dataset)) if split else ()
    here = tuple(name for name in copies if (folder / FOLDER / name).is_file())
    elsewhere = [path for name in copies if name not in here and (path := copy_path(dataset, name)).is_file()]
    left = (*_left(dataset, table, own, client), *_left_copies(elsewhere))
    return ForgetPlan(folder, table, names, files, here, tuple(versions), adapters, left, run)


def apply_forget(plan: ForgetPlan, *, client: Any = None) -> Forgotten:
    """Remove what a plan names: from the bucket, then from the cache, then from the folder, all of it at once.

    Safe to kill and to run again: the folder knows the images until everything else is gone.

    Raises
    ------
    OutputError
        The folder cannot be written, or another process works in it.
    """
    kept = tuple(erase_versions(client, plan.versions)) if client is not None else ()
    digests = sorted({*plan.images["sha256"], *map(_digest, plan.copies)} & plan.names.exact)
    with alone(plan.folder, wait=PATIENCE), ExitStack() as journals:
        for path in sorted(plan.folder.glob("*.journal")) + sorted(plan.folder.glob("dataset/*.jsonl")):
            journals.enter_context(JournalFile(path).locked(wait=False))
        cached = 0
        if digests and default_folder().is_dir():
            with FactsCache(default_folder(), "") as cache:
                cache.forget(digests)
            cached = len(digests)  # not the rows: a run that was killed may have removed them already
        receipt = _receipt(plan, cached, kept)
        text = json.dumps(receipt, indent=1, sort_keys=True) + "\n"
        name = f"{RECEIPT}{_hash(''.join(sorted(plan.names.exact)))[:16]}.json"
        if plan:
            with scratch_in(plan.folder):  # which sweeps those away that killed runs left
                pass
            with replacing_files(plan.folder) as stage:
                _rewrite(plan, stage)
                (stage / name).write_text(text, encoding="utf-8")
    return Forgotten(receipt, plan.folder / name, kept)


def _rewrite(plan: ForgetPlan, stage: Path) -> None:
    """Put everything that changes in the folder into the stage."""
    if plan.run:
        rewrite_run(plan.folder, plan.run, stage)
    for name, content, _ in _scrubbed(plan.folder, plan.names):
        (stage / name).parent.mkdir(exist_ok=True)
        (stage / name).write_bytes(content)
    if not (len(plan.images) and holds_dataset(plan.folder)):
        return
    before = Dataset.load(plan.folder)
    dataset = _without(before, plan)
    remove_with(stage, _unpacked(plan.folder, before, plan.images))
    remove_with(stage, [f"{FOLDER}/{name}" for name in plan.copies])
    if (plan.folder / REPORT_JSON).is_file():
        write_report(check_dataset(dataset, policy=Policy.from_dict(dataset.policy)), stage, dataset=dataset)
    dataset.save(stage)


def _rows(dataset: Dataset, images: Sequence[str]) -> Any:
    wanted, table = set(images), dataset.images
    named = table["image"].isin(wanted) | table["uri"].isin(wanted) | table["sha256"].isin(wanted)
    if has_copies(table):
        named |= table["derived_sha256"].isin(wanted)
    contents = set(table["sha256"][named]) - {""}
    return named | table["sha256"].isin(contents)


def _references(dataset: Dataset, rows: Any) -> tuple[set[str], set[str]]:
    """Return what images are called in manifests, and the objects that `publish` may have made of them.

    A copy may have another key than the image, which may have been published before there was a copy.
    """
    bare = replace(dataset, images=dataset.images.drop(columns=list(COPY_COLUMNS), errors="ignore"))
    found = [source_refs(one) for one in ((dataset, bare) if has_copies(dataset.images) else (dataset,))]
    staying = {name for refs in found for name in refs[~rows]}  # other images may be sent as the same copy
    named = {name for refs in found for name in refs[rows]} - staying
    keys = _keys(dataset, named) - _keys(dataset, staying)
    return named | keys, {ref for ref in named if is_s3_uri(ref)} - set(dataset.images["uri"][rows])


def _keys(dataset: Dataset, references: Iterable[str]) -> set[str]:
    """Return the object keys below the destination, by which the same images are known below another one."""
    below = dataset.destination.rstrip("/") + "/"
    return {name.removeprefix(below) for name in references if dataset.destination and name.startswith(below)}


def _copies(dataset: Dataset, rows: Any) -> list[str]:
    """Return the files that were derived from images, and that no other image needs."""
    names = copy_names(dataset.images)
    return sorted(set(names[rows]) - set(names[~rows]) - {""})


def _digest(copy: str) -> str:
    return copy.partition(".")[0]


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
    inside = [
        place / uri for uri in images["uri"] if not Path(uri).is_absolute()
    ]  # others were added from elsewhere
    return [path.as_posix() for path in inside if (folder / path).is_file()]


def _adapters(dataset: Dataset) -> Iterator[dict[str, str]]:
    for arn in trained_adapters(dataset.history):
        created = arn.rsplit("/", 1)[-1]  # milliseconds since 1970
        when = (
            datetime.fromtimestamp(int(created) / 1000, UTC).date().isoformat() if created.isdigit() else ""
        )
        yield {"arn": arn, "trained": when}


def _left(dataset: Dataset, table: pd.DataFrame, own: set[str], client: Any) -> Iterator[str]:
    local = int(np.sum([bool(uri) and not is_s3_uri(uri) for uri in table["uri"]]))
    if local:
        yield f"{local:,} files of yours: the next prepare would find them again; remove them yourself"
    if len(table) - local:
        yield f"{len(table) - local:,} images of yours in S3; remove them yourself"
    if own and client is None:
        yield f"{len(own):,} objects that publish may have put into the bucket were not looked at; --bucket erases them"
    published = [entry["options"] for entry in dataset.history if entry["step"] == "publish"]
    if published and len(table):
        places = sorted({str(one["uri"]) for entry in published for one in entry["manifests"].values()})
        yield f"manifests in the bucket that name them ({', '.join(places)}): publish puts new ones beside them; remove these yourself"
    if len(table):
        yield "label files, sheets and reports outside the folder, and what a reader of them kept"


def _left_copies(elsewhere: Sequence[Path]) -> Iterator[str]:
    for place in sorted({path.parent for path in elsewhere}):
        count = sum(path.parent == place for path in elsewhere)
        yield f"{counted(count, 'derived copy', 'derived copies')} in another folder: forget them there too, by --from {place.parent}"


def _receipt(plan: ForgetPlan, cached: int, kept: Sequence[KeptVersion]) -> dict[str, Any]:
    return {
        "format": 1,
        "version": library_version(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "images": [
            {"key_sha256": _hash(key), "content_sha256": digest}
            for key, digest in zip(plan.images["image"], plan.images["sha256"], strict=True)
        ],
        "copies": [{"content_sha256": _digest(name)} for name in plan.copies],
        "removed": {
            "dataset": len(plan.images),
            "cache_contents": cached,
            "copies": len(plan.copies),
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
