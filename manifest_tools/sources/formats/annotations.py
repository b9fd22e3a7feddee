"""What every reader of labels hands on: statements about images, as they stand in the file."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding
from manifest_tools.sources.folders import files_below
from manifest_tools.sources.formats.label_rows import like
from manifest_tools.sources.formats.tables import LabelRow


@dataclass(frozen=True)
class Annotations:
    """What one file, or one folder of files, says about images.

    Parameters
    ----------
    format : str
        Name of the format, as ``--labels-format`` takes it.
    rows : sequence of LabelRow
        What is said, in the order of the file; categories as found.
    references : tuple of str
        Every image that people went through, each once, in the order of the file, also without a row.
    categories : tuple of str
        The categories that the file declares or uses, each once.
    open_world : bool
        Whether the file says nothing of what it does not name: people drew what they were asked to draw, and
        nobody can tell from the file what that was.
    findings : tuple of Finding
        Entries that could not be read.
    written : mapping of str to str
        Where a reference is the path from the folder of all files: what the file itself says.
    unread : tuple of str
        Columns of a table that are not read.
    checked : mapping of str to tuple of str
        For each reference whose row says so, the labels that people looked for in that image, as found.
    settle : callable, optional
        Says the same anew for images instead of references, where statements about one image are weighed against
        each other.
    """

    format: str
    rows: Sequence[LabelRow] = ()
    references: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    open_world: bool = False
    findings: tuple[Finding, ...] = ()
    written: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    checked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settle: Callable[[Mapping[str, str]], Annotations] | None = field(default=None, compare=False)

    def placed(self, images: Mapping[str, str]) -> Annotations:
        """Return what is said with images instead of references, as far as `images` has them."""
        if self.settle:
            return self.settle(images)
        return replace(
            self,
            rows=like(
                self.rows,
                (row._replace(reference=images.get(row.reference, row.reference)) for row in self.rows),
            ),
            references=tuple(dict.fromkeys(images.get(name, name) for name in self.references)),
            findings=tuple(_placed(item, images) for item in self.findings),
            checked=_joined((images.get(name, name), labels) for name, labels in self.checked.items()),
        )


def _joined(said: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """Return what is said of each name together: two references may mean one image."""
    found: dict[str, tuple[str, ...]] = {}
    for name, labels in said:
        found[name] = tuple(dict.fromkeys([*found.get(name, ()), *labels]))
    return found


def _placed(item: Finding, images: Mapping[str, str]) -> Finding:
    image = item.location.image
    return replace(item, location=replace(item.location, image=images.get(image, image))) if image else item


def merged(name: str, parts: Sequence[Annotations]) -> Annotations:
    """Return what several files of one format say, as if it stood in one."""
    return Annotations(
        name,
        tuple(row for part in parts for row in part.rows),
        tuple(dict.fromkeys(reference for part in parts for reference in part.references)),
        tuple(dict.fromkeys(category for part in parts for category in part.categories)),
        any(part.open_world for part in parts),
        tuple(item for part in parts for item in part.findings),
        {name: value for part in parts for name, value in part.written.items()},
        tuple(dict.fromkeys(column for part in parts for column in part.unread)),
        _joined(item for part in parts for item in part.checked.items()),
    )


@dataclass
class AnnotationBuilder:
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
    _rows: dict[tuple[str, str, bool | None], LabelRow] = field(default_factory=dict)
    _references: dict[str, None] = field(default_factory=dict)
    _categories: dict[str, None] = field(default_factory=dict)
    _findings: list[Finding] = field(default_factory=list)
    _written: dict[str, str] = field(default_factory=dict)

    def image(self, reference: str) -> None:
        """Note an image that people went through."""
        self._references[reference] = None

    def image_beside(self, file: Path, name: str, *, folder: Path, also: str = "") -> str:
        """Note an image that one of a folder's files names; return the reference that tells it from all others.

        Parameters
        ----------
        file : Path
            The file of annotations.
        name : str
            What it says the image is called, from its own place.
        folder : Path
            The folder that all files lie in.
        also : str
            Another path that it gives of the image.
        """
        plain = name.replace("\\", "/")
        within = file.parent.relative_to(folder).as_posix()
        reference = name if "://" in name else posixpath.normpath(posixpath.join(within, plain))
        self.image(reference)
        if (also or name) != reference:
            self._written[reference] = also or name
        return reference

    def category(self, name: str) -> None:
        """Note a category that the file declares."""
        if name:
            self._categories[name] = None

    def say(self, reference: str, label: str, truth: bool | None = True, *, line: int | None = None) -> None:
        """Note what is said of an image, once however often it is drawn; its image and category with it."""
        self.image(reference)
        self.category(label)
        self._rows.setdefault((reference, label, truth), LabelRow(reference, label, truth, line))

    def problem(self, reason: str, *, variant: str | None = None, **place: Any) -> None:
        """Note an entry that could not be read (`place`: file, line, image, field)."""
        place.setdefault("file", self.file)
        self._findings.append(
            finding("source-entry", variant=variant, **place, format=self.format, reason=reason)
        )

    def disagree(
        self,
        reference: str,
        label: str,
        *,
        source: str,
        other: str,
        present: bool,
        winner: str,
        line: int | None = None,
    ) -> None:
        """Note that two statements disagree: `source` says whether the label is present, `other` the opposite."""
        values = ("present", "absent") if present else ("absent", "present")
        self._findings.append(
            finding(
                "review-disagreement",
                file=self.file,
                line=line,
                image=reference,
                label=label,
                source=source,
                value=values[0],
                other=other,
                other_value=values[1],
                winner=winner,
            )
        )

    def close(self) -> Annotations:
        """Return what was collected."""
        return Annotations(
            self.format,
            tuple(self._rows.values()),
            tuple(self._references),
            tuple(self._categories),
            self.open_world,
            tuple(self._findings),
            dict(self._written),
        )


def read_one_or_all(
    path: Path,
    notes: AnnotationBuilder,
    read: Callable[[Path, AnnotationBuilder, Path], None],
    *,
    suffix: str,
    expected: str,
) -> None:
    """Read one file, or every file of a folder with this ending; in a folder, a broken file is noted.

    Raises
    ------
    InputError
        The single file is broken, or the folder holds none.
    """
    if not path.is_dir():
        read(path, notes, path.parent)
        return
    files = sorted(files_below(path, suffix), key=lambda file: file.as_posix())
    for file in files:
        try:
            read(file, notes, path)
        except InputError as error:
            notes.problem(str(error).removeprefix(f"{file}: "), file=str(file))
    if not files:
        msg = f"{path}: no {suffix} file in this folder; expected {expected}, one {suffix} for each image"
        raise InputError(msg)
