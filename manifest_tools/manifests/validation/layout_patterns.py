"""Layouts: regular expressions, compiled from the schemas, that accept only lines of the right shape.

Most lines of a manifest look alike: the same members in the same order. Once one line has been judged in full
and nothing speaks against its shape, its layout becomes a pattern for bytes: each value is replaced by what its
schema allows. A line that the pattern matches has the same shape; what no pattern can say (which names are
labels, which ids belong together) is captured and judged apart. A line that does not match is not wrong: it is
judged in full. So a pattern may be narrower than the schema, and must never be wider.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from manifest_tools.manifests.kinds import (
    LABELS,
    METADATA,
    MODERATION_KINDS,
    SOURCE_REF,
    TRUTH,
    Attribute,
    Kind,
    superseded,
)
from manifest_tools.manifests.validation.judge_line import Judged
from manifest_tools.manifests.validation.problems import MAX_KEY_BYTES
from manifest_tools.manifests.validation.schema_checks import ANYTHING, Schema, line_schema

# JSON's strings, but for those with quotation marks or surrogates; the caller sees to it that the bytes are UTF-8.
_CHARACTER = rb'[^"\\\x00-\x1f]'
_CODE = rb"u(?![dD][89a-fA-F])[0-9a-fA-F]{4}"
_ESCAPE = rb"\\(?:[\\/bfnrt]|" + _CODE + rb")"
_ESCAPE_IN_KEY = rb"\\(?!u00[01]|u202[89])" + _CODE  # not those that may end a line for a regular expression
_BUCKET = rb'[^"\\%/\x00-\x1f\x7f-\xff]+'
_INTEGER = rb"(?:0|[1-9][0-9]{0,14}+)"
_FRACTION = rb"(?:\.[0-9]{1,40}+)?+"
_SMALLER = rb"(?:[eE]-[0-9]{1,2}+)?+"  # a negative exponent leaves a number within its bounds
_NUMBERS = {  # (minimum, maximum) -> pattern
    (None, None): rb"-?+" + _INTEGER + _FRACTION + _SMALLER,
    (0, None): _INTEGER + _FRACTION + _SMALLER,
    (0, 1): rb"(?:0" + _FRACTION + _SMALLER + rb"|1(?:\.0{1,20}+)?+)",
    (0, 100): rb"(?:(?:[2-9]|[1-9][0-9])" + _FRACTION + rb"|100(?:\.0{1,20}+)?+)",  # less may be a fraction
}
_INTEGERS = {
    (None, None): rb"-?+" + _INTEGER,
    (0, None): _INTEGER,
    (1, None): rb"[1-9][0-9]{0,14}+",
    (1, 3): rb"[123]",
}
_ABOUT = frozenset({"title", "description", "$comment", "$schema"})
# Keywords that the patterns honour; a schema with any other has no layout.
_OBJECT = frozenset({"type", "required", "properties"})
_MAP = frozenset({"type", "propertyNames", "additionalProperties"})
_LIST = frozenset({"type", "items"})
_STRING = frozenset({"type", "minLength", "maxLength", "enum", "const", "pattern"})
_NUMBER = frozenset({"type", "minimum", "maximum", "pattern"})
_CONFIDENCES = "confidence-map"
_LINKED = 6  # ids of one image that a pattern compares; more are compared outside
_SHAPES = 4  # how many items of a list are looked at for differences
_DEEPEST = 20  # levels of a line that a pattern follows; the schemas have six
_LONGEST = 20_000  # bytes of a pattern: to compile one takes time
_WITH_PIECES = frozenset({Kind.IMAGE_CLASSIFICATION, Kind.MULTI_LABEL})
Path = tuple[str, ...]


class _NoLayoutError(Exception):
    """The line, or its schema, has something that a pattern cannot express."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The pattern of one layout.

    Parameters
    ----------
    line : pattern
        For a line with its line break. Groups: the URI and its bucket at `uri` and the next one, and the captured
        pieces, all as JSON writes them; all None when the line has another layout.
    plain_line : pattern
        The same for lines without backslashes and control characters, and faster: its strings end at the next
        quotation mark, be it in another line.
    kind : Kind
        What lines of this layout are.
    uri : int
        Position of the URI among the groups, from 0.
    pieces : tuple of tuple of int
        Positions of the captured pieces. Moderation: one tuple with the labels. Otherwise a tuple for each label
        attribute: the class name; or ids, class-map and, unless the pattern itself links it to the ids, the
        confidence-map.
    extras : tuple of str
        JSON pointers of members that the service does not document.
    jobs : tuple of str
        The job types of the label attributes.
    has_confidences : bool
        Whether the lines have members of the name "Confidence".
    """

    line: re.Pattern[bytes]
    plain_line: re.Pattern[bytes]
    kind: Kind
    uri: int
    pieces: tuple[tuple[int, ...], ...]
    extras: tuple[str, ...]
    jobs: tuple[str, ...]
    has_confidences: bool

    def columns(self, data: bytes, lines: int) -> list[list[bytes | None]]:
        """Return each group's values over the lines of `data`, which ends with a line break."""
        stride = self.line.groups + 1
        # One flat list: tuples for millions of rows would keep the garbage collector busy.
        flat = self.plain_line.split(data) if _is_plain(data, lines) else []
        if len(flat) != lines * stride + 1:  # not plain, or a string that goes on in the next line
            flat = self.line.split(data)
        return [flat[group::stride] for group in range(1, stride)]


