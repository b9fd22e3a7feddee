"""What a line of the review journal says, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import NoneType
from typing import Any, Final, NamedTuple, TypeVar

TOGETHER: Final = " + "  # between the names of two people who adjudicate together
IN_WORDS: Final = {True: "present", False: "absent", None: "unsure"}
GOLD_RATE: Final = 0.05  # of images with a known answer in what a reviewer is asked
MOST_GOLD: Final = 0.5
LONGEST_LOOK: Final = 86_400.0  # seconds that a look at a picture may last
_MOST: Final = 2**53  # the highest number of an entry: a double holds it


class Said(NamedTuple):
    """One statement: the label is there (True), is not there (False), or the reviewer cannot say (None)."""

    label: str
    truth: bool | None


class ReviewedImage(NamedTuple):
    """An image that an answer is about: its key and content, and what had been looked for before the answer."""

    image: str
    sha256: str = ""
    judged: str = ""

    @property
    def identity(self) -> str:
        """What it is recognised by: its content, or its key where that is not known."""
        return self.sha256 or self.image


class Look(StrEnum):
    """In which role an answer was given."""

    FIRST = ""  # the ordinary one
    SECOND = "second"  # by somebody who did not see the first answer
    ADJUDICATION = "adjudication"  # settles a disagreement between the two
    # about an image whose answer was known: says something of the reviewer, nothing of the image
    GOLD = "gold"
    KNOWN = "known"  # no look: the known answer itself

    @property
    def counts(self) -> bool:
        """Whether the answer says something of the image."""
        return self not in (Look.GOLD, Look.KNOWN)


class Remark(NamedTuple):
    """What somebody adds to an answer.

    Parameters
    ----------
    reason : str
        One of the user's own reason codes, or empty.
    note : str
        A short text, or empty.
    seconds : float, optional
        How long the picture was looked at before the answer.
    """

    reason: str = ""
    note: str = ""
    seconds: float | None = None


NO_REMARK: Final = Remark()
_Part = TypeVar("_Part", ReviewedImage, Said)


@dataclass(frozen=True, slots=True)
class ReviewEntry:
    """One entry of the journal.

    Parameters
    ----------
    number : int
        Grows by one from entry to entry.
    reviewer : str
        Who answered.
    images : tuple of ReviewedImage
        The image, and look-alikes that were answered together with it; empty for an undo.
    answers : tuple of Said
        What holds for every one of `images`; empty for an undo.
    undoes : int
        The number of the answer that is taken back, or 0.
    id : str
        Given by who asked for the entry, so that asking twice makes one entry; may be empty.
    at : str
        When, ISO 8601 in UTC.
    look : Look
        In which role the answer was given.
    remark : Remark
        Reason, note and time.
    second_look : tuple of str
        From here on these images get a second look; see :class:`manifest_tools.review.second_look.SecondLook`.
        Such an entry holds no answer.
    looked : tuple of str, optional
        The reviewer looked at a picture which was said to show these level 1 labels. Such an entry holds no answer and
        names no image.
    """

    number: int
    reviewer: str
    images: tuple[ReviewedImage, ...] = ()
    answers: tuple[Said, ...] = ()
    undoes: int = 0
    id: str = ""
    at: str = ""
    look: Look = Look.FIRST
    remark: Remark = NO_REMARK
    second_look: tuple[str, ...] = ()
    looked: tuple[str, ...] | None = None

    def to_record(self) -> dict[str, Any]:
        """Return the entry as the JSON object of its line."""
        record: dict[str, Any] = {"number": self.number, "at": self.at, "reviewer": self.reviewer}
        if self.id:
            record["id"] = self.id
        if self.undoes:
            return record | {"undoes": self.undoes}
        if self.second_look:
            return record | {"second_look": list(self.second_look)}
        if self.looked is not None:
            return record | {"looked": list(self.looked)}
        if self.look:
            record["look"] = str(self.look)
        record |= {name: value for name, value in self.remark._asdict().items() if value not in ("", None)}
        record["images"] = [image._asdict() for image in self.images]
        record["answers"] = [said._asdict() for said in self.answers]
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ReviewEntry | None:
        """Read a line's JSON object; None when it is no entry."""
        match record:
            case {"number": int(number), "reviewer": str(reviewer)} if 0 < number <= _MOST:
                images = _each(record.get("images", []), ReviewedImage, (str,))
                answers = _each(record.get("answers", []), Said, (bool, NoneType))
                undoes, asked, at = record.get("undoes", 0), record.get("id", ""), record.get("at", "")
                kinds = type(number), type(undoes), type(asked), type(at)
                look, remark, plan = record.get("look", ""), _remark(record), record.get("second_look", [])
                if images is None or answers is None or kinds != (int, int, str, str) or undoes < 0:
                    return None
                looked = record.get("looked")
                texts = _is_texts(plan) and (looked is None or _is_texts(looked))
                if remark is None or not texts or look not in list(Look):
                    return None
                seen = None if looked is None else tuple(looked)
                return cls(
                    number,
                    reviewer,
                    images,
                    answers,
                    undoes,
                    asked,
                    at,
                    Look(look),
                    remark,
                    tuple(plan),
                    seen,
                )
        return None


def entries_of(record: Mapping[str, Any]) -> list[ReviewEntry | None]:
    """Return the entries of a line, each None that is no entry."""
    each = record.get("entries", [record])
    if not isinstance(each, list):
        return [None]
    return [ReviewEntry.from_record(item) if isinstance(item, dict) else None for item in each]


def _each(items: Any, kind: type[_Part], types: tuple[type, ...]) -> tuple[_Part, ...] | None:
    """Return the parts of an entry; None when one of them is none."""
    made = []
    for item in items if isinstance(items, list) else [None]:
        try:
            part = kind(**item) if isinstance(item, dict) else None
        except TypeError:  # other names
            part = None
        if (
            part is None
            or not isinstance(part[0], str)
            or not all(isinstance(value, types) for value in part[1:])
        ):
            return None
        made.append(part)
    return tuple(made)


def _remark(record: Mapping[str, Any]) -> Remark | None:
    reason, note, seconds = record.get("reason", ""), record.get("note", ""), record.get("seconds")
    timed = seconds is None or (
        isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= _MOST
    )
    return (
        Remark(reason, note, seconds) if isinstance(reason, str) and isinstance(note, str) and timed else None
    )


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
