"""Reading one file: what worker processes are given. Imports no tables, so that workers start fast."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from time import time_ns
from typing import NamedTuple

import PIL
import simplejpeg

from manifest_tools import fingerprints, sniff
from manifest_tools.images import cache as caches
from manifest_tools.images import exif, facts, jpeg, png, raster
from manifest_tools.images.cache import FactsCache, Signature, signature
from manifest_tools.images.facts import ImageFacts, read_bytes

Look = Callable[..., ImageFacts]
_LOCAL = threading.local()  # a cache connection for each thread, as SQLite wants it


class Read(NamedTuple):
    """Facts, and the signature under which they may be remembered (None: the file was changing)."""

    facts: ImageFacts
    read_as: Signature | None


@cache
def _algorithm() -> str:
    """Return the digest of the modules that make facts: whatever changes there, old facts are not served."""
    digest = hashlib.sha256()
    for module in (facts, jpeg, png, raster, exif, sniff, fingerprints):
        digest.update(Path(module.__file__ or "").read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Task:
    """Read one file; what worker processes are given."""

    look: Look
    quick: bool
    max_pixels: int
    cache_folder: Path | None

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

    def __call__(self, path: str) -> Read:
        """Read one file."""
        began, before = time_ns(), signature(path)
        data = read_bytes(path)
        if isinstance(data, ImageFacts):
            return Read(data, None)
        sha256 = hashlib.sha256(data).hexdigest()
        found = self._known(sha256) or self.look(
            data, quick=self.quick, max_pixels=self.max_pixels, sha256=sha256
        )
        settled = before is not None and before == signature(path)
        settled = settled and before is not None and began - before.mtime_ns > caches.SETTLED
        return Read(found, before if settled else None)

    def _known(self, sha256: str) -> ImageFacts | None:
        if self.cache_folder is None:
            return None
        if getattr(_LOCAL, "key", None) != (self.cache_folder, self.recipe):
            _LOCAL.key = (self.cache_folder, self.recipe)
            _LOCAL.cache = FactsCache(*_LOCAL.key)
        known: ImageFacts | None = _LOCAL.cache.by_content(sha256)
        return known

    def many(self, paths: Sequence[str]) -> list[Read]:
        """Read several files."""
        return [self(path) for path in paths]
