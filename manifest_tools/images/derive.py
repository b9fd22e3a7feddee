"""Derived copies of images: made in worker processes, named by their content, told of in the images table."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from manifest_tools.core.arrays import Mask
from manifest_tools.core.commit import remove_with
from manifest_tools.core.content_type import ACCEPTED_FORMATS, SUFFIXES
from manifest_tools.core.errors import ManifestToolsError
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.copies import (
    FAILED,
    FOLDER,
    METADATA,
    copied,
    copy_names,
    has_copies,
)
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.eligibility import failed_to_decode
from manifest_tools.dataset.tables import COPY_COLUMNS
from manifest_tools.findings.policy import Policy
from manifest_tools.images import fetching
from manifest_tools.images.facts import facts_of
from manifest_tools.images.fetching import Reader
from manifest_tools.images.image_facts import ImageFacts
from manifest_tools.images.stop_list.stop_list import STOPPED, StopList, content_on_list, stopped
from manifest_tools.images.task import is_remote
from manifest_tools.parallel.executors import worker_count
from manifest_tools.parallel.worker_main import Lost
from manifest_tools.parallel.worker_pool import isolated_map

MAX_BYTES: Final = 256 << 20  # of a file of which a copy is made
_TIMEOUT: Final = 120.0  # seconds for one image
_TOGETHER: Final = 2  # images that a worker is given at a time
_AHEAD: Final = 3  # times as many on their way to it: copying an image takes longer than fetching it
_FACTS: Final = ("format", "mode", "remarks", "width", "height", "bytes", "sha256")
_WHY: Final = "derived_why"
_PRINTS: Final = ("phash", "views", "sketch", "shown")
_DECODED_BY_COPYING: Final = ("HEIC", "AVIF")  # formats that inspection may not decode, and copying may


class Copy(NamedTuple):
    """What a copy is made for, and the facts about it. Without a SHA-256 there is none."""

    why: str = ""
    facts: ImageFacts = ImageFacts()

    def cell(self, column: str) -> Any:
        """Return what stands in one of ``COPY_COLUMNS``."""
        return self.why if column == _WHY else getattr(self.facts, column.removeprefix("derived_"))


@dataclass(frozen=True)
class CopyTask:
    """Makes the copy of one file; what worker processes are given.

    Parameters
    ----------
    folder : Path
        Where copies go.
    side, weight : int
        What the service takes: pixels of the longer side, bytes.
    unusable, strip : bool
        Whether to make copies of images that the service refuses, and of those with metadata.
    reader : callable, optional
        Returns the bytes behind a URI.
    stop_list : StopList, optional
        Known images, of which no copies are made.
    """

    folder: Path
    side: int
    weight: int
    unusable: bool
    strip: bool
    reader: Reader | None = None
    stop_list: StopList | None = None

    def __call__(self, item: tuple[str, Mapping[str, Any]]) -> Copy:
        """Make the copy of a file, given by its path and the facts about it."""
        from manifest_tools.images import redraw  # noqa: PLC0415 - in the worker

        path, facts = item
        why = self._reasons(facts)
        if not why and not self._strips(facts):
            return Copy()
        try:
            data = self._read(path, facts["sha256"])
            if why:
                made, _ = redraw.redrawn(data, facts, redraw.Limits(self.side, self.weight))
                return self._kept(made, ", ".join(why))
            clean = _without_metadata(data)
            return Copy() if clean == data else self._kept(clean, METADATA)
        except (redraw.CannotRedrawError, _CannotCopyError) as error:
            return Copy(why=f"{FAILED}{error}")

    def expect(self, items: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Begin to fetch files that are far away, so that they come while others are copied."""
        if self.reader is not None:
            needed = (path for path, facts in items if self._strips(facts) or self._reasons(facts))
            fetching.expect(self.reader, filter(is_remote, needed))

    def coming(self, item: tuple[str, Mapping[str, Any]]) -> Future[bytes] | None:
        """Return what a file waits for, if it was expected."""
        return fetching.coming(item[0])

    def _reasons(self, facts: Mapping[str, Any]) -> list[str]:
        """Return why the service would refuse a picture that is to be drawn anew."""
        from manifest_tools.images import redraw  # noqa: PLC0415 - in the worker

        return redraw.reasons(facts, redraw.Limits(self.side, self.weight)) if self.unusable else []

    def _strips(self, facts: Mapping[str, Any]) -> bool:
        """Tell whether a picture is to lose its metadata, if it has any."""
        return self.strip and facts["format"] in ACCEPTED_FORMATS

    def _read(self, path: str, sha256: str) -> bytes:
        try:
            if is_remote(path):
                assert self.reader is not None
                data = fetching.take(self.reader, path)
            elif os.stat(path).st_size > MAX_BYTES:  # noqa: PTH116 - one of many
                msg = f"the file has more than {MAX_BYTES:,} bytes"
                raise _CannotCopyError(msg)
            else:
                data = Path(path).read_bytes()
        except (OSError, ManifestToolsError) as error:
            msg = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
            raise _CannotCopyError(msg) from error
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            raise _CannotCopyError("the file has changed since it was inspected")
        return data

    def _kept(self, made: bytes, why: str) -> Copy:
        """Write a copy, for the owner's eyes alone, after a look at it as at any image."""
        if content_on_list(made, self.stop_list):  # in a format that inspection does not decode
            return Copy(why=STOPPED)
        facts = facts_of(made)
        if facts.decode_error:
            msg = f"the copy would be no sound image: {facts.decode_error}"
            raise _CannotCopyError(msg)
        place = self.folder / (facts.sha256 + SUFFIXES[facts.format][0])
        temporary = place.with_suffix(f".{os.getpid()}")
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600
        )
        with os.fdopen(descriptor, "wb") as file:
            file.write(made)
        temporary.replace(place)
        return Copy(why, facts)


