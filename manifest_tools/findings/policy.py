"""Every threshold that the rules judge by. Defaults come from `schemas/limits.json`, each with its page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from manifest_tools.core.errors import InputError
from manifest_tools.core.percent import percent
from manifest_tools.core.resources import load_json
from manifest_tools.core.taxonomy import VERSIONS, Taxonomy
from manifest_tools.core.text import shortened
from manifest_tools.core.toml_file import read_toml
from manifest_tools.findings.catalogue import look_up
from manifest_tools.findings.findings import Severity

_LIMITS = {name: limit["value"] for name, limit in load_json("limits.json")["limits"].items()}


class Goal(StrEnum):
    """Which mistakes of the base model the adapter is to fix."""

    FALSE_POSITIVES = "false-positives"
    FALSE_NEGATIVES = "false-negatives"


class Reading(StrEnum):
    """How the 20/50 minimum is read; the service's pages word it in two ways."""

    ANY = "any"  # at least one target has its false positives or false negatives
    TOTAL = "total"  # the sums over all labels reach one of the two
    STRICT = "strict"  # every declared target reaches both


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A label and the kind of mistake that the adapter is to fix.

    Parameters
    ----------
    label : str
        Name in the taxonomy.
    goal : Goal
        ``"false-positives"`` or ``"false-negatives"``.

    Examples
    --------
    >>> from manifest_tools import Target
    >>> target = Target.parse("alcohol:false-positives")
    >>> target.label, str(target.goal), str(target)
    ('Alcohol', 'false-positives', 'Alcohol:false-positives')
    """

    label: str
    goal: Goal

    @classmethod
    def parse(cls, text: str, taxonomy: Taxonomy | None = None) -> Self:
        """Read ``LABEL:GOAL``, for example ``Alcohol:false-negatives``.

        Raises
        ------
        InputError
            The goal or the label does not exist.
        """
        label, colon, goal = text.rpartition(":")
        goals = " or ".join(Goal)
        if not colon or goal not in set(Goal):
            msg = (
                f"target {text!r}: expected LABEL:GOAL with goal {goals}, for example Alcohol:false-negatives"
            )
            raise InputError(msg)
        return cls(_label(label, f"target {text!r}", taxonomy), Goal(goal))

    def __str__(self) -> str:
        """Return the form that :meth:`parse` reads."""
        return f"{self.label}:{self.goal}"


def _label(name: str, where: str, taxonomy: Taxonomy | None) -> str:
    """Return the label that a name means; `where` says what names it. Without a taxonomy any version's names do."""
    if taxonomy is None and any(name in Taxonomy.load(version) for version in VERSIONS):
        return name
    taxonomy = taxonomy or Taxonomy.load()
    names = (name,) if name in taxonomy else taxonomy.spellings(name)
    if len(names) != 1:
        near = ", ".join(taxonomy.suggest(name)) or "none; 'manifest-tools taxonomy' lists them all"
        msg = f"{where}: {name!r} is not a label of taxonomy {taxonomy.version}; nearest: {near}"
        raise InputError(msg)
    return names[0]


