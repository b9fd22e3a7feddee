"""Copies without metadata for a prepared folder, before it is published."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import orjson

from manifest_tools.aws.publishing.prepared_folder import references, require_passed
from manifest_tools.core.commit import PATIENCE, alone, replacing_files, scratch_in
from manifest_tools.core.errors import InputError, ManifestToolsError
from manifest_tools.core.output_folder import manifests_in
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.copies import FAILED, copied
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding
from manifest_tools.findings.policy import Policy
from manifest_tools.images.derive import derive_copies, place_copies
from manifest_tools.images.fetching import Reader
from manifest_tools.parallel.bounded_map import run_bounded
from manifest_tools.storage.uris import is_s3_uri

_THREADS: Final = 8


@dataclass(frozen=True)
class FetchedImages:
    """Gives worker processes the images in S3 that a client of this process has fetched: a client cannot be sent to them."""

    folder: Path

    def place(self, uri: str) -> Path:
        """Return where an image is."""
        return self.folder / hashlib.sha256(uri.encode("utf-8", "surrogatepass")).hexdigest()

    def fetch(self, uris: Iterable[str], read: Reader) -> None:
        """Fetch images. What cannot be read is missing, and told of when its copy is to be made."""

        def fetch(uri: str) -> None:
            with suppress(ManifestToolsError):
                self.place(uri).write_bytes(read(uri))

        for _ in run_bounded(fetch, uris, workers=_THREADS):
            pass

    def __call__(self, uri: str) -> bytes:
        """Return the bytes."""
        return self.place(uri).read_bytes()


def strip_prepared(
    folder: str | Path, *, reader: Reader, sendable: bool = True, progress: Progress | None = None
) -> tuple[Finding, ...]:
    """Make copies without metadata of the images that the manifests of a folder name, and tell of them in its data set.

    Where copies need keys of their own, the manifests follow. Nothing changes when there is nothing to leave out.

    Parameters
    ----------
    folder : path
        DIR of `prepare`, passed.
    reader : callable
        Returns the bytes of images in S3.
    sendable : bool
        Whether other processes can be given the reader; else the images are fetched by this one first.
    progress : callable, optional
        Called with (images looked at, all images).

    Returns
    -------
    tuple of Finding
        Of images whose metadata could not be left out; then nothing was changed.

    Raises
    ------
    InputError
        The folder has not passed, or images in S3 have no other place to go to.
    """
    folder = Path(folder)
    with alone(folder, wait=PATIENCE), scratch_in(folder) as made:
        dataset = Dataset.load(folder)
        require_passed(folder, dataset)
        before = source_refs(dataset)
        manifests = {name: (folder / name).read_bytes() for name in manifests_in(folder)}
        named = {ref for name, lines in manifests.items() for _, ref in references(folder / name, lines)}
        among = before.isin(named).to_numpy()
        if not dataset.destination and dataset.images["uri"][among].map(is_s3_uri).any():
            raise InputError(
                f"The images of {folder} are in S3 already, and copies without metadata need another place. "
                "Run `manifest-tools prepare` again with --to s3://BUCKET/PREFIX."
            )
        if not sendable:
            fetched = FetchedImages(made / "fetched")
            fetched.folder.mkdir()
            fetched.fetch(filter(is_s3_uri, dataset.images["uri"][among & ~copied(dataset.images)]), reader)
            reader = fetched
        policy = replace(Policy.from_dict(dataset.policy), derive={"strip_metadata": True})
        after = derive_copies(
            dataset, made, folder, policy=policy, among=among, reader=reader, progress=progress
        )
        failed = after.images[among & after.images["derived_why"].str.startswith(FAILED).to_numpy()]
        if len(failed):
            rows = zip(failed["image"], failed["derived_why"], strict=True)
            return tuple(
                finding("image-not-derived", variant="metadata", image=image, reason=why.removeprefix(FAILED))
                for image, why in rows
            )
        if not np.array_equal(copied(after.images), copied(dataset.images)):
            moved = dict(zip(before, source_refs(after), strict=True))
            with replacing_files(folder) as stage:
                for name, lines in manifests.items():
                    (stage / name).write_bytes(_moved(lines, moved))
                after.save(stage)
                place_copies(after, made, stage, folder)
    return ()


def _moved(lines: bytes, moved: Mapping[str, str]) -> bytes:
    """Return a manifest with other references; lines whose image stays where it is keep their bytes."""
    made = []
    for line in lines.splitlines(keepends=True):
        reference = json.loads(line)["source-ref"] if line.strip() else ""
        if moved.get(reference, reference) == reference:
            made.append(line)
        else:
            made.append(orjson.dumps({**json.loads(line), "source-ref": moved[reference]}) + b"\n")
    return b"".join(made)
