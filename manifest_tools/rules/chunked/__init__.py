"""Rules, outcomes and selection for data sets that are too large for memory, a piece at a time.

The rules are those of :mod:`manifest_tools.rules`. A first look at every piece fills arrays with a place for each
image, in files; what copies and look-alikes have to do with each other is then seen in the arrays alone, and the
rules about single images are given one piece after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tools.core.lazy import lazy_names

if TYPE_CHECKING:
    from manifest_tools.rules.chunked.check import check_images_saved as check_images_saved
    from manifest_tools.rules.chunked.check import check_saved as check_saved
    from manifest_tools.rules.chunked.workers import is_large as is_large
    from manifest_tools.rules.chunked.workers import size_in_bytes as size_in_bytes

_HOMES = {
    "check_images_saved": "manifest_tools.rules.chunked.check",
    "check_saved": "manifest_tools.rules.chunked.check",
    "is_large": "manifest_tools.rules.chunked.workers",
    "size_in_bytes": "manifest_tools.rules.chunked.workers",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
