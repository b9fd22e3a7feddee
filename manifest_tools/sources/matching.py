"""Which image each reference of a file means, weighed over all of them: nothing is matched against evidence.

A reference that is the path of an image means that image. One that only comes near an image, by the tail of a
path or by its name, means it if nothing speaks against that:

* the folders of the two name different parts of a data set (train against val), or differ in a number alone;
* images lie in the reference's own folder, though not this one;
* another reference fits the image better, or just as well;
* another file of the reference's folder was found to be a different picture from the image of that name there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from manifest_tools.sources.image_index import Found, ImageIndex, reference_folders
from manifest_tools.sources.parts import part_of

_NEAR = 3  # folders above a file in which the name of a part is looked for


class Match(NamedTuple):
    """What a reference means.

    Parameters
    ----------
    image : str or None
        The key; None where no image, or no single one, can be told.
    reason : {"", "several", "elsewhere", "taken", "rivals"}
        Why not, where images come near it: several have the name; the one that has it lies in another folder;
        it is what another reference means; another reference could mean it just as well.
    images : tuple of str
        Those that come near it.
    other : str
        The other reference.
    """

    image: str | None
    reason: str = ""
    images: tuple[str, ...] = ()
    other: str = ""


class _Landing(NamedTuple):
    """A reference, and the one image that it comes near."""

    reference: str
    image: str
    name: str
    exact: bool
    literal: bool
    folders: tuple[str, ...]
    depth: int  # folders that agree
    foreign: bool  # the next folder does not

    @property
    def sure(self) -> bool:
        return self.exact or (self.literal and self.depth > 0 and not self.foreign)

    @property
    def doubtful(self) -> bool:
        return not self.exact and (self.foreign or not self.literal)


def match_references(
    index: ImageIndex,
    references: Iterable[str],
    table_folder: str | Path = "",
    *,
    written: Mapping[str, str] | None = None,
    known: Mapping[str, str] | None = None,
) -> dict[str, Match]:
    """Return what each reference of one file, or of one set of files, means.

    Parameters
    ----------
    index : ImageIndex
        The images.
    references : iterable of str
        Every reference of the file: each is evidence about the others.
    table_folder : path
        The folder that they are relative to.
    written : mapping of str to str, optional
        For references that are paths from the file which they stand in: what that file says itself.
    known : mapping of str to str, optional
        Images of references that need no search.
    """
    written, known = written or {}, known or {}
    matches: dict[str, Match] = {}
    near: dict[str, _Landing] = {}

    def find(reference: str) -> Found | None:
        if reference in known:
            return Found((known[reference],), reference, (), exact=True)
        return _find(index, reference, written.get(reference, ""), table_folder)

    for reference in dict.fromkeys(references):
        found = find(reference)
        if found is None:
            matches[reference] = Match(None)
        elif len(found.images) > 1:
            matches[reference] = Match(None, "several", found.images)
        elif found.exact:
            matches[reference] = Match(found.images[0])
        else:
            landing = _landing(index, reference, found)
            if _contradicted(index, landing):
                matches[reference] = Match(None, "elsewhere", found.images)
            else:
                matches[reference] = Match(landing.image)
                near[reference] = landing
    matches.update(_refused(_landings(index, matches, near, find)))
    return matches


def _landings(
    index: ImageIndex,
    matches: Mapping[str, Match],
    near: Mapping[str, _Landing],
    find: Callable[[str], Found | None],
) -> Iterator[_Landing]:
    """Give the references to images that some reference only comes near: nearly always there are none."""
    images = {landing.image for landing in near.values()}
    for reference, match in matches.items() if near else ():
        found = find(reference) if match.image in images and reference not in near else None
        if reference in near:
            yield near[reference]
        elif found:
            yield _landing(index, reference, found)


def _find(index: ImageIndex, reference: str, written: str, table_folder: str | Path) -> Found | None:
    found = index.find(reference, table_folder)
    if not written or (found and found.exact):
        return found
    other = index.find(written, table_folder)
    if other is None or (found and len(found.images) == 1 and not _by_path_alone(other)):
        return found
    own = reference_folders(reference)
    return other._replace(name=reference, folders=own or other.folders, exact=False)


def _by_path_alone(found: Found) -> bool:
    return found.exact or bool(found.folders and found.literal and len(found.images) == 1)


def _landing(index: ImageIndex, reference: str, found: Found) -> _Landing:
    image = found.images[0]
    if found.exact:
        return _Landing(
            reference, image, found.name, exact=True, literal=True, folders=(), depth=0, foreign=False
        )
    theirs, ours = found.folders[::-1], index.folders_of(image)[::-1]
    differ = next((n for n, (a, b) in enumerate(zip(theirs, ours, strict=False)) if a != b), None)
    foreign = differ is not None
    depth = min(len(theirs), len(ours)) if differ is None else differ
    return _Landing(reference, image, found.name, found.exact, found.literal, found.folders, depth, foreign)


def _contradicted(index: ImageIndex, landing: _Landing) -> bool:
    """Whether the folders of a reference speak against the image that it comes near."""
    if landing.exact or not landing.foreign:
        return False
    ours = index.folders_of(landing.image)
    below = ours[len(index.root_folders) :]
    parts = part_of(landing.folders[-_NEAR:]), part_of((*index.root_folders[-1:], *below))
    if all(parts) and parts[0] != parts[1]:
        return True
    own = index.has_folder(landing.folders)
    if own and own != below[-len(own) :]:
        return True
    at = -1 - landing.depth  # the folders that differ
    return len(below) > landing.depth and _differ_in_number(landing.folders[at], below[at])


def _differ_in_number(one: str, other: str) -> bool:
    return one != other and re.sub(r"\d+", "0", one) == re.sub(r"\d+", "0", other)


def _refused(landings: Iterable[_Landing]) -> dict[str, Match]:
    """Return the references that may not have the image they come near, because of others."""
    by_image: dict[str, list[_Landing]] = defaultdict(list)
    for landing in landings:
        by_image[landing.image].append(landing)
    refused: dict[str, Match] = {}
    strangers: dict[tuple[tuple[str, ...], str], str] = {}  # folders that are not the one of the images
    for image, rivals in by_image.items():
        if len({rival.name for rival in rivals}) == 1:
            continue
        for landing, reason, other in _losers(rivals):
            refused[landing.reference] = Match(None, reason, (image,), other)
            if landing.foreign:
                strangers[landing.folders, _folder(image)] = other
    for image, rivals in by_image.items():
        for landing in rivals:
            other = strangers.get((landing.folders, _folder(image)), "")
            if other and landing.foreign and not landing.exact:
                refused.setdefault(landing.reference, Match(None, "elsewhere", (image,), other))
    return refused


def _losers(rivals: list[_Landing]) -> Iterable[tuple[_Landing, str, str]]:
    """Give those of several references to one image that may not have it, why, and because of which other one."""
    doubtful = [rival for rival in rivals if rival.doubtful]
    sure = next((rival for rival in rivals if rival.sure), None)
    if sure:
        return [(rival, "taken", sure.reference) for rival in doubtful]
    plain = next((rival for rival in rivals if not rival.doubtful), None)  # the bare name of the image
    if plain:
        return [(rival, "taken", plain.reference) for rival in doubtful if not rival.literal]
    best = max(rival.depth for rival in doubtful)
    deepest = [rival for rival in doubtful if rival.depth == best]
    longest = max(deepest, key=lambda rival: len(rival.name))
    if all(longest.literal and f"/{longest.name}".endswith(f"/{rival.name}") for rival in deepest):
        return [(rival, "taken", longest.reference) for rival in doubtful if rival not in deepest]
    others = {
        rival.reference: next(o.reference for o in doubtful if o.name != rival.name) for rival in doubtful
    }
    return [(rival, "rivals", others[rival.reference]) for rival in doubtful]


def _folder(image: str) -> str:
    return image.rpartition("/")[0]