@dataclass(frozen=True)
class Policy:
    """The thresholds and readings that rules judge by. A value: equal ones hash alike, and :func:`replace` changes them.

    Parameters
    ----------
    max_image_bytes, min_image_side, max_image_side : int
        Limits of one image: bytes; pixels of each side.
    min_false_positives, min_false_negatives : int
        Samples that training needs for a label (the 20/50 rules).
    min_test_images, max_training_images : int
        Sizes of the two sides.
    confidence_threshold : float
        Confidence (0-100) from which a prediction counts as "the model says so".
    reading : Reading or {"any", "total", "strict"}
        How the 20/50 minimum is read.
    targets : iterable of Target or str
        What the adapter is to fix, such as ``"Alcohol:false-positives"``; kept as a sorted tuple of
        :class:`Target`. Empty: every label's mistakes are candidates.
    label_level : {"1", "all"}
        "1" rolls labels up to level 1; "all" writes them as they are.
    safe_names : tuple of str
        Label names that say: everything was looked for, nothing is there. Compared without case.
    keep_unchecked : bool
        Keep images in which the base model sees a label that nobody looked for.
    severities : mapping of str to Severity or str
        Severities that differ from the catalogue's.
    fail_on : {"error", "warning", "note", "never"}
        The least severity that makes a report fail.
    definitions : mapping of str to str
        For labels, what your own rules say of them; shown to reviewers before Amazon's definition.
    reasons : mapping of str to str
        Your own reason codes, each with what it says in words; reviewers may give one with an answer.
    derive : mapping of str to bool
        Which copies are made and sent in the place of images: "unusable" (of those that the service refuses) and
        "strip_metadata" (of those that hold more than the picture). Default: none.

    Raises
    ------
    InputError
        A value cannot be meant, such as a confidence of 200, or a label that does not exist.

    Examples
    --------
    >>> from manifest_tools import Policy
    >>> policy = Policy(min_test_images=30, targets=["Alcohol:false-positives"], severities={"image-animated": "error"})
    >>> [str(target) for target in policy.targets]
    ['Alcohol:false-positives']
    >>> policy == Policy.from_dict(policy.to_dict())
    True
    >>> Policy(targets=["Alchohol:false-positives"])
    Traceback (most recent call last):
        ...
    manifest_tools.core.errors.InputError: target ... 'Alchohol' is not a label of taxonomy 7; nearest: Alcohol
    """

    max_image_bytes: int = _LIMITS["max_image_bytes"]
    min_image_side: int = _LIMITS["min_image_side"]
    max_image_side: int = _LIMITS["max_image_side"]
    min_false_positives: int = _LIMITS["min_false_positives"]
    min_false_negatives: int = _LIMITS["min_false_negatives"]
    min_test_images: int = _LIMITS["min_test_images"]
    max_training_images: int = _LIMITS["max_training_images"]
    confidence_threshold: float = float(_LIMITS["confidence_threshold"])
    reading: Reading = Reading.ANY
    targets: tuple[Target, ...] = ()
    label_level: str = "1"
    safe_names: tuple[str, ...] = ("Safe",)
    keep_unchecked: bool = False
    severities: Mapping[str, Severity] = field(default_factory=dict)
    fail_on: str = "error"
    definitions: Mapping[str, str] = field(default_factory=dict)
    derive: Mapping[str, bool] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take plain values for what they say, and refuse those that cannot be meant."""
        for item in fields(self):
            value = _read_value(item.name, getattr(self, item.name), None)
            object.__setattr__(self, item.name, value)
            if isinstance(value, int | float) and not isinstance(value, bool) and not value >= 0:  # nor nan
                msg = f"policy: {item.name} is {value}; expected a number of at least 0"
                raise InputError(msg)
            if isinstance(value, int) and value > _LARGEST:
                msg = f"policy: {item.name} is {shortened(str(value))}; expected a number of at most {_LARGEST:,}"
                raise InputError(msg)
        percent(self.confidence_threshold, "policy: confidence_threshold")
        _one_of("label_level", self.label_level, ("1", "all"))
        _one_of("fail_on", self.fail_on, (*Severity, "never"))

    def __hash__(self) -> int:
        """Equal policies have equal hashes."""
        values = (getattr(self, item.name) for item in fields(self))
        return hash(
            tuple(frozenset(value.items()) if isinstance(value, Mapping) else value for value in values)
        )

    @classmethod
    def from_toml(cls, path: str | Path, *, taxonomy: Taxonomy | None = None) -> Self:
        """Read a policy file: top-level keys are the members of this class.

        Raises
        ------
        InputError
            The file cannot be read, is not TOML, or has an unknown or ill-typed key.
        """
        try:
            return cls.from_dict(read_toml(path), taxonomy=taxonomy)
        except InputError as error:
            msg = f"policy file {path}: {error}"
            raise InputError(msg) from error

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], *, taxonomy: Taxonomy | None = None) -> Self:
        """Build a policy from plain values, as TOML and JSON hold them."""
        known = {item.name: item for item in fields(cls)}
        values: dict[str, Any] = {}
        for key, value in document.items():
            if key not in known:
                msg = f"unknown key {shortened(key)!r}; known: {', '.join(known)}"
                raise InputError(msg)
            values[key] = _read_value(key, value, taxonomy)
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return the policy as plain values, ready for JSON; :meth:`from_dict` reads them back."""
        return asdict(self) | {
            "targets": [str(target) for target in self.targets],
            "safe_names": list(self.safe_names),
            "severities": {code: str(severity) for code, severity in sorted(self.severities.items())},
            "definitions": dict(sorted(self.definitions.items())),
            "derive": dict(sorted(self.derive.items())),
            "reasons": dict(sorted(self.reasons.items())),
        }

    def with_targets(self, targets: Iterable[Target | str]) -> Self:
        """Return the policy with these targets; unchanged when there are none."""
        wanted = _read_value("targets", tuple(targets), None)
        return replace(self, targets=wanted) if wanted else self

    def minimum(self, goal: Goal) -> int:
        """Return how many samples of one goal training needs."""
        return self.min_false_positives if goal is Goal.FALSE_POSITIVES else self.min_false_negatives

    def definition(self, label: str, taxonomy: Taxonomy) -> str:
        """Return what a label means: your own words first, then what Amazon's guide says."""
        guide = taxonomy.definition(label)
        return " ".join(filter(None, (self.definitions.get(label), str(guide) if guide else "")))

    def is_safe(self, name: str) -> bool:
        """Whether a label name says that nothing is unsafe."""
        return name.strip().casefold() in {safe.casefold() for safe in self.safe_names}


