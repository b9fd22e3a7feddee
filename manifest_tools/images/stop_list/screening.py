"""Holding the images of a data set that is there already against stop lists, before they are shown or sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import pandas as pd

from manifest_tools.core.commit import PATIENCE, alone
from manifest_tools.core.errors import DeniedError, InputError, ManifestToolsError, UnavailableError
from manifest_tools.dataset.chunks import DatasetWriter, SavedDataset
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.tables import IMAGE_COLUMNS
from manifest_tools.images.cache import FactsCache, default_folder
from manifest_tools.images.facts import MAX_BYTES
from manifest_tools.images.fetching import Reader
from manifest_tools.images.image_facts import ImageFacts
from manifest_tools.images.stop_list.hashes import KnownHashes
from manifest_tools.images.stop_list.reading import read_stop_list
from manifest_tools.images.stop_list.stop_list import STOPPED, StopList, content_on_list, stopped
from manifest_tools.parallel.bounded_map import run_bounded
from manifest_tools.storage.uris import is_s3_uri

_THREADS: Final = 8


def screen_folder(
    folder: str | Path, files: Sequence[str | Path] = (), *, reader: Reader | None = None
) -> StopList | None:
    """Hold a prepared folder against stop lists, and keep in its data set which images are on them.

    Parameters
    ----------
    folder : path
        DIR of `prepare`.
    files : sequence of path
        Stop lists; without any, those that the data set remembers. They are remembered in turn.
    reader : callable, optional
        Returns the bytes behind an ``s3://`` address.

    Returns
    -------
    StopList or None
        What is in force.

    Raises
    ------
    InputError
        The folder holds no data set, or a list cannot be read.
    RemoteError
        Images in S3 cannot be read.
    """
    if not files and not Dataset.load_frame(folder).stop_list:
        return None
    with alone(Path(folder), wait=PATIENCE):
        dataset = Dataset.load(folder)
        stop_list = read_stop_list(files or dataset.stop_list)
        screened = screen_images(dataset, stop_list, reader=reader)
        if not screened.equals(dataset):
            screened.save(folder)
    return stop_list


def screen_images(dataset: Dataset, stop_list: StopList | None, *, reader: Reader | None = None) -> Dataset:
    """Return a data set in which the images that are on a stop list are marked so, and nothing of them is kept.

    Images whose hashes are known are not read again. Images in S3 are read only with a `reader`.
    """
    if stop_list is None:
        return replace(dataset, stop_list=())
    hits = _hits(dataset, stop_list, reader)
    return replace(dataset, images=_set_aside(dataset.images, hits), stop_list=stop_list.files)


@dataclass(frozen=True)
class SavedScreening:
    """Which images of a saved data set are on stop lists: what :meth:`save` is to write.

    Attributes
    ----------
    hits : mapping of int to mapping
        By piece the positions in it, and the SHA-256 of what is there.
    """

    saved: SavedDataset
    stop_list: StopList | None
    hits: Mapping[int, Mapping[int, str]]

    @classmethod
    def of(
        cls, folder: str | Path, files: Sequence[str | Path] = (), *, reader: Reader | None = None
    ) -> SavedScreening:
        """Hold a saved data set of any size against stop lists.

        Parameters
        ----------
        folder, files, reader
            As in :func:`screen_folder`. The lists that the data set remembers are held against the hashes that are known
            alone: the files were held against them when they were inspected.
        """
        saved = SavedDataset.open(folder)
        stop_list = read_stop_list(files or saved.frame.stop_list)
        hits: dict[int, dict[int, str]] = {}
        for number in range(saved.pieces) if stop_list is not None else ():
            images = saved.images(number, ["image", "uri", "sha256", "decode_error"])
            piece = replace(saved.frame, images=images)
            found = _hits(piece, stop_list, reader, read=bool(files)) if stop_list is not None else {}
            hits |= {number: found} if found else {}
        return cls(saved, stop_list, hits)

    def save(self) -> None:
        """Set the images aside, and remember the lists."""
        names = self.stop_list.files if self.stop_list is not None else ()
        if not self.hits and names == self.saved.frame.stop_list:
            return
        with alone(self.saved.folder, wait=PATIENCE), DatasetWriter(self.saved.folder) as writer:
            for number in range(self.saved.pieces):
                piece = self.saved.piece(number, columns=None)
                writer.write(_set_aside(piece.images, self.hits.get(number, {})), piece.labels)
            writer.finish(replace(self.saved.frame, stop_list=names))


def _hits(
    dataset: Dataset, stop_list: StopList, reader: Reader | None, *, read: bool = True
) -> dict[int, str]:
    """Return the positions of the images that are on a stop list, and the SHA-256 of what is there."""
    images, hits = dataset.images, {}
    todo = []
    with FactsCache(default_folder(), "") if default_folder().is_dir() else nullcontext() as cache:
        columns = zip(images["uri"], images["image"], images["sha256"], images["decode_error"], strict=True)
        for row, (uri, image, sha256, error) in enumerate(columns):
            if error.startswith(STOPPED):
                continue
            known = cache.hashes(sha256) if cache is not None and stop_list.wanted else KnownHashes()
            if sha256 and stop_list.holds(sha256, known):
                hits[row] = sha256
            elif read and (not sha256 or not known.cover(stop_list.wanted)):
                todo.append((row, uri or image))
        looked = run_bounded(lambda item: _look(dataset, item[1], stop_list, reader), todo, workers=_THREADS)
        hits |= {row: digest for (row, _), digest in looked if digest}
        if cache is not None and hits:
            cache.forget([*images["sha256"].iloc[list(hits)], *hits.values()])
    return hits


def _set_aside(images: pd.DataFrame, hits: Mapping[int, str]) -> pd.DataFrame:
    """Return an images table in which nothing is kept of the images that are on a stop list."""
    if not hits:
        return images
    rows = list(hits)
    kept = [
        stopped(ImageFacts(bytes=size, sha256=digest))
        for size, digest in zip(images["bytes"].iloc[rows].tolist(), hits.values(), strict=True)
    ]
    facts, table = pd.DataFrame(kept), images.copy()
    for name in ImageFacts._fields:
        column = table[name].copy()
        column.iloc[rows] = facts[name].astype(cast("Any", IMAGE_COLUMNS[name][0])).to_numpy()
        table[name] = column
    return table


def _look(dataset: Dataset, uri: str, stop_list: StopList, reader: Reader | None) -> str:
    """Return the SHA-256 of an image that is on the list; "" of one that is not, or is not there."""
    try:
        if is_s3_uri(uri):
            if reader is None:
                return ""
            data = reader(uri)
        else:
            path = dataset.path_of(uri)
            data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    except (DeniedError, UnavailableError):
        raise
    except (OSError, ValueError, ManifestToolsError):
        return ""  # what cannot be read is neither shown nor sent
    return content_on_list(data, stop_list)


def refuse_stopped(data: bytes, stop_list: StopList | None, name: str) -> None:
    """Raise InputError when an image's bytes are on a stop list."""
    if digest := content_on_list(data, stop_list):
        raise InputError(f"{name} is on a stop list and is not shown (SHA-256 {digest})")
