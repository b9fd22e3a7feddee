"""The ways in which tools write the names of the files that they are given, undone."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from manifest_tools.storage.uris import SCHEME

_LABEL_STUDIO = re.compile(r"^[0-9a-f]{8}-(?=.)")  # put before the name of an uploaded file
_ROBOFLOW = re.compile(r"_(jpe?g|png|webp|bmp)\.rf\.[0-9A-Za-z]{20,40}\.(jpe?g|png)$", re.IGNORECASE)
_DRIVE = re.compile(r"^[A-Za-z]:[\\/]")
_PATH_PARAMETERS = ("d", "filepath")  # of Label Studio's addresses of files on its own disk
_SERVED = ("/data/local-files/?", "/storage-data/uploaded/?")


class How(StrEnum):
    """In which way a reference is read."""

    WRITTEN = "written"  # as it stands, but for what an address or another system puts around it
    DECODED = "decoded"  # with percent-encoding undone, or "+" for a space
    UPLOADED = "uploaded"  # as the file was called before an upload to Label Studio
    COPIED = "copied"  # as the file was called before Roboflow copied it


class Spelling(NamedTuple):
    """One way to read a reference."""

    path: str
    how: How


def spellings(reference: str) -> Iterator[Spelling]:
    """Give the ways to read a reference: as it stands first, then with undone what tools did to it.

    URLs lose query and percent-encoding, and "+" may stand for a space in them; an address wrapped in another
    one is unwrapped; Windows paths lose backslashes and drive. Then the names that a file may have had before
    it was renamed: Label Studio's uploads lose the eight hex digits before the name, Roboflow's copies the
    hash behind it.

    Parameters
    ----------
    reference : str
        As it stands in the file.
    """
    plain = plain_path(reference)
    written = dict.fromkeys([reference, _path(reference), plain])
    yield from (Spelling(path, How.WRITTEN) for path in written if path)
    decoded = dict.fromkeys([unquote(plain), unquote(plain.replace("+", " ")), plain.replace("+", " ")])
    decoded = {path: None for path in decoded if path not in written}
    yield from (Spelling(path, How.DECODED) for path in decoded)
    for path in [plain, *decoded]:
        yield from _before_renaming(path)


def plain_path(reference: str) -> str:
    """Return the path that a reference says, without the address around it, with forward slashes."""
    return _path(reference).replace("\\", "/")


def _before_renaming(path: str) -> Iterator[Spelling]:
    folder, slash, name = path.rpartition("/")
    uploaded = _LABEL_STUDIO.sub("", name)
    if uploaded != name:
        yield Spelling(uploaded, How.UPLOADED)  # the folder is the tool's
    original = _ROBOFLOW.sub(r".\1", uploaded)
    if original != uploaded:
        yield Spelling(folder + slash + original, How.COPIED)


def _path(reference: str) -> str:
    """Return the path in a URL, in a Windows path, or in Label Studio's address of a file."""
    if _DRIVE.match(reference) or reference.startswith("\\\\"):
        return re.sub(r"^[A-Za-z]:", "", reference).replace("\\", "/").lstrip("/")
    if reference.startswith(SCHEME):
        return reference.removeprefix(SCHEME).partition("/")[2]  # keys are not encoded
    served = any(address in reference for address in _SERVED)
    wrapped = "fileuri=" in reference
    if not (served or wrapped) and "://" not in reference:
        return reference
    try:
        parts = urlsplit(reference)
    except ValueError:  # such as an unclosed bracket
        return reference
    if wrapped:
        return _wrapped(parts) or reference
    if served:
        return next((value for name in _PATH_PARAMETERS for value in parse_qs(parts.query).get(name, [])), "")
    return unquote(parts.path).lstrip("/")


def _wrapped(parts: SplitResult) -> str:
    """Return the path in the address that Label Studio hands on in base64 (``presign``, ``resolve``)."""
    value = parse_qs(parts.query).get("fileuri", [""])[0]
    if "://" in value:
        return _path(value)
    try:
        padded = value.replace(" ", "+") + "=" * (-len(value) % 4)
        inner = base64.b64decode(padded.translate(_URL_SAFE), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return _path(inner) if inner.isprintable() else ""


def _cleaned_by_label_studio(name: str) -> str:
    """Return a name as an upload to Label Studio leaves it: spaces become "_", other signs go."""
    return re.sub(r"[^-\w.]", "", name.strip().replace(" ", "_"))


def _cleaned_by_roboflow(name: str) -> str:
    """Return a name as Roboflow leaves it: each sign that is no letter or digit of English becomes "-"."""
    stem, dot, ending = name.rpartition(".")
    return re.sub(r"[^0-9A-Za-z_]", "-", stem) + dot + ending


_URL_SAFE = str.maketrans("-_", "+/")
CLEANINGS: Mapping[How, Callable[[str], str]] = MappingProxyType(
    {How.UPLOADED: _cleaned_by_label_studio, How.COPIED: _cleaned_by_roboflow}
)
