"""Every finding code: its severity, texts and source. One module for each subject.

Messages and fixes are rendered here and nowhere else, so text, JSON and HTML never disagree.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.core.text import shortened
from manifest_tools.findings.catalogue import (
    groups,
    images,
    keys,
    labels,
    lookalikes,
    manifests,
    readiness,
    service,
    sources,
    videos,
)
from manifest_tools.findings.catalogue.entry import Entry, Variant
from manifest_tools.findings.findings import Finding, Location, Severity

SUBJECTS: Mapping[str, tuple[Entry, ...]] = MappingProxyType(
    {
        "images": images.ENTRIES,
        "look-alikes": lookalikes.ENTRIES,
        "groups": groups.ENTRIES,
        "labels": labels.ENTRIES,
        "sources": sources.ENTRIES,
        "keys": keys.ENTRIES,
        "manifests": manifests.ENTRIES,
        "readiness": readiness.ENTRIES,
        "service": service.ENTRIES,
        "videos": videos.ENTRIES,
    }
)
CATALOGUE: Mapping[str, Entry] = MappingProxyType(
    {entry.code: entry for entries in SUBJECTS.values() for entry in entries}
)


class _Template(string.Formatter):
    """``str.format`` that writes lists as words, groups thousands, and leaves absent numbers out."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, list | tuple):
            return ", ".join(map(str, value)) or "none"
        if isinstance(value, int) and not isinstance(value, bool) and not format_spec:
            return f"{value:,}"
        return shortened(str(super().format_field(value, format_spec)))


_TEMPLATE = _Template()


def look_up(code: str) -> Entry:
    """Return the catalogue's entry for `code`.

    Raises
    ------
    InputError
        The code does not exist; the message names the nearest ones.
    """
    entry = CATALOGUE.get(code)
    if entry is None:
        from difflib import get_close_matches  # noqa: PLC0415 - only on the way to an error

        near = get_close_matches(code, CATALOGUE, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        msg = f"unknown finding code {code!r}{hint}"
        raise InputError(msg)
    return entry


def severity_of(code: str, variant: str | None = None) -> Severity:
    """Return the severity that a finding of this code has by itself."""
    entry = CATALOGUE[code]
    return entry.severity if variant is None else entry.variants[variant].severity


def finding(
    code: str,
    *,
    variant: str | None = None,
    file: str | None = None,
    line: int | None = None,
    image: str | None = None,
    label: str | None = None,
    field: str | None = None,
    **data: Any,
) -> Finding:
    """Make a finding: the texts come from the catalogue, the values from the caller.

    Parameters
    ----------
    code : str
        A code of the catalogue.
    variant : str, optional
        A variant of the code; kept as ``data["variant"]``.
    file, line, image, label, field
        The place, as far as it is known (see :class:`manifest_tools.findings.findings.Location`).
    **data
        Values for the texts and for programs; ready for JSON.
    """
    entry = CATALOGUE[code]
    reading: Entry | Variant = entry
    if variant is not None:
        reading = entry.variants[variant]
        data["variant"] = variant
    location = Location(file, line, image, label, field)
    values = {"file": file, "line": line, "image": image, "label": label, "field": field} | data
    return Finding(
        code,
        reading.severity,
        location,
        _TEMPLATE.vformat(reading.message, (), values),
        _TEMPLATE.vformat(reading.fix, (), values),
        data,
    )
