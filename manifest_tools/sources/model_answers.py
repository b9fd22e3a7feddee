"""Answers of a moderation model in whatever JSON people keep them: found by their content, with the image's name.

An answer is a list of labels with confidences, as DetectModerationLabels gives it; what is wrapped around it is the
user's own. The image is named beside the answer, in the request that is kept with it, or by the member or the file
that the answer stands in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.content_types import types_cell
from manifest_tools.manifests.kinds import TRUTH
from manifest_tools.sources.formats.json_files import shown, text
from manifest_tools.sources.formats.tables import IMAGE_NAMES, find_column

_LABELS = "moderationlabels"
_VERSION = "moderationmodelversion"
_ADAPTER = "projectversion"
_TYPES = "contenttypes"
_PEOPLE = frozenset({"humananswers", TRUTH})  # what people said is no answer of a model
_SELECTED = "selectedaiserviceresponse"  # a part of the answer, once more
_OTHER_LISTS = frozenset({_TYPES, "customlabels"})  # of names and confidences that are no moderation labels
# of DetectLabels' labels, which name things, not what is unsafe
_OTHER_MEMBERS = frozenset({"instances", "parents"})
_MORE_NAMES = (
    "image_url", "image_id", "image_uri", "s3_uri", "s3_key", "object_key", "source_ref", "photo", "picture",
    "name", "id",
)  # fmt: skip
_NAMES = (*IMAGE_NAMES, *_MORE_NAMES)
_DEPTH = 8  # of objects within objects; wrappers are flat
_SHOWN = 8


class ModelAnswer(NamedTuple):
    """What a model said of one image: label and confidence as they stand, the model's version, and the content types as a cell."""

    image: str
    scores: tuple[tuple[str, Any], ...]
    version: str
    record: str
    types: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """A list of labels within a record: the members that lead to it, the list, and the object it stands in."""

    path: tuple[str, ...]
    labels: Sequence[Any]
    holder: Mapping[str, Any]


def is_model_answer(value: Any) -> bool:
    """Whether a parsed JSON value holds what a model said, in any wrapper, and nothing that people said.

    Parameters
    ----------
    value : any
        A whole JSON document, or one line of JSON Lines.
    """
    return holds_model_answer(value) and not _holds_people(value)


def holds_model_answer(value: Any) -> bool:
    """Whether a parsed JSON value holds what a model said, whatever else it holds."""
    if isinstance(value, list):
        return any(holds_model_answer(item) for item in value[:_SHOWN] if isinstance(item, dict))
    if not isinstance(value, dict):
        return False
    if any(found.labels or _version(found) for found in _answers(value)):
        return True
    lists = [item for item in value.values() if isinstance(item, list)]
    return any(holds_model_answer(item) for item in lists[:_SHOWN])


def _holds_people(value: Any) -> bool:
    if isinstance(value, list):
        return any(_holds_people(item) for item in value[:_SHOWN])
    return isinstance(value, dict) and any(_plain(key) in _PEOPLE for node in _nodes(value) for key in node)


def is_model_table(columns: Sequence[str]) -> bool:
    """Whether a table's columns are the members of the service's labels, as when its answers are flattened."""
    ends = {_plain(column.rpartition(".")[2].strip()) for column in columns}
    return {"name", "confidence"} <= ends and bool({"parentname", "taxonomylevel"} & ends)


