"""Several files of labels beside each other: what their references mean, and which of them mean no image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import Annotations
from manifest_tools.sources.image_index import ImageIndex
from manifest_tools.sources.matching import Match, match_references
from manifest_tools.sources.parts import part_of_file

NAMELESS = "nameless"  # why a row without an image is not matched
MAX_NEAR = 5  # images that are kept of those that a reference comes near


def match_files(
    index: ImageIndex, read: Sequence[tuple[Path, Annotations]]
) -> list[tuple[Annotations, dict[str, Match]]]:
    """Return for each file what it says, and what its references mean.

    Each file is evidence for itself: two people may write the path of one picture in two ways. Files of one export
    that are called after the parts of a data set (``instances_train.json``, ``val.json``) are taken together, and
    a bare name in them is one of that part: the same name in another part is another picture.
    """
    several = len(read) > 1
    parts = [
        part_of_file(file.stem) if several and file.is_file() and not item.settle else ""
        for file, item in read
    ]
    said = [_in_part(part, item) if part else item for part, (_, item) in zip(parts, read, strict=True)]
    folders = [file if file.is_dir() else file.parent for file, _ in read]
    of_one_export = [item for part, item in zip(parts, said, strict=True) if part]
    found = []
    for part, item, folder in zip(parts, said, folders, strict=True):
        evidence = of_one_export if part else [item]
        names = [name for other in evidence for name in _references(other)]
        written = {key: value for other in evidence for key, value in other.written.items()}
        matches = match_references(index, names, folder, written=written)
        found.append((item, {name: matches[name] for name in _references(item)}))
    _refuse_scattered_decisions([file for file, _ in read], found)
    return found


def _refuse_scattered_decisions(
    files: Sequence[Path], found: Sequence[tuple[Annotations, Mapping[str, Match]]]
) -> None:
    """Refuse tables of decisions that speak of one image: which decision is the newest is told within one table.

    Raises
    ------
    InputError
        There are two such tables.
    """
    decided: dict[str, Path] = {}
    for file, (said, matches) in zip(files, found, strict=True):
        for image in sorted({match.image for match in matches.values() if said.settle and match.image}):
            other = decided.setdefault(image, file)
            if other is not file:
                msg = (
                    f"{other} and {file} both hold decisions about {image!r}, and which is the newest can be told within "
                    "one table only; put the rows of both into one file"
                )
                raise InputError(msg)


def unplaced(matches: Mapping[str, Match], labelled: AbstractSet[str]) -> dict[str, object]:
    """Return the references that mean no image but come near one, or name none, ready for a data set's sources.

    They matter where the reference could mean an image that other rows speak of: it may lack a label.
    """
    lost = {
        reference: {
            "reason": match.reason or NAMELESS,
            "images": list(match.images[:MAX_NEAR]),
            "count": len(match.images),
            "other": match.other,
            "may_matter": not reference.strip()
            or (match.reason in ("several", "rivals") and not labelled.isdisjoint(match.images)),
        }
        for reference, match in matches.items()
        if match.image is None and (match.reason or not reference.strip())
    }
    return {"unplaced": lost} if lost else {}


def _references(said: Annotations) -> list[str]:
    return list(dict.fromkeys([*(row.reference for row in said.rows), *said.references]))


def _in_part(part: str, said: Annotations) -> Annotations:
    """Return what a file says with the part of the data set before every bare name."""
    names = {name: f"{part}/{name}" for name in _references(said) if name and not {"/", "\\"} & {*name}}
    written = {new: said.written.get(old, old) for old, new in names.items()}
    renamed = said.placed(names)
    return replace(renamed, written={**said.written, **written})