_LARGEST = 2**53  # what JSON keeps exactly
_LONGEST_CODE = 40  # characters of a reason code
DERIVE = ("unusable", "strip_metadata")  # what copies can be made for

_DEFAULTS = {item.name: item.default for item in fields(Policy)}


def _one_of(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        msg = f"policy: {key} is {value!r}; expected one of {', '.join(choices)}"
        raise InputError(msg)


def _read_value(key: str, value: Any, taxonomy: Taxonomy | None) -> Any:
    """Turn one plain value into the type that the policy's member wants."""
    try:
        if key in ("targets", "safe_names") and not isinstance(value, list | tuple):
            raise _not_that(list)
        if key == "targets":
            return tuple(sorted({_target(item, taxonomy) for item in value}))
        if key in _TABLES:
            return dict(_TABLES[key](name, item, taxonomy) for name, item in value.items())
        if key == "safe_names":
            return tuple(str(name) for name in value)
        if key == "reading":
            return Reading(value)
        return _plain(type(_DEFAULTS[key]), value)
    except InputError:
        raise
    except (ArithmeticError, AttributeError, TypeError, ValueError, RecursionError) as error:
        example = _EXAMPLES.get(key) or repr(_DEFAULTS[key])
        msg = f"{key} is {shortened(repr(value))}; expected a value such as {example}"
        raise InputError(msg) from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _not_that(str)
    return value.strip()


def _code(value: Any) -> str:
    code = " ".join(_text(value).split())
    if not code or not code.isprintable() or len(code) > _LONGEST_CODE:
        msg = f"reasons: the code {shortened(value)!r} cannot be used; expected 1 to {_LONGEST_CODE} characters that can be printed"
        raise InputError(msg)
    return code


def _target(item: Target | str, taxonomy: Taxonomy | None) -> Target:
    return item if isinstance(item, Target) else Target.parse(item, taxonomy)


def _plain(expected: Any, value: Any) -> Any:
    """Convert between int and float, and between nothing else."""
    if isinstance(value, bool) is not (expected is bool) or isinstance(value, str) is not (expected is str):
        raise _not_that(expected)
    result = expected(value)
    if expected is int and result != value:
        raise _not_that(expected)
    return result


def _not_that(expected: type) -> TypeError:
    return TypeError(f"expected {expected.__name__}")


_TABLES: Mapping[str, Callable[[Any, Any, Taxonomy | None], tuple[str, Any]]] = {
    "severities": lambda name, item, _: (look_up(name).code, Severity(item)),
    "definitions": lambda name, item, taxonomy: (
        _label(name, f"definitions: {name!r}", taxonomy),
        _text(item),
    ),
    "reasons": lambda name, item, _: (_code(name), _text(item)),
    "derive": lambda name, item, _: (DERIVE[DERIVE.index(name)], _plain(bool, item)),
}
_EXAMPLES = {
    "targets": '["Alcohol:false-positives"]',
    "severities": '{ "image-animated" = "error" }',
    "definitions": '{ "Alcohol" = "in our shop, beer brands on clothes count" }',
    "reasons": '{ "ad" = "an advertisement" }',
    "derive": '{ "unusable" = true, "strip_metadata" = true }',
    "safe_names": '["Safe", "Nothing unsafe"]',
    "reading": '"any", "total" or "strict"',
}
