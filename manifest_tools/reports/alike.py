"""Groups of look-alikes, as the page lists them."""

from __future__ import annotations

from dataclasses import dataclass

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import Truth

GROUPS = 100  # that the page lists, the largest first
MEMBERS = 6  # of each


@dataclass(frozen=True, slots=True)
class Member:
    """One image of a group."""

    image: str
    split: str
    labels: tuple[str, ...]
    copy: bool  # byte for byte the same as an earlier member


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """One group: the number of its images is exact, its members are the first ones."""

    size: int
    members: tuple[Member, ...]
    differ: bool  # the members carry different labels


@dataclass(frozen=True, slots=True)
class AllLookAlikes:
    """All groups of two and more: exact numbers, and the largest groups."""

    groups: int
    images: int
    listed: tuple[LookAlikes, ...]


def look_alikes(dataset: Dataset, truth: Truth) -> AllLookAlikes:
    """Return the groups of look-alikes, those with different labels first, then the larger ones."""
    images = dataset.images
    rows_of: dict[str, list[int]] = {}
    for row, group in enumerate(images["group"]):
        if group:
            rows_of.setdefault(group, []).append(row)
    several = {group: rows for group, rows in rows_of.items() if len(rows) > 1}
    keys, splits, digests = (list(images[name]) for name in ("image", "split", "sha256"))

    def look(rows: list[int]) -> LookAlikes:
        seen: set[str] = set()
        members = []
        for row in rows[:MEMBERS]:
            copy = bool(digests[row]) and digests[row] in seen
            members.append(Member(keys[row], splits[row], truth.label_set(row), copy))
            seen.add(digests[row])
        return LookAlikes(len(rows), tuple(members), differ(rows))

    def differ(rows: list[int]) -> bool:
        return len({truth.present[row].tobytes() for row in rows if truth.judged[row]}) > 1

    order = sorted(several, key=lambda group: (not differ(several[group]), -len(several[group]), group))
    listed = tuple(look(several[group]) for group in order[:GROUPS])
    return AllLookAlikes(len(several), sum(map(len, several.values())), listed)
