"""Blank pictures: one flat tone."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]

_BLANK_SPREAD: Final = 8  # grey levels between the darkest and the lightest of all pixels but a few
_BLANK_SHARE: Final = 0.001  # the few, at each end: dust and compression noise


def is_blank(grey: Grey) -> bool:
    """Tell whether a picture is one flat tone: all pixels but one in a thousand within a few grey levels."""
    few = int(_BLANK_SHARE * grey.size)
    # what a part of the pixels shows is true of all; a part tells of nearly every picture that it is not blank
    return all(_spread(part, few) <= _BLANK_SPREAD for part in (grey[::4, ::4], grey))


def _spread(grey: Grey, few: int) -> int:
    """Return the grey levels between the darkest and the lightest pixel when a `few` at each end do not count."""
    counts = np.bincount(grey.ravel(), minlength=256).cumsum()
    return int(counts.searchsorted(grey.size - few) - counts.searchsorted(few + 1))
