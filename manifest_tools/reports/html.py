"""A report as one self-contained page: no network, no script of others, no pixel unless asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from manifest_tools.core.errors import InputError
from manifest_tools.core.text import printable
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.outcomes import compare
from manifest_tools.findings.findings import Finding, Report
from manifest_tools.findings.policy import Policy
from manifest_tools.reports import people, summary
from manifest_tools.reports.advice import Advice, advice
from manifest_tools.reports.alike import AllLookAlikes, look_alikes
from manifest_tools.reports.charts import charts
from manifest_tools.reports.confusion import confusion
from manifest_tools.reports.definitions import DEFINITIONS_TITLE, definitions
from manifest_tools.reports.pages import asset, environment
from manifest_tools.reports.power import POWER_METHOD, POWER_TITLE, power_lines
from manifest_tools.reports.thumbnails import Thumbnail
from manifest_tools.reports.thumbnails import thumbnails as small_pictures

THUMBNAILS = ("none", "hidden")
PLACES = 10  # of each code, before the reader asks for more
FINDINGS_BUDGET = 1_500_000  # characters of findings that the page can search; findings.jsonl holds them all


def render_html(
    report: Report, dataset: Dataset | None = None, *, thumbnails: str = "none", next_step: str = ""
) -> str:
    """Return the report as one HTML page that needs nothing but itself.

    Parameters
    ----------
    report : Report
        Of any command.
    dataset : Dataset, optional
        The data set that was checked: for look-alikes, charts, the threshold and pictures.
    thumbnails : {"none", "hidden"}
        "none" puts no pixel into the page; "hidden" embeds small pictures of the images that the page names,
        which stay hidden until the reader reveals them one by one.
    next_step : str
        What comes next in the round, as a line.

    Returns
    -------
    str
        The page; below 5 MB whatever the number of images.

    Raises
    ------
    InputError
        `thumbnails` is neither of the two.
    """
    if thumbnails not in THUMBNAILS:
        msg = f"thumbnails is {thumbnails!r}; expected one of {', '.join(THUMBNAILS)}"
        raise InputError(msg)
    groups = summary.groups(report)
    parts: dict[str, Any] = {"alike": None, "charts": (), "confusion": None}
    if dataset is not None:
        policy = Policy.from_dict(report.facts.get("made", {}).get("policy", dataset.policy))
        outcomes = compare(dataset, policy)
        parts["alike"] = look_alikes(dataset, outcomes.truth)
        parts["charts"] = charts(dataset)
        parts["confusion"] = confusion(dataset, outcomes, policy, [row["label"] for row in report.labels])
    plan = advice(report)
    pictures: dict[str, Thumbnail] = {}
    if dataset is not None and thumbnails == "hidden":
        pictures = small_pictures(dataset, _named(plan, groups, parts["alike"]))
    numbers = {image: number for number, image in enumerate(pictures)}
    data = {
        "findings": [_rows(group, FINDINGS_BUDGET // len(groups), numbers) for group in groups],
        "places": PLACES,
        "pictures": list(pictures.values()),
        "alike": [[member.image for member in group.members] for group in parts["alike"].listed]
        if parts["alike"]
        else [],
        "confusion": parts["confusion"] and parts["confusion"].to_dict(),
    }
    page = environment().get_template("report.html")
    return page.render(
        report=report,
        next_step=next_step,
        facts=report.facts,
        answer=summary.answer(report),
        groups=groups,
        plan=plan,
        power=power_lines(report),
        defined=definitions(report),
        defined_title=DEFINITIONS_TITLE,
        people=people,
        power_title=POWER_TITLE,
        power_method=POWER_METHOD,
        pictures=numbers,
        data=_embedded(data),
        summary=summary,
        places=PLACES,
        place=place,
        style=asset("report.css"),
        scripts=[asset("report.js"), asset("printing.js")],
        **parts,
    )


def _named(
    plan: tuple[Advice, ...], groups: tuple[summary.Group, ...], alike: AllLookAlikes | None
) -> Iterator[str]:
    """Yield the images that the page names, the more useful to look at first."""
    for item in plan:
        yield from (image for image, _ in item.images)
    for group in groups:
        yield from (finding.location.image or "" for finding in group.findings[:PLACES])
    for alikes in alike.listed if alike else ():
        yield from (member.image for member in alikes.members)


def _rows(group: summary.Group, budget: int, pictures: dict[str, int]) -> list[list[str | int]]:
    """Return a group's findings for the page's search, up to a budget.

    Each is place, message, fix (where the group has several), whether its image is left out, and the number of
    its picture (-1 without).
    """
    rows: list[list[str | int]] = []
    for finding in group.findings:
        row = [place(finding), printable(finding.message), "" if group.fix else finding.fix]
        budget -= sum(map(len, row)) + 16
        if budget < 0 and len(rows) >= PLACES:
            break
        rows.append([*row, int(finding.left_out), pictures.get(finding.location.image or "", -1)])
    return rows


def place(finding: Finding) -> str:
    """Return where a finding is, in words."""
    return summary.place(finding) or "the whole set"


def _embedded(data: Any) -> Markup:
    """Return JSON that nothing in it can break out of: it holds no ``<``, ``>`` or ``&``."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped just now
