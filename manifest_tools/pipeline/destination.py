"""Where images are to go in S3, and which destinations cannot be meant."""

from __future__ import annotations

from pathlib import Path

from manifest_tools.core.errors import InputError
from manifest_tools.storage.uris import SCHEME, split_destination


def destination_of(images: str | Path, to: str, keys: str, *, local: bool) -> str:
    """Return the place in S3 that images will have; empty for those that stay where they are in S3.

    Raises
    ------
    InputError
        There is none, or it cannot be meant.
    """
    if keys not in ("original", "sha256"):
        msg = f"keys is {keys!r}; expected original or sha256"
        raise InputError(msg)
    if to:
        split_destination(to)
        _refuse_below_source(str(images), to, keys)
        return to.rstrip("/")
    if local or Path(images).is_dir():
        msg = "images in a folder need a destination: --to s3://bucket/prefix, where they will be uploaded"
        raise InputError(msg)
    return ""


def _refuse_below_source(images: str, to: str, keys: str) -> None:
    """Refuse a destination below the listed prefix: the next run would find every image twice."""
    if not images.startswith(SCHEME):
        return
    source, destination = images.rstrip("/"), to.rstrip("/")
    same = source == destination
    # a bucket's name is no beginning of another's
    listed = images if "/" in images.removeprefix(SCHEME) else f"{images}/"
    if (same and keys == "original") or not (same or f"{destination}/".startswith(listed)):
        return
    msg = (
        f"--to {to} lies below {images}, where the images are: the next run would find the images and their copies; "
        "choose a place beside it, or leave --to out: images in S3 stay where they are"
    )
    raise InputError(msg)
