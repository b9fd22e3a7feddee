"""Find the image that a label table means: by path from the table, from the root, or by a name that only one has."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from manifest_tools.sources.file_name_variants import spellings


class ImageIndex:
    """Resolves file references, as people write them, to image keys.

    Tried in this order: the path from the table's folder, the path from the root (or the full S3 URI), the
    tail of a longer path, a base name that only one image has, one without its extension, and one in other
    capitals; then the same with the name as it was before a tool changed it. A name that is written as
    the file system has it comes before one that differs in its Unicode form or the spaces around it.

    Parameters
    ----------
    images : iterable of str
        The image keys.
    root : str
        Folder that they are relative to; empty for images in S3.
    """

    def __init__(self, images: Iterable[str], root: str = "") -> None:
        self._keys: dict[str, str] = {}
        self._root = os.path.realpath(root) if root else ""
        self._names: dict[str, list[str]] = defaultdict(list)
        self._stems: dict[str, list[str]] = defaultdict(list)
        self._folded: dict[str, list[str]] = defaultdict(list)
        for image in images:
            self._keys[image] = image
            normal = _normal(image)
            self._keys.setdefault(normal, image)
            name = normal.rpartition("/")[2]
            self._names[name].append(image)
            self._stems[PurePosixPath(name).stem].append(image)
            self._folded[name.casefold()].append(image)

    def resolve(self, reference: str, table_folder: str | Path = "") -> str | None:
        """Return the key of the image that `reference` means, or None when there is none, or more than one."""
        matches = self.matches(reference, table_folder)
        return matches[0] if len(matches) == 1 else None

    def matches(self, reference: str, table_folder: str | Path = "") -> list[str]:
        """Return the images that `reference` may mean: one, none, or several of the same base name."""
        found = (self._matches(name, table_folder) for name in self._written(reference))
        return next(filter(None, found), [])

    @staticmethod
    def _written(reference: str) -> Iterator[str]:
        """Give the reference as it stands, without the spaces around it, and as it was before tools changed it."""
        plain = reference.strip()
        if reference != plain:
            yield reference
        yield from spellings(plain)

    def _matches(self, reference: str, table_folder: str | Path) -> list[str]:
        wanted = _normal(reference)
        if not wanted:
            return []
        for written in dict.fromkeys([reference, wanted]):
            for candidate in self._paths(written, table_folder):
                if candidate in self._keys:
                    return [self._keys[candidate]]
        name = wanted.rpartition("/")[2]
        return self._names.get(name) or self._stems.get(name) or self._folded.get(name.casefold()) or []

    def _paths(self, wanted: str, table_folder: str | Path) -> Iterable[str]:
        if self._root and "://" not in wanted:
            base = _real_path(table_folder) if table_folder else self._root
            full = os.path.normpath(os.path.join(base, wanted))  # noqa: PTH118 - text in, text out
            below = os.path.relpath(full, self._root).replace(os.sep, "/")
            if not below.startswith("../"):
                yield below
                yield _normal(below)
        yield wanted
        parts = wanted.split("/")
        for start in range(1, len(parts) - 1):  # images/a/b.jpg for a root that is "images" itself
            yield "/".join(parts[start:])


@lru_cache(maxsize=16)
def _real_path(folder: str | Path) -> str:
    return os.path.realpath(folder)


def _normal(path: str) -> str:
    """Return a path in one spelling: forward slashes, no leading "./", composed letters (macOS decomposes them)."""
    if "://" not in path:
        path = path.replace("\\", "/") if "\\" in path and "/" not in path else path
        while path.startswith("./"):
            path = path[2:]
    return unicodedata.normalize("NFC", path)