def layout_of(judged: Judged) -> Layout | None:
    """Return the layout of a line that was judged and found clean, or None if it has no usable one."""
    line, kind, attributes = judged.line, judged.kind, judged.labelled
    if line is None or kind is Kind.OTHER or not _follows_from_members(line, attributes, judged.jobs):
        return None
    links: dict[Path, Path] = {
        (a.name,): (a.name + METADATA, _CONFIDENCES) for a in attributes if _is_linked(line, a)
    }
    wanted = [_pieces(line, attribute) for attribute in attributes]
    if kind in MODERATION_KINDS:
        wanted.append([(TRUTH, LABELS)])
    wanted = [[piece for piece in pieces if piece not in links.values()] for pieces in wanted]
    captured = [piece for pieces in wanted for piece in pieces]
    strict, plain = _Patterns(captured, links), _Patterns(captured, links, plain=True)
    try:
        bodies = [patterns.of(line, line_schema(kind, attributes), ()) for patterns in (strict, plain)]
    except _NoLayoutError:
        return None
    if len(bodies[0]) > _LONGEST:
        return None
    groups = strict.groups
    line_pattern, plain_pattern = (re.compile(rb"(?:" + body + rb"\r?+|[^\n]*+)\n") for body in bodies)
    return Layout(
        line_pattern,
        plain_pattern,
        kind,
        groups.index((SOURCE_REF,)),
        tuple(tuple(groups.index(piece) for piece in pieces) for pieces in wanted),
        tuple(judged.extras),
        tuple(attribute.type for attribute in judged.jobs),
        b'"Confidence"' in bodies[0],
    )


def _is_plain(data: bytes, lines: int) -> bool:
    """Whether lines have neither backslashes nor control characters."""
    return b"\\" not in data and np.count_nonzero(np.frombuffer(data, dtype=np.uint8) < ord(" ")) == lines


def _follows_from_members(
    line: Mapping[str, Any], attributes: Sequence[Attribute], jobs: Sequence[Attribute]
) -> bool:
    """Whether the line's kind and labels follow from its members alone, so that a pattern can vouch for them."""
    if len(jobs) > len(attributes) or any(attribute.kind not in _WITH_PIECES for attribute in attributes):
        return False
    typed = [
        key for key, value in line.items() if isinstance(value, dict) and METADATA in key and "type" in value
    ]
    return len(typed) == len(attributes) and not superseded(line, attributes)


