"""Canaries: a few locked images that are asked about again in each round, so that a model that moved is noticed.

``DIR/dataset/canaries.jsonl`` holds a line for each time that they were locked or asked. Each is asked twice: what the
two answers of one moment differ by is jitter, and a change is what the earlier answer differs by beyond it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from manifest_tools.aws.prediction.answer_journal import AnswerJournal
from manifest_tools.aws.prediction.question import Answers, Question
from manifest_tools.core.errors import InputError
from manifest_tools.core.journal import JournalFile
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.evaluation.statistics import signed_rank_greater
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding

CANARIES: Final = "canaries.jsonl"
FEWEST, MOST = 10, 500
TIMES: Final = 2  # calls for each canary and round
CHANCE: Final = 0.01  # of an alarm in a round in which nothing but jitter moved
_JUMP, _JITTERS = (
    10.0,
    5.0,
)  # points, and times the largest jitter of all: one image that moves by more is enough
_SHOWN = 5  # images in a message

Ask = Callable[[Dataset, AnswerJournal], tuple[dict[str, list[str]], Answers]]


class Seen(NamedTuple):
    """One answer about a canary: its picture, the name of an image that shows it, the model and its scores."""

    picture: str
    image: str
    model: str
    scores: dict[str, float]


class Move(NamedTuple):
    """How far a canary is from its earlier answer, in points of the label that moved most, and its jitter."""

    image: str
    label: str
    before: float
    after: float
    jitter: float

    @property
    def size(self) -> float:
        """Points."""
        return abs(self.after - self.before)


@dataclass(frozen=True)
class CanaryCheck:
    """What asking the canaries again found.

    Attributes
    ----------
    locked, asked : int
        Canaries, and those among them that were answered both times; the others are gone, or got no answer.
    p_value : float or None
        Of the paired test; None where no model is the same as before.
    findings : tuple of Finding
    """

    locked: int
    asked: int
    p_value: float | None
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the check, ready for JSON."""
        found = [one.to_dict() for one in self.findings]
        return {"locked": self.locked, "asked": self.asked, "p-value": self.p_value, "findings": found}


