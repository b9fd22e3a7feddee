"""Folders of images: which files are candidates, and what their folders' names say of them."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from manifest_tools.core.content_type import HEAD_BYTES, IMAGE_SUFFIXES, sniff
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.object_keys import NOT_UTF_8
from manifest_tools.sources.parts import part_of


@dataclass(frozen=True, slots=True)
class FolderListing:
    """The candidates of a folder, and how many other files there are.

    Parameters
    ----------
    images : pandas.DataFrame
        A row for each candidate, as far as the directory tells: image, uri, bytes.
    skipped : dict of str to int
        Number of other files by extension; "(none)" without one, "(hidden)" for names with a dot in front,
        "(special)" for pipes, sockets and devices.
    """

    images: pd.DataFrame
    skipped: dict[str, int]


def list_folder(root: str | Path) -> FolderListing:
    """List the images below a folder, at any depth.

    A candidate is a file with an image's extension or an image's signature. Links are followed, each folder
    once. Hidden files and folders are passed over. A subfolder that cannot be listed, and a link that leads nowhere but
    to itself, are candidates too: inspection says of them that they cannot be read. The order does not depend on the
    file system.

    Raises
    ------
    InputError
        There is no such folder, or it cannot be listed.
    """
    skipped: Counter[str] = Counter()
    rows = list(folder_rows(root, skipped))
    images = pd.DataFrame(rows, columns=["image", "uri", "bytes", "decode_error", "remarks"])
    return FolderListing(images, dict(sorted(skipped.items())))


def folder_rows(root: str | Path, skipped: Counter[str]) -> Iterator[tuple[str, str, int, str, str]]:
    """Yield the images below a folder as :func:`list_folder` lists them, in the order of their keys.

    Parameters
    ----------
    root : path
    skipped : Counter
        Is told of the other files.

    Yields
    ------
    image, uri, bytes, decode_error, remarks

    Raises
    ------
    InputError
        There is no such folder, or it cannot be listed.
    """
    root = Path(root)
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        msg = f"{root} {what}; expected a folder of images, a manifest, or s3://bucket/prefix"
        raise InputError(msg)
    encoding = sys.getfilesystemencoding()
    if encoding.lower() != "utf-8":  # keys would depend on the locale
        msg = f"Python reads file names as {encoding} here, but keys in S3 are UTF-8; run with PYTHONUTF8=1"
        raise InputError(msg)
    try:
        for entry, relative in _walk(str(root)):
            if entry.name.startswith("."):
                skipped["(hidden)"] += 1
            elif relative.endswith("/") or _meant_as_image(entry):
                yield _row(entry, relative)
            elif _is_special(entry):
                skipped["(special)"] += 1  # pipes, sockets and devices: reading them could wait for ever
            elif _has_signature(entry):
                yield _row(entry, relative)
            else:
                skipped[Path(entry.name).suffix.lower() or "(none)"] += 1
    except OSError as error:
        msg = f"cannot list {error.filename or root}: {error.strerror}; check its permissions"
        raise InputError(msg) from error


def folder_labels(images: pd.Series[str], root: str = "") -> pd.DataFrame:
    """Return a label for each image that is in a subfolder: the name of the topmost one.

    Where the topmost folders are the parts of a data set (``train/``, ``val/``, ``test/``), it is the one below them.

    Parameters
    ----------
    images : Series of str
        Image keys, relative to the root.
    root : str
        What all keys in S3 begin with.

    Returns
    -------
    pandas.DataFrame
        Columns image, label, truth.
    """
    below = images.str.removeprefix(root) if root else images
    top = below.str.partition("/")
    if in_parts(below):
        top = top[2].str.partition("/")
    inside = top[1] == "/"
    return pd.DataFrame({"image": images[inside], "label": top.loc[inside, 0], "truth": True})


def in_parts(images: pd.Series[str]) -> bool:
    """Whether the topmost folders are the parts of a data set, with folders for labels in them."""
    tops = {name.partition("/")[0] for name in images if "/" in name}
    return bool(tops) and all(part_of((top,)) for top in tops)


def files_below(folder: Path, *endings: str) -> list[Path]:
    """Return the files below a folder, at any depth, whose names end in one of `endings` (none: every name), in the order of their paths."""
    try:
        return [
            Path(entry.path)
            for entry, relative in _walk(str(folder))
            if entry.name.endswith(endings or "") and not relative.endswith("/") and entry.is_file()
        ]
    except OSError as error:
        msg = f"cannot list {error.filename or folder}: {error.strerror}; check its permissions"
        raise InputError(msg) from error


def _walk(folder: str) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Yield every file below `folder` with its POSIX path below the root; a folder seen before is not entered.

    A subfolder that cannot be listed is given itself, with a slash behind its path.
    """
    seen: set[tuple[int, int]] = set()
    levels = [("", iter(_entries(folder, seen)))]  # no recursion: folders may be nested deeper than calls
    while levels:
        prefix, entries = levels[-1]
        entry = next(entries, None)
        if entry is None:
            levels.pop()
        elif not _is_folder(entry):
            yield entry, f"{prefix}{entry.name}"
        elif not entry.name.startswith("."):
            relative = f"{prefix}{entry.name}/"
            try:
                levels.append((relative, iter(_entries(entry.path, seen))))
            except OSError:
                yield entry, relative


def _entries(folder: str, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """Return what is in a folder in the order of the keys; nothing for a folder that was seen before."""
    status = os.stat(folder)  # noqa: PTH116 - strings are twice as fast here, and there may be millions
    if (status.st_dev, status.st_ino) in seen:
        return []
    seen.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as entries:
        return sorted(entries, key=_place)


def _place(entry: os.DirEntry[str]) -> bytes:
    """Return what sorts the entries of a folder so that a walk yields keys in order: "a-b" before "a/c"."""
    return _text(entry.name).encode() + b"/" * _is_folder(entry)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or one that may not be followed
        return False


def _text(name: str) -> str:
    """Return a name that is not UTF-8 with its odd bytes escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _meant_as_image(entry: os.DirEntry[str]) -> bool:
    """Whether the name says that this is an image, or a link cannot be followed; what a link leads to counts later."""
    if Path(entry.name).suffix.lower() in IMAGE_SUFFIXES:
        return entry.is_symlink() or entry.is_file()
    if not entry.is_symlink():
        return False
    try:
        os.stat(entry.path)  # noqa: PTH116
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _is_special(entry: os.DirEntry[str]) -> bool:
    return not entry.is_file() and not (entry.is_symlink() and not os.path.exists(entry.path))  # noqa: PTH110


def _has_signature(entry: os.DirEntry[str]) -> bool:
    try:
        with open(entry.path, "rb") as file:  # noqa: PTH123
            return bool(sniff(file.read(HEAD_BYTES)).format)
    except OSError:
        return False


def _row(entry: os.DirEntry[str], relative: str) -> tuple[str, str, int, str, str]:
    try:
        size = 0 if relative.endswith("/") else entry.stat().st_size
    except OSError:  # a dangling link; inspection says so
        size = 0
    try:
        relative.encode()
    except UnicodeEncodeError:
        return _text(relative), _text(relative), size, "unreadable: the file name is not UTF-8", NOT_UTF_8
    return relative, relative, size, "", ""