def _pieces(line: Mapping[str, Any], attribute: Attribute) -> list[Path]:
    metadata = attribute.name + METADATA
    if attribute.kind is Kind.IMAGE_CLASSIFICATION:
        return [(metadata, "class-name")]
    pieces: list[Path] = [(attribute.name,), (metadata, "class-map")]
    return [*pieces, (metadata, _CONFIDENCES)] if _CONFIDENCES in line[metadata] else pieces


def _is_linked(line: Mapping[str, Any], attribute: Attribute) -> bool:
    """Whether a confidence-map follows its ids and has them in their order, so that a pattern can compare them."""
    metadata = line[attribute.name + METADATA]
    if attribute.kind is not Kind.MULTI_LABEL or _CONFIDENCES not in metadata:
        return False
    ids = [str(number) for number in line[attribute.name]]
    members = list(line)
    follows = members.index(attribute.name) < members.index(attribute.name + METADATA)
    return follows and len(ids) <= _LINKED and list(metadata[_CONFIDENCES]) == ids


class _Patterns:
    """Makes the pattern of a value; notes which groups it captures.

    Parameters
    ----------
    captured : iterable of paths
        The pieces to capture.
    links : mapping of path to path
        From a list of ids to the map that must have the same ids in the same order.
    plain : bool
        Whether to make the pattern for lines without backslashes and control characters.
    """

    def __init__(self, captured: Iterable[Path], links: Mapping[Path, Path], *, plain: bool = False) -> None:
        self._plain = plain
        self._captured = frozenset(captured)
        self._links = links
        self._ids: dict[Path, list[int]] = {}  # map -> group numbers of the ids that it must have
        self._free_lists = 0  # that we are in, and whose items no schema describes
        self.groups: list[Path] = []

    def of(self, value: Any, schema: Schema, path: Path) -> bytes:
        """Return the pattern of everything that may stand where `value` does."""
        if len(path) > _DEEPEST:
            raise _NoLayoutError
        if path == (SOURCE_REF,):
            self.groups += [path, (SOURCE_REF, "bucket")]
            key = self._text(1, MAX_KEY_BYTES, _ESCAPE_IN_KEY)
            return rb'"(s3://(' + _BUCKET + rb")/" + key + rb')"'
        if isinstance(value, dict):
            return self._object(value, schema, path)
        if isinstance(value, list):
            return self._list(value, schema, path)
        if isinstance(value, str):
            return rb'"' + self._captured_as(path, self._string(schema)) + rb'"'
        if value is None or isinstance(value, bool):
            _only(schema, frozenset())
            return rb"(?:true|false|null)"
        return _number(value, schema)

    def _string(self, schema: Schema) -> bytes:
        """Return the pattern of a string's content."""
        _only(schema, _STRING)
        choices = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if choices is not None:
            return rb"(?:" + rb"|".join(re.escape(orjson.dumps(choice)[1:-1]) for choice in choices) + rb")"
        if "pattern" in schema:
            if schema["pattern"] != "^[0-9]+$":
                raise _NoLayoutError
            return rb"[0-9]{1,100}+"
        return self._text(schema.get("minLength", 0), schema.get("maxLength"), _ESCAPE)

    def _text(self, least: int, most: int | None, escape: bytes) -> bytes:
        """Return the pattern of any text.

        Bytes are counted where the schema counts characters: never fewer, so never too lenient.
        """
        bounds = b"{%d,%s}+" % (least, b"" if most is None else b"%d" % most) if least or most else b"*+"
        if self._plain:
            return rb'[^"]' + bounds
        if least > 1:  # an escape is one character
            return _CHARACTER + bounds
        within = rb'(?=[^"]' + bounds + rb'")' if least or most else b""
        return within + _CHARACTER + rb"*+(?:" + escape + _CHARACTER + rb"*+)*+"

    def _captured_as(self, path: Path, pattern: bytes) -> bytes:
        if path not in self._captured:
            return pattern
        self.groups.append(path)
        return rb"(" + pattern + rb")"

    def _object(self, value: Mapping[str, Any], schema: Schema, path: Path) -> bytes:
        if "additionalProperties" in schema:
            _only(schema, _MAP)
            inner = schema["additionalProperties"]
            item = rb": ?+" + self.of(_sample(inner), inner, (*path, "*"))
            if path in self._ids:
                return rb"\{" + _same_ids(self._ids[path], item) + rb"\}"
            name = rb'"' + self._string(schema["propertyNames"]) + rb'"'
            return rb"\{" + self._captured_as(path, _repeated(name + item, rb"\}")) + rb"\}"
        _only(schema, _OBJECT)
        known = schema.get("properties", {})
        members = [
            re.escape(orjson.dumps(key)) + rb": ?+" + self.of(item, known.get(key, ANYTHING), (*path, key))
            for key, item in value.items()
        ]
        return rb"\{" + rb", ?+".join(members) + rb"\}"

    def _list(self, value: Sequence[Any], schema: Schema, path: Path) -> bytes:
        _only(schema, _LIST)
        inner = schema.get("items", ANYTHING)
        if not value and inner is ANYTHING:
            return rb"\[\]"
        samples = value[:_SHAPES] or [_sample(inner)]
        free = inner is ANYTHING
        self._free_lists += free
        items = dict.fromkeys(self.of(sample, inner, (*path, "*")) for sample in samples)
        self._free_lists -= free
        # Choices within choices would be tried again and again: 4 times at each level.
        if free and self._free_lists and sum(item[:1] == b"\\" for item in items) > 1:
            raise _NoLayoutError
        pattern = rb"(?:" + rb"|".join(items) + rb")"
        if path in self._links:
            return rb"\[(" + self._linked_ids(path, pattern) + rb")\]"
        pattern = _repeated(pattern, rb"\]")
        return rb"\[" + self._captured_as(path, pattern) + rb"\]"

    def _linked_ids(self, path: Path, item: bytes) -> bytes:
        """Return the pattern of up to `_LINKED` ids, each in a group of its own, within a group of them all."""
        self.groups.append(path)
        begin = len(self.groups) + 1
        self._ids[self._links[path]] = list(range(begin, begin + _LINKED))
        self.groups += [(*path, str(number)) for number in range(_LINKED)]
        pattern = b""
        for position in reversed(range(_LINKED)):
            pattern = rb"(?:" + (rb", ?+" if position else b"") + rb"(" + item + rb")" + pattern + rb")?"
        return pattern


