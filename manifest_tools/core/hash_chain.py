"""Lines that are chained by hash: each holds the hash of itself and of all lines before it, so that a later change shows.

A chained line is a JSON object whose last member is ``chain``. Lines without one count as what stands before the next
chained line, so that a file that was begun without a chain is covered by it from the first chained line on.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum

_CHAIN = re.compile(rb',"chain":"([0-9a-f]{64})"\}$')


class Link(StrEnum):
    """How a line stands to those before it."""

    WHOLE = "whole"  # nothing was changed up to here, since the line before that is not whole
    BROKEN = "broken"  # this line, or one before it, is not as it was written
    NONE = "none"  # the line holds no hash


class HashChain:
    """The hash of the lines so far.

    Examples
    --------
    >>> chain = HashChain()
    >>> line = chain.link(b'{"a":1}')
    >>> HashChain().take(line), HashChain().take(line.replace(b"1", b"2", 1))
    (<Link.WHOLE: 'whole'>, <Link.BROKEN: 'broken'>)
    """

    def __init__(self, head: str = "") -> None:
        self.head = head

    def take(self, line: bytes) -> Link:
        """Go on behind a line, and return how it stands; blank lines change nothing."""
        line = line.rstrip(b"\n")
        found = _CHAIN.search(line)
        if found is None:
            self.head = self._after(line) if line.strip() else self.head
            return Link.NONE
        expected, self.head = self._after(line[: found.start()] + b"}"), found[1].decode()
        return Link.WHOLE if expected == self.head else Link.BROKEN

    def link(self, line: bytes) -> bytes:
        """Return a line, a JSON object that is not empty, with its hash, and go on behind it."""
        self.head = self._after(line)
        return line.removesuffix(b"}") + f',"chain":"{self.head}"}}'.encode()

    def _after(self, line: bytes) -> str:
        return hashlib.sha256(self.head.encode() + line).hexdigest()


def chained_anew(lines: bytes) -> bytes:
    """Return lines, some of which were changed or removed rightly, with the hashes that they have now."""
    chain, made = HashChain(), []
    for line in lines.splitlines(keepends=True):
        bare, end = line.rstrip(b"\n"), line[len(line.rstrip(b"\n")) :]
        found = _CHAIN.search(bare)
        if found is None:
            chain.take(bare)
            made.append(line)
        else:
            made.append(chain.link(bare[: found.start()] + b"}") + end)
    return b"".join(made)