class Canaries:
    """The canaries of a folder, for one question.

    Parameters
    ----------
    folder : path
    question : Question
        What is asked of them; another adapter or another confidence is another question.
    """

    def __init__(self, folder: str | Path, question: Question) -> None:
        self._file, records = _rounds_of(folder)
        self._question = question
        self._names = {
            item["picture"]: item["image"] for record in records[:1] for item in record["answers"]
        }  # every question has the same ones
        self._wanted = int(records[0]["wanted"]) if records else 0  # also when some were forgotten since
        ours = [record for record in records if record["question"] == question.fingerprint]
        start = max((place for place, record in enumerate(ours) if record["locked"]), default=0)
        self._rounds = [[Seen(**item) for item in record["answers"]] for record in ours[start:]]

    def __len__(self) -> int:
        return len(self._names)

    def present(self, by_key: Mapping[str, Sequence[str]]) -> int:
        """Return how many are among these pictures."""
        return sum(picture in by_key for picture in self._names)

    def require(self, count: int | None, dataset: Dataset, by_key: Mapping[str, Sequence[str]]) -> None:
        """Refuse a number of canaries that cannot be, or is not that of those that are locked.

        Parameters
        ----------
        count : int or None
            How many are wanted; None or 0 for those that there are.
        dataset, by_key
            As in :meth:`check`.

        Raises
        ------
        InputError
        """
        if not count:
            return
        if len(self):
            if count == self._wanted:
                return
            msg = f"{self._wanted} canaries are locked in {self._file.path}; leave out --canary, or remove the file to lock others"
            raise InputError(msg)
        there = len(set(_groups(dataset, by_key).values()))
        if not FEWEST <= count <= min(MOST, there):
            msg = (
                f"--canary is {count}; expected {FEWEST} (fewer cannot tell a change from jitter) to {MOST} images, and"
                f" there are {there:,} to ask about that are no look-alikes"
            )
            raise InputError(msg)

    def lock(
        self, dataset: Dataset, by_key: Mapping[str, Sequence[str]], answers: Answers, count: int
    ) -> bool:
        """Choose canaries among what was answered and lock them; those that are locked get these answers instead.

        Returns False, and locks none, when so many were not answered yet.

        Images in which something was seen come first, evenly over the confidences, then others. Of look-alikes there is
        one at most: they move together, and would count for more than they tell.
        """
        seen = [
            _seen(picture, by_key[picture][0], answers.found[picture])
            for picture in sorted(by_key)
            if picture in answers.found
        ]
        if len(self):
            chosen = [one for one in seen if one.picture in self._names]
        else:
            group_of = _groups(dataset, by_key)
            seen = list({group_of[one.picture]: one for one in seen}.values())
            if len(seen) < count:
                return False
            ranked = sorted((one for one in seen if one.scores), key=lambda one: max(one.scores.values()))
            take = min(count, len(ranked))
            chosen = [ranked[(2 * place + 1) * len(ranked) // (2 * take)] for place in range(take)]
            chosen += [one for one in seen if not one.scores][: count - take]
        self._append(chosen, locked=True, wanted=self._wanted or count)
        return True

    def check(self, dataset: Dataset, by_key: Mapping[str, Sequence[str]], ask: Ask) -> CanaryCheck:
        """Ask the canaries again, keep the answers, and compare them with the earlier ones.

        Parameters
        ----------
        dataset : Dataset
        by_key : mapping of str to list of str
            The images of the data set that show each picture.
        ask : callable
            Asks about the images of a data set, with a journal.
        """
        here = {picture: by_key[picture][0] for picture in self._names if picture in by_key}
        part = replace(dataset, images=dataset.images[dataset.images["image"].isin(here.values())])
        times = (
            [ask(part, AnswerJournal([], lambda _: None))[1] for _ in range(TIMES)] if here else [Answers()]
        )
        both = [picture for picture in here if all(picture in told.found for told in times)]
        first, second = (
            {picture: _seen(picture, here[picture], told.found[picture]) for picture in both}
            for told in (times[0], times[-1])
        )
        if both:
            self._append(first.values(), locked=False, wanted=self._wanted)
        told = compare_rounds(self._rounds, first, second, self._question.min_confidence)
        return CanaryCheck(len(self), len(both), *told)

    def _append(self, answers: Iterable[Seen], *, locked: bool, wanted: int) -> None:
        record = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "locked": locked,
            "wanted": wanted,
            "question": self._question.fingerprint,
            "adapter": self._question.adapter,
            "answers": [one._asdict() for one in answers],
        }
        with self._file.locked():
            self._file.read()
            self._file.append([record])


def sightings_of(folder: str | Path) -> Iterator[tuple[str, str]]:
    """Yield the base models that answered the canaries of a folder, and when (ISO 8601).

    Not those of a line that locked them: its answers may be older than it is.
    """
    asked = [record for record in _rounds_of(folder)[1] if not record["locked"]]
    for record in asked:
        for model in sorted({item["model"] for item in record["answers"]} - {""}):
            yield model, record["at"]


def _rounds_of(folder: str | Path) -> tuple[JournalFile, list[dict[str, Any]]]:
    """Return the file of a folder's canaries, and its lines."""
    file = JournalFile(Path(folder) / "dataset" / CANARIES, _is_round)
    return file, [record for record in file.read()[1] if _is_round(record)]


def compare_rounds(
    rounds: Sequence[Sequence[Seen]], first: Mapping[str, Seen], second: Mapping[str, Seen], floor: float
) -> tuple[float | None, tuple[Finding, ...]]:
    """Compare what canaries are answered now with what they were answered before.

    An image's earlier answer and its two present ones are three of a kind as long as the model is the same. So the
    distance from before to now is as likely to be less than the jitter (the distance of the present ones) as to be more:
    the signed-rank test of the differences tells whether it is more in too many images.

    Parameters
    ----------
    rounds : sequence of sequence of Seen
        Earlier answers, oldest first. An image is held against the first that the same model gave, or else the latest.
    first, second : mapping of str to Seen
        Present answers by picture.
    floor : float
        What a label that was not reported is taken to score.

    Returns
    -------
    p_value : float or None
        None where nothing was answered by the same model before.
    findings : tuple of Finding
    """
    same: list[Move] = []
    other: list[Move] = []
    models: set[str] = set()
    for picture, now in first.items():
        earlier = [one for answers in rounds for one in answers if one.picture == picture]
        if not earlier:
            continue
        before = next((one for one in earlier if one.model == now.model), earlier[-1])
        move = _widest(before, now, floor)._replace(jitter=_widest(now, second[picture], floor).size)
        if before.model == now.model:
            same.append(move)
        else:
            other.append(move)
            models.add(before.model)
    found = sorted({now.model for now in first.values()})
    findings = []
    if other:
        told = _told(other) | {"found": found, "expected": sorted(models)}
        findings.append(finding("base-model-changed", variant="canaries", **told))
    p_value = signed_rank_greater([move.size - move.jitter for move in same]) if same else None
    if p_value is not None and (p_value < CHANCE or _jumped(same)):
        findings.append(finding("canary-moved", model=found, p_value=p_value, **_told(same)))
    return p_value, tuple(findings)


def _is_round(record: Mapping[str, Any]) -> bool:
    """Whether a line is as we write them."""
    match record:
        case {"at": str(), "locked": bool(), "wanted": int(), "question": str(), "answers": list(answers)}:
            return all(isinstance(item, dict) and item.keys() == set(Seen._fields) for item in answers)
    return False


def _groups(dataset: Dataset, by_key: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the group of look-alikes of each picture."""
    images = dataset.images
    group_of = dict(zip(images["image"], images["group"], strict=True))
    return {picture: group_of[names[0]] or names[0] for picture, names in by_key.items()}


def _seen(picture: str, image: str, answer: Mapping[str, Any]) -> Seen:
    scores = {str(label["Name"]): float(label["Confidence"]) for label in answer["ModerationLabels"]}
    return Seen(picture, image, str(answer.get("ModerationModelVersion", "")), scores)


def _widest(before: Seen, after: Seen, floor: float) -> Move:
    """Return the label that moved most; what was not reported is taken to score what is reported at least."""
    moves = [
        Move(after.image, label, before.scores.get(label, floor), after.scores.get(label, floor), 0.0)
        for label in sorted({*before.scores, *after.scores})
    ]
    return max(moves, key=lambda move: move.size, default=Move(after.image, "", floor, floor, 0.0))


def _jumped(moves: Sequence[Move]) -> bool:
    """Whether one image alone moved further than any jitter would."""
    return max(move.size for move in moves) > max(_JUMP, _JITTERS * max(move.jitter for move in moves))


def _told(moves: Sequence[Move]) -> dict[str, Any]:
    """Return what the findings say of canaries: how many moved beyond their jitter, by how much, and which."""
    moved = sorted(
        (move for move in moves if move.size > move.jitter), key=lambda move: (-move.size, move.image)
    )
    images = [
        {"image": move.image, "label": move.label, "before": move.before, "after": move.after}
        for move in moved
    ]
    shown = [f"{move.image} ({move.label} {move.before:.1f} -> {move.after:.1f})" for move in moved[:_SHOWN]]
    more = [f"and {len(moved) - _SHOWN:,} more"] if len(moved) > _SHOWN else []
    return {
        "asked": len(moves),
        "count": len(moved),
        "middle": round(median(move.size for move in moves), 2),
        "largest": round(max(move.size for move in moves), 2),
        "examples": [*shown, *more],
        "images": images,
    }
