"""The output folder: whose it is, what stands in it, and how it is replaced in one go."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from manifest_tools.errors import OutputError

STAGE = ".manifest-tools-"  # begins the name of the folder in which results are made
REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
FINDINGS = "findings.jsonl"


def claim(folder: str | Path) -> Path:
    """Return the output folder, made if need be, after seeing that it is ours and can be written.

    Raises
    ------
    OutputError
        It holds other people's files, is no folder, or cannot be written.
    """
    path = Path(folder)
    if path.exists() and not path.is_dir():
        msg = f"{path} is a file; --out wants a folder"
        raise OutputError(msg)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=STAGE, dir=path):
            pass
        foreign = [entry.name for entry in os.scandir(path) if not entry.name.startswith(STAGE)]
    except OSError as error:
        msg = f"cannot write to {path}: {error.strerror}; choose a folder that you may write to"
        raise OutputError(msg) from error
    if foreign and not holds_dataset(path):
        msg = (
            f"{path} is not empty and was not made by manifest-tools (it holds {min(foreign)!r}); "
            "choose another folder for --out"
        )
        raise OutputError(msg)
    return path


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
        for leftover in folder.glob(f"{STAGE}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=STAGE, dir=folder) as name:
            stage = Path(name)
            yield stage
            for made in sorted(path for path in stage.rglob("*") if path.is_file()):
                target = folder / made.relative_to(stage)
                target.parent.mkdir(parents=True, exist_ok=True)
                made.replace(target)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        msg = f"cannot write to {folder}: {error.strerror or error}; free space or choose another folder"
        raise OutputError(msg) from error
