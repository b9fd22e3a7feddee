"""One line judged in full: syntax, keys, shape, references, labels, maps, boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from manifest_tools.core.bounded_json import loads
from manifest_tools.manifests.content import failure, what_people_said
from manifest_tools.manifests.kinds import (
    LABELS,
    METADATA,
    SOURCE_REF,
    TRUTH,
    Attribute,
    Kind,
    attributes,
    kind_of,
)
from manifest_tools.manifests.validation.boxes import box_problems
from manifest_tools.manifests.validation.class_maps import class_map_problems
from manifest_tools.manifests.validation.json_syntax import duplicate_keys, has_duplicate_keys, syntax_problem
from manifest_tools.manifests.validation.label_names import LabelRule
from manifest_tools.manifests.validation.problems import MAX_LINE_CHARACTERS, Problem, describe, pointer
from manifest_tools.manifests.validation.schema_checks import fits, shape_problems
from manifest_tools.manifests.validation.uris import uri_problem

BLANK = b" \t\r"
_SHORT, _REMEMBERED = 200, 2_000  # bytes of a line; lines
_OF_MODELS = (Kind.MODERATION, Kind.MODERATION_OUTPUT, Kind.BULK_ANALYSIS)
_REMARKS = ("errors", "cl-errors", "warnings")  # what the service writes into the copies that it returns


@dataclass(frozen=True, slots=True)
class Judged:
    """What there is to know of one line.

    `line` is None when it is no JSON object. `labelled` are the label attributes that hold a label, `jobs` all of
    them; `names` what people said; `extras` pointers to members that the service does not document.
    """

    problems: Sequence[Problem]
    line: Mapping[str, Any] | None = None
    kind: Kind = Kind.OTHER
    labelled: Sequence[Attribute] = ()
    image: str = ""
    names: Sequence[str] = ()
    extras: Sequence[str] = ()
    jobs: Sequence[Attribute] = ()


class Judge:
    """Judges single lines.

    Parameters
    ----------
    kind : Kind or None
        The kind that every line should be; None judges each line by what it is.
    labels : LabelRule
        The taxonomy for what people say in moderation lines.
    all_labels : LabelRule or None
        The taxonomy for the classes of labelling jobs; None leaves them free.
    """

    def __init__(self, kind: Kind | None, labels: LabelRule, all_labels: LabelRule | None) -> None:
        self.wanted = kind
        self.labels = labels
        self.all_labels = all_labels
        self._short = lru_cache(maxsize=_REMEMBERED)(self._judge)

    def line(self, data: bytes) -> Judged:
        """Judge one line without its line feed; what is wrong a million times is judged once."""
        return self._short(data) if len(data) <= _SHORT else self._judge(data)

    def _judge(self, data: bytes) -> Judged:
        text = data.strip(BLANK)
        if not text:
            return Judged([Problem("blank-line", {})])
        problems = list(_length_problems(data))
        try:
            value = loads(text)
        except orjson.JSONDecodeError as error:
            return Judged([*problems, syntax_problem(data, error)])
        if not isinstance(value, dict):
            data_of = {"found": describe(value), "aws_code": "ERROR_INVALID_JSON_LINE"}
            return Judged([*problems, Problem("json-not-object", data_of)])
        if has_duplicate_keys(text, value):
            problems += duplicate_keys(data)
        return self._object(value, problems)

    def _object(self, line: Mapping[str, Any], problems: list[Problem]) -> Judged:
        kind = self._kind(line)
        found = list(attributes(line)) if kind not in (*_OF_MODELS, Kind.IMAGE_LIST) else []
        labelled = [a for a in found if a.kind is not Kind.OTHER and not failure(line, a)]
        shaped = kind is Kind.OTHER or fits(line, kind, labelled)
        if not shaped:
            problems += shape_problems(line, kind, labelled)
        reference = line.get(SOURCE_REF)
        image = reference if isinstance(reference, str) else ""
        if isinstance(reference, str) and kind is not Kind.OTHER:
            problem = uri_problem(image)
            problems += [problem] if problem else []
        problems += _job_problems(line, found)
        names: Sequence[str] = ()
        if shaped and kind is not Kind.IMAGE_LIST:
            names = list(what_people_said(line).labels)
            problems += self._content_problems(line, labelled)
        return Judged(problems, line, kind, labelled, image, names, _extras(line, kind), found)

    def _kind(self, line: Mapping[str, Any]) -> Kind:
        """Return the kind to judge a line by: its own, or the wanted one if the line could be meant as that."""
        kind = kind_of(line)
        if self.wanted is Kind.IMAGE_LIST or (kind is Kind.IMAGE_LIST and self.wanted in _OF_MODELS):
            return self.wanted
        return kind

    def _content_problems(self, line: Mapping[str, Any], labelled: Sequence[Attribute]) -> Iterator[Problem]:
        if TRUTH in line:
            names = [entry["Name"] for entry in line[TRUTH][LABELS]]
            yield from self.labels.problems(names, name_pointer)
        for attribute in labelled:
            label, metadata = line[attribute.name], line[attribute.name + METADATA]
            if attribute.kind is not Kind.IMAGE_CLASSIFICATION:
                yield from class_map_problems(attribute, label, metadata)
            if attribute.kind is Kind.OBJECT_DETECTION:
                yield from box_problems(attribute.name, label, metadata)
            if self.all_labels is not None:
                yield from _class_names(attribute, metadata, self.all_labels)


def name_pointer(position: int) -> str:
    """Return the JSON pointer of a moderation label's name."""
    return f"/{TRUTH}/{LABELS}/{position}/Name"


