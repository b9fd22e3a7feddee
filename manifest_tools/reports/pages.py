"""What every page of ours is made with: templates that escape, and styles and scripts of our own."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from manifest_tools.core.text import printable


@cache
def environment() -> Environment:
    """Return where templates come from, and the filters that all of them have."""
    made = Environment(
        loader=PackageLoader("manifest_tools.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: Mapping[str, Any] = {
        "shown": lambda value: printable(str(value)),
        "number": lambda value: "?" if value is None else f"{value:,}",
        "plain_json": lambda value: json.dumps(value, ensure_ascii=False, sort_keys=True),
        "percent": lambda part, whole: f"{100 * part / whole:.0f} %" if whole else "none",
    }
    made.filters |= filters
    return made


@cache
def asset(name: str) -> dict[str, Any]:
    """Return a file of a page, and the hash by which the page's own policy lets it run."""
    text = files("manifest_tools.reports").joinpath("templates", name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"text": Markup(text), "hash": f"sha256-{digest}"}  # noqa: S704 - our own file
