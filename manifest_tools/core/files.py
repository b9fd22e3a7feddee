"""Files that are whole or not there."""

from __future__ import annotations

import filecmp
import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from manifest_tools.core.errors import OutputError
from manifest_tools.core.lock import is_abandoned, try_lock

_SHOWN = 100  # characters of a file's name in the name of its temporary file
_RANDOM = 4  # bytes in the name of a temporary file
_TEMPORARY = re.compile(rf"\..*\.[0-9a-f]{{{2 * _RANDOM}}}\.tmp", re.DOTALL)


@contextmanager
def replacing(path: Path, *, sweep: bool = True) -> Iterator[Path]:
    """Give a temporary file beside `path`; rename it onto `path` when the block succeeds, else remove it.

    Parameters
    ----------
    path : Path
        The file.
    sweep : bool
        Remove what killed writers of the same file left behind: the folder is listed for it.
    """
    prefix = f".{path.name[:_SHOWN]}."
    if sweep:
        _remove_leftovers(path.parent, prefix)
    temporary = path.with_name(f"{prefix}{secrets.token_hex(_RANDOM)}.tmp")
    # Opened with the mode that files get here; the lock tells others that its writer lives.
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        try:
            try_lock(descriptor)
            yield temporary
        finally:
            if sys.platform == "win32":  # which renames no open file
                os.close(descriptor)
        temporary.replace(path)
    finally:
        if sys.platform != "win32":
            os.close(descriptor)
        temporary.unlink(missing_ok=True)


@contextmanager
def writing(
    path: Path, advice: str = "choose a place that you may write to", *, overwrite: bool = True
) -> Iterator[Path]:
    """Give a temporary file, as :func:`replacing` or else :func:`adding`, for a file that somebody named.

    Raises
    ------
    OutputError
        The file cannot be written; the message ends with `advice`.
    """
    try:
        with (replacing if overwrite else adding)(path) as temporary:
            yield temporary
    except OutputError:  # it is there already, or something else could not be written or read
        raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; {advice}") from error


@contextmanager
def adding(path: Path) -> Iterator[Path]:
    """Give a temporary file, as :func:`replacing`, for a file that must not overwrite another one.

    A file that is there with the same content is no obstacle: an earlier run of the same command wrote it.

    Raises
    ------
    OutputError
        There is a file with other content.
    """
    with replacing(path) as temporary:
        yield temporary
        refuse_overwriting(path, temporary)


def refuse_overwriting(place: Path, made: Path) -> None:
    """Raise OutputError when `place` is there already with other content than the file `made`."""
    if os.path.lexists(place) and not (place.is_file() and filecmp.cmp(made, place, shallow=False)):
        msg = f"{place} is there already and is not overwritten; choose another name, or remove it first"
        raise OutputError(msg)


def sweep_linked(folder: Path) -> None:
    """Remove the temporary files of a folder whose writers were killed when they had just given them their names too."""
    with suppress(OSError):
        for found in os.listdir(folder):  # noqa: PTH208 - names alone
            if _TEMPORARY.fullmatch(found) and (folder / found).stat().st_nlink > 1:
                _remove_if_abandoned(folder / found)


def _remove_leftovers(folder: Path, prefix: str) -> None:
    name = re.compile(rf"{re.escape(prefix)}[0-9a-f]{{{2 * _RANDOM}}}\.tmp")
    with suppress(OSError):  # what cannot be listed or removed stays
        for found in os.listdir(folder):  # noqa: PTH208 - names alone
            if name.fullmatch(found):
                _remove_if_abandoned(folder / found)


def _remove_if_abandoned(temporary: Path) -> None:
    with suppress(OSError):
        if is_abandoned(temporary):
            temporary.unlink(missing_ok=True)
