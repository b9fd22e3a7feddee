"""Numbers and quotations in sentences."""

from __future__ import annotations


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
