"""Numbers, quotations and names in sentences, and in JSON that people look at."""

from __future__ import annotations

import json
import re
from typing import Any

_JOINERS = "\u200c\u200d"  # joiners, at home in emoji and in several scripts
_UNSAFE = re.compile(r"[^\x20-\x7e]")


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun.

    >>> counted(1, "image"), counted(2_000, "image"), counted(2, "copy", "copies")
    ('1 image', '2,000 images', '2 copies')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


LONGEST = 1100  # characters of one value that a message quotes: more than any object key has


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return text cut to a length that a person reads, with the number of characters left out.

    >>> shortened("abcdef", 4)
    'abcd... (2 more characters)'
    """
    more = len(text) - longest
    return text if more <= 0 else f"{text[:longest]}... ({counted(more, 'more character')})"


MISSING_WORDS = frozenset(
    {"", "none", "nan", "n/a", "n.a.", "na", "null", "(null)", "<na>", "nat", "#n/a", "#null!", "\\n", "-", "--", "\u2013",
     "\u2014", "nil", "undefined"}
)  # fmt: skip


def is_missing(text: str) -> bool:
    """Whether a text is a word for "missing", as Python, pandas, databases and spreadsheets write it, or empty.

    >>> is_missing("NaN"), is_missing(" - "), is_missing("Safe")
    (True, True, False)
    """
    return text.strip().casefold() in MISSING_WORDS


def printable(text: str) -> str:
    r"""Return `text` with control, formatting and unpaired characters as escapes, so that it stays on its line.

    >>> printable("a\nb\u202ec")
    'a\\nb\\u202ec'
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in _JOINERS else c.encode("unicode_escape").decode("ascii") for c in text
    )


def to_json(value: Any, *, indent: int | None = None) -> str:
    r"""Return a value as JSON in which nothing moves a terminal's cursor or turns its text round.

    >>> to_json({"name": "a\u202eb\x9b"})
    '{"name": "a\\u202eb\\u009b"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    return text if text.isprintable() else _UNSAFE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    shown = character.isprintable() or character in _JOINERS or character == "\n"
    return character if shown else json.dumps(character)[1:-1]