class AnswerReader:
    """Turns JSON values into answers.

    Parameters
    ----------
    file : str
        The file's name, for messages.
    stem : str
        The image that the file's own name stands for, where a file holds a single answer; else "".
    """

    def __init__(self, file: str, stem: str = "") -> None:
        self._file = file
        self._stem = stem
        self._empty: list[tuple[str, str, Mapping[str, Any]]] = []  # records in which no answer was found
        self._keys: set[str] = set()  # members in which answers were found
        self.unread = 0

    def read(self, value: Any, place: str = "") -> Iterator[ModelAnswer]:
        """Yield the answers of a JSON value.

        Raises
        ------
        InputError
            A record holds the answers of several models or of an adapter, or names no image.
        """
        for name, record, where in self._records(value, "", place):
            yield from self._answer(name, record, where)

    def finish(self) -> Iterator[ModelAnswer]:
        """Yield the answers that are empty lists, in the members where others have labels; count the rest."""
        for name, where, record in self._empty:
            places = [found for key in self._keys for found in _lists(record, key)]
            if len(places) == 1 and not places[0].labels:
                yield self._made(name, record, places[0], where)
            else:
                self.unread += 1

    def _records(self, value: Any, name: str, place: str) -> Iterator[tuple[str, Any, str]]:
        """Yield the records in a value: the name of the member that each stands in, the record, and its place."""
        if isinstance(value, list) and not _is_labels(value):
            for number, item in enumerate(value):
                yield from self._records(item, "", f"{place}/{number}")
            return
        if not isinstance(value, dict):
            yield name, value, place
            return
        firsts = [found.path[0] for found in _answers(value)]
        inner = [key for key, item in value.items() if isinstance(item, list) and holds_model_answer(item)]
        if not firsts and inner:
            for key in inner:
                yield from self._records(value[key], "", f"{place}/{key}")
        elif self._is_by_name(value, firsts):
            for key, item in value.items():
                yield key, item, f"{place}/{key}"
        elif len(value) == 1 and len(firsts) > 1:
            yield from self._records(next(iter(value.values())), "", f"{place}/{next(iter(value))}")
        else:
            yield name, value, place

    def _is_by_name(self, value: Mapping[str, Any], firsts: Sequence[str]) -> bool:
        """Whether an object's members are named after images: each holds one answer, and nothing stands beside them."""
        if not firsts or len(set(firsts)) < len(firsts) or _plain(firsts[0]) == _LABELS:
            return False
        if not all(isinstance(item, dict | list) for item in value.values()):
            return False
        like_files = sum("." in key or "/" in key for key in value)
        return 2 * like_files > len(value) or (not self._stem and len(firsts) > 1)

    def _answer(self, name: str, record: Any, place: str) -> Iterator[ModelAnswer]:
        if isinstance(record, list) and _is_labels(record):
            yield self._made(name, {}, _Found((), record, {}), place)
            return
        if isinstance(record, list) and not record and name:
            yield ModelAnswer(name, (), "", place)
            return
        if not isinstance(record, dict):
            self.unread += 1
            return
        found = _answers(record)
        of_base = [one for one in found if not _member(one.holder, _ADAPTER)]
        if found and not of_base:
            adapter = text(_member(found[0].holder, _ADAPTER))
            self._refuse(place, f"the answer of an adapter ({adapter}); give the base model's answers")
        if len(of_base) > 1 and any(one.labels != of_base[0].labels for one in of_base):
            paths = " and ".join("/" + "/".join(one.path) for one in of_base)
            self._refuse(place, f"two answers, at {paths}; keep the base model's in one file")
        if not of_base:
            self._empty.append((name, place, record))
            return
        self._keys.add(of_base[0].path[-1])
        yield self._made(name, record, of_base[0], place)

    def _made(self, name: str, record: Mapping[str, Any], found: _Found, place: str) -> ModelAnswer:
        if any(_plain(key) == "videometadata" for key in record) or any(map(_is_timed, found.labels)):
            self._refuse(
                place,
                "an answer about a video (GetContentModeration): its labels have times and no images; take "
                "frames there ('manifest-tools frames VIDEO --at FILE') and ask DetectModerationLabels about them",
            )
        image = name or self._image(record, place) or self._stem
        if not image:
            keys = ", ".join(list(record)[:_SHOWN]) or "none"
            self._refuse(
                place,
                f"an answer, but nothing names the image (members: {keys}); put it into a member "
                "'image', or into the name of a file for each answer",
            )
        return ModelAnswer(image, tuple(map(_score, found.labels)), _version(found), place, _types(found))

    def _image(self, record: Mapping[str, Any], place: str) -> str:
        """Return what names the image: the request that is kept, or a member as near to the record's top as can be."""
        objects = [_s3_uri(node) for node in _nodes(record)]
        requests = {uri for uri in objects if uri}
        if len(requests) == 1:
            return requests.pop()
        level: list[Mapping[str, Any]] = [record]
        for _ in range(_DEPTH):
            named: list[tuple[str, str]] = []
            for node in level:
                texts = {key: item for key, item in node.items() if text(item)}
                key = find_column(list(texts), _NAMES)
                if key is not None:
                    named.append((key, text(texts[key])))
            if len({value for _, value in named}) > 1:
                told = ", ".join(f"{key}: {shown(value)}" for key, value in named)
                self._refuse(place, f"several members may name the image ({told}); keep one")
            if named:
                return named[0][1]
            level = [item for node in level for item in node.values() if isinstance(item, dict)]
        return ""

    def _refuse(self, place: str, what: str) -> None:
        where = f"{self._file}{':' if place.isdigit() else ''}{place}"
        raise InputError(f"{where}: {what}")


