"""XML files of other tools, read piece by piece and without trust: entities are refused, nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from manifest_tools.core.errors import InputError

_CHUNK = 1 << 20
_MAX_DEPTH = 100  # no annotation format comes near


class _Children:
    """Takes expat's events and collects the finished children of the root element."""

    def __init__(self) -> None:
        self.root = ""
        self.finished: list[Element] = []
        self._depth = 0
        self._builder = TreeBuilder()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._depth == 0:
            self.root = tag
        else:
            self._builder.start(tag, attributes)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            msg = f"elements are nested more than {_MAX_DEPTH} deep"
            raise InputError(msg)

    def end(self, tag: str) -> None:
        self._depth -= 1
        if self._depth:
            self._builder.end(tag)
        if self._depth == 1:
            self.finished.append(self._builder.close())
            self._builder = TreeBuilder()

    def text(self, text: str) -> None:
        if self._depth > 1:
            self._builder.data(text)


def _refuse_entity(*_declaration: object) -> NoReturn:
    msg = "it declares entities, which no annotation tool writes and which can be made to harm; not read"
    raise InputError(msg)


def read_children(path: Path) -> Iterator[tuple[str, Element]]:
    """Give the root's name and each finished child of the root, in order; memory is bounded by one child.

    Raises
    ------
    InputError
        The file cannot be read, is not well-formed XML, or declares entities.
    """
    children = _Children()
    parser = expat.ParserCreate()
    parser.StartElementHandler = children.start
    parser.EndElementHandler = children.end
    parser.CharacterDataHandler = children.text
    parser.EntityDeclHandler = _refuse_entity
    parser.buffer_text = True
    try:
        with path.open("rb") as handle:
            while chunk := handle.read(_CHUNK):
                parser.Parse(chunk, False)
                yield from ((children.root, child) for child in children.finished)
                children.finished.clear()
        parser.Parse(b"", True)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise InputError(msg) from error
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        msg = f"{path}: not well-formed XML at line {error.lineno}, column {error.offset + 1}: {reason}"
        raise InputError(msg) from error
    except InputError as error:
        msg = f"{path}: {error}"
        raise InputError(msg) from error
    except (LookupError, ValueError) as error:  # an encoding that the parser does not know
        msg = f"{path}: not usable as XML: {error}"
        raise InputError(msg) from error


def root_of(head: bytes) -> str:
    """Return the name of the root element from the first bytes of a file; "" when none is found."""
    names: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, _: names.append(tag) if not names else None
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(head, False)
    except (expat.ExpatError, InputError, LookupError, ValueError):
        return names[0] if names else ""
    return names[0] if names else ""


def child_text(element: Element, *names: str) -> str:
    """Return the text of a child (of a child...), without surrounding space; "" when there is none."""
    found = element.find("/".join(names))
    return (found.text or "").strip() if found is not None else ""
