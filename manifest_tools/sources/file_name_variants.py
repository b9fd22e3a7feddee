"""The ways in which tools rename the files that they are given, undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote, urlsplit

_LABEL_STUDIO = re.compile(r"^[0-9a-f]{8}-(?=.)")  # put before the name of an uploaded file
_ROBOFLOW = re.compile(r"_(jpe?g|png|webp|bmp)\.rf\.[0-9A-Za-z]{20,40}\.(jpe?g|png)$", re.IGNORECASE)
_DRIVE = re.compile(r"^[A-Za-z]:[\\/]")


def spellings(reference: str) -> Iterator[str]:
    """Give a reference as it stands, then the names that the file may have had before a tool renamed it.

    URLs lose query and percent-encoding, Windows paths their backslashes and drive, Label Studio's uploads the
    eight hex digits before the name, its local files the ``?d=`` before the path, and Roboflow's copies the
    hash behind the name.

    Parameters
    ----------
    reference : str
        As it stands in the file.
    """
    yield reference
    plain = _path(reference)
    if plain != reference:
        yield plain
    folder, slash, name = plain.rpartition("/")
    uploaded = _LABEL_STUDIO.sub("", name)
    if uploaded != name:
        yield folder + slash + uploaded
    original = _ROBOFLOW.sub(r".\1", uploaded)
    if original != uploaded:
        yield folder + slash + original


def _path(reference: str) -> str:
    """Return the path in a URL, in a Windows path, or in Label Studio's address of a local file."""
    if _DRIVE.match(reference) or reference.startswith("\\\\"):
        return re.sub(r"^[A-Za-z]:", "", reference).replace("\\", "/").lstrip("/")
    local = "/data/local-files/?" in reference
    if not local and "://" not in reference:
        return reference
    if reference.startswith("s3://"):
        return reference.removeprefix("s3://").partition("/")[2]  # keys are never encoded
    try:
        parts = urlsplit(reference)
    except ValueError:  # such as an unclosed bracket
        return reference
    if local:
        return parse_qs(parts.query).get("d", [""])[0]
    return unquote(parts.path).lstrip("/")
