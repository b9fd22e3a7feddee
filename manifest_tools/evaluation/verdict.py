"""Whether an adapter is better, in one sentence: its targets first, then what became worse, then whether that can be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from manifest_tools.core.text import counted
from manifest_tools.evaluation.aims import Aim
from manifest_tools.evaluation.counts import Change, LabelComparison
from manifest_tools.evaluation.files import TOTAL
from manifest_tools.evaluation.guard import Guard
from manifest_tools.evaluation.mistakes import MISTAKES
from manifest_tools.evaluation.power import ALPHA, detectable, mistakes_needed

_WORTH_SEEING = 0.5  # a repair that a test set should be able to show


class Standing(StrEnum):
    """What became of one target."""

    REACHED = "reached"  # fewer mistakes, by more than chance
    NOT_REACHED = "not-reached"
    WORSE = "worse"  # more mistakes, by more than chance
    UNKNOWN = "unknown"  # the test set cannot tell


class Answer(StrEnum):
    """Whether an adapter is better than the base model."""

    BETTER = "better"  # every target reached, nothing worse
    PARTLY = "partly"  # a target reached, and another one not, or something else worse
    NOT_BETTER = "not-better"
    WORSE = "worse"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TargetResult:
    """What became of one target, and why that is said."""

    target: str
    standing: Standing
    told: str

    def to_dict(self) -> dict[str, str]:
        """Return it as its JSON object."""
        return {"target": self.target, "standing": str(self.standing), "told": self.told}


@dataclass(frozen=True)
class Verdict:
    """The answer, as a word for programs and as sentences for people.

    Parameters
    ----------
    answer : Answer
    headline : str
    targets : tuple of TargetResult
    worse : tuple of str
        Where the adapter makes more mistakes than the base model, those that are more than chance first.
    """

    answer: Answer
    headline: str
    targets: tuple[TargetResult, ...]
    worse: tuple[str, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the answer is what it is."""
        return (*(item.told for item in self.targets), *(self.worse or ("Nothing became worse.",)))

    def to_dict(self) -> dict[str, Any]:
        """Return it as its JSON object."""
        return {
            "answer": str(self.answer),
            "headline": self.headline,
            "targets": [item.to_dict() for item in self.targets],
            "worse": list(self.worse),
        }


def judge(labels: Sequence[LabelComparison], aims: Sequence[Aim], guard: Guard | None = None) -> Verdict:
    """Say whether an adapter is better than the base model.

    Parameters
    ----------
    labels : sequence of LabelComparison
        The sum over all labels first.
    aims : sequence of Target or str
        What it was to change; without any, all mistakes are one target.
    guard : Guard, optional
        What it does to ordinary traffic.
    """
    changes = {(item.label, change.kind): change for item in labels for change in item.changes}
    targets = tuple(_result(aim, changes) for aim in aims) or (_about_all(changes[TOTAL, MISTAKES]),)
    sure, unsure = [], dict[str, list[str]]()
    places = [(item.label, item) for item in labels[1:]]
    if guard:
        places += [(f"{item.label} in ordinary traffic", item) for item in guard.comparisons[1:]]
    for place, item in places:
        for change in item.changes[:2]:
            if change.adapter <= change.base:
                continue
            if change.p_value is not None and change.p_value < ALPHA:
                sure.append(f"Worse at {place}: {change}; more than chance.")
            else:
                more = f"{change.kind} {change.base} to {change.adapter}"
                unsure.setdefault(place, []).append(more)
    answer = _answer([item.standing for item in targets], worse=bool(sure))
    return Verdict(
        answer,
        _headline(answer, targets, sure),
        targets,
        (*sure, *_newly_reported(guard), *_may_be_chance(unsure)),
    )


def _answer(standings: Sequence[Standing], *, worse: bool) -> Answer:
    reached = standings.count(Standing.REACHED)
    if reached:
        return Answer.BETTER if reached == len(standings) and not worse else Answer.PARTLY
    if worse or Standing.WORSE in standings:
        return Answer.WORSE
    return Answer.NOT_BETTER if Standing.NOT_REACHED in standings else Answer.UNKNOWN


def _headline(answer: Answer, targets: Sequence[TargetResult], sure: Sequence[str]) -> str:
    reached = sum(item.standing is Standing.REACHED for item in targets)
    of = f"{reached} of {counted(len(targets), 'target')} reached"
    if answer is Answer.BETTER:
        return "Better than the base model" + (f": {of}" if len(targets) > 1 else "")
    if answer is Answer.PARTLY:
        return f"Better in part: {of}{', and something became worse' if sure else ''}"
    if answer is Answer.WORSE:
        return "Worse than the base model"
    if answer is Answer.NOT_BETTER:
        return "Not better than the base model"
    return "Not known: the test set cannot tell"


def _result(aim: Aim, changes: dict[tuple[str, str], Change]) -> TargetResult:
    label, kind = (aim, MISTAKES) if isinstance(aim, str) else (aim.label, str(aim.goal).replace("-", " "))
    change = changes.get((label, kind))
    name = f"Target {label}" if isinstance(aim, str) else f"Target {label}, {kind}"
    if change is None:
        return TargetResult(str(aim), Standing.UNKNOWN, f"{name}: the label does not occur in the test set.")
    standing, why = _standing(change)
    return TargetResult(str(aim), standing, f"{name}: {change}{why}.")


def _about_all(change: Change) -> TargetResult:
    standing, why = _standing(change)
    return TargetResult("", standing, f"All labels: {change}{why}.")


def _standing(change: Change) -> tuple[Standing, str]:
    """Return what became of mistakes, and why, to be put behind the sentence about the change."""
    gain, improvement = change.base - change.adapter, change.improvement
    if change.p_value is None:
        return Standing.UNKNOWN, "; counts alone do not tell it from chance"
    if improvement is None:
        return Standing.UNKNOWN, " in the test set, so there is nothing to repair"
    if change.p_value < ALPHA and gain:
        return (Standing.REACHED if gain > 0 else Standing.WORSE), "; more than chance"
    mistakes = change.base if change.independent is None else change.independent
    least = detectable(mistakes)
    if least is None or (gain > 0 and improvement < least):
        needed = mistakes_needed(_WORTH_SEEING)
        enough = (
            f"to see half of them repaired it takes {needed}"
            if needed > mistakes
            else f"from {least:.0%} on it could"
        )
        return (
            Standing.UNKNOWN,
            f"; {counted(mistakes, 'such mistake')} in the test set cannot tell it from chance, {enough}",
        )
    return Standing.NOT_REACHED, "; may be chance" if gain else ""


def _may_be_chance(unsure: dict[str, list[str]]) -> Iterator[str]:
    if unsure:
        told = "; ".join(f"{where} ({', '.join(kinds)})" for where, kinds in unsure.items())
        yield f"More mistakes than before, which may be chance: {told}."


def _newly_reported(guard: Guard | None) -> Iterator[str]:
    """Yield the labels that the adapter reports in more images of ordinary traffic, by more than chance."""
    for item in guard.reported if guard else ():
        if item.newly > item.no_longer and item.p_value < ALPHA:
            yield f"In ordinary traffic, {item}; nobody has said whether that is right."