def _same_ids(groups: Sequence[int], item: bytes) -> bytes:
    """Return the pattern of a map whose keys are what the groups have captured."""
    pattern = b""
    for position, group in reversed(list(enumerate(groups))):
        separator = rb", ?+" if position else b""
        pattern = rb"(?(%d)" % group + separator + rb'"\%d"' % group + item + pattern + rb")"
    return pattern


def _repeated(item: bytes, end: bytes) -> bytes:
    """Return the pattern of items with commas between them, up to `end`.

    The item stands in it once: twice would double the pattern at each level of lists in lists.
    """
    return rb"(?:" + item + rb"(?:, ?+(?!" + end + rb")|(?=" + end + rb")))*+"


def _only(schema: Schema, known: frozenset[str]) -> None:
    """Refuse a schema with keywords that the patterns do not honour."""
    if not known >= schema.keys() - _ABOUT:
        raise _NoLayoutError


def _number(value: float, schema: Schema) -> bytes:
    _only(schema, _NUMBER)
    types = schema.get("type", "number")
    whole = isinstance(value, int) and "integer" in ([types] if isinstance(types, str) else types)
    pattern = (_INTEGERS if whole else _NUMBERS).get((schema.get("minimum"), schema.get("maximum")))
    if pattern is None:
        raise _NoLayoutError
    return pattern


def _sample(schema: Schema) -> Any:
    """Return a value of the schema's type, for places that the line leaves empty."""
    kind = schema.get("type")
    if kind == "object":
        return {key: _sample(schema["properties"][key]) for key in schema.get("required", ())}
    samples: dict[Any, Any] = {"string": "", "integer": 0, "number": 0.0, "array": []}
    if not isinstance(kind, str) or kind not in samples:
        raise _NoLayoutError
    return samples[kind]
