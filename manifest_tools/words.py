"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun.

    >>> counted(1, "image"), counted(2_000, "image"), counted(2, "copy", "copies")
    ('1 image', '2,000 images', '2 copies')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
