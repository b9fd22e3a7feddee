"""The output folder: whose it is, what stands in it, and how it is replaced in one go."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from manifest_tools.core.errors import OutputError

STAGE = ".manifest-tools-"  # begins the name of the folder in which results are made
_OURS = re.compile(r"(\.?)(images\.parquet|labels\.parquet|dataset\.json)(\..*\.tmp)?")
MANIFESTS = ("train.manifest", "test.manifest")  # in the order in which they are written
REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
FINDINGS = "findings.jsonl"


def claim(folder: str | Path) -> Path:
    """Return the output folder after seeing that it is ours, or can be made, and can be written.

    A folder that does not exist yet is made only when there is something to put into it
    (:func:`replacing_files`), so that a run that fails leaves nothing behind.

    Raises
    ------
    OutputError
        It holds other people's files, is no folder, or cannot be written.
    """
    if not str(folder):
        msg = "the output folder has an empty name; name a folder"
        raise OutputError(msg)
    path = Path(folder)
    foreign: list[str] = []
    try:
        if path.is_dir():
            with tempfile.TemporaryDirectory(prefix=STAGE, dir=path):
                pass
            names = [entry.name for entry in os.scandir(path)]
            if not any(name.startswith(STAGE) for name in names):  # else a run of ours was killed there
                foreign = names
        elif os.path.lexists(path):
            msg = f"{path} is a file; --out wants a folder"
            raise OutputError(msg)
        else:
            _see_that_it_can_be_made(path)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        msg = f"cannot write to {path}: {error.strerror}; choose a folder that you may write to"
        raise OutputError(msg) from error
    if foreign and not holds_dataset(path) and not _half_written(path, foreign):
        msg = (
            f"{path} is not empty and was not made by manifest-tools (it holds {min(foreign)!r}); "
            "choose another folder for --out"
        )
        raise OutputError(msg)
    return path


def _half_written(path: Path, names: list[str]) -> bool:
    """Whether a folder holds nothing but a data set of ours that was not finished."""
    return names == ["dataset"] and all(_OURS.fullmatch(entry.name) for entry in os.scandir(path / "dataset"))


def reserve(path: Path, size: int) -> None:
    """Give a file its room on the disk: whoever maps it and finds none later is killed without a word.

    Raises
    ------
    OSError
        There is no room.
    """
    if hasattr(os, "posix_fallocate"):
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, size)


def forget_manifests(folder: Path) -> None:
    """Remove the manifests of an earlier run of ours: beside another data set they would be taken for its own."""
    for name in MANIFESTS:
        (folder / name).unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove the folders that killed runs made results in."""
    for leftover in folder.glob(f"{STAGE}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _see_that_it_can_be_made(path: Path) -> None:
    name_limit = 255  # bytes, on every file system that matters
    parent = next(parent for parent in path.parents if os.path.lexists(parent))
    if not parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(parent))
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(parent))
    if any(len(os.fsencode(part)) > name_limit for part in path.parts):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(path))


def refuse_overwriting(*places: Path) -> None:
    """Raise OutputError when one of the files is there already."""
    for place in places:
        if place.exists():
            msg = f"{place} is there already and is not overwritten; choose another name, or remove it first"
            raise OutputError(msg)


def holds_dataset(folder: str | Path) -> bool:
    """Whether a folder is one that we made."""
    return (Path(folder) / "dataset" / "dataset.json").is_file()


@contextmanager
def replacing_files(folder: Path) -> Iterator[Path]:
    """Give an empty folder to make results in; when the block succeeds, move each file to its place in `folder`.

    Files of the folder that the block did not make stay. What a killed run left behind is swept away.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        with tempfile.TemporaryDirectory(prefix=STAGE, dir=folder) as name:
            stage = Path(name)
            yield stage
            made_files = [path for path in stage.rglob("*") if path.is_file()]
            # dataset.json last: with it the folder counts as prepared
            for made in sorted(made_files, key=lambda path: (path.name == "dataset.json", path)):
                target = folder / made.relative_to(stage)
                target.parent.mkdir(parents=True, exist_ok=True)
                made.replace(target)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        msg = f"cannot write to {folder}: {error.strerror or error}; free space or choose another folder"
        raise OutputError(msg) from error
