"""A browser for the pages, and what axe says of one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

_AXE = importlib.util.find_spec("axe_playwright_python")


def violations(page: Any) -> list[Any]:
    """Return what axe finds wrong with a page, everything on it open."""
    if _AXE is None or _AXE.origin is None:
        pytest.skip("axe-playwright-python is not installed; it brings axe-core")
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    axe = Path(_AXE.origin).with_name("axe.min.js").read_text(encoding="utf-8")
    page.evaluate(axe)  # evaluated by the debugger, so the page's own policy does not forbid it
    return page.evaluate("axe.run().then(result => result.violations.map(v => [v.id, v.nodes[0].html]))")
