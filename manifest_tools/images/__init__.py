"""From image files to facts.

``facts``: one image's bytes -> facts, by way of ``jpeg``, ``png`` and ``raster``. ``inspection``: the map over a data
set, by way of :mod:`manifest_tools.parallel` (workers that may die) and ``cache``. Names load when they are first used:
worker processes need no tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tools.core.lazy import lazy_names

if TYPE_CHECKING:
    from manifest_tools.images.facts import MAX_PIXELS, facts_of, read_facts
    from manifest_tools.images.image_facts import ImageFacts
    from manifest_tools.images.inspection import inspect_images

_HOMES = {
    "MAX_PIXELS": "manifest_tools.images.facts",
    "ImageFacts": "manifest_tools.images.image_facts",
    "facts_of": "manifest_tools.images.facts",
    "inspect_images": "manifest_tools.images.inspection",
    "read_facts": "manifest_tools.images.facts",
}
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
__all__ = ["MAX_PIXELS", "ImageFacts", "facts_of", "inspect_images", "read_facts"]
