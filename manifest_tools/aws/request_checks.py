"""Check a call against the service's own model, before it is sent.

boto3 checks required members, types and minima. It does not check enumerations, patterns and maxima, so a bad
name or a threshold of 500 would be noticed by the service only, after everything before it has been done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from manifest_tools.core.errors import InputError

_SHOWN = 80  # characters of a value in a message
# What minimum and maximum count; empty where they limit the value itself.
_UNITS = {
    "list": "items",
    "map": "entries",
    "string": "characters",
    "blob": "bytes",
    "integer": "",
    "long": "",
    "float": "",
    "double": "",
}


def check_call(client: Any, operation: str, parameters: Mapping[str, Any]) -> None:
    """Raise when the service would refuse the parameters of a call for their form.

    Parameters
    ----------
    client : boto3 client
        Its service model is the rule.
    operation : str
        Name of the operation, such as ``"CreateProject"``.
    parameters : mapping
        What will be given to the client's method.

    Raises
    ------
    InputError
        Naming each member, its value and what is accepted.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    faults = list(violations(shape, parameters))
    if faults:
        raise InputError(f"{operation} would be refused: {'; '.join(faults)}")


def violations(shape: Any, value: Any, place: str = "") -> Iterator[str]:
    """Yield what is wrong with a value, by the enumerations, patterns and limits of a botocore shape."""
    kind = shape.type_name
    if kind == "structure":
        for name, item in value.items():
            if name in shape.members:
                yield from violations(shape.members[name], item, f"{place}.{name}" if place else name)
        return
    if kind in _UNITS:
        yield from _outside(shape, len(value) if _UNITS[kind] else value, place, _UNITS[kind])
    if kind == "list":
        for index, item in enumerate(value):
            yield from violations(shape.member, item, f"{place}[{index}]")
    elif kind == "map":
        for key, item in value.items():
            yield from violations(shape.key, key, f"{place} key {key!r}")
            yield from violations(shape.value, item, f"{place}[{key!r}]")
    elif kind == "string":
        yield from _not_matching(shape, value, place)


def _outside(shape: Any, size: float, place: str, unit: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if not (low is None or size >= low) or not (high is None or size <= high):  # so that NaN is outside
        yield f"{place} is {f'{size} {unit}'.strip()}, allowed are {low or 0} to {high or 'any'}"


def _not_matching(shape: Any, value: str, place: str) -> Iterator[str]:
    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
    if shape.enum and value not in shape.enum:
        yield f"{place} is {shown!r}, allowed are {', '.join(shape.enum)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield f"{place} is {shown!r}, which does not match {pattern}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Translate the Unicode classes, which occur only inside sets: letters and digits, white space."""
    known = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s"}
    for java, python in known.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern)
