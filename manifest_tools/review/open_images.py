"""Which images each process of a folder shows right now, so that nobody is handed another's open image.

A process keeps a locked file with the hashes of what it shows; the operating system frees the lock of a killed one.
Names are hashed, so that what a killed process leaves behind names no image.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from manifest_tools.core.errors import OutputError
from manifest_tools.core.lock import is_abandoned, try_lock

_FOLDER = ".open"
_TABS = 8  # pages of one process whose images are held; of more, the oldest is let go


class OpenImages:
    """The images that this process shows, and those that others show.

    Parameters
    ----------
    place : Path
        The folder in which the journal is.
    """

    def __init__(self, place: Path) -> None:
        self._guard = place / f"{_FOLDER}.lock"
        self._path = place / _FOLDER / secrets.token_hex(8)
        self._descriptor: int | None = None
        self._tabs: dict[str, list[str]] = {}

    def take(
        self, tab: str, offered: Iterable[int], names: Callable[[int], Sequence[str]]
    ) -> tuple[int | None, int]:
        """Let go what a page shows, and hold the first of some images that no other process shows.

        Parameters
        ----------
        tab : str
            The page.
        offered : iterable of int
            Positions of images; looked at once others' images are known.
        names : callable
            The key of an image, then those of its look-alikes: they are held with it.

        Returns
        -------
        row : int or None
            The image that is held now; None when there is none.
        passed : int
            How many were passed over because others show them.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        from filelock import FileLock  # noqa: PLC0415 - slow to load

        try:
            with FileLock(self._guard):
                return self._take(tab, offered, names)
        except OSError as error:
            msg = f"cannot write {self._path.parent}: {error.strerror or error}"
            raise OutputError(msg) from error

    def _take(
        self, tab: str, offered: Iterable[int], names: Callable[[int], Sequence[str]]
    ) -> tuple[int | None, int]:
        others, passed, taken = self._others(), 0, None
        self._tabs.pop(tab, None)
        for row in offered:
            hashes = [
                hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest() for name in names(row)
            ]
            if hashes[0] not in others:
                taken, self._tabs[tab] = row, hashes
                break
            passed += 1
        self._write()
        return taken, passed

    def close(self) -> None:
        """Let everything go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            with suppress(OSError):
                self._path.unlink()

    def _others(self) -> set[str]:
        """Return the hashes of what other processes show; what killed ones left is removed."""
        found: set[str] = set()
        for path in self._path.parent.glob("*") if self._path.parent.is_dir() else ():
            if path == self._path:
                continue
            with suppress(FileNotFoundError):
                if is_abandoned(path):
                    path.unlink()
                else:
                    found.update(path.read_text(encoding="ascii").split())
        return found

    def _write(self) -> None:
        if self._descriptor is None:
            self._path.parent.mkdir(exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try_lock(self._descriptor)  # nobody else knows the name yet
        while len(self._tabs) > _TABS:
            self._tabs.pop(next(iter(self._tabs)))
        content = "\n".join(name for held in self._tabs.values() for name in held).encode("ascii")
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, content)
