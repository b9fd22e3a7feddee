"""When an adapter will expire, as far as Amazon documents it: the day itself is shown in its console alone.

An adapter is deprecated when a new base model comes out, and expires within 60 to 90 days of that release
(https://docs.aws.amazon.com/rekognition/latest/dg/managing-adapters.html). When the release was, no call tells. It was
after a model was last seen and before a newer one was first seen: in the adapters of the account, and in the answers of
canaries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from manifest_tools.aws.prediction.canaries import sightings_of
from manifest_tools.aws.training.adapters import Adapter
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding

FIRST_DAYS, LAST_DAYS = 60, 90  # after the release, documented


class Window(NamedTuple):
    """The days between which an adapter expires; None where nothing bounds it."""

    first: date | None
    last: date | None


def expiry_window(base_model: str, sightings: Iterable[tuple[str, datetime]]) -> Window:
    """Return when an adapter of a base model expires.

    Parameters
    ----------
    base_model : str
        What it was trained on; empty where Amazon does not say.
    sightings : iterable of (version, moment)
        Base models that were seen, and when. Those with an older version say nothing.

    Examples
    --------
    >>> june, july = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
    >>> window = expiry_window("7.0", [("7.0", june), ("8.0", july)])
    >>> str(window.first), str(window.last)
    ('2026-07-31', '2026-09-29')
    """
    known = [(_order(version), moment) for version, moment in sightings]
    ours = _order(base_model)
    newer = [moment for order, moment in known if order > ours]
    if not newer or not base_model:
        return Window(None, None)
    seen = min(newer)
    before = [moment for order, moment in known if order == ours and moment <= seen]
    first = max(before).date() + timedelta(FIRST_DAYS) if before else None
    return Window(first, seen.date() + timedelta(LAST_DAYS))


def sightings(
    adapters: Iterable[Adapter], folder: str | Path | None = None
) -> Iterator[tuple[str, datetime]]:
    """Yield the base models that adapters were trained on, and those that answered the canaries of a folder."""
    for adapter in adapters:
        if adapter.base_model and adapter.created:
            yield adapter.base_model, _moment(adapter.created)
    if folder is not None:
        for version, at in sightings_of(folder):
            yield version, _moment(at)


def expiry_findings(adapter: Adapter, window: Window, today: date | None = None) -> tuple[Finding, ...]:
    """Return what to know of an adapter's end: that it has expired, or when it will."""
    if adapter.status == "EXPIRED":
        return (finding("adapter-expired", adapter=adapter.arn),)
    if not adapter.usable or (adapter.status != "DEPRECATED" and window.last is None):
        return ()
    if window.last is None:
        return (finding("adapter-expired", variant="deprecated", adapter=adapter.arn),)
    today = today or datetime.now(UTC).date()
    told: Mapping[str, Any] = {
        "first": "a day that is not known" if window.first is None else window.first.isoformat(),
        "last": window.last.isoformat(),
        "least": max(0, (window.first - today).days) if window.first else 0,
        "most": max(0, (window.last - today).days),
    }
    return (finding("adapter-expired", variant="window", adapter=adapter.arn, **told),)


def _order(version: str) -> tuple[tuple[int, str], ...]:
    """Return what versions are ordered by: their numbers, and where there are none, their texts."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in version.split("."))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
