"""What the service offers in a Region, known before anything is planned."""

from __future__ import annotations

import math
from typing import Any, Final

from manifest_tools.core.errors import InputError
from manifest_tools.core.resources import load_json

MODERATION: Final = "moderation"
PROJECTS: Final = "projects"
_WHAT: Final = {MODERATION: "DetectModerationLabels", PROJECTS: "projects, in which adapters are trained"}


def is_amazons(client: Any) -> bool:
    """Whether a client talks to Amazon, and not to a server of somebody's own."""
    return ".amazonaws.com" in client.meta.endpoint_url


def require_offer(region: str, what: str) -> None:
    """Refuse a Region that is known to lack something. One of which nothing is known passes.

    Parameters
    ----------
    region : str
    what : str
        `MODERATION` or `PROJECTS`.

    Raises
    ------
    InputError
        The Region lacks it; the message names the nearest that has it.
    """
    known = load_json("regions.json")
    here = known["regions"].get(region)
    if here is None or here[what] is not False:
        return
    others = [
        (_apart(here["at"], other["at"]), name) for name, other in known["regions"].items() if other[what]
    ]
    msg = (
        f"{region} has no {_WHAT[what]} ({known['source']}, as of {known['date']}); the nearest Region that has is"
        f" {min(others)[1]}: give --region, and keep the bucket there"
    )
    raise InputError(msg)


def _apart(one: list[float], other: list[float]) -> float:
    """Return how far two places are from each other, as an angle."""
    (a, b), (c, d) = (map(math.radians, place) for place in (one, other))
    cosine = math.sin(a) * math.sin(c) + math.cos(a) * math.cos(c) * math.cos(b - d)
    return math.acos(max(-1.0, min(1.0, cosine)))
