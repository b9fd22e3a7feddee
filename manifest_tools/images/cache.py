"""What is already known about files and their content, in one SQLite file that several runs may share.

Three tables: a file's path, size and modification time lead to its SHA-256; the SHA-256 leads to the facts, and to
the hashes that stop lists want. So an unchanged file is not read again, and a moved or copied one is read but not decoded.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import platformdirs

from manifest_tools.core.errors import SurroundingsWarning
from manifest_tools.images.image_facts import ImageFacts
from manifest_tools.images.stop_list.hashes import NO_HASHES, KnownHashes

ENVIRONMENT: Final = "MANIFEST_TOOLS_CACHE"
SETTLED: Final = 2_000_000_000  # ns: a file changed more recently than this may change again unnoticed
_FLUSH: Final = 1.0  # seconds of work that a killed run may lose
_BUSY: Final = 30.0  # seconds to wait for another run's write
_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS facts (recipe TEXT, sha256 TEXT, facts TEXT, PRIMARY KEY (recipe, sha256))
        WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS paths (path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT)
        WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS hashes (sha256 TEXT PRIMARY KEY, md5 TEXT, sha1 TEXT, pdq TEXT) WITHOUT ROWID;
"""
_BY_PATH: Final = """
    SELECT facts.facts FROM paths JOIN facts ON facts.sha256 = paths.sha256 AND facts.recipe = ?
    WHERE paths.path = ? AND paths.size = ? AND paths.mtime_ns = ?
"""
_PASSING: Final = (
    "missing",
    "unreadable",
    "unreachable",
    "denied",
    "crashed",
    "timeout",
)  # not facts about the content


class Signature(NamedTuple):
    """What tells whether a file has changed: size in bytes, modification time in ns."""

    size: int
    mtime_ns: int


def signature(path: str | os.PathLike[str]) -> Signature | None:
    """Return a file's signature, None when it cannot be had."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a million of them
    except (OSError, ValueError):
        return None
    return Signature(status.st_size, status.st_mtime_ns)


def default_folder() -> Path:
    """Return where the cache lives unless told otherwise: ``$MANIFEST_TOOLS_CACHE``, else the user's cache."""
    if chosen := os.environ.get(ENVIRONMENT):
        return Path(chosen)
    return platformdirs.user_cache_path("manifest-tools", appauthor=False, opinion=False)


def recipe(**options: Any) -> str:
    """Return a short name for a way of making facts: same bytes and same recipe, same facts."""
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:16]


class _Row(NamedTuple):
    path: bytes
    read_as: Signature | None
    facts: ImageFacts
    hashes: KnownHashes


class FactsCache:
    """One connection to the cache. Trouble with the file turns it off with a warning, never stops a run.

    Parameters
    ----------
    folder : pathlib.Path
        The cache's folder; made when missing.
    recipe : str
        As from :func:`recipe`; facts of other recipes are not seen.
    """

    def __init__(self, folder: Path, recipe: str) -> None:
        self._recipe = recipe
        self._file = folder / "images-1.sqlite"
        self._rows: list[_Row] = []
        self._flushed = time.monotonic()
        self._connection: sqlite3.Connection | None = None
        with self._guard():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds names and small grey pictures
            self._connection = sqlite3.connect(self._file, timeout=_BUSY, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(_TABLES)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self._connection = None
            warnings.warn(
                f"the image cache {self._file} is not used: {error}; images are decoded again in the next run"
                f" (choose another folder with {ENVIRONMENT})",
                SurroundingsWarning,
                stacklevel=4,
            )

    def by_path(self, path: str, now: Signature) -> ImageFacts | None:
        """Return the facts about an unchanged file."""
        return self._one(_BY_PATH, (self._recipe, os.fsencode(os.path.abspath(path)), *now))  # noqa: PTH100

    def by_content(self, sha256: str) -> ImageFacts | None:
        """Return the facts about a content, wherever it was seen."""
        return self._one("SELECT facts FROM facts WHERE recipe = ? AND sha256 = ?", (self._recipe, sha256))

    def _one(self, query: str, values: tuple[Any, ...]) -> ImageFacts | None:
        if self._connection is None:
            return None
        with self._guard():
            row = self._connection.execute(query, values).fetchone()
            with suppress(TypeError, ValueError):  # a row that something else wrote
                return ImageFacts(*json.loads(row[0])) if row else None
        return None

    def hashes(self, sha256: str) -> KnownHashes:
        """Return the hashes of a content that stop lists want, as far as they are known."""
        if self._connection is not None and sha256:
            with self._guard():
                query = "SELECT md5, sha1, pdq FROM hashes WHERE sha256 = ?"
                row = self._connection.execute(query, (sha256,)).fetchone()
                return KnownHashes(*row) if row else KnownHashes()
        return KnownHashes()

    def forget(self, sha256: Iterable[str]) -> int:
        """Remove everything that is known of some contents, overwriting it; return how many rows there were."""
        self.flush()
        removed = 0
        if self._connection is not None:
            with self._guard():
                self._connection.execute("PRAGMA secure_delete = ON")
                for digest in sha256:
                    for table in ("facts", "paths", "hashes"):
                        removed += self._connection.execute(
                            f"DELETE FROM {table} WHERE sha256 = ?",  # noqa: S608 - our own names
                            (digest,),
                        ).rowcount
                if removed:
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return removed

    def add(
        self, path: str, read_as: Signature | None, facts: ImageFacts, hashes: KnownHashes = NO_HASHES
    ) -> None:
        """Remember facts; `read_as` is None when the file may have changed while it was read."""
        if facts.decode_error.startswith(_PASSING):
            return
        self._rows.append(_Row(os.fsencode(os.path.abspath(path)), read_as, facts, hashes))  # noqa: PTH100
        if time.monotonic() - self._flushed > _FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write what was added."""
        rows, self._rows = self._rows, []
        if self._connection is None or not rows:
            return
        with self._guard():
            self._write(self._connection, rows)
        self._flushed = time.monotonic()

    def _write(
        self,
        connection: sqlite3.Connection,
        rows: Iterable[_Row],
    ) -> None:
        rows = list(rows)
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?, ?)",
                [(self._recipe, row.facts.sha256, json.dumps(row.facts)) for row in rows],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO paths VALUES (?, ?, ?, ?)",
                [(row.path, *row.read_as, row.facts.sha256) for row in rows if row.read_as],
            )
            connection.executemany(
                "INSERT INTO hashes VALUES (?, ?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET md5 = coalesce(excluded.md5, md5),"
                " sha1 = coalesce(excluded.sha1, sha1), pdq = coalesce(excluded.pdq, pdq)",
                [(row.facts.sha256, *row.hashes) for row in rows if any(h is not None for h in row.hashes)],
            )
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def close(self) -> None:
        """Write what was added, and close the file."""
        self.flush()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
