"""Review sheets for several people: every open image in one of them, and in two where it gets a second look."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from manifest_tools.core.errors import InputError
from manifest_tools.review.csv_sheet import export_sheet
from manifest_tools.review.queue import Filter
from manifest_tools.review.session import ReviewSession

_MOST = 100  # people


def people_of(text: str) -> list[str]:
    """Return who gets a sheet: of a number so many who are numbered, else the names between commas.

    Raises
    ------
    InputError
        There are fewer than two, too many, or two are the same.

    Examples
    --------
    >>> people_of("2"), people_of("ana, ben")
    (['reviewer 1', 'reviewer 2'], ['ana', 'ben'])
    """
    number = text.strip()
    if number.isdecimal() and int(number) <= _MOST:
        names = [f"reviewer {place}" for place in range(1, int(number) + 1)]
    else:
        names = [" ".join(name.split()) for name in text.split(",")]
    parts = [_part(name) for name in names]
    if not 2 <= len(names) <= _MOST or "" in parts or len({part.casefold() for part in parts}) < len(parts):
        msg = f"--split is {text!r}; expected a number from 2 to {_MOST}, or different names such as ana,ben,cem"
        raise InputError(msg)
    return names


def export_split(desks: Sequence[ReviewSession], path: str | Path) -> list[tuple[Path, int]]:
    """Write a sheet for each person; nobody finds another's answers in it.

    Parameters
    ----------
    desks : sequence of ReviewSession
        One a person, of the same folder.
    path : path
        As ``sheet.csv``, of which ``sheet-NAME.csv`` is made for each.

    Returns
    -------
    list of (Path, int)
        The files, and how many rows each has.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    path, written = Path(path), []
    for desk, images in zip(desks, deal(desks), strict=True):
        name = _part(desk.reviewer).removeprefix("reviewer-")
        place = path.with_name(f"{path.stem}-{name}{path.suffix}")
        written.append((place, export_sheet(desk, place, only=images)))
    return written


def deal(desks: Sequence[ReviewSession]) -> list[list[int]]:
    """Return the images for each person: look-alikes together, second looks never to who looked first, as even as can be."""
    queues = [desk.queue(Filter(apart=True)) for desk in desks]
    waiting = [set(queue) for queue in queues]
    dealt: list[list[int]] = [[] for _ in desks]
    state, chosen = desks[0].state, desks[0].assignment.chosen
    by_group: dict[int, list[int]] = {}
    for row in dict.fromkeys(row for queue in queues for row in queue):
        due = [place for place, desk in enumerate(desks) if desk.assignment.due[row]]
        able = due or [place for place in range(len(desks)) if row in waiting[place]]
        looks = 2 if chosen[row] and not due else 1
        before = [place for place in by_group.get(int(state.groups[row]), ()) if place in able]
        fewest = sorted(
            (place for place in able if place not in before), key=lambda place: (len(dealt[place]), place)
        )
        takers = [*before, *fewest][:looks]
        by_group.setdefault(int(state.groups[row]), takers)
        for place in takers:
            dealt[place].append(row)
    return dealt


def _part(name: str) -> str:
    """Return a name as a part of a file's name."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")
