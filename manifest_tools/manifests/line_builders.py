"""Manifest lines of any labelled kind, made from an image's URI and its labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.manifests.kinds import LABELS, METADATA, SOURCE_REF, TRUTH, TYPE_OF, Kind

JOB = "manifest-tools"
# No clock is read: the same labels give the same bytes.
EPOCH = "1970-01-01T00:00:00.000000"

Line = dict[str, Any]
Composer = Callable[[str, Sequence[str]], Line]


def composer(kind: Kind, classes: Sequence[str], *, safe: str, creation_date: str = EPOCH) -> Composer:
    """Return the function that makes a line of `kind` from a `source-ref` and label names.

    Parameters
    ----------
    kind : Kind
        "moderation", "multi-label", "image-classification" or "image-list".
    classes : sequence of str
        All label names, in the order that gives them their ids.
    safe : str
        What labelling jobs call an image without labels. Their layouts have no other way to say it.
    creation_date : str
        The `creation-date` of the labels; ISO 8601 in UTC.

    Raises
    ------
    InputError
        Lines of this kind cannot be made from labels.
    """
    ids = {name: number for number, name in enumerate([*classes, safe])}
    about = {"human-annotated": "yes", "creation-date": creation_date}
    makers: Mapping[Kind, Composer] = {
        Kind.MODERATION: moderation_line,
        Kind.IMAGE_LIST: lambda uri, _: {SOURCE_REF: uri},
        Kind.MULTI_LABEL: lambda uri, names: _multi_label(uri, names or [safe], ids, about),
        Kind.IMAGE_CLASSIFICATION: lambda uri, names: _pairs(uri, names or [safe], about),
    }
    if kind not in makers:
        msg = f"{kind} cannot be written from labels; possible: {', '.join(makers)}"
        raise InputError(msg)
    return makers[kind]


def moderation_line(uri: str, names: Sequence[str]) -> Line:
    """Return an adapter's input line; no names mean that nothing is unsafe."""
    return {SOURCE_REF: uri, TRUTH: {LABELS: [{"Name": name} for name in names]}}


def _multi_label(uri: str, names: Sequence[str], ids: Mapping[str, int], about: Mapping[str, str]) -> Line:
    """Return a Ground Truth multi-label line."""
    chosen = sorted((ids[name], name) for name in names)
    metadata = {
        "job-name": f"labeling-job/{JOB}",
        "class-map": {str(number): name for number, name in chosen},
        **about,
        "confidence-map": {str(number): 1 for number, _ in chosen},
        "type": TYPE_OF[Kind.MULTI_LABEL],
    }
    return {SOURCE_REF: uri, JOB: [number for number, _ in chosen], JOB + METADATA: metadata}


def _pairs(uri: str, names: Sequence[str], about: Mapping[str, str]) -> Line:
    """Return a Custom Labels line: a pair of members for each label, under the label's own name."""
    line: Line = {SOURCE_REF: uri}
    for name in names:
        line[name] = 1
        line[name + METADATA] = {
            "confidence": 1,
            "job-name": f"labeling-job/{name}",
            "class-name": name,
            **about,
            "type": TYPE_OF[Kind.IMAGE_CLASSIFICATION],
        }
    return line