class _CannotCopyError(Exception):
    """No copy can be made; the words say why."""


def _without_metadata(data: bytes) -> bytes:
    from manifest_tools.images.stripping import same_pixels, stripped  # noqa: PLC0415 - in the worker

    clean = stripped(data)
    try:
        proven = clean is not None and same_pixels(data, clean)
    except Exception as error:
        msg = f"its pixels cannot be compared: {' '.join(str(error).split())[:200]}"
        raise _CannotCopyError(msg) from error
    if clean is None or not proven:
        raise _CannotCopyError("its metadata cannot be told from its pixels")
    return clean


def derive_copies(
    dataset: Dataset,
    folder: Path,
    out: Path,
    *,
    policy: Policy,
    among: Mask | None = None,
    reader: Reader | None = None,
    stop_list: StopList | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Make the copies that a policy asks for, and tell of them in the images table.

    Parameters
    ----------
    dataset : Dataset
        Inspected. Copies that it has already stay.
    folder : Path
        Where the copies are written now.
    out : Path
        The output folder, in whose ``derived/`` they will be (:func:`place_copies`).
    policy : Policy
        For `derive`, and the limits.
    among : bool array of shape (images,), optional
        The images that are looked at; by default all.
    reader : callable, optional
        Returns the bytes of images in S3; without one they have no copies.
    stop_list : StopList, optional
        Known images, which are set aside where only copying can decode them.
    workers, progress
        As in :func:`manifest_tools.inspect_images`.
    """
    images = dataset.images
    task = CopyTask(
        folder,
        policy.max_image_side,
        policy.max_image_bytes,
        policy.derive.get("unusable", False),
        policy.derive.get("strip_metadata", False),
        reader,
        stop_list,
    )
    todo = _candidates(images, readable=reader is not None) & ~copied(images)
    rows = np.flatnonzero(todo if among is None else todo & among)
    made = [Copy()] * len(rows)
    items = _items(dataset, rows)
    batches = [items[at : at + _TOGETHER] for at in range(0, len(items), _TOGETHER)]
    count = worker_count(workers)
    with closing(isolated_map(task, batches, workers=count, timeout=_TIMEOUT, ahead=_AHEAD)) as messages:
        done = 0
        for message in messages:
            for number, answer in message:
                made[number] = Copy(why=f"{FAILED}{answer.detail}") if isinstance(answer, Lost) else answer
            done += len(message)
            if progress is not None:
                progress(done, len(rows))
    options = {name: policy.derive.get(name, False) for name in ("strip_metadata", "unusable")}
    sources = {**dataset.sources, FOLDER: {"folder": str((out / FOLDER).resolve())}}
    return dataset.step("derive", images=_told(images, rows, made), options=options, sources=sources)


def _candidates(images: pd.DataFrame, *, readable: bool) -> Mask:
    """Return the images of which copies may be made: those that decode, and formats that only copying decodes."""
    sound = (images["decode_error"] == "").to_numpy()
    late = images["format"].isin(_DECODED_BY_COPYING) & images["decode_error"].str.startswith("unsupported")
    far = images["uri"].map(is_remote).to_numpy(dtype=bool)
    known = (images["format"] != "").to_numpy()
    return np.asarray((sound | late.to_numpy()) & known & (readable | ~far))


def _items(dataset: Dataset, rows: Any) -> list[tuple[str, dict[str, Any]]]:
    table = dataset.images.iloc[rows]
    facts = table[list(_FACTS)].to_dict("records")
    paths = [uri if is_remote(uri) else str(dataset.path_of(uri)) for uri in table["uri"]]
    return [
        (path, {str(name): value for name, value in known.items()})
        for path, known in zip(paths, facts, strict=True)
    ]


def _told(images: pd.DataFrame, rows: Any, made: list[Copy]) -> pd.DataFrame:
    """Return the images table with the columns of copies; a picture that was not decoded gets its copy's fingerprints."""
    table = images.copy()
    for name, (kind, nothing) in COPY_COLUMNS.items():
        known = list(images[name]) if has_copies(images) else [nothing] * len(images)
        for row, copy in zip(rows.tolist(), made, strict=True):
            known[row] = copy.cell(name)
        table[name] = pd.Series(known, index=table.index, dtype=kind)
    for row, copy in zip(rows.tolist(), made, strict=True):
        if copy.why == STOPPED:
            facts = stopped(
                ImageFacts(bytes=int(images["bytes"].iloc[row]), sha256=images["sha256"].iloc[row])
            )
            for name, value in facts._asdict().items():
                table.loc[table.index[row], name] = value
    prints = table[list(_PRINTS)].to_numpy(dtype=object)
    for row, copy in zip(rows.tolist(), made, strict=True):
        if not prints[row][0]:
            prints[row] = [getattr(copy.facts, name) for name in _PRINTS]
    for at, name in enumerate(_PRINTS):
        table[name] = pd.Series(prints[:, at], index=table.index, dtype=images[name].dtype)
    return table


def place_copies(dataset: Dataset, made: Path | None, stage: Path, folder: Path) -> None:
    """Let the copies that a data set tells of be committed with its results, and old ones go.

    Parameters
    ----------
    dataset : Dataset
        What is written.
    made : Path or None
        Where copies were made (:func:`derive_copies`), if they were.
    stage, folder : Path
        Of :func:`manifest_tools.core.commit.replacing_files`.
    """
    shown = ~failed_to_decode(dataset.images, STOPPED)
    names = set(copy_names(dataset.images)[shown]) - {""}
    place = stage / FOLDER
    for name in sorted(names):
        if made is not None and (made / name).is_file() and not (folder / FOLDER / name).is_file():
            place.mkdir(exist_ok=True)
            (made / name).rename(place / name)
    remove_with(stage, sorted(_old(folder, names)))


def _old(folder: Path, names: set[str]) -> Iterator[str]:
    if (folder / FOLDER).is_dir():
        yield from (f"{FOLDER}/{path.name}" for path in (folder / FOLDER).iterdir() if path.name not in names)
