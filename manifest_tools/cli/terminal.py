"""What the terminal is like: how wide, and whether colours and bars have a place there."""

from __future__ import annotations

import os
import shutil
from typing import TextIO

NARROWEST, WIDEST, ELSEWHERE = 60, 200, 100  # columns


def columns(stream: TextIO | None) -> int:
    """Return the columns to fill: those of the terminal within bounds, a fixed number elsewhere."""
    if not is_terminal(stream) and not os.environ.get("COLUMNS"):
        return ELSEWHERE
    return min(max(shutil.get_terminal_size((ELSEWHERE, 24)).columns, NARROWEST), WIDEST)


def colored(stream: TextIO | None) -> bool:
    """Whether to colour what goes there: NO_COLOR forbids it, FORCE_COLOR asks for it, else a terminal that can."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and not is_dumb()


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person sees what goes there as it comes."""
    return stream is not None and stream.isatty()


def is_dumb() -> bool:
    """Whether the terminal can neither colour nor move its cursor."""
    return os.environ.get("TERM", "").lower() in ("dumb", "unknown")
