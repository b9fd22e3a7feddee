"""Files of text, opened piece by piece: checked as a whole first, so that what follows meets no surprise."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.json_files import GZIP, unpacked

_PIECE = 1 << 20  # bytes
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # what some spreadsheets call "Unicode text"


class OpenText(NamedTuple):
    """A text that is read from its beginning, its line ends as they are, and how many characters it has."""

    stream: IO[str]
    characters: int


@contextmanager
def open_text(path: str | Path) -> Iterator[OpenText]:
    """Open a text file; gzip is unpacked, a byte-order mark is taken off.

    Raises
    ------
    InputError
        The file cannot be read, or is not UTF-8 text.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(len(_WORKBOOKS[0]))
            file.seek(0)
            data: IO[bytes] = io.BytesIO(unpacked(file.read(), path)) if head.startswith(GZIP) else file
            encoding, errors, characters = _checked(data, path)
            data.seek(0)
            stream = io.TextIOWrapper(data, encoding, errors, newline="")
            yield OpenText(stream, characters)
            stream.detach()
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise InputError(msg) from error


def read_text(path: str | Path) -> str:
    """Return a text file's content (see :func:`open_text`)."""
    with open_text(path) as text:
        return text.stream.read()


def _checked(data: IO[bytes], path: str | Path) -> tuple[str, str, int]:
    """Return a text's encoding, how its errors are taken, and its length in characters."""
    head = data.read(_PIECE)
    if head.startswith(_WORKBOOKS):
        msg = f"{path} is a spreadsheet workbook; save it as CSV (UTF-8) and give that"
        raise InputError(msg)
    encoding, errors = ("utf-16", "replace") if head.startswith(_UTF_16) else ("utf-8-sig", "strict")
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    piece, characters, lines = head, 0, 1
    wrong: InputError | None = None  # said once it is known that the file is text at all
    while True:
        if errors == "strict" and b"\0" in piece:
            msg = f"{path} is not text; expected a CSV, TSV or JSON Lines table in UTF-8"
            raise InputError(msg)
        try:
            text = "" if wrong else decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            line = lines + error.object.count(b"\n", 0, error.start)
            wrong = InputError(f"{path}:{line}: not UTF-8 text; save the table as CSV in UTF-8")
            text = ""
        characters += len(text)
        lines += text.count("\n")
        if not piece:
            break
        piece = data.read(_PIECE)
    if wrong:
        raise wrong
    return encoding, errors, characters