def _length_problems(data: bytes) -> Iterator[Problem]:
    if len(data) > MAX_LINE_CHARACTERS:
        characters = len(data.decode(errors="replace"))
        if characters > MAX_LINE_CHARACTERS:
            yield long_line(characters)


def long_line(characters: int) -> Problem:
    """Return the problem of a line that is too long."""
    return Problem("line-too-long", {"limit": MAX_LINE_CHARACTERS, "length": characters})


def _class_names(attribute: Attribute, metadata: Mapping[str, Any], rule: LabelRule) -> Iterator[Problem]:
    place = attribute.name + METADATA
    if attribute.kind is Kind.IMAGE_CLASSIFICATION:
        yield from rule.problems([metadata["class-name"]], lambda _: pointer((place, "class-name")))
    else:
        keys = list(metadata["class-map"])
        names = list(metadata["class-map"].values())
        yield from rule.problems(names, lambda position: pointer((place, "class-map", keys[position])))


def _job_problems(line: Mapping[str, Any], found: Sequence[Attribute]) -> Iterator[Problem]:
    """Yield what a labelling job, or the service, wrote into the line about its own failures."""
    for attribute in found:
        reason = failure(line, attribute)
        if reason and attribute.kind is not Kind.OTHER:
            yield Problem("job-failed", {"reason": reason}, None, pointer((attribute.name + METADATA,)))
    for path, holder in [
        ((), line),
        *(((key,), value) for key, value in line.items() if isinstance(value, dict)),
    ]:
        for key in _REMARKS:
            remarks = holder.get(key)
            for number, remark in enumerate(remarks if isinstance(remarks, list) else ()):
                if isinstance(remark, dict) and isinstance(remark.get("code"), str):
                    data = {"reason": str(remark.get("message", "")), "aws_code": remark["code"]}
                    yield Problem("job-failed", data, "service", pointer((*path, key, number)))


def _extras(line: Mapping[str, Any], kind: Kind) -> list[str]:
    """Return pointers to the members of an adapter's input line that the service does not document."""
    if kind is not Kind.MODERATION:
        return []
    extras = [pointer((key,)) for key in line if key not in (SOURCE_REF, TRUTH)]
    truth = line.get(TRUTH)
    if isinstance(truth, dict):
        extras += [pointer((TRUTH, key)) for key in truth if key != LABELS]
        entries = truth.get(LABELS)
        within = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        members = dict.fromkeys(key for entry in within for key in entry if key != "Name")
        extras += [pointer((TRUTH, LABELS, "*", key)) for key in members]
    return extras
