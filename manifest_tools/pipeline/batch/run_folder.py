"""A run folder, here or in S3: what stands where in it.

::

    run.json                        what the run is: source and options; never changed
    plan/intervals.json             how the listing is shared out
    plan/00000.json                 a finished interval: its parts
    plan/00000-00000-0a1b2c3d.parquet  a part: images in the order of their keys, with their batch
    plan.json                       the finished plan: parts and numbers
    batches/000000000.parquet       the facts about one batch

Every file is written once and whole: locally by temporary file and rename, in S3 by a conditional put. So what is
there is finished, whoever wrote it, and two workers that do the same batch do not disturb each other.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from manifest_tools.core.commit import recover
from manifest_tools.core.errors import InputError
from manifest_tools.core.files import sweep_linked
from manifest_tools.core.json_text import parse_json
from manifest_tools.core.output_folder import RECEIPT
from manifest_tools.core.resources import validate_document
from manifest_tools.core.version import library_version
from manifest_tools.dataset.dataset import COMPRESSION
from manifest_tools.dataset.saved_files import read_table
from manifest_tools.storage.s3_images import shared_client
from manifest_tools.storage.storage import ConditionFailedError, LocalStorage, S3Storage, Storage
from manifest_tools.storage.uris import is_s3_uri, split_uri

FORMAT: Final = 1  # of run.json
RUN: Final = "run.json"
INTERVALS: Final = "plan/intervals.json"
PLAN: Final = "plan.json"
_DOCUMENTS: Final = {RUN: "run", INTERVALS: "intervals", PLAN: "plan"}  # all others: of listed intervals
# What a folder may hold before there is a run: one that was half begun, and what a run that was forgotten left.
_NO_RUN: Final = re.compile(rf"\.run\.json\..*\.tmp|{RECEIPT}.*\.json")
_BATCH: Final = re.compile(r"batches/(\d{9})\.parquet")


@dataclass(frozen=True)
class RunFolder:
    """A run folder. Light, and free to be sent to another process.

    Parameters
    ----------
    place : str
        An absolute path, or ``s3://bucket/prefix``.
    """

    place: str

    @classmethod
    def at(cls, place: str | Path) -> RunFolder:
        """Return the run folder of a place, which may not be there yet; what a killed process began there is finished."""
        text = str(place)
        if not is_s3_uri(text):
            recover(text)
            return cls(str(Path(text).absolute()))
        split_uri(text)
        return cls(text.rstrip("/"))

    @property
    def is_local(self) -> bool:
        """Whether it is on a file system."""
        return not is_s3_uri(self.place)

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        storage, prefix = _storage(self.place)
        return storage.get(prefix + name)

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Return a document, None when it is not there.

        Raises
        ------
        InputError
            It is not what it should be.
        """
        storage, prefix = _storage(self.place)
        if storage.head(prefix + name) is None:
            return None
        place, kind = storage.uri(prefix + name), _DOCUMENTS.get(name, "listed")
        try:
            document: dict[str, Any] = parse_json(self.read(name), name)
            problem = validate_document({kind: document}, "run-folder.schema.json")
        except InputError as error:
            problem = str(error)
        if problem:
            msg = f"{place} is damaged ({problem}); begin anew in another folder"
            raise InputError(msg)
        return document

    def read_table(
        self, name: str, columns: Mapping[str, tuple[str, Any]], *, optional: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Return a table, its columns of the types that they should have.

        Parameters
        ----------
        name : str
            The Parquet file.
        columns : mapping of str to (str, object)
            pandas dtype, and the value where nothing is known.
        optional : sequence of str
            Columns that files of an earlier version lack.

        Raises
        ------
        InputError
            It is not what it should be.
        """
        known = [column for column, (_, unknown) in columns.items() if pd.notna(unknown)]
        try:
            table = read_table(self.read(name), columns, known[:1], name=name, unique=False, kept=False)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise self.damaged(name, str(error).splitlines()[0][:300] if str(error) else "") from error
        missing = columns.keys() - set(table)
        empty = [column for column in known if column in table and table[column].isna().any()]
        if empty or missing - set(optional):
            raise self.damaged(
                name, f"column {min([*empty, *missing - set(optional)])!r} is missing or empty in a row"
            )
        return table.assign(**{column: columns[column][1] for column in missing})[[*columns]]

    def damaged(self, name: str, what: str) -> InputError:
        """Return what is said of a table that can be made once more."""
        return InputError(
            f"{name} of {self.place} is damaged ({what}); remove it, and run the same command again"
        )

    def has(self, name: str) -> bool:
        """Whether a file is there."""
        storage, prefix = _storage(self.place)
        return storage.head(prefix + name) is not None

    def write(self, name: str, data: bytes) -> None:
        """Write a file, unless somebody has."""
        storage, prefix = _storage(self.place)
        try:
            storage.put(prefix + name, data, if_absent=True)
        except ConditionFailedError:
            return

    def write_json(self, name: str, document: dict[str, Any]) -> None:
        """Write a document, unless somebody has."""
        self.write(name, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table, unless somebody has."""
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), buffer, compression=COMPRESSION)
        self.write(name, buffer.getvalue())

    def names(self, prefix: str) -> list[str]:
        """Return the names that begin so, by listing; files that were never finished may be among them."""
        storage, above = _storage(self.place)
        return [item.key.removeprefix(above) for item in storage.list(above + prefix)]

    def begin(
        self, wanted: dict[str, Any], *, noted: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Begin a run, or take up one that was begun with the same words.

        Parameters
        ----------
        wanted : dict
            What the run is.
        noted : mapping, optional
            What else is kept of it. It is not compared.

        Returns
        -------
        dict or None
            What another run was begun with, when the folder holds one.

        Raises
        ------
        InputError
            The place holds other things than a run.
        """
        if self.is_local:
            for place in ("", "plan", "batches"):
                sweep_linked(Path(self.place) / place)
        words = {"format": FORMAT, **wanted}
        fingerprint = hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()
        if self.read_json(RUN) is None:
            self._refuse_foreign()
            known = {"fingerprint": fingerprint, "version": library_version(), **(noted or {})}
            self.write_json(RUN, {**words, **known})
        there = self.read_json(RUN) or {}
        return None if there.get("fingerprint") == fingerprint else there

    def _refuse_foreign(self) -> None:
        """Raise InputError when a place here holds files that are not of a run."""
        path = Path(self.place)
        if self.is_local and path.is_file():
            msg = f"{self.place} is a file; --run wants a folder, or s3://bucket/prefix"
            raise InputError(msg)
        if self.is_local and any(
            not _NO_RUN.fullmatch(name) for _, _, names in os.walk(path) for name in names
        ):
            msg = f"{self.place} is not empty and holds no run; choose a new folder for --run"
            raise InputError(msg)

    def finished(self, batches: int) -> set[int]:
        """Return which of so many batches are done."""
        found = map(_BATCH.fullmatch, self.names("batches/"))
        return {int(match[1]) for match in found if match} & set(range(batches))


def batch_name(number: int) -> str:
    """Return the name of a finished batch."""
    return f"batches/{number:09}.parquet"


def _storage(place: str) -> tuple[Storage, str]:
    """Return the storage of a run folder, and what its keys begin with there."""
    if not is_s3_uri(place):
        return LocalStorage(Path(place)), ""
    bucket, prefix = split_uri(place)
    return S3Storage(shared_client(None, None, None), bucket), f"{prefix}/" if prefix else ""
