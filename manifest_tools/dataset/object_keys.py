"""Where each image will be in S3: destinations, object keys, and which keys S3 refuses or advises against."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from manifest_tools.core.content_type import ACCEPTED_FORMATS, SUFFIXES
from manifest_tools.dataset.copies import as_sent, copied, copy_names, has_copies
from manifest_tools.storage.uris import SCHEME, parts_of

if TYPE_CHECKING:
    import pandas as pd

    from manifest_tools.dataset.dataset import Dataset

MAX_KEY_BYTES = 1024  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
_SUSPECT = r"/\.{0,2}(?:/|$)"  # holds for every key with a part that is empty or only dots
_SURELY_SHORT = MAX_KEY_BYTES // 4  # characters of UTF-8
# The page's "characters to avoid", with the control characters that it names by their codes.
_ADVISED_AGAINST = re.compile(r"[\x00-\x1f\x7f\\{}^%`\[\]\"<>~#|]")
NOT_UTF_8 = "name-not-utf-8"  # the remark of an image whose file name is no text


def source_refs(dataset: Dataset) -> pd.Series[str]:
    """Return the `source-ref` of each image: the destination and its object key, never URL-encoded.

    Images that are in S3 already keep their URI when the data set has no destination, or where they lie below it.
    Others go below the destination by their path from the prefix that was listed, or by their whole key. A relative
    image without a destination has no reference (""). Copies that are sent in the place of images have the same keys,
    with the begin of their SHA-256 and a suffix behind where they are of another format.
    """
    images = as_sent(dataset.images)
    remote = images["image"].str.startswith(SCHEME)
    if not dataset.destination:
        return images["image"].where(remote, "")
    prefix = dataset.destination.rstrip("/") + "/"
    key = images["image"]
    if remote.any():
        key = key.where(~remote, _below(key, prefix, listed_folder(dataset)))
    if dataset.keys == "sha256":
        suffix = (
            images["format"]
            .astype("str")
            .map({name: SUFFIXES[name][0] for name in ACCEPTED_FORMATS})
            .fillna("")
        )
        suffix = suffix.where(suffix != "", key.map(lambda name: PurePosixPath(name).suffix.lower()))
        key = (images["sha256"] + suffix).where(images["sha256"] != "", key)
    elif has_copies(images):
        key = key.where(~_renamed(dataset.images, prefix + key), key + _of_copies(images))
    return prefix + key


def _renamed(images: pd.DataFrame, references: pd.Series[str]) -> pd.Series[bool]:
    """Return the images whose copies need other keys: another format, or a place where the image itself is."""
    moved = images["derived_format"].astype("str") != images["format"].astype("str")
    return (moved | (references == images["image"])) & copied(images)


def _of_copies(images: pd.DataFrame) -> pd.Series[str]:
    """Return what the keys of copies get at their end: the begin of the SHA-256, and the suffix of the format."""
    names = copy_names(images)
    return "." + names.str.slice(0, 12) + names.str.slice(64)


def _below(images: pd.Series[str], destination: str, listed: str) -> pd.Series[str]:
    """Return the key of each image in S3 below the destination: as it is there already, else from the listed prefix."""
    key = images.str.replace(f"^{SCHEME}[^/]*/", "", regex=True)
    if listed:
        key = key.mask(images.str.startswith(listed), images.str.removeprefix(listed))
    return key.mask(images.str.startswith(destination), images.str.removeprefix(destination))


def listed_folder(dataset: Dataset) -> str:
    """Return the place in S3 that images were listed below, with a slash behind it; "" for other images."""
    return str(dataset.sources.get("images", {}).get("below", ""))


def refused_keys(dataset: Dataset) -> pd.Series[str]:
    """Return, for each image, why S3 or its tools would refuse the object key; "" where they would not."""
    refs = source_refs(dataset)
    suspects = refs.str.removeprefix(SCHEME).str.contains(_SUSPECT) | (refs.str.len() > _SURELY_SHORT)
    reasons = refs.where(suspects, "")
    reasons = reasons.mask(suspects, refs[suspects].map(_refusal)) if suspects.any() else reasons
    not_text = dataset.images["remarks"].str.contains(NOT_UTF_8, regex=False) & (dataset.keys == "original")
    return reasons.where(~not_text, "is not UTF-8")


def may_be_discouraged(references: pd.Series[str]) -> pd.Series[bool]:
    """Return for which S3 URIs :func:`discouraged_characters` is worth a look: for no other it finds any."""
    return references.str.contains(_ADVISED_AGAINST.pattern)


def discouraged_characters(reference: str) -> str:
    """Return the characters of an S3 URI's key that S3 advises against, each once; "" when there are none."""
    _, key = parts_of(reference)
    return "".join(sorted(set(_ADVISED_AGAINST.findall(key))))


def _refusal(reference: str) -> str:
    if not reference:
        return ""
    _, key = parts_of(reference)
    size = len(key.encode("utf-8", "surrogatepass"))
    if size > MAX_KEY_BYTES:
        return f"has {size:,} bytes, more than {MAX_KEY_BYTES:,}"
    parts = key.split("/")
    if "" in parts:
        return "has an empty part"
    if "." in parts or ".." in parts:
        return "has a part that is only dots"
    return ""
