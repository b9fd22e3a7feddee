"""What the test set can show, in words: one paragraph for each target."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from manifest_tools.core.text import counted
from manifest_tools.findings.findings import Report
from manifest_tools.reports.summary import GOALS

POWER_TITLE = "What the test set can show"
POWER_METHOD = (
    "in 80 % of trials, by the exact McNemar test at 5 %, if nothing is newly caused; look-alikes count once"
)


def power_lines(report: Report) -> tuple[tuple[str, str], ...]:
    """Return for each target its name, and what the test set can show of it; empty before a split."""
    return tuple(
        (f"{entry['label']}, {GOALS[entry['goal']]}", _told(entry)) for entry in report.facts.get("power", ())
    )


def _told(entry: Mapping[str, Any]) -> str:
    mistakes = entry["mistakes"]
    have = f"{mistakes:,} of {counted(entry['images'], 'test image')}"
    if entry["unknown"]:
        have += f" ({entry['unknown']:,} more not known yet)"
    least = entry["detectable"]
    if least is None:
        shown = "no repair would show, however complete"
    else:
        shown = f"a repair of {ceil(round(100 * least, 6))} % of them would show"
    wanted = [
        f"{100 * share['repaired']:.0f} % ({share['more']:,} more)"
        for share in entry["shares"]
        if share["more"]
    ]
    more = f"; for less, more of them are needed: {', '.join(reversed(wanted))}" if wanted else ""
    return f"{have}: {shown}{more}"
