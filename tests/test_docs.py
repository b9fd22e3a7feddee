"""The documentation is true: links lead somewhere, commands and names exist, tables are complete."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from collections.abc import Iterator

import click
import pytest
import typer.main

from manifest_tools.cli import app
from manifest_tools.dataset.tables import IMAGE_COLUMNS, LABEL_COLUMNS
from tests import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "sample_data" / "README.md"])
PAGES = [page for page in PAGES if "_generated" not in page.parts]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
COMMAND_LINE = typer.main.get_command(app)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^(?:\$ )?manifest-tools (.*)$")


def blocks(page) -> list[tuple[str, str]]:
    """Return language and text of each block of code."""
    return _FENCE.findall(page.read_text(encoding="utf-8"))


def anchors(page) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.casefold()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page):
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_and_their_options_exist(page):
    for line in commands(page):
        words = shlex.split(line, comments=True)
        command, words = found(words)
        options = {name for item in command.params for name in (*item.opts, *item.secondary_opts)} | {
            "--help",
            "-h",
        }
        used = [word.partition("=")[0] for word in words if word.startswith("--")]
        assert [name for name in used if name not in options] == [], line


def commands(page) -> Iterator[str]:
    for language, text in blocks(page):
        if language in ("", "sh", "console", "text"):
            for line in text.replace("\\\n", " ").splitlines():
                if (command := _COMMAND.match(line.strip())) and "..." not in command[1].partition("#")[0]:
                    yield re.split(r" (?:[|>]|&&|\|\|) ", command[1])[0]


def found(words) -> tuple[click.Command, list[str]]:
    command = COMMAND_LINE
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    assert command is not COMMAND_LINE or not words or words[0].startswith("-"), words
    return command, words


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_python_is_python_and_its_names_exist(page):
    for language, text in blocks(page):
        if language != "python":
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("manifest_tools"):
                module = importlib.import_module(node.module)
                assert [name.name for name in node.names if not hasattr(module, name.name)] == []


def test_every_page_is_in_the_site():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^([\w/-]+)$", index, re.MULTILINE))
    pages = [
        page.relative_to(ROOT / "docs").with_suffix("").as_posix()
        for page in PAGES
        if page.is_relative_to(ROOT / "docs")
    ]
    assert [
        page for page in pages if page not in listed | {"index"} and not page.startswith("sources/")
    ] == []


@pytest.mark.parametrize(("title", "columns"), [("images", IMAGE_COLUMNS), ("labels", LABEL_COLUMNS)])
def test_the_tables_are_told_with_every_column_and_type(title, columns):
    text = (
        (ROOT / "docs" / "tables.md")
        .read_text(encoding="utf-8")
        .partition(f"## {title}:")[2]
        .partition("\n## ")[0]
    )
    told = re.findall(r"^\| `(\w+)` \| (\w+) \|", text, re.MULTILINE)
    assert told == [(name, kind) for name, (kind, _) in columns.items()]
