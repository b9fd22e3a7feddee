"""Results that appear all at once, whenever the process is killed.

They are made in a folder aside (the stage). One rename commits the stage; then each file is moved to its place. Whoever
reads or writes the folder next (:func:`recover`) finishes the moves of a process that was killed in between, so that
files of two runs never stand side by side. One process at a time works in a folder (:func:`alone`).
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from manifest_tools.core.errors import OutputError
from manifest_tools.core.files import refuse_overwriting
from manifest_tools.core.lock import try_lock

STAGE = ".manifest-tools-"  # begins the name of every folder of ours that is not a result
LOCK = ".manifest-tools.lock"
_COMMITTED = f"{STAGE}committed"
_MAKING, _SCRATCH = f"{STAGE}making-", f"{STAGE}scratch-"
# in the stage: what is done to other files of the folder when it is committed
_AFTERWARDS = ".afterwards.json"
PATIENCE = 20.0  # seconds to wait for another process that is about to end its work
_PAUSE = 0.05  # seconds between two looks at a lock

_held: set[tuple[str, int]] = set()  # folder and thread


@contextmanager
def replacing_files(folder: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Give an empty folder to make results in; when the block succeeds, its files replace those of `folder`, at once.

    Files of the folder that the block did not make stay, but for those that it names by :func:`remove_with` and
    :func:`set_aside_with`. What a killed run left behind is swept away.

    Parameters
    ----------
    folder : Path
        Made when it is missing.
    overwrite : bool
        Whether files of other content may be replaced.

    Raises
    ------
    OutputError
        A file cannot be written, another process works in the folder, or a file is there already.
    """
    try:
        with alone(folder, wait=PATIENCE):
            _put_in_place(folder)
            _sweep(folder, _MAKING)
            stage = Path(tempfile.mkdtemp(prefix=_MAKING, dir=folder))
            try:
                yield stage
                _see_that_they_fit(stage, folder, overwrite=overwrite)
                stage.rename(folder / _COMMITTED)
                _put_in_place(folder)
            finally:
                shutil.rmtree(stage, ignore_errors=True)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        msg = f"cannot write to {folder}: {error.strerror or error}; free space or choose another folder"
        raise OutputError(msg) from error


def remove_with(stage: Path, names: Sequence[str]) -> None:
    """Let files of the output folder go when the stage is committed; `names` are relative to the folder."""
    _do_afterwards(stage, "remove", names)


def set_aside_with(stage: Path, name: str) -> None:
    """Let a file of the output folder get a number in its name when the stage is committed, as a log that is rotated."""
    _do_afterwards(stage, "set_aside", [name])


def recover(folder: str | Path) -> None:
    """Put in place what a killed process committed and did not finish to move.

    Raises
    ------
    OutputError
        There is something to finish, and the folder cannot be written or another process works in it.
    """
    folder = Path(folder)
    if not (folder / _COMMITTED).is_dir():
        return
    try:
        with alone(folder, wait=PATIENCE):
            _put_in_place(folder)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        msg = (
            f"{folder} holds results that were not put in place ({error.strerror or error}); "
            "run the command again where the folder may be written"
        )
        raise OutputError(msg) from error


@contextmanager
def scratch_in(folder: Path) -> Iterator[Path]:
    """Give a folder for files that are gone afterwards; what a killed run left is swept away."""
    with alone(folder, wait=PATIENCE):
        _sweep(folder, _SCRATCH)
        with tempfile.TemporaryDirectory(dir=folder, prefix=_SCRATCH) as place:
            yield Path(place)


def _sweep(folder: Path, prefix: str) -> None:
    """Remove the folders that killed runs left; living ones there are not, while this process is alone."""
    for leftover in folder.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def alone(folder: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Keep other processes from working in a folder; a folder that is missing is made, and goes if it stays empty.

    Blocks may be nested.

    Parameters
    ----------
    folder : Path
        The folder.
    wait : float
        Seconds to wait for another process.

    Raises
    ------
    OutputError
        Another process works in it, or it cannot be written.
    """
    key = os.path.realpath(folder), threading.get_ident()
    if key in _held:
        yield
        return
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        descriptor = _take(folder, wait)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        msg = f"cannot write to {folder}: {error.strerror or error}; choose a folder that you may write to"
        raise OutputError(msg) from error
    _held.add(key)
    try:
        yield
    finally:
        _held.discard(key)
        with suppress(OSError):
            (folder / LOCK).unlink()
        os.close(descriptor)
        with suppress(OSError):
            for place in missing:
                place.rmdir()


def _take(folder: Path, wait: float) -> int:
    """Return the open lock file of a folder, locked."""
    path, deadline = folder / LOCK, time.monotonic() + wait
    while True:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold names, and what is told of them
        with suppress(FileNotFoundError):  # whoever had it has just removed it, or the folder
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                taken = try_lock(descriptor) and os.path.samestat(os.fstat(descriptor), path.stat())
            except BaseException:
                os.close(descriptor)
                raise
            if taken:
                return descriptor
            os.close(descriptor)
        if time.monotonic() >= deadline:
            msg = (
                f"another manifest-tools is at work in {folder}; wait until it has ended, "
                "or choose another folder"
            )
            raise OutputError(msg)
        time.sleep(_PAUSE)


def _do_afterwards(stage: Path, what: str, names: Sequence[str]) -> None:
    path = stage / _AFTERWARDS
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[what] = sorted({*known.get(what, ()), *names})
    path.write_text(json.dumps(known), encoding="utf-8")


def _files(stage: Path) -> list[Path]:
    """Return the files of a stage, relative to it; dataset.json last: with it a folder counts as prepared."""
    found = (path.relative_to(stage) for path in stage.rglob("*") if path.is_file())
    return sorted(
        (path for path in found if path.name not in (_AFTERWARDS, LOCK)),
        key=lambda path: (path.name == "dataset.json", path),
    )


def _see_that_they_fit(stage: Path, folder: Path, *, overwrite: bool) -> None:
    """Refuse what could not be moved: after the commit there is no way back."""
    for name in _files(stage):
        place = folder / name
        if not overwrite:
            refuse_overwriting(place, stage / name)
        if place.is_dir():
            msg = f"{place} is a folder, where a file is to be written; remove it first"
            raise OutputError(msg)


def _put_in_place(folder: Path) -> None:
    """Move committed files to their places, as often as it takes: a file that was moved is not there any more."""
    committed = folder / _COMMITTED
    if not committed.is_dir():
        return
    path = committed / _AFTERWARDS
    afterwards = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in afterwards.get("set_aside", ()):
        _set_aside(folder / name)
    for name in _files(committed):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        (committed / name).replace(place)
    for name in afterwards.get("remove", ()):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(committed)


def _set_aside(path: Path) -> None:
    if not path.exists():
        return
    number = 1
    while (aside := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
        number += 1
    path.rename(aside)
