"""How long work tells how far it is: one kind of callback everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

Progress: TypeAlias = Callable[[int, int | None], None]  # how much is done, and of how much (None: not known)


class Watcher(Protocol):
    """Who is told how the main job goes."""

    def begin(self, step: str) -> Progress:
        """A step begins; the returned callable takes how much is done, and of how much."""

    def end(self, step: str, summary: str) -> None:
        """A step ended; `summary` says in a few words what it found."""


class Steps:
    """Has every step tell one callback how far it is; without one, tells nobody."""

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress

    def begin(self, step: str) -> Progress:  # noqa: ARG002
        """Return the callback."""
        return self._progress or (lambda done, total: None)  # noqa: ARG005

    def end(self, step: str, summary: str) -> None:
        """Take no notice."""
