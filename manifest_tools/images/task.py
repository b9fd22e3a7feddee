"""Reading one file: what worker processes are given. Imports no tables, so that workers start fast."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from time import time_ns
from typing import Final, NamedTuple

import PIL
import simplejpeg

from manifest_tools.core.errors import DeniedError, ManifestToolsError, UnavailableError
from manifest_tools.images import cache as caches
from manifest_tools.images import fetching
from manifest_tools.images.cache import FactsCache, Signature, signature
from manifest_tools.images.facts import facts_of, needs_decoder, read_bytes
from manifest_tools.images.fetching import Reader
from manifest_tools.images.image_facts import ImageFacts
from manifest_tools.images.stop_list.hashes import KnownHashes, hash_content, hash_file

Look = Callable[..., ImageFacts]
# What begins the decode error of a file that was not there to be judged.
UNREACHABLE: Final = "unreachable"
DENIED: Final = "denied"
_MAKERS: Final = (  # files of the package: the modules that make facts
    *(f"images/{name}.py" for name in ("facts", "blank", "frames", "heavy", "jpeg", "jpeg_damage", "metadata", "png", "raster", "exif", "transparency")), "core/content_type.py", "core/two_views.py", "duplicates/fingerprints.py",
)  # fmt: skip
_LOCAL = threading.local()  # a cache connection for each thread, as SQLite wants it


def is_remote(path: str) -> bool:
    """Whether a URI is read by the reader, and not from the disk."""
    return "://" in path


class Read(NamedTuple):
    """Facts, the signature under which they may be remembered (None: the file was changing), and further hashes."""

    facts: ImageFacts
    read_as: Signature | None
    hashes: KnownHashes = KnownHashes()


@cache
def _algorithm() -> str:
    """Return the digest of the modules that make facts: whatever changes there, old facts are not served."""
    digest = hashlib.sha256()
    for name in _MAKERS:  # unread modules need not be imported
        digest.update((Path(__file__).parents[1] / name).read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Task:
    """Read one file; what worker processes are given."""

    look: Look
    quick: bool
    max_pixels: int
    cache_folder: Path | None
    reader: Reader | None = None
    hashes: frozenset[str] = frozenset()  # that a stop list wants beside the SHA-256

    @cached_property
    def recipe(self) -> str:
        """Return what the cached facts depend on besides the bytes."""
        return caches.recipe(
            algorithm=_algorithm(),
            look=f"{self.look.__module__}.{self.look.__qualname__}",
            quick=self.quick,
            max_pixels=self.max_pixels,
            pillow=PIL.__version__,
            simplejpeg=simplejpeg.__version__,
        )

    @property
    def safe(self) -> bool:
        """Whether :meth:`at_hand` may be asked: nothing is decoded, and no foreign code looks at the bytes."""
        return self.quick and self.look is facts_of and self.reader is None and "pdq" not in self.hashes

    @property
    def ahead(self) -> int:
        """How many batches a worker is sent beside the one that it is at."""
        return fetching.AHEAD if self.reader is not None else 1

    def at_hand(self, path: str) -> Read | None:
        """Read one file in this process, None if that takes a decoder."""
        return self._read(path, spare_decoder=True)

    def expect(self, paths: Sequence[str]) -> None:
        """Begin to fetch files that are far away, so that they come while others are decoded."""
        if self.reader is not None:
            fetching.expect(self.reader, filter(is_remote, paths))

    def coming(self, path: str) -> Future[bytes] | None:
        """Return what the file waits for, if it was expected."""
        return fetching.coming(path)

    def __call__(self, path: str) -> Read:
        """Read one file."""
        read = self._read_remote(path) if is_remote(path) else self._read(path)
        assert read is not None
        return read

    def _read(self, path: str, *, spare_decoder: bool = False) -> Read | None:
        began, before = time_ns(), signature(path)
        data = read_bytes(path)
        if isinstance(data, ImageFacts):
            return Read(data, None, hash_file(path, self.hashes) if data.sha256 else KnownHashes())
        if spare_decoder and needs_decoder(data):
            return None
        sha256 = hashlib.sha256(data).hexdigest()
        found = self._known(sha256) or self.look(
            data, quick=self.quick, max_pixels=self.max_pixels, sha256=sha256
        )
        settled = before is not None and before == signature(path)
        settled = settled and before is not None and began - before.mtime_ns > caches.SETTLED
        return Read(found, before if settled else None, hash_content(data, self.hashes))

    def _read_remote(self, uri: str) -> Read:
        assert self.reader is not None
        try:
            data = fetching.take(self.reader, uri)
        except UnavailableError as error:
            return Read(ImageFacts(decode_error=f"{UNREACHABLE}: {error}"), None)
        except DeniedError as error:
            return Read(ImageFacts(decode_error=f"{DENIED}: {error}"), None)
        except ManifestToolsError as error:
            return Read(ImageFacts(decode_error=f"unreadable: {error}"), None)
        sha256 = hashlib.sha256(data).hexdigest()
        found = self._known(sha256) or self.look(
            data, quick=self.quick, max_pixels=self.max_pixels, sha256=sha256
        )
        return Read(found, None, hash_content(data, self.hashes))

    def _known(self, sha256: str) -> ImageFacts | None:
        if self.cache_folder is None or self.quick:  # a header is read faster than found
            return None
        if getattr(_LOCAL, "key", None) != (self.cache_folder, self.recipe):
            _LOCAL.key = (self.cache_folder, self.recipe)
            _LOCAL.cache = FactsCache(*_LOCAL.key)
        known: ImageFacts | None = _LOCAL.cache.by_content(sha256)
        return known
