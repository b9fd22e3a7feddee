"""From labels to decisions: which image to allow, to look at, or to block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from manifest_tools.core.errors import InputError
from manifest_tools.core.percent import percent
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.core.text import shortened
from manifest_tools.core.toml_file import read_toml
from manifest_tools.dataset.content_types import CONTENT_TYPES, types_named

_EXAMPLE = '"Explicit" = { block = 80, review = 50 }'


class Action(StrEnum):
    """What to do with an image, the mildest first."""

    ALLOW = "allow"
    REVIEW = "review"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """0 for allow, 1 for review, 2 for block."""
        return list(Action).index(self)


@dataclass(frozen=True, slots=True)
class Reason:
    """A label that led to an action."""

    label: str
    confidence: float
    action: Action


@dataclass(frozen=True, slots=True)
class ModerationDecision:
    """What to do with an image, and why: the reasons for this very action, the most confident first."""

    action: Action
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Decisions:
    """A policy of decisions.

    Of the actions whose confidence a label reaches, the severest counts; over the labels, again the severest.
    ``allow`` on a label carves out an exception: from that confidence on, neither it nor its ancestors on its
    account count.

    Parameters
    ----------
    labels : mapping of str to mapping of Action to float
        For each label, the confidence (0-100) from which an action is taken.
    default : Action
        For images that no label decides.
    failed : Action
        For images about which there is no answer.
    by_type : mapping of str to mapping
        For images of a content type ("Animated", "Illustrated"), lines that stand in the place of those of `labels`.
        A type counts from a confidence of 50 on.

    Examples
    --------
    >>> from manifest_tools import aws
    >>> rules = aws.Decisions.from_dict({"labels": {"Alcohol": {"block": 80, "review": 50}}})
    >>> str(rules.decide([{"Name": "Alcohol", "ParentName": "", "Confidence": 66.0}]).action)
    'review'
    """

    labels: Mapping[str, Mapping[Action, float]] = field(default_factory=dict)
    default: Action = Action.ALLOW
    failed: Action = Action.REVIEW
    by_type: Mapping[str, Mapping[str, Mapping[Action, float]]] = field(default_factory=dict)

    @classmethod
    def usual(cls, threshold: float = 50.0, taxonomy: Taxonomy | None = None) -> Self:
        """Return the policy that sends every label of level 1 to review from `threshold` on."""
        names = (taxonomy or Taxonomy.load()).top
        return cls({name: {Action.REVIEW: threshold} for name in names})

    @classmethod
    def from_toml(cls, path: str | Path, *, taxonomy: Taxonomy | None = None) -> Self:
        """Read a policy file.

        ::

            default = "allow"
            failed = "review"

            [labels]
            "Explicit" = { block = 80, review = 50 }
            "Bare Back" = { allow = 0 }

            [content-types.Illustrated]
            "Violence" = { review = 90 }

        Raises
        ------
        InputError
            It cannot be read, or names a label, action or confidence that does not exist.
        """
        try:
            return cls.from_dict(read_toml(path), taxonomy=taxonomy)
        except InputError as error:
            raise InputError(f"decision policy {path}: {error}") from error

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], *, taxonomy: Taxonomy | None = None) -> Self:
        """Build a policy from plain values, as TOML holds them."""
        taxonomy = taxonomy or Taxonomy.load()
        known = ("labels", "default", "failed", "content-types")
        unknown = sorted(set(document) - set(known))
        if unknown:
            raise InputError(f"unknown key {shortened(unknown[0])!r}; known: {', '.join(known)}")
        types = document.get("content-types", {})
        strange = sorted(set(types) - set(CONTENT_TYPES)) if isinstance(types, Mapping) else ["no table"]
        if strange:
            raise InputError(f"[content-types] holds {strange[0]!r}; expected {' or '.join(CONTENT_TYPES)}")
        return cls(
            _lines("labels", document.get("labels", {}), taxonomy),
            _action(document.get("default", "allow"), "default"),
            _action(document.get("failed", "review"), "failed"),
            {name: _lines(f"content-types.{name}", lines, taxonomy) for name, lines in types.items()},
        )

    def decide(
        self, labels: Iterable[Mapping[str, Any]], content_types: Iterable[Mapping[str, Any]] = ()
    ) -> ModerationDecision:
        """Decide on an image.

        Parameters
        ----------
        labels : iterable of mapping
            `ModerationLabels` of an answer: ``Name``, ``ParentName``, ``Confidence``.
        content_types : iterable of mapping
            `ContentTypes` of the answer: ``Name``, ``Confidence``.
        """
        named = types_named(content_types)
        kinds = [kind for kind in self.by_type if kind in named]
        if kinds:
            lines = dict(self.labels)
            for kind in kinds:
                lines |= self.by_type[kind]
            return replace(self, labels=lines, by_type={}).decide(labels)
        reported = {
            str(label["Name"]): (float(label["Confidence"]), str(label.get("ParentName", "")))
            for label in labels
        }
        scores = self._scores(reported)
        reasons = [
            Reason(name, score, action)
            for name, score in scores.items()
            for action, threshold in self.labels.get(name, {}).items()
            if action is not Action.ALLOW and score >= threshold
        ]
        if not reasons:
            return ModerationDecision(self.default)
        worst = max((reason.action for reason in reasons), key=lambda action: action.rank)
        decisive = [reason for reason in reasons if reason.action is worst]
        return ModerationDecision(worst, tuple(sorted(decisive, key=lambda r: (-r.confidence, r.label))))

    def _scores(self, reported: Mapping[str, tuple[float, str]]) -> dict[str, float]:
        """Return what each label scores once the allowed ones are gone.

        A label with children in the answer was reported on their account: it keeps the highest score of
        those that are left. One without counts for itself.
        """
        children: dict[str, list[str]] = {}
        for name, (_, parent) in reported.items():
            children.setdefault(parent, []).append(name)
        scores: dict[str, float] = {}

        def score(name: str) -> float | None:
            confidence = reported[name][0]
            below = children.get(name, [])
            left = [found for child in below if (found := score(child)) is not None]
            allowed_from = self.labels.get(name, {}).get(Action.ALLOW)
            if (allowed_from is not None and confidence >= allowed_from) or (below and not left):
                return None
            untouched = all(scores.get(child) == reported[child][0] for child in below)
            scores[name] = confidence if untouched else max(left)
            return scores[name]

        for name, (_, parent) in reported.items():
            if parent not in reported:
                score(name)
        return scores


def _lines(table: str, lines: object, taxonomy: Taxonomy) -> dict[str, dict[Action, float]]:
    if not isinstance(lines, Mapping):
        raise InputError(f"[{table}] is {lines!r}; expected lines such as {_EXAMPLE}")
    return {_label(name, taxonomy): _thresholds(name, value) for name, value in lines.items()}


def _label(name: str, taxonomy: Taxonomy) -> str:
    if name not in taxonomy:
        near = (
            ", ".join(taxonomy.spellings(name) or taxonomy.suggest(name))
            or "'manifest-tools taxonomy' lists them"
        )
        raise InputError(f"{name!r} is not a label of taxonomy {taxonomy.version}; nearest: {near}")
    return name


def _action(value: object, key: str) -> Action:
    try:
        return Action(str(value))
    except ValueError:
        raise InputError(f"{key} is {value!r}; expected one of {', '.join(Action)}") from None


def _thresholds(name: str, value: object) -> dict[Action, float]:
    if not isinstance(value, Mapping) or not value:
        raise InputError(f"{name!r} is {value!r}; expected actions with confidences, such as {_EXAMPLE}")
    thresholds = {}
    for action, threshold in value.items():
        confidence = percent(threshold, f"{name!r}: {action}")
        thresholds[_action(action, f"an action of {name!r}")] = confidence
    return thresholds
