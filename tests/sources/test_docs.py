"""Every source has a page, and says what it assumes and what is lost."""

from __future__ import annotations

import pytest

from manifest_tools.sources.formats.detect import FORMATS
from tests import ROOT

PAGES = ROOT / "docs" / "sources"


def test_every_format_and_every_page_is_in_the_overview():
    overview = (PAGES / "README.md").read_text(encoding="utf-8")

    assert [name for name in FORMATS if f"`{name}`" not in overview] == []
    assert [page.name for page in sorted(PAGES.glob("*.md")) if f"({page.name})" not in overview] == [
        "README.md"
    ]


@pytest.mark.parametrize(
    "page",
    [page for page in sorted(PAGES.glob("*.md")) if page.name != "README.md"],
    ids=lambda page: page.stem,
)
def test_a_page_has_an_example_and_says_what_is_assumed_and_what_is_lost(page):
    text = page.read_text(encoding="utf-8")

    assert "```" in text
    assert "**Assumptions.**" in text
    assert "**What is lost.**" in text
