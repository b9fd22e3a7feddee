"""Hands a reviewer's page the next image: one that nobody else has open, and that nobody answered meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifest_tools.review.open_images import OpenImages
from manifest_tools.review.queue import Filter
from manifest_tools.review.session import ReviewSession


@dataclass(frozen=True)
class Wish:
    """What a page wants to show.

    Parameters
    ----------
    tab : str
        The page.
    images : sequence of int
        Positions of images, the preferred one first.
    since : int
        As :meth:`Handout.queue` gave it with them.
    again : bool
        It comes back to an image: also to one that was answered.
    needed : bool
        It wants no image any more whose answer can change nothing by now.
    label : str
        As in :meth:`ReviewSession.item`.
    """

    tab: str
    images: Sequence[int]
    since: int = 0
    again: bool = False
    needed: bool = False
    label: str = ""


class Handout:
    """Hands out the images of one session, to one or several pages of it.

    Parameters
    ----------
    review : ReviewSession
        Whose images they are.
    folder : path
        The output folder, in which other processes may hand out images too.
    """

    def __init__(self, review: ReviewSession, folder: str | Path) -> None:
        self._review = review
        self._open = OpenImages(Path(folder) / "dataset")
        self._lock = threading.Lock()

    def queue(self, wanted: Filter) -> dict[str, Any]:
        """Return the images to look at, and up to which entry of the journal they are right.

        Raises
        ------
        InputError
            As :meth:`ReviewSession.queue`.
        """
        self._review.state.take_stock()
        newest = self._review.state.newest()
        return {"order": self._review.queue(wanted), "since": newest}

    def open(self, wish: Wish) -> dict[str, Any]:
        """Hand out the first image that can be had, and take back what the page showed before.

        Returns
        -------
        dict
            `item` as :meth:`ReviewSession.item` tells it, or None; `others`: how many images were passed over because
            other people show them.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        state = self._review.state
        with self._lock:
            row, others = self._open.take(
                wish.tab, self._offered(wish), lambda row: [state.keys[alike] for alike in state.alike(row)]
            )
        return {"item": None if row is None else self._review.item(row, wish.label), "others": others}

    def close(self) -> None:
        """Let go of every image."""
        with self._lock:
            self._open.close()

    def _offered(self, wish: Wish) -> Iterator[int]:
        """Yield the images that this reviewer may still be handed."""
        if not wish.images:
            return
        state, assignment = self._review.state, self._review.assignment
        state.take_stock()
        waiting = self._review.waiting if wish.needed and not wish.again else None
        gone = set() if wish.again else state.answered_since(wish.since)
        for row in wish.images:
            if not 0 <= row < len(state.keys) or assignment.withheld[row]:
                continue
            if waiting is not None and not waiting[row]:  # answers meanwhile made it needless
                continue
            if (
                row not in gone
                or assignment.due[row]
                or (assignment.gold[row] and not assignment.finished[row])
            ):
                yield row
