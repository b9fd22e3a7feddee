"""Find the images that a reference may mean: by path from the table, from the root, or by its name."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from manifest_tools.sources.file_name_variants import CLEANINGS, How, Spelling, plain_path, spellings
from manifest_tools.storage.uris import SCHEME, is_s3_uri

# Folders that say what lies in them, not which pictures these are.
_NEUTRAL = frozenset(
    {"images", "image", "imgs", "img", "jpegimages", "annotations", "annotation", "labels", "xmls"}
)
_NO_FOLDER = frozenset({"", "/", ".", ".."})


class Found(NamedTuple):
    """What a reference may mean, and how well the two fit.

    Parameters
    ----------
    images : tuple of str
        Keys of the images; several where the name alone does not tell.
    name : str
        What tells references apart: the path, without the address around it.
    folders : tuple of str
        The folders that the reference names, as :func:`folders_of` gives them.
    exact : bool
        Whether the reference is the path of the image, from the file of labels or from the images' folder.
    literal : bool
        Whether the reference has the image's name as it is, with nothing undone or guessed.
    """

    images: tuple[str, ...]
    name: str
    folders: tuple[str, ...]
    exact: bool = False
    literal: bool = True


class ImageIndex:
    """Looks up references, as people and tools write them, among image keys.

    Tried in this order: the path from the table's folder, the path from the root (or the full S3 URI), the
    tail of a longer path, a base name, one without its extension, and one in other capitals; then the same
    with the name as it was before a tool changed it. A name that is written as the file system has it comes
    before one that differs in its Unicode form or the spaces around it.

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
        self._above = os.path.join(os.path.normcase(self._root), "")  # noqa: PTH118 - with a separator at its end
        self._images = list(images)
        for image in self._images:
            self._keys[image] = image
            normal = normal_path(image)
            if normal is not image:
                self._keys.setdefault(normal, image)

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """Images by their names; these and the next are made only where a path does not tell."""
        return self._by(lambda name: name)

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        """Images by their names without the extension."""
        return self._by(lambda name: PurePosixPath(name).stem)

    @cached_property
    def _folded(self) -> dict[str, list[str]]:
        """Images by their names in any capitals."""
        return self._by(str.casefold)

    def _by(self, kind: Callable[[str], str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for image in self._images:
            found.setdefault(kind(normal_path(image).rpartition("/")[2]), []).append(image)
        return found

    @cached_property
    def root_folders(self) -> tuple[str, ...]:
        """The folders above every image."""
        return _telling(Path(self._root).parts)

    def folders_of(self, image: str) -> tuple[str, ...]:
        """Return the folders that an image lies in, the root's among them, but for those that tell nothing."""
        return self.root_folders + _telling(normal_path(image).removeprefix(SCHEME).split("/")[:-1])

    def has_folder(self, folders: tuple[str, ...]) -> tuple[str, ...]:
        """Return the longest tail of some folders in which images lie; () when there is none."""
        tails = (folders[start:] for start in range(len(folders)))
        return next((tail for tail in tails if tail in self._folders), ())

    def find(self, reference: str, table_folder: str | Path = "") -> Found | None:
        """Return what a reference may mean; None when no image comes near it.

        Parameters
        ----------
        reference : str
            As it is written.
        table_folder : path
            Folder of the file that it stands in.
        """
        as_is = Spelling(reference, How.WRITTEN)
        found = self._by_path(as_is, table_folder)
        if found:
            return found if found.exact else _named(found, reference, as_is)
        ways = [as_is, *spellings(reference.strip())]
        as_named = [way for way in ways if way.how in (How.WRITTEN, How.DECODED)]
        for group in (as_named, [way for way in ways if way not in as_named]):
            for look_up in (self._by_path, self._by_name):
                for way in group:
                    found = look_up(way, table_folder)
                    if found:
                        return _named(found, reference, way)
        for way in ways:
            found = self._by_cleaned_name(way)
            if found:
                return _named(found, reference, way)
        return None

    def _by_path(self, way: Spelling, table_folder: str | Path) -> Found | None:
        wanted = normal_path(way.path)
        if not wanted:
            return None
        literal = way.how is How.WRITTEN
        for written in dict.fromkeys([way.path, wanted]):
            for candidate in self._paths(written, table_folder):
                if candidate in self._keys:
                    return Found((self._keys[candidate],), wanted, (), exact=literal, literal=literal)
        folders = reference_folders(way.path)
        for tail in _tails(wanted):  # images/a/b.jpg for a root that is "images" itself
            if tail in self._keys:
                return Found((self._keys[tail],), wanted, folders, literal=literal)
        parts = (*folders, wanted.rpartition("/")[2])
        for start in range(len(parts) - 1):
            images = self._telling_keys.get(parts[start:], ())
            if len(images) == 1:
                return Found((images[0],), wanted, folders, literal=literal)
        return None

    def _by_name(self, way: Spelling, table_folder: str | Path) -> Found | None:  # noqa: ARG002 - one signature
        wanted = normal_path(way.path)
        name = wanted.rpartition("/")[2]
        same = self._names.get(name, ())
        images = same or self._stems.get(name) or self._folded.get(name.casefold()) or ()
        if not name or not images:
            return None
        literal = bool(same) and way.how is How.WRITTEN
        return Found(tuple(images), wanted, reference_folders(way.path), literal=literal)

    def _by_cleaned_name(self, way: Spelling) -> Found | None:
        """Look for the one image whose name a tool would have turned into this one."""
        wanted = normal_path(way.path)
        images = self._cleaned[way.how].get(wanted.rpartition("/")[2]) if way.how in CLEANINGS else None
        return Found(tuple(images), wanted, reference_folders(way.path), literal=False) if images else None

    def _paths(self, wanted: str, table_folder: str | Path) -> Iterator[str]:
        if self._root and "://" not in wanted:
            base = _real_path(table_folder) if table_folder else self._root
            full = os.path.normpath(os.path.join(base, wanted))  # noqa: PTH118 - text in, text out
            if os.path.normcase(full).startswith(self._above):
                below = full[len(self._above) :].replace(os.sep, "/")
                yield below
                yield normal_path(below)
        yield wanted

    @cached_property
    def _folders(self) -> frozenset[tuple[str, ...]]:
        """The folders in which images lie, below the root."""
        above = {
            image.removeprefix(SCHEME).partition("/")[2] if "://" in image else image for image in self._keys
        }
        above = {key.rpartition("/")[0] for key in above}
        return frozenset(filter(None, (_telling(folder.split("/")) for folder in above)))

    @cached_property
    def _telling_keys(self) -> dict[tuple[str, ...], list[str]]:
        """Images by folders that tell something, and name; those alone of which this is not the whole path."""
        found: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for image in dict.fromkeys(self._keys.values()):
            folders = reference_folders(image)
            if folders:
                found[*folders, normal_path(image).rpartition("/")[2]].append(image)
        return found

    @cached_property
    def _cleaned(self) -> dict[How, dict[str, list[str]]]:
        """Images by the names that tools make of theirs."""
        found: dict[How, dict[str, list[str]]] = {how: defaultdict(list) for how in CLEANINGS}
        for name, images in self._names.items():
            for how, clean in CLEANINGS.items():
                found[how][clean(name)] += images
        return found


def _named(found: Found, reference: str, way: Spelling) -> Found:
    """Name the reference by what it says; the copies that Roboflow makes of one picture have one name."""
    plain = way.path if way.how is How.COPIED else plain_path(reference.strip())
    return found._replace(name=normal_path(plain))


def reference_folders(path: str) -> tuple[str, ...]:
    """Return the folders that a path names, but for those that tell nothing; capitals do not count."""
    plain = path if is_s3_uri(path) else plain_path(path)
    return _telling(normal_path(plain).removeprefix(SCHEME).split("/")[:-1])


def _telling(folders: Iterable[str]) -> tuple[str, ...]:
    folded = (folder.casefold() for folder in folders)
    return tuple(folder for folder in folded if folder not in _NEUTRAL and folder not in _NO_FOLDER)


def _tails(path: str) -> Iterator[str]:
    parts = path.split("/")
    for start in range(1, len(parts) - 1):
        yield "/".join(parts[start:])


@lru_cache(maxsize=16)
def _real_path(folder: str | Path) -> str:
    return os.path.realpath(folder)


def normal_path(path: str) -> str:
    """Return a path in one spelling: forward slashes, no leading "./", composed letters (macOS decomposes them)."""
    if path.isascii() and "\\" not in path and not path.startswith("./"):
        return path
    if "://" not in path:
        path = path.replace("\\", "/") if "\\" in path and "/" not in path else path
        path = re.sub(r"^(\./)+", "", path)
    return unicodedata.normalize("NFC", path)
