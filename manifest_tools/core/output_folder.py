"""The output folder: whose it is, what stands in it, and who may work in it.

Results appear in it all at once (:mod:`manifest_tools.core.commit`).
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from manifest_tools.core.commit import LOCK, STAGE, alone, recover
from manifest_tools.core.errors import OutputError

TRAIN_TEST = ("train", "test")  # in the order in which they are written
MANIFESTS = ("train.manifest", "test.manifest")
REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
FINDINGS = "findings.jsonl"
RECEIPT = "forgotten-"  # begins the name of a receipt
_LATER_TEST = re.compile(r"test-(\d{1,9})\.manifest")


def set_manifest(number: int) -> str:
    """Return the name of the manifest of a round's test set, counted from 1."""
    return MANIFESTS[1] if number == 1 else f"test-{number}.manifest"


def manifests_in(folder: str | Path) -> tuple[str, ...]:
    """Return the manifests of an output folder: training, testing, and the later test sets in the order of the rounds.

    The first two are named whether they are there or not.
    """
    found = [
        match for path in Path(folder).glob("test-*.manifest") if (match := _LATER_TEST.fullmatch(path.name))
    ]
    return (*MANIFESTS, *(match[0] for match in sorted(found, key=lambda match: int(match[1]))))


@contextmanager
def claimed(folder: str | Path, *, mark: str = "") -> Iterator[Path]:
    """Claim an output folder (:func:`claim`) and keep other processes out of it for the block.

    Raises
    ------
    OutputError
        As :func:`claim`; or another process works in it.
    """
    path = claim(folder, mark=mark)
    with alone(path):
        recover(path)
        yield path


def claim(folder: str | Path, *, mark: str = "") -> Path:
    """Return the output folder after seeing that it is ours, or can be made, and can be written.

    A folder that does not exist yet is made only when there is something to put into it
    (:func:`manifest_tools.core.commit.replacing_files`), so that a run that fails leaves nothing behind.

    Parameters
    ----------
    folder : str or Path
        The folder.
    mark : str
        A file that makes a folder ours, beside a data set.

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
            recover(path)
            names = os.listdir(path)  # noqa: PTH208 - names alone
            foreign = [name for name in names if name != LOCK and not name.startswith(STAGE)]
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
    marked = holds_dataset(path) or (mark != "" and (path / mark).is_file())
    if foreign and not marked:
        msg = (
            f"{path} is not empty and was not made by manifest-tools (it holds {min(foreign)!r}); "
            "choose another folder for --out"
        )
        raise OutputError(msg)
    return path


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


def _see_that_it_can_be_made(path: Path) -> None:
    name_limit = 255  # bytes, on every file system that matters
    parent = next(parent for parent in path.parents if os.path.lexists(parent))
    if not parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(parent))
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(parent))
    if any(len(os.fsencode(part)) > name_limit for part in path.parts):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(path))


def holds_dataset(folder: str | Path) -> bool:
    """Whether a folder is one that we made."""
    return (Path(folder) / "dataset" / "dataset.json").is_file()