def _answers(record: Mapping[str, Any]) -> list[_Found]:
    """Return the lists of labels in a record, but for what people said and for what repeats a part of the answer."""
    found = []
    pending: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [((), record)]
    while pending:
        path, node = pending.pop(0)
        for key, item in node.items():
            if _plain(key) in _PEOPLE or _plain(key) == _SELECTED:
                continue
            if isinstance(item, list):
                if _plain(key) == _LABELS or (_is_labels(item) and _plain(key) not in _OTHER_LISTS):
                    found.append(_Found((*path, key), item, node))
            elif isinstance(item, dict) and len(path) < _DEPTH:
                pending.append(((*path, key), item))
    return found


def _lists(record: Mapping[str, Any], key: str) -> Iterator[_Found]:
    """Yield the lists that stand in a member of this name."""
    for node in _nodes(record):
        item = node.get(key)
        if isinstance(item, list):
            yield _Found((key,), item, node)


def _nodes(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield an object and the objects within it, from the top."""
    level: list[Mapping[str, Any]] = [record]
    for _ in range(_DEPTH):
        yield from level
        level = [item for node in level for item in node.values() if isinstance(item, dict)]


def _is_labels(value: Sequence[Any]) -> bool:
    """Whether a list holds labels with confidences, as the service writes them."""
    return bool(value) and all(
        isinstance(item, dict)
        and isinstance(_member(item, "name"), str)
        and isinstance(_member(item, "confidence"), int | float | str)
        and not any(_plain(key) in _OTHER_MEMBERS for key in item)
        for item in value
    )


def _is_timed(label: Any) -> bool:
    return isinstance(label, dict) and _member(label, "timestamp") is not None


def _score(label: Any) -> tuple[str, Any]:
    return (
        (text(_member(label, "name")), _member(label, "confidence"))
        if isinstance(label, dict)
        else ("", None)
    )


def _version(found: _Found) -> str:
    return text(_member(found.holder, _VERSION))


def _types(found: _Found) -> str:
    entries = _member(found.holder, _TYPES)
    if not isinstance(entries, list):
        return ""
    named = [dict(zip(("Name", "Confidence"), _score(entry), strict=True)) for entry in entries]
    return types_cell(named)


def _s3_uri(node: Mapping[str, Any]) -> str:
    """Return the address in an `S3Object`, as a request holds it; "" where there is none."""
    place = _member(node, "s3object")
    if not isinstance(place, dict):
        return ""
    bucket, name = text(_member(place, "bucket")), text(_member(place, "name"))
    return f"s3://{bucket}/{name}" if bucket and name else ""


def _member(node: Mapping[str, Any], plain: str) -> Any:
    """Return the member of this name, whatever its capitals and separators; None where there is none."""
    return next((item for key, item in node.items() if _plain(key) == plain), None)


def _plain(key: str) -> str:
    return key if key == TRUTH else key.replace("_", "").replace("-", "").casefold()
