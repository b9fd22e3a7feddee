"""The hashes of one image that stop lists are written in."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

from manifest_tools.core.errors import MissingExtraError
from manifest_tools.images.showing import why_not_shown

MIN_QUALITY: Final = 50  # of a PDQ hash; what is flat or blurred has no hash that tells it from others
MAX_DISTANCE: Final = 31  # of the 256 bits
DIGITS: Final = {"md5": 32, "sha1": 40, "sha256": 64, "pdq": 64}
_SIDE: Final = 512  # pixels of the longer side from which PDQ hashes are made: 6 to 14 bits off the full size


class KnownHashes(NamedTuple):
    """Hashes (hex) of one image's bytes and pixels beside the SHA-256; None where nobody asked for it.

    `pdq` holds the hashes of all eight orientations, one after the other; it is empty where the picture has none.
    """

    md5: str | None = None
    sha1: str | None = None
    pdq: str | None = None

    def cover(self, wanted: Collection[str]) -> bool:
        """Whether all the hashes that are wanted are there."""
        return all(getattr(self, name) is not None for name in wanted)


NO_HASHES: Final = KnownHashes()


def require_pdq() -> None:
    """Raise MissingExtraError where PDQ hashes cannot be computed."""
    _pdq_library()


def hash_content(data: bytes, wanted: Collection[str], *, pixels: bool = True) -> KnownHashes:
    """Return the hashes of an image's bytes.

    Parameters
    ----------
    data : bytes
        The content.
    wanted : collection of {"md5", "sha1", "pdq"}
        Which ones.
    pixels : bool
        Whether the pixels may be decoded; without them there is no PDQ hash.
    """
    return KnownHashes(
        hashlib.md5(data, usedforsecurity=False).hexdigest() if "md5" in wanted else None,
        hashlib.sha1(data, usedforsecurity=False).hexdigest() if "sha1" in wanted else None,
        (_pdq_hashes(data) if pixels else "") if "pdq" in wanted else None,
    )


def hash_file(path: str, wanted: Collection[str]) -> KnownHashes:
    """Return the hashes of a file that is too large to be decoded, without holding it in memory."""
    found: dict[str, str] = {}
    try:
        for name in ("md5", "sha1"):
            if name in wanted:
                with open(path, "rb") as file:  # noqa: PTH123 - a name as it came
                    found[name] = hashlib.file_digest(file, name).hexdigest()
    except OSError:
        return KnownHashes()
    return KnownHashes(found.get("md5"), found.get("sha1"), "" if "pdq" in wanted else None)


def _pdq_library() -> Callable[[Any], tuple[Any, int]]:
    try:
        from pdqhash import compute as library  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = "a stop list with PDQ hashes needs the extra 'safety': pip install 'manifest-tools[safety]'"
        raise MissingExtraError(msg) from error
    compute: Callable[[Any], tuple[Any, int]] = library
    return compute


def _pdq_hashes(data: bytes) -> str:
    """Return the PDQ hashes of a picture in its eight orientations; none where it cannot be decoded, or is flat."""
    import numpy as np  # noqa: PLC0415 - workers that need no pixels do without
    from PIL import Image  # noqa: PLC0415

    compute = _pdq_library()
    if why_not_shown(data):
        return ""
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as image:
            warnings.simplefilter("ignore")
            image.draft("RGB", (_SIDE, _SIDE))
            picture = image.convert("RGB")
            picture.thumbnail((_SIDE, _SIDE))
            pixels = np.asarray(picture)
            # The turned pictures themselves: hashes of turned pictures derived from the first are up to 36 bits off.
            turned = [np.rot90(side, turns) for side in (pixels, pixels[:, ::-1]) for turns in range(4)]
            hashed = [compute(np.ascontiguousarray(one)) for one in turned]
    except Exception:  # noqa: BLE001 - decoders raise anything on broken data; inspection tells of it
        return ""
    return "".join(
        np.packbits(np.asarray(bits, dtype=np.uint8)).tobytes().hex()
        for bits, quality in hashed
        if quality >= MIN_QUALITY
    )
