"""A report as one self-contained page."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from manifest_tools.dataset import Dataset
from manifest_tools.errors import InputError
from manifest_tools.findings import Report
from manifest_tools.reports import summary

THUMBNAILS = ("none", "hidden")


def render_html(report: Report, dataset: Dataset | None = None, *, thumbnails: str = "none") -> str:
    """Return the report as one HTML page that needs nothing but itself.

    Parameters
    ----------
    report : Report
        Of any command.
    dataset : Dataset, optional
        The data set that was checked: for look-alikes, charts, the threshold and pictures.
    thumbnails : {"none", "hidden"}
        "none" puts no pixel into the page; "hidden" embeds small pictures that stay hidden until the
        reader reveals them one by one.

    Raises
    ------
    InputError
        `thumbnails` is neither of the two.
    """
    if thumbnails not in THUMBNAILS:
        msg = f"thumbnails is {thumbnails!r}; expected one of {', '.join(THUMBNAILS)}"
        raise InputError(msg)
    return (
        _environment()
        .get_template("report.html")
        .render(report=report, summary=summary, style=_asset("report.css"), script=_asset("report.js"))
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("manifest_tools.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["shown"] = lambda value: summary.printable(str(value))
    environment.filters["number"] = lambda value: "?" if value is None else f"{value:,}"
    return environment


@cache
def _asset(name: str) -> dict[str, Any]:
    """Return a file of the page, and the hash by which the page's own policy lets it run."""
    text = files("manifest_tools.reports").joinpath("templates", name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"text": Markup(text), "hash": f"sha256-{digest}"}  # noqa: S704 - our own file
