"""From image files to facts.

``facts``: one image's bytes -> facts, by way of ``jpeg``, ``png`` and ``raster``. ``inspection``: the map over a data
set, by way of ``pool`` (workers that may die) and ``cache``. Worker processes need no tables, so nothing is imported
before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from manifest_tools.images.inspection import inspect_images as inspect_images

__all__ = ["inspect_images"]


def __getattr__(name: str) -> Any:
    if name != "inspect_images":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from manifest_tools.images.inspection import inspect_images  # noqa: PLC0415 - see above

    return inspect_images
