"""How an image's bytes get into a call: as they are, as an object in S3, or by way of S3."""

from __future__ import annotations

import builtins
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError, ManifestToolsError
from manifest_tools.core.resources import load_json
from manifest_tools.storage.aws_errors import remote_errors
from manifest_tools.storage.storage import S3Storage
from manifest_tools.storage.uris import is_s3_uri, join_uri, split_uri

MAX_BYTES_IN_CALL: int = load_json("service-quotas.json")["image_bytes_in_call"]["value"]


@dataclass(frozen=True, slots=True)
class AskedPicture:
    """An image to ask about.

    Parameters
    ----------
    key : str
        The same for the same content, as far as it is known.
    image : str
        The image's name, for messages.
    uri : str
        Absolute local path or ``s3://`` URI.
    bytes : int
    sha256 : str
        Of the content (hex), where it is known: then nothing else is sent under this name.
    content : bytes, optional
        The content itself, of a picture that is in memory and nowhere else; `uri` is empty then.
    """

    key: str
    image: str
    uri: str
    bytes: int
    sha256: str = ""
    content: builtins.bytes | None = field(default=None, repr=False)

    @property
    def too_large_for_a_call(self) -> bool:
        """Whether it is a local file that has to go through S3."""
        return not is_s3_uri(self.uri) and self.bytes > MAX_BYTES_IN_CALL


class UnsendableError(ManifestToolsError):
    """The image cannot be read or sent; asking about other images may go on."""


class Sender:
    """Gives each picture as the `Image` of a call.

    Parameters
    ----------
    staging : str
        ``s3://bucket/prefix`` for local files that are too large for a call; empty when there are none.
    client : boto3 client, optional
        S3; needed with `staging`.
    """

    def __init__(self, staging: str = "", client: Any = None) -> None:
        self._staging = staging
        self._client = client

    @contextmanager
    def image(self, picture: AskedPicture) -> Iterator[dict[str, Any]]:
        """Give the `Image`; a copy made in S3 for the call is gone afterwards.

        Raises
        ------
        UnsendableError
            The file cannot be read, or is too large and there is no staging place.
        """
        if is_s3_uri(picture.uri):
            bucket, key = split_uri(picture.uri)
            yield {"S3Object": {"Bucket": bucket, "Name": key}}
            return
        content = _read(picture)
        if len(content) <= MAX_BYTES_IN_CALL:
            yield {"Bytes": content}
            return
        if not self._staging:
            raise UnsendableError(
                f"{picture.image} has {len(content):,} bytes, too many for a call: give it a way through S3 (--staging)"
            )
        with self._staged(picture, content) as place:
            yield place

    @contextmanager
    def _staged(self, picture: AskedPicture, content: bytes) -> Iterator[dict[str, Any]]:
        bucket, prefix = split_uri(self._staging)
        # A name of its own for each call: whoever else asks about the same picture does not lose theirs.
        key = f"{prefix.rstrip('/')}/asking-{secrets.token_hex(8)}".lstrip("/")
        S3Storage(self._client, bucket).put(key, content)
        try:
            yield {"S3Object": {"Bucket": bucket, "Name": key}}
        finally:
            with remote_errors(f"Removing the copy {join_uri(bucket, key)} of {picture.image}"):
                self._client.delete_object(Bucket=bucket, Key=key)


def _read(picture: AskedPicture) -> bytes:
    try:
        content = Path(picture.uri).read_bytes() if picture.content is None else picture.content
    except (OSError, ValueError) as error:
        raise UnsendableError(
            f"{picture.image} cannot be read: {getattr(error, 'strerror', '') or error}"
        ) from None
    if not content:
        raise UnsendableError(f"{picture.image} is empty")
    if picture.sha256 and hashlib.sha256(content).hexdigest() != picture.sha256:
        raise UnsendableError(
            f"{picture.image} has changed since it was inspected; run prepare or inspect again"
        )
    return content


def require_staging(pictures: list[AskedPicture], staging: str) -> None:
    """Raise when pictures have to go through S3 and nobody said where.

    Raises
    ------
    InputError
    """
    large = [picture.image for picture in pictures if picture.too_large_for_a_call]
    if large and not staging:
        raise InputError(
            f"{len(large)} images are larger than the {MAX_BYTES_IN_CALL:,} bytes that a call may carry, for "
            f"example {large[0]}: give --staging s3://BUCKET/PREFIX for their way through S3."
        )
