"""Compiled templates are kept as Python keeps compiled modules, and a page never depends on them."""

from __future__ import annotations

import sys

import pytest

from manifest_tools.findings.findings import Report
from manifest_tools.reports import pages
from manifest_tools.reports.html import render_html


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "kept"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    yield
    pages.environment.cache_clear()


def page() -> str:
    pages.environment.cache_clear()  # as in a new process
    return render_html(Report((), {}))


def files(tmp_path):
    return sorted(path for path in tmp_path.rglob("*") if path.is_file())


def test_a_kept_template_makes_the_same_page(tmp_path, monkeypatch):
    first = page()
    kept = files(tmp_path)
    assert kept
    monkeypatch.setattr("jinja2.Environment.compile", lambda *_: pytest.fail("compiled again"))
    assert page() == first
    assert files(tmp_path) == kept


@pytest.mark.parametrize("content", [b"", b"j2", b"no template", b"half"])
def test_a_broken_file_is_replaced(content, tmp_path):
    first = page()
    for path in files(tmp_path):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
    assert page() == first
    assert b"no template" not in [path.read_bytes() for path in files(tmp_path)]


@pytest.mark.parametrize("why", ["python writes none", "a file is in the way"])
def test_where_nothing_can_be_kept_the_page_is_made_all_the_same(why, tmp_path, monkeypatch):
    expected = page()
    if why == "python writes none":
        monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "other"))
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
    else:
        (tmp_path / "file").touch()
        monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "file"))
    before = files(tmp_path)
    assert page() == expected
    assert files(tmp_path) == before
