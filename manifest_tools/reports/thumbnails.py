"""Small pictures for the page, which hides them until the reader asks for one."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterable
from typing import NamedTuple

from PIL import Image

from manifest_tools.core.two_views import side_by_side, two_views
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.storage.uris import is_s3_uri

SIDE = 160  # pixels of the longer side
BUDGET = 2_500_000  # characters of all pictures together; the page stays below 5 MB


class Thumbnail(NamedTuple):
    """A small picture as a ``data:`` URI; `both`: what people see stands to the right of what the model sees."""

    uri: str
    both: bool


def thumbnails(dataset: Dataset, wanted: Iterable[str]) -> dict[str, Thumbnail]:
    """Return small pictures of local images that inspection could decode, in the order wanted, up to a budget.

    Images that are in S3, changed since, or gone are passed over: a picture is a convenience.
    """
    images = dataset.images
    # what inspection did not decode is too large to be decoded here
    decoded = ~images["remarks"].str.contains("not-decoded: ", regex=False)
    sound = images[(images["decode_error"] == "") & (images["width"] > 0) & decoded]
    uris = {row[0]: row[1:] for row in zip(sound["image"], sound["uri"], sound["sha256"], strict=True)}
    pictures: dict[str, Thumbnail] = {}
    size = 0
    for key in dict.fromkeys(wanted):
        uri, sha256 = uris.get(key, ("", ""))
        if not uri or is_s3_uri(uri):
            continue
        try:
            picture = _small(dataset.path_of(uri).read_bytes(), sha256)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
        size += len(picture.uri)
        if size > BUDGET:
            break
        pictures[key] = picture
    return pictures


def _small(data: bytes, sha256: str) -> Thumbnail:
    """Return one picture, upright and small; where people see another one, that beside it.

    Raises
    ------
    ValueError
        It is not the one that was inspected.
    """
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        msg = "changed since it was inspected"
        raise ValueError(msg)
    with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"]) as image:
        image.draft("RGB", (SIDE, SIDE))
        views = two_views(image, SIDE)
    buffer = io.BytesIO()
    side_by_side(views).save(buffer, "JPEG", quality=60)
    uri = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    return Thumbnail(uri, views.people is not None)
