"""XML files of other tools, read piece by piece and without trust: entities are refused, nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element
from xml.parsers.expat import ErrorString

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from manifest_tools.core.errors import InputError

_MAX_DEPTH = 100  # no annotation format comes near
_MAX_ELEMENTS = 1_000_000  # in one child of the root: ten hours of a track's boxes, and half a gigabyte


def read_children(path: Path) -> Iterator[tuple[str, Element]]:
    """Give the root's name and each finished child of the root, in order; memory is bounded by one child.

    Names come without their namespaces.

    Raises
    ------
    InputError
        The file cannot be read, is not well-formed XML, or declares entities.
    """
    try:
        with path.open("rb") as handle:
            yield from _children(handle)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except ParseError as error:
        line, column = error.position
        reason = f"not well-formed XML at line {line}, column {column + 1}: {ErrorString(error.code)}"
        raise InputError(f"{path}: {reason}") from error
    except DefusedXmlException as error:
        raise InputError(
            f"{path}: it declares entities, which no annotation tool writes and which can be made to harm; not read"
        ) from error
    except (
        LookupError,
        ValueError,
    ) as error:  # too deep, too much at once, or an encoding that the parser does not know
        raise InputError(f"{path}: not usable as XML: {error}") from error


def _children(handle: IO[bytes]) -> Iterator[tuple[str, Element]]:
    depth, root, child, count = 0, None, "", 0
    for event, element in iterparse(handle, ("start", "end")):
        if event == "start":
            element.tag = _local(element.tag)
            root = element if root is None else root
            depth += 1
            if depth > _MAX_DEPTH:
                raise ValueError(f"elements are nested more than {_MAX_DEPTH} deep")
            child, count = (element.tag, 0) if depth == 2 else (child, count + 1)
            if count > _MAX_ELEMENTS:
                raise ValueError(
                    f"one <{child}> holds more than {_MAX_ELEMENTS:,} elements; export it in parts"
                )
            continue
        depth -= 1
        if depth == 1 and root is not None:
            yield root.tag, element
            root.clear()


def root_of(head: bytes) -> str:
    """Return the name of the root element from the first bytes of a file; "" when none is found."""
    try:
        return next((_local(element.tag) for _, element in iterparse(BytesIO(head), ("start",))), "")
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        return ""


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
