"""What every reader of labels hands on: statements about images, as they stand in the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from manifest_tools.catalogue import finding
from manifest_tools.findings import Finding


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that people said of one image.

    Parameters
    ----------
    reference : str
        The image, as the file names it: path, URL, bare name.
    label : str
        The category, as found.
    truth : bool or None
        Present, looked for and absent, or not known.
    line : int, optional
        Line of the file, from 1, where the format has lines.
    """

    reference: str
    label: str
    truth: bool | None = True
    line: int | None = None


@dataclass(frozen=True)
class Annotations:
    """What one file, or one folder of files, says about images.

    Parameters
    ----------
    format : str
        Name of the format, as ``--labels-format`` takes it.
    statements : tuple of Statement
        In the order of the file.
    references : tuple of str
        Every image that people went through, each once, in the order of the file, also without a statement.
    categories : tuple of str
        The categories that the file declares or uses, each once.
    open_world : bool
        Whether the file says nothing of what it does not name: people drew what they were asked to draw, and
        nobody can tell from the file what that was.
    findings : tuple of Finding
        Entries that could not be read.
    """

    format: str
    statements: tuple[Statement, ...] = ()
    references: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    open_world: bool = False
    findings: tuple[Finding, ...] = ()


@dataclass
class Notebook:
    """Collects what a reader comes across, and closes it into :class:`Annotations`.

    Parameters
    ----------
    format : str
        Name of the format.
    file : str
        Name of the file, for findings.
    open_world : bool
        As in :class:`Annotations`.
    """

    format: str
    file: str
    open_world: bool = False
    _statements: dict[Statement, None] = field(default_factory=dict)
    _references: dict[str, None] = field(default_factory=dict)
    _categories: dict[str, None] = field(default_factory=dict)
    _findings: list[Finding] = field(default_factory=list)

    def image(self, reference: str) -> None:
        """Note an image that the file speaks of."""
        self._references[reference] = None

    def category(self, name: str) -> None:
        """Note a category that the file declares."""
        if name:
            self._categories[name] = None

    def say(
        self, reference: str, label: str, truth: bool | None = True, *, line: int | None = None
    ) -> None:
        """Note a statement, once; its image and category with it."""
        self.image(reference)
        self.category(label)
        self._statements[Statement(reference, label, truth, line)] = None

    def problem(self, reason: str, *, variant: str | None = None, **place: Any) -> None:
        """Note an entry that could not be read (`place`: file, line, image, field)."""
        place.setdefault("file", self.file)
        self._findings.append(
            finding("source-entry", variant=variant, **place, format=self.format, reason=reason)
        )

    def add(self, findings: Iterable[Finding]) -> None:
        """Note findings of other codes."""
        self._findings.extend(findings)

    def close(self) -> Annotations:
        """Return what was collected."""
        return Annotations(
            self.format,
            tuple(self._statements),
            tuple(self._references),
            tuple(self._categories),
            self.open_world,
            tuple(self._findings),
        )
